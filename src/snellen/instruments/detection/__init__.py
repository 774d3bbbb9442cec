"""Boxes, which of them stay, and how good they are."""
