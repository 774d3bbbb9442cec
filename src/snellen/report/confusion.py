"""A confusion matrix as inline SVG: right in one colour on the diagonal, wrong in another off it."""

from typing import Any

import numpy as np

from snellen.findings.evidence import Matrix
from snellen.report.inline_svg import (
    FONT_SIZE,
    INK,
    MUTED,
    PAPER,
    RIGHT,
    RULE,
    WIDTH,
    WRONG,
    canvas,
    legible,
    to_svg,
)

MOST_CLASSES = 40
LEGEND = "Depth of colour: share of the row. On the diagonal: right; off it, in red: wrong."
_NARROWEST_CELL = 17.0
_LONGEST_NAME = 16
_COUNTS_UP_TO = 12


def confusion_svg(matrix: Matrix) -> tuple[str, int]:
    """The matrix, and the width in CSS pixels that its words need: more with more classes."""
    names = [legible(name, _LONGEST_NAME) for name in matrix.names]
    k = len(names)
    margin = 30 + 0.6 * FONT_SIZE * max((len(n) for n in names), default=1)
    cell = max((WIDTH - margin - 4) / max(k, 1), _NARROWEST_CELL)
    upright = max((len(n) for n in names), default=1) * 0.62 * FONT_SIZE > cell
    head = margin if upright else 30 + FONT_SIZE
    width, height = margin + cell * k + 4, head + cell * k + 4
    with canvas(width, height) as figure:
        axes = figure.add_axes((margin / width, 4 / height, cell * k / width, cell * k / height))
        axes.set(xlim=(0, k), ylim=(k, 0))
        _draw_cells(axes, matrix.values, counts=k <= _COUNTS_UP_TO)
        _draw_names(axes, matrix, names, upright=upright)
        label = f"{matrix.title}: {matrix.row_label} in the rows, {matrix.column_label} in the columns"
        return to_svg(figure, label=label), round(width)


def _draw_cells(axes: Any, values: Any, *, counts: bool) -> None:
    from matplotlib.patches import Rectangle

    shares = values / np.maximum(values.sum(axis=1, keepdims=True), 1)
    for row, column in np.argwhere(values > 0):
        share = float(shares[row, column])
        axes.add_patch(
            Rectangle(
                (column + 0.04, row + 0.04),
                0.92,
                0.92,
                facecolor=RIGHT if row == column else WRONG,
                alpha=0.22 + 0.78 * share,
                linewidth=0,
            )
        )
        if counts:
            count = int(values[row, column])
            axes.text(
                column + 0.5,
                row + 0.5,
                f"{count}" if count < 10_000 else f"{count / 1000:.0f}k",
                ha="center",
                va="center_baseline",
                fontsize=FONT_SIZE if count < 1000 else FONT_SIZE - 2,
                color=PAPER if share > 0.45 else INK,
            )


def _draw_names(axes: Any, matrix: Matrix, names: list[str], *, upright: bool) -> None:
    middles = np.arange(len(names)) + 0.5
    axes.set_yticks(middles, names)
    axes.set_xticks(middles, names, rotation=90 if upright else 0)
    axes.tick_params(length=0, top=True, labeltop=True, bottom=False, labelbottom=False, pad=3)
    axes.set_ylabel(legible(matrix.row_label, 60), color=MUTED)
    axes.set_xlabel(legible(matrix.column_label, 60), color=MUTED)
    axes.xaxis.set_label_position("top")
    for side in ("top", "right", "bottom", "left"):
        axes.spines[side].set_visible(True)
        axes.spines[side].set_color(RULE)
