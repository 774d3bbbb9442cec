"""Restored puzzles as findings: one file = one question."""
