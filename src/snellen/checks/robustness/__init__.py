"""How easily it is fooled."""
