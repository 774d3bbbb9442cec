"""What a network looks at: one number per pixel and channel. One file is one method."""

from snellen._family import Family
from snellen.instruments.attribution._base import AttributionMethod

METHODS = Family(__name__, AttributionMethod)
