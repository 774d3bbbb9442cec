"""What it is built of."""
