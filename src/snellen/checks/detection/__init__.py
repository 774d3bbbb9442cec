"""How well does a detector find what is there, and how does it err? Checks of what it said of scenes."""

from snellen._family import Family
from snellen.checks.detection._base import DetectionCheck

CHECKS: Family[DetectionCheck] = Family(__name__, DetectionCheck)
