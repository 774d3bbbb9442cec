"""Recipes: one file trains one network, read from top to bottom."""
