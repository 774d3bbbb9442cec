"""Drawings: words as text, colours of the page, the same every time, any name and any number."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest

from report.synthetic import findings
from snellen.findings.evidence import Curve, Matrix
from snellen.report.charts import draw

_NAMES = ("$x^2$ & <b>", "猫", "a\x00b\x1b", "broken \udcff", "-", "")


def _matrix(k: int) -> Matrix:
    return Matrix("Confusion", "true class", "said", tuple(f"class {i}" for i in range(k)), np.eye(k, dtype=np.int64))


def _svg(evidence: Curve | Matrix) -> str:
    drawing = draw(evidence)
    assert drawing is not None
    ElementTree.fromstring(drawing.svg)
    return drawing.svg


def _drawable() -> list[Curve | Matrix]:
    return [e for f in findings() for e in f.evidence if isinstance(e, (Curve, Matrix))]


@pytest.mark.parametrize("evidence", _drawable(), ids=lambda e: e.title)
def test_a_drawing_has_no_colour_size_or_font_of_its_own(evidence: Curve | Matrix) -> None:
    svg = _svg(evidence)
    assert "var(--" in svg
    assert not re.search(r"#[0-9a-f]{6}\b", svg)
    assert not re.search(r"<svg[^>]* (width|height)=", svg)
    assert "font-family" not in svg
    assert "<style" not in svg
    assert "xmlns" not in svg
    assert "<text" in svg
    assert evidence.title in svg
    assert svg == _svg(evidence)


@pytest.mark.parametrize("evidence", _drawable(), ids=lambda e: e.title)
def test_words_are_legible_on_a_telephone(evidence: Curve | Matrix) -> None:
    svg = _svg(evidence)
    drawing = draw(evidence)
    assert drawing is not None
    sizes = [float(size) for size in re.findall(r"font-size: ([\d.]+)px", svg)]
    shown_at = max(328, drawing.width if drawing.width > 400 else 328)
    assert min(sizes) * shown_at / drawing.width >= 11


def test_any_name_can_be_drawn() -> None:
    k = len(_NAMES)
    assert "$x^2$ &amp; &lt;b&gt;" in _svg(Matrix("t\x00", "猫", "\udcff", _NAMES, np.eye(k, dtype=np.int64)))
    series = dict.fromkeys(_NAMES, ((0.0, 1.0), (0.0, 1.0)))
    _svg(Curve("t\x00", "猫\x1b", "$y$", series, marks={name: i / 7 for i, name in enumerate(_NAMES)}))


@pytest.mark.parametrize(
    "values", [(), (1.0,), (float("nan"),) * 3, (float("inf"), 0.0, -1.0), (1e-12, 1e12), (2.0, 2.0, 2.0)]
)
@pytest.mark.parametrize("kind", ["line", "histogram"])
def test_any_numbers_can_be_drawn(values: tuple[float, ...], kind: str) -> None:
    x = tuple(map(float, range(len(values))))
    _svg(Curve("t", "x", "y", {"a": (x, values)}, kind=kind))  # type: ignore[arg-type]


def test_no_series_and_no_classes_can_be_drawn() -> None:
    _svg(Curve("t", "x", "y", {}))
    assert draw(_matrix(0)) is None


def test_a_histogram_of_the_wrong_length_is_refused() -> None:
    with pytest.raises(ValueError, match="3 edges or 2 middles, got 5"):
        draw(Curve("t", "x", "y", {"a": ((0.0,) * 5, (1.0, 1.0))}, kind="histogram"))


def test_too_many_classes_are_not_drawn() -> None:
    assert draw(_matrix(41)) is None
    few, many = draw(_matrix(3)), draw(_matrix(40))
    assert few is not None
    assert many is not None
    assert few.width < 400 < many.width


def test_places_in_a_plane_have_one_scale_and_lines_only_where_there_are_gaps() -> None:
    nan = float("nan")
    series = {"A": ((0.0, 8.0), (0.0, 1.0)), "moves": ((0.0, 8.0, nan), (0.0, 1.0, nan))}
    svg = _svg(Curve("t", "x", "y", series, "points"))
    ((x, y, right, up),) = re.findall(r'd="M ([\d.]+) ([\d.]+)  L ([\d.]+) ([\d.]+)  " clip-path=[^>]*series-2', svg)
    assert float(right) - float(x) == pytest.approx(8 * (float(y) - float(up)), rel=1e-3)
    assert len(re.findall(r"<use[^>]*series-1", svg)) == 3, "two places and the legend"
