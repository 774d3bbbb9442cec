"""Losses of a generator: values and slopes by the score, and what the lowest value is reached by."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from snellen.instruments.generation.saturation import slopes
from snellen.instruments.losses.adversarial import LOSSES

NAMES = ("saturating", "nonsaturating", "wasserstein-gp")
SCORES = (-10.0, -5.0, -2.0, 0.0, 2.0, 5.0, 10.0)
GRID = torch.linspace(-8, 8, 16_001, dtype=torch.float64)
MODE, WIDTH, BROAD = 2.0, 0.5, 1.5


@dataclass(frozen=True)
class GeneratorLosses:
    """Losses of one sample by its score, and of three generators against one discriminator.

    Attributes:
        scores: of a sample, before the sigmoid.
        values: loss -> its value at each score.
        slopes: loss -> |dL / df| at each score.
        fair: -log D of a generator that makes what is real, when the discriminator cannot tell: log 2.
        current: -log D of the generator that the discriminator was trained against.
        real: of real data themselves, as if a perfect generator had made them.
        collapsed: of one and the same sample: the one that the discriminator likes best.
        favourite: that sample.
    """

    scores: tuple[float, ...]
    values: dict[str, tuple[float, ...]]
    slopes: dict[str, tuple[float, ...]]
    fair: float
    current: float
    real: float
    collapsed: float
    favourite: float


def generator_losses(scores: tuple[float, ...] = SCORES) -> GeneratorLosses:
    """By the formulas; the discriminator is the best one between two real modes at -2 and 2 and one broad generator."""
    at = torch.tensor(scores, dtype=torch.float64)
    values = {name: tuple(float(LOSSES[name].generator(score[None])) for score in at) for name in NAMES}
    real = (_density(-MODE, WIDTH) + _density(MODE, WIDTH)) / 2
    fake = _density(0.0, BROAD)
    step, best = float(GRID[1] - GRID[0]), real / (real + fake)
    place = int(best.argmax())
    return GeneratorLosses(
        scores,
        values,
        {name: tuple(slopes(LOSSES[name], at).abs().tolist()) for name in NAMES},
        math.log(2),
        float(-(fake * best.log()).sum()) * step,
        float(-(real * best.log()).sum()) * step,
        float(-best[place].log()),
        abs(float(GRID[place])),
    )


def _density(mean: float, spread: float) -> Tensor:
    return torch.exp(-((GRID - mean) / spread).square() / 2) / (spread * math.sqrt(2 * math.pi))
