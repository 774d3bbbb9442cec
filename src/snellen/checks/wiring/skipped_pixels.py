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
    """A stride larger than the kernel: inputs that no output reads, where nothing else reads them either.

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
                f"The stride is larger than the kernel in {names}: "
                f"{most:.0%} of {'the image' if of_image else 'their input'} is never read.",
                remedy="Make the kernel at least as large as the stride, or pool before it.",
                evidence=(Table("Strides beyond the kernel", ("layer", "kernel", "stride", "left out"), rows),),
            )
        ]


def _share(windows: Sequence[Window]) -> float:
    """The share of positions that no output reads."""
    read = 1.0
    for window in windows:
        read *= min(window.kernel / window.stride, 1.0)
    return 1 - read
