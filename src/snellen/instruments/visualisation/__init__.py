"""What the network would like to see: images made by gradient ascent. One file is one method."""

from snellen._family import Family
from snellen.instruments.visualisation._base import VisualisationMethod

METHODS = Family(__name__, VisualisationMethod)
