"""A chart of the same numbers is drawn once: drawing takes most of the time of a page, and has tests of its own."""

import pickle

import pytest

from snellen.findings.evidence import Curve, Matrix
from snellen.report import to_html
from snellen.report.charts import Drawing, draw

_DRAWN: dict[bytes, Drawing | None] = {}


def draw_once(patch: pytest.MonkeyPatch) -> None:
    """Until the patch is undone pages take charts that are there already."""
    patch.setattr(to_html, "draw", _drawn)


def draw_nothing(patch: pytest.MonkeyPatch) -> None:
    """Until the patch is undone pages have an empty drawing where a chart would be: for tests of other things."""
    patch.setattr(to_html, "draw", lambda _: Drawing("<svg/>", 300))


def _drawn(evidence: Curve | Matrix) -> Drawing | None:
    key = pickle.dumps(evidence)
    if key not in _DRAWN:
        _DRAWN[key] = draw(evidence)
    return _DRAWN[key]
