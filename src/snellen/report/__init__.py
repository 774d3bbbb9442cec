"""Findings as a page (data, then page dataclasses, then templates and CSS), as JSON and as terminal text."""
