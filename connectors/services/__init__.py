"""What connectors do: receive deliveries and write the catalogue."""
