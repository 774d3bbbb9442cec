"""When a network does not know: distributions over its answers. One file is one method."""

from snellen._family import Family
from snellen.instruments.uncertainty._base import UncertaintyMethod

METHODS = Family(__name__, UncertaintyMethod)
