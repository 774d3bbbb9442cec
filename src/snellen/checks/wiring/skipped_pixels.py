"""Does a stride jump over inputs?"""

from collections.abc import Sequence
from dataclasses import dataclass

from snellen.checks.wiring._base import Inspected, WiringCheck, by, consumers, listed
from snellen.findings.evidence import Table
from snellen.findings.finding import Finding
from snellen.instruments.architecture.operations import PADS, Node, Window
from snellen.instruments.architecture.wiring import Wiring

NAME = "wiring/skipped_pixels"


@dataclass(frozen=True)
class SkippedPixels(WiringCheck):
    """A stride beyond the kernel, or one that meets a dilation: inputs that no output reads, nor anything else.

    With kernel k, stride s and dilation d the taps fall on min(k, s / gcd(s, d)) of every s inputs: a kernel of 3 with
    stride 2 and dilation 2 reads every second one.

    Without padding the last window may also end before the last row: a kernel of 3 with stride 2 reads 223 of 224. That
    is said, for information, where nothing between the rows is skipped.

    The 1 x 1 shortcut of stride 2 in a ResNet is not meant: its block reads the pixels it leaves out. A warning if
    pixels of the image itself are never looked at, else for information. Refuted where leaving them out is meant as a
    cheap subsampling.
    """

    def __call__(self, seen: Inspected) -> Sequence[Finding]:
        readers = consumers(seen.wired)
        found = []
        for node in seen.wired.nodes:
            skipping = [r for r in readers[node.index] if any(w.skips for w in r.windows)]
            if skipping and len(skipping) == len(readers[node.index]):
                found += [(node, r) for r in skipping]
        if not found:
            return [_ends(seen.wired, readers)]
        rows = tuple(
            (
                r.module or r.kind,
                by([w.kernel for w in r.windows]),
                by([w.stride for w in r.windows]),
                by([w.dilation for w in r.windows]),
                _share(r.windows),
            )
            for _, r in found
        )
        most = max(_share(r.windows) for _, r in found)
        of_image = any(node.kind == "input" for node, _ in found)
        names = listed(list(dict.fromkeys(r.module or r.kind for _, r in found)))
        return [
            Finding(
                NAME,
                "warning" if of_image else "info",
                "Pixels that nothing looks at" if of_image else "Activations that nothing reads",
                f"The kernel and its stride miss inputs in {names}: "
                f"{most:.0%} of {'the image' if of_image else 'their input'} is never read.",
                remedy="Make the kernel at least as large as the stride, without a common divisor of stride and "
                "dilation; or pool before it.",
                evidence=(Table("What is left out", ("layer", "kernel", "stride", "dilation", "left out"), rows),),
            )
        ]


def _ends(wired: Wiring, readers: Sequence[Sequence[Node]]) -> Finding:
    """Rows at the ends that no window covers, or that there are none."""
    rows = []
    for node, sliding in zip(wired.nodes, readers, strict=True):
        if not sliding or not all(r.windows and r.kind not in PADS for r in sliding):
            continue
        extents = node.output_shape[-len(sliding[0].windows) :]
        covered = [len(set().union(*(_covered(r, axis, n) for r in sliding))) for axis, n in enumerate(extents)]
        if covered != list(extents):
            names = listed(list(dict.fromkeys(r.module or r.kind for r in sliding)))
            rows.append((names, "the image" if node.kind == "input" else "its input", covered, extents))
    if not rows:
        text = "Every convolution and pooling reads all of its input, or something else does."
        return Finding(NAME, "ok", "No pixels are skipped", text)
    told = [f"{name} reads {_counted(covered, extents)} of {what}" for name, what, covered, extents in rows]
    return Finding(
        NAME,
        "info",
        "The last rows are not read",
        f"Nothing is skipped between, but windows end before the border: {listed(told, 2)}.",
        evidence=(
            Table(
                "What is read",
                ("layer", "read", "of"),
                tuple((name, by(covered), by(extents)) for name, _, covered, extents in rows),
            ),
        ),
    )


def _covered(reader: Node, axis: int, extent: int) -> set[int]:
    """The rows that the windows of a reader fall on."""
    window, units = reader.windows[axis], reader.output_shape[axis - len(reader.windows)]
    if window.transposed:
        return set(range(extent))
    starts = range(-window.padding, units * window.stride - window.padding, window.stride)
    return {row for s in starts for k in range(window.kernel) if 0 <= (row := s + k * window.dilation) < extent}


def _counted(covered: Sequence[int], extents: Sequence[int]) -> str:
    """``223 of 224 rows and 223 of 224 columns``, of the axes where some are left out."""
    names = {1: ("positions",), 2: ("rows", "columns")}.get(len(extents), ("slices", "rows", "columns"))
    axes = zip(names, covered, extents, strict=True)
    return " and ".join(f"{count} of {extent} {name}" for name, count, extent in axes if count < extent)


def _share(windows: Sequence[Window]) -> float:
    """The share of positions that no output reads."""
    read = 1.0
    for window in windows:
        read *= float(window.read)
    return 1 - read
