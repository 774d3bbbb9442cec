"""Is a network wired as its author believes? Checks of one traced forward."""

from snellen._family import Family
from snellen.checks.wiring._base import WiringCheck

CHECKS: Family[WiringCheck] = Family(__name__, WiringCheck)
