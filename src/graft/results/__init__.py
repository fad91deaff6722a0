"""What fits, predictions and evaluations found, as plain data."""
