"""Is a training set-up sound? Checks of one observed step."""

from snellen._family import Family
from snellen.checks.training._base import TrainingCheck

CHECKS: Family[TrainingCheck] = Family(__name__, TrainingCheck)
