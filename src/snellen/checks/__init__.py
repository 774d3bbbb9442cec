"""Subject -> findings: one file is one question. A check is named ``area/file``."""

from snellen.checks._base import CHECKS as CHECKS
