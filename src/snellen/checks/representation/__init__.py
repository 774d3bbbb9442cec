"""What its features are worth."""
