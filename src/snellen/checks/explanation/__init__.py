"""What it looks at."""
