"""Transposed convolutions whose outputs are sums of unequally many inputs, as a finding."""

from collections.abc import Sequence
from math import prod

from snellen.findings.evidence import Table
from snellen.findings.finding import Finding
from snellen.instruments.architecture.operations import Window

REFERENCE = "Odena, Dumoulin, Olah 2016, Deconvolution and checkerboard artifacts, Distill."


def overlap(check: str, layers: Sequence[tuple[str, Sequence[Window]]]) -> Finding | None:
    """What the windows of layers say, one window an axis; None where no transposed convolution has a stride.

    Args:
        check: whose finding it is.
        layers: their names and windows.
    """
    strided = [(name, axes) for name, axes in layers if any(w.transposed and w.stride > 1 for w in axes)]
    if not strided:
        return None
    uneven = [(name, axes) for name, axes in strided if any(w.uneven for w in axes)]
    if not uneven:
        text = f"In all {len(strided)} transposed convolutions every output is a sum of equally many inputs."
        return Finding(check, "ok", "Transposed convolutions write evenly", text)
    rows = tuple(
        (name, _by([w.kernel for w in axes]), _by([w.stride for w in axes]), _by([w.dilation for w in axes]), terms)
        for name, axes in uneven
        for terms in [" to ".join(str(prod(counts)) for counts in zip(*(w.summed for w in axes), strict=True))]
    )
    return Finding(
        check,
        "warning",
        "Transposed convolutions write unevenly",
        f"In {len(uneven)} of {len(strided)} transposed convolutions, {rows[0][0]} first, neighbouring outputs are "
        f"sums of unequally many inputs: of {rows[0][-1]} there.",
        remedy="Make the kernel a multiple of the stride (4 for 2), without a dilation, or resize and convolve.",
        evidence=(Table("Uneven overlap", ("layer", "kernel", "stride", "dilation", "inputs a pixel"), rows),),
        reference=REFERENCE,
    )


def _by(sizes: Sequence[int]) -> str:
    return " x ".join(map(str, sizes))
