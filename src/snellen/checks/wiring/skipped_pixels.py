"""Does a stride jump over inputs?"""

from collections.abc import Sequence
from dataclasses import dataclass

from snellen.checks.wiring._base import Inspected, WiringCheck, by, consumers, listed
from snellen.findings.evidence import Table
from snellen.findings.finding import Finding
from snellen.instruments.architecture.operations import Window

NAME = "wiring/skipped_pixels"


@dataclass(frozen=True)
class SkippedPixels(WiringCheck):
    """A stride beyond the kernel, or one that meets a dilation: inputs that no output reads, nor anything else.

    With kernel k, stride s and dilation d the taps fall on min(k, s / gcd(s, d)) of every s inputs: a kernel of 3 with
    stride 2 and dilation 2 reads every second one.

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
            text = "Every convolution and pooling reads all of its input, or something else does."
            return [Finding(NAME, "ok", "No pixels are skipped", text)]
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


def _share(windows: Sequence[Window]) -> float:
    """The share of positions that no output reads."""
    read = 1.0
    for window in windows:
        read *= float(window.read)
    return 1 - read
