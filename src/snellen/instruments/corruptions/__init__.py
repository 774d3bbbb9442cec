"""Common corruptions: what weather, cameras and files do to pictures. One file is one corruption."""

from collections.abc import Mapping

from snellen._family import Family
from snellen.instruments.corruptions._base import Corruption

METHODS: Mapping[str, type[Corruption]] = Family(__name__, Corruption)
"""The corruptions by name: ``METHODS["fog"]``."""
