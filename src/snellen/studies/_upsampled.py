"""Ways to enlarge a map, each measured: the size, how many inputs an output is made of, what pattern is left."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from snellen.instruments.generation.spectrum import contrast, peak, spectrum
from snellen.nets.upsampling import told, upsampling

CHANNELS, SIDE, IMAGES = 16, 16, 32


@dataclass(frozen=True)
class Upsampled:
    """One way to double a map.

    Attributes:
        key: its name in the numbers.
        name: as a reader says it.
        layers: with the numbers that make it larger.
        side: height and width that come out of 16.
        parameters: weights from 16 to 16 channels.
        fewest: inputs that an output is a sum of, at least, away from the border.
        most: at most.
        overlap: root mean square of the pattern that equal weights leave, of the mean.
        pattern: log2 of the power of a pattern of period 2 over that around it, with random first weights.
        contrast: root mean square of that pattern, of that of the whole output.
    """

    key: str
    name: str
    layers: str
    side: int
    parameters: int
    fewest: int
    most: int
    overlap: float
    pattern: float
    contrast: float


def _transposed(kernel: int, padding: int, beyond: int) -> Callable[[], nn.Module]:
    def made() -> nn.Module:
        return nn.ConvTranspose2d(
            CHANNELS, CHANNELS, kernel, stride=2, padding=padding, output_padding=beyond, bias=False
        )

    return made


def _shuffled() -> nn.Module:
    return nn.Sequential(nn.Conv2d(CHANNELS, 4 * CHANNELS, 3, padding=1, bias=False), nn.PixelShuffle(2))


def _named(name: str) -> Callable[[], nn.Module]:
    return lambda: upsampling(name, CHANNELS, CHANNELS)


WAYS: tuple[tuple[str, str, Callable[[], nn.Module]], ...] = (
    ("nearest", "nearest neighbour, then a convolution", _named("nearest")),
    ("bilinear", "bilinear, then a convolution", _named("bilinear")),
    ("transposed_4", "transposed convolution, kernel 4", _named("transposed")),
    ("transposed_2", "transposed convolution, kernel 2", _transposed(2, 0, 0)),
    ("transposed_3", "transposed convolution, kernel 3, output padding 1", _transposed(3, 1, 1)),
    ("shuffle_equal", "convolution, then pixel shuffle; equal first weights", _named("pixelshuffle")),
    ("shuffle_random", "convolution, then pixel shuffle; random first weights", _shuffled),
)
"""Key, name and what builds it."""


def upsampled(seed: int) -> tuple[Upsampled, ...]:
    """All ways, with first weights drawn by the seed, on maps of random numbers without the negative ones."""
    random = torch.Generator().manual_seed(seed)
    maps = torch.randn(IMAGES, CHANNELS, SIDE, SIDE, generator=random).relu()
    found = []
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        for key, name, build in WAYS:
            torch.default_generator.manual_seed(seed)
            layer = build()
            made: Tensor = layer(maps)
            power = spectrum(made).power
            parameters = sum(p.numel() for p in layer.parameters())
            rms = float((made - made.mean(dim=(2, 3), keepdim=True)).square().mean().sqrt())
            fewest, most = _terms(layer)
            found.append(
                Upsampled(
                    key,
                    name,
                    told(nn.Sequential(layer)),
                    made.shape[2],
                    parameters,
                    fewest,
                    most,
                    _overlap(layer),
                    float(peak(power, 2)),
                    float(contrast(power, 2)) / rms,
                )
            )
    return tuple(found)


def _terms(layer: nn.Module) -> tuple[int, int]:
    """How many places of one channel of the input an output is a sum of, by its gradient; all weights 1."""
    with torch.enable_grad():
        _fill(layer)
        places = torch.ones(1, CHANNELS, SIDE, SIDE, requires_grad=True)
        made = layer(places)
        middle = range(made.shape[2] // 2 - 2, made.shape[2] // 2 + 2)
        counts = []
        for i in middle:
            for j in middle:
                (gradient,) = torch.autograd.grad(made[0, 0, i, j], places, retain_graph=True)
                counts.append(int((gradient[0, 0] != 0).sum()))
    return min(counts), max(counts)


def _overlap(layer: nn.Module) -> float:
    """What equal weights make of a constant map: its spread over its mean, away from the border."""
    _fill(layer)
    made = layer(torch.ones(1, CHANNELS, SIDE, SIDE))[0, 0, 8:-8, 8:-8]
    return float(made.std(unbiased=False) / made.mean())


def _fill(layer: nn.Module) -> None:
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.fill_(1.0)
