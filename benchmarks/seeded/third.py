"""A third set of set-ups written without sight of the audit's rules; its healthy ones are many, and odd.

The others are ``blind.py`` and ``second.py``, whose shape it has.
"""

from seeded.third_faults import FAULTS
from seeded.third_healthy import HEALTHY

__all__ = ["FAULTS", "HEALTHY"]
