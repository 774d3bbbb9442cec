"""Questions that an experiment answers: one file, one study; they are found and not listed."""

from snellen._family import Family
from snellen.studies._base import Study

STUDIES: Family[Study[object]] = Family(__name__, Study)
