"""When it does not know."""
