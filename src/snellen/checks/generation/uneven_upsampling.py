"""Does the generator upsample evenly?"""

from collections.abc import Sequence
from dataclasses import dataclass

from torch.nn.modules.conv import _ConvTransposeNd

from snellen.checks.generation._base import Generated, GenerationCheck
from snellen.findings.evidence import Table
from snellen.findings.finding import Finding

NAME = "generation/uneven_upsampling"


@dataclass(frozen=True)
class UnevenUpsampling(GenerationCheck):
    """Transposed convolutions of the generator whose kernel is no multiple of their stride.

    With kernel k and stride s an output is a sum of floor(k / s) or ceil(k / s) inputs along an axis, in a fixed
    pattern. Training can undo it; whether it did is what the spectrum of the samples says (``fine_structure``).

    Reference: Odena, Dumoulin, Olah 2016, Deconvolution and checkerboard artifacts, Distill.
    """

    def __call__(self, seen: Generated) -> Sequence[Finding]:
        if seen.generator is None:
            return []
        layers = [(name, m) for name, m in seen.generator.named_modules() if isinstance(m, _ConvTransposeNd)]
        strided = [(name, m) for name, m in layers if max(m.stride) > 1]
        if not strided:
            text = "The generator has no transposed convolution with a stride: nothing can overlap unevenly."
            return [Finding(NAME, "ok", "Even upsampling", text)]
        uneven = [(n, m) for n, m in strided if any(k % s for k, s in zip(m.kernel_size, m.stride, strict=True))]
        rows = tuple((name, _by(m.kernel_size), _by(m.stride), _terms(m)) for name, m in uneven)
        if not uneven:
            text = f"All {len(strided)} transposed convolutions have a kernel that is a multiple of their stride."
            return [Finding(NAME, "ok", "Even upsampling", text)]
        return [
            Finding(
                NAME,
                "warning",
                "Uneven upsampling",
                f"The kernel is no multiple of the stride in {len(uneven)} of {len(strided)} transposed convolutions, "
                f"{rows[0][0]} first: neighbouring outputs are sums of {rows[0][3]} inputs.",
                remedy="Make the kernel a multiple of the stride (4 for 2), or resize and convolve.",
                evidence=(Table("Uneven overlap", ("layer", "kernel", "stride", "inputs a pixel"), rows),),
                reference="Odena, Dumoulin, Olah 2016, Deconvolution and checkerboard artifacts, Distill.",
            )
        ]


def _by(sizes: Sequence[int]) -> str:
    return " x ".join(map(str, sizes))


def _terms(layer: _ConvTransposeNd) -> str:
    """How many inputs are summed in one output: ``1 to 4``."""
    fewest = most = 1
    for k, s, d in zip(layer.kernel_size, layer.stride, layer.dilation, strict=True):
        counts = [len([i for i in range(k) if (u - i * d) % s == 0]) for u in range(s)]
        fewest, most = fewest * min(counts), most * max(counts)
    return f"{fewest} to {most}"
