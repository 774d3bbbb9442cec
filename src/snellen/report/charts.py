"""Curves and matrices as inline SVG that fits a telephone and follows the page's light and dark."""

import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from snellen.findings.evidence import Curve, Matrix
from snellen.report.confusion import MOST_CLASSES, confusion_svg
from snellen.report.inline_svg import FONT_SIZE, INK, SERIES, WIDTH, canvas, legible, to_svg
from snellen.report.numerals import number

_DASHES: tuple[Any, ...] = ("-", (0, (5, 2)), (0, (1, 1.5)), (0, (6, 2, 1, 2)))
_LEGEND_ROWS = 6


@dataclass(frozen=True)
class Drawing:
    """An ``<svg>`` element and the width in CSS pixels below which its words would be too small."""

    svg: str
    width: int


def draw(evidence: Curve | Matrix) -> Drawing | None:
    """The drawing of a curve or a matrix; ``None`` for a matrix of none or of too many classes."""
    if isinstance(evidence, Curve):
        return Drawing(curve_svg(evidence), WIDTH)
    if not 0 < len(evidence.names) <= MOST_CLASSES:
        return None
    svg, width = confusion_svg(evidence)
    return Drawing(svg, width)


def curve_svg(curve: Curve) -> str:
    """Lines or steps over one axis, told apart by colour and dash, with a word at every mark."""
    from matplotlib.ticker import MaxNLocator

    legend = min(len(curve.series), _LEGEND_ROWS) if len(curve.series) > 1 else 0
    height = 332 if curve.kind == "points" else 252
    with canvas(WIDTH, height + 18 * legend, layout="constrained") as figure:
        axes = figure.add_subplot()
        for i, (name, (x, y)) in enumerate(curve.series.items()):
            _draw_series(axes, curve.kind, i, legible(name, 40), x, y)
        axes.set_xlabel(_wrapped(curve.x_label))
        axes.set_title(_wrapped(curve.y_label), loc="left", color=axes.xaxis.label.get_color(), x=0.0)
        axes.grid(axis="y")
        axes.set_axisbelow(True)
        axes.tick_params(length=3)
        whole = all(float(value).is_integer() for x, _ in curve.series.values() for value in x)
        axes.xaxis.set_major_locator(MaxNLocator(5, integer=whole))
        axes.yaxis.set_major_locator(MaxNLocator(5))
        _draw_marks(axes, curve)
        if legend:
            columns = math.ceil(len(curve.series) / _LEGEND_ROWS)
            figure.legend(loc="outside lower left", ncols=columns, handlelength=2.4, borderaxespad=0.2)
        return to_svg(figure, label=f"{curve.title}: {curve.y_label} against {curve.x_label}")


def _draw_series(axes: Any, kind: str, i: int, name: str, x: Sequence[float], y: Sequence[float]) -> None:
    xs, ys = _finite(x), _finite(y)
    if not len(ys):
        return
    colour, dash = SERIES[i % len(SERIES)], _DASHES[i % len(_DASHES)]
    if kind == "histogram":
        edges = _edges(xs, len(ys))
        axes.stairs(ys, edges, fill=True, color=colour, alpha=0.22, linewidth=0)
        axes.stairs(ys, edges, color=colour, linewidth=1.8, linestyle=dash, label=name)
        if np.nanmax(ys, initial=0) > 0:
            axes.set_ylim(bottom=0)
    elif kind == "points":
        joined = bool(np.isnan(ys).any())
        line = {"linewidth": 1.0, "alpha": 0.6} if joined else {"linewidth": 0, "marker": "os^Dv*"[i % 6]}
        size = 6 if len(ys) <= 15 else 4 if len(ys) <= 100 else 2.5
        axes.plot(xs, ys, color=colour, markersize=size, label=name, **line)
        axes.set_aspect("equal", adjustable="datalim")
    else:
        marker = "o" if np.isfinite(ys).sum() <= 15 else ""
        axes.plot(xs, ys, color=colour, linewidth=1.9, linestyle=dash, marker=marker, markersize=4, label=name)


def _finite(values: Sequence[float]) -> Any:
    array = np.asarray(values, dtype=np.float64)
    return np.where(np.isfinite(array), array, np.nan)


def _edges(x: Any, bins: int) -> Any:
    """The edges of a histogram's bins; as many x as bins are taken for the middles of equal bins."""
    if len(x) == bins + 1:
        return x
    if len(x) != bins:
        raise ValueError(f"a histogram of {bins} bins has {bins + 1} edges or {bins} middles, got {len(x)}")
    width = float(np.median(np.diff(x))) if bins > 1 else 1.0
    return np.append(x - width / 2, x[-1:] + width / 2)


def _draw_marks(axes: Any, curve: Curve) -> None:
    """A line at each mark, and its word in the room that is made for it above the data."""
    marks = sorted((value, name) for name, value in curve.marks.items() if math.isfinite(value))
    if not marks:
        return
    levels = min(len(marks), 3)
    bottom, top = axes.get_ylim()
    step = 0.095 * (top - bottom)
    axes.set_ylim(bottom, top + levels * step)
    for value, _ in marks:
        axes.axvline(value, color=INK, linewidth=1.0, linestyle=(0, (2, 2)))
    left, right = axes.get_xlim()
    for i, (value, name) in enumerate(marks):
        near_end = value > (left + right) / 2
        axes.annotate(
            f"{legible(name, 24)} {number(value)}",
            (value, top + (levels - i % levels - 0.5) * step),
            xytext=(-4 if near_end else 4, 0),
            textcoords="offset points",
            ha="right" if near_end else "left",
            va="center",
            fontsize=FONT_SIZE,
            color=INK,
        )


def _wrapped(label: str) -> str:
    return "\n".join(textwrap.wrap(legible(label, 138), 46))
