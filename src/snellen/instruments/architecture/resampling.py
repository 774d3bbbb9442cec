"""Interpolation and adaptive pooling, in any ratio: which inputs an output reads."""

from fractions import Fraction
from math import ceil, floor

from snellen.instruments.architecture.operations import Node
from snellen.instruments.architecture.reach import Reach

RESIZES: tuple[str, ...] = (
    "upsample_nearest",
    "_upsample_nearest_exact",
    "upsample_linear",
    "upsample_bilinear",
    "upsample_trilinear",
    "upsample_bicubic",
    "_upsample_bilinear",
    "_upsample_bicubic",
)
ADAPTIVE = ("_adaptive_avg_pool", "adaptive_avg_pool", "adaptive_max_pool")


def resampled(node: Node, inputs: int, outputs: int) -> Reach:
    """Which inputs an output reads, along one axis.

    Args:
        node: the interpolation or adaptive pooling.
        inputs: how many there are.
        outputs: likewise.

    >>> pooling = Node(index=1, module="", kind="_adaptive_avg_pool2d", inputs=(0,), operands=(), output_shape=())
    >>> reads = resampled(pooling, 5, 2)
    >>> reads.at(0), reads.at(1)
    ((0, 2), (2, 4))
    """
    ratio, corners = Fraction(inputs, outputs), bool(node.settings.get("align_corners"))
    if node.kind.startswith(ADAPTIVE):
        return Reach.scaled(inputs, outputs, lambda x: (floor(x), ceil(x + ratio) - 1))
    if "nearest" in node.kind:
        half = ratio / 2 if "exact" in node.kind else Fraction(0)
        return Reach.scaled(inputs, outputs, lambda x: (floor(x + half), floor(x + half)))
    taps = Fraction(2 if "cubic" in node.kind else 1)
    shift = Fraction(0) if corners else ratio / 2 - Fraction(1, 2)
    if node.kind.endswith("_aa"):
        taps *= max(ratio, Fraction(1))

    def reads(x: Fraction) -> tuple[int, int]:
        x += shift
        if x.denominator == 1 and taps.denominator == 1 and ratio <= 1:
            return int(x), int(x)
        return floor(x - taps) + 1, ceil(x + taps) - 1

    if corners:
        return Reach.scaled(max(inputs - 1, 1), max(outputs - 1, 1), reads)
    return Reach.scaled(inputs, outputs, reads)
