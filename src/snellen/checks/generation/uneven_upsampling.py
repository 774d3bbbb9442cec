"""Does the generator upsample evenly?"""

from collections.abc import Sequence
from dataclasses import dataclass

from torch.nn.modules.conv import _ConvTransposeNd

from snellen.checks._overlap import overlap
from snellen.checks.generation._base import Generated, GenerationCheck
from snellen.findings.finding import Finding
from snellen.instruments.architecture.operations import Window

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
        found = overlap(NAME, [(name, _windows(m)) for name, m in layers])
        if found is None:
            text = "The generator has no transposed convolution with a stride: nothing can overlap unevenly."
            found = Finding(NAME, "ok", "Even upsampling", text)
        return [found]


def _windows(layer: _ConvTransposeNd) -> tuple[Window, ...]:
    axes = zip(layer.kernel_size, layer.stride, layer.dilation, strict=True)
    return tuple(Window(kernel=k, stride=s, dilation=d, transposed=True) for k, s, d in axes)
