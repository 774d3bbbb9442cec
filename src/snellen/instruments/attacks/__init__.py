"""Adversarial attacks: how little must change for the network to change its mind."""

from collections.abc import Mapping

from snellen._family import Family
from snellen.instruments.attacks._base import Attack

METHODS: Mapping[str, type[Attack]] = Family(__name__, Attack)
"""The methods by name: ``METHODS["pgd"]``."""
