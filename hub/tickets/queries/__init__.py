"""What is read of tickets after the sale. Nothing here writes."""
