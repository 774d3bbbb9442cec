"""Is a generator sound? Checks of the pictures that it made against real ones."""

from snellen._family import Family
from snellen.checks.generation._base import GenerationCheck

CHECKS: Family[GenerationCheck] = Family(__name__, GenerationCheck)
