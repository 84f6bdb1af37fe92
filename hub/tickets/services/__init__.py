"""What is done with tickets after the sale."""
