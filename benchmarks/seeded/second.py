"""A second set of set-ups written without sight of the audit's rules: other networks, other tasks, other mistakes.

The first is ``blind.py``, whose shape it has.
"""

from seeded.second_faults import FAULTS
from seeded.second_healthy import HEALTHY

__all__ = ["FAULTS", "HEALTHY"]
