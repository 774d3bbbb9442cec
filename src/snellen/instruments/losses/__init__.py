"""Losses as mathematics: what they are, and where they are least."""
