"""What a critic says of the Wasserstein distance, where the distance is known: by dimension, penalty and sample."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from snellen._errors import UsageError
from snellen.findings.finding import Finding
from snellen.instruments.transport.convolution_norm import convolution_norm, flattened_norm
from snellen.instruments.transport.lipschitz_lower import lipschitz_lower
from snellen.instruments.transport.lipschitz_upper import lipschitz_upper
from snellen.instruments.transport.wasserstein import wasserstein
from snellen.studies._base import Progress, Study, silent
from snellen.studies._critic_findings import Asked, Convolved, Judged, findings
from snellen.studies._critics import BATCH, CLIP, STRENGTH, WIDTH, Draw, taught_critic, told

FRESH, LINES = 20_000, 1_000
CHANNELS, SIDE = 16, 32


@dataclass(frozen=True)
class Critic(Study[Judged]):
    """What a critic says of the Wasserstein distance where that distance is known (exercise 12, with networks).

    Two pairs of distributions have W1 = 1 exactly, in any dimension. *Translated*: N(c, I) against N(0, I) with
    |c| = 1; the best critic is linear. *Pushed outwards*: x + x/|x| of normal x against other normal x; every point
    moves by 1 along its own ray, and the best critic is |x|, whose slope is 1 along every move. Critics are trained
    on points drawn anew at every step, with a gradient penalty and with clipped weights, and on samples of a fixed
    size, whose own W1 is computed exactly beside.

    Args:
        dimensions: of the points.
        sample: points a side, where they are few.
        steps: of the optimizer.
        seeds: repetitions, at least 2.
        starts: critics on a line that begin as PyTorch draws them, for the wrong side.

    Raises:
        UsageError: fewer than two seeds, no dimension, step or start, or a sample of fewer than 2 points.

    Example:
        >>> from snellen.studies.critic import Critic
        >>> found = Critic(dimensions=(1,), sample=20, steps=20, seeds=2, starts=1).run()
        >>> found.asked[0].dimension, len(found.asked[0].translated)
        (1, 2)

    Reference: Gulrajani et al. 2017, arXiv:1704.00028; Korotin, Kolesov and Burnaev 2022, Kantorovich strikes back!
    Wasserstein GANs are not optimal transport?, arXiv:2206.07767; Stanczuk et al. 2021, arXiv:2103.01678.
    """

    dimensions: tuple[int, ...] = (1, 2, 8, 32, 128)
    sample: int = 256
    steps: int = 300
    seeds: int = 3
    starts: int = 8

    title: ClassVar[str] = "What a critic says of the Wasserstein distance"

    def __post_init__(self) -> None:
        if self.seeds < 2 or self.sample < 2 or min(self.steps, self.starts, *self.dimensions, 1) < 1:
            raise UsageError(
                f"expected at least 2 seeds, 2 points, 1 step, 1 start and dimensions of at least 1, got {self}"
            )
        if not self.dimensions:
            raise UsageError("expected at least one dimension, got none")

    def run(self, *, seed: int = 0, progress: Progress = silent) -> Judged:
        """Train every critic and ask it."""
        rows = []
        for i, dimension in enumerate(self.dimensions):
            found = [self._asked(dimension, seed * 10_007 + s) for s in range(self.seeds)]
            rows.append(Asked(dimension, *map(np.array, zip(*found, strict=True))))
            progress("training critics", i + 1, len(self.dimensions))
        sides = tuple(self._side(seed * 10_007 + s) for s in range(self.starts))
        return Judged(tuple(rows), sides, _convolved(seed), self.sample, FRESH, CLIP, STRENGTH)

    def _asked(self, dimension: int, seed: int) -> tuple[float, ...]:
        """One row: what each critic says, and what is true."""
        generator = torch.Generator().manual_seed(seed + 5_003)
        translated, outwards = _translated(dimension, generator), outwards_of(dimension)
        few, again = translated(self.sample, generator), translated(self.sample, generator)[1]
        fresh, far = translated(FRESH, generator), outwards(FRESH, generator)

        def drawn(count: int, source: torch.Generator) -> tuple[Tensor, Tensor]:
            rows = torch.randint(self.sample, (2, count), generator=source)
            return few[0][rows[0]], few[1][rows[1]]

        def taught(draw: Draw, kept: str = "penalty") -> nn.Module:
            return taught_critic(draw, dimension, kept=kept, steps=self.steps, seed=seed)  # type: ignore[arg-type]

        free, pushed, own, clipped = taught(translated), taught(outwards), taught(drawn), taught(translated, "clipping")
        part = fresh[0][:LINES], fresh[1][:LINES]
        held = lipschitz_lower(clipped, *part, seed=seed).value
        return (
            told(free, *fresh),
            lipschitz_lower(free, *part, seed=seed).value,
            lipschitz_upper(free, (dimension,)).value,
            told(pushed, *far),
            told(own, *few),
            told(own, *fresh),
            wasserstein(*few).distance,
            wasserstein(few[1], again).distance,
            told(clipped, *fresh),
            told(clipped, *fresh) / held if held else 0.0,
        )

    def _side(self, seed: int) -> float:
        """What a critic on a line says that begins as PyTorch draws it."""
        generator = torch.Generator().manual_seed(seed + 7_001)

        def right(count: int, source: torch.Generator) -> tuple[Tensor, Tensor]:
            a, b = torch.randn(2, count, 1, generator=source)
            return a + 1, b

        critic = taught_critic(right, 1, kept="penalty", steps=max(1, self.steps // 2), seed=seed, flat=False)
        return told(critic, *right(FRESH, generator))

    def findings(self, result: Judged) -> tuple[Finding, ...]:
        """When to believe it."""
        return findings(result)

    def about(self) -> dict[str, Any]:
        """What was trained on what."""
        return {
            "critics": f"d - {WIDTH} - {WIDTH} - 1 with leaky ReLU, {self.steps} steps of {BATCH} points a side",
            "distributions": "N(c, I) against N(0, I) with |c| = 1, and N(0, I) pushed outwards by 1: W1 = 1",
            "repetitions": self.seeds,
        }


def _translated(dimension: int, generator: torch.Generator) -> Draw:
    """N(c, I) against N(0, I), with c of length 1 in a random direction."""
    shift = torch.randn(dimension, generator=generator)
    shift = shift / shift.norm()

    def draw(count: int, source: torch.Generator) -> tuple[Tensor, Tensor]:
        a, b = torch.randn(2, count, dimension, generator=source)
        return a + shift, b

    return draw


def outwards_of(dimension: int) -> Draw:
    """Normal points pushed along their rays by 1, against other normal points.

    W1 = 1: the plan that undoes the push costs 1, and |x| is 1-Lipschitz with mean |x + x/|x|| - |x| = 1.
    """

    def draw(count: int, source: torch.Generator) -> tuple[Tensor, Tensor]:
        a, b = torch.randn(2, count, dimension, generator=source)
        return a * (1 + 1 / a.norm(dim=1, keepdim=True).clamp_min(1e-12)), b

    return draw


def _convolved(seed: int) -> Convolved:
    """A convolution as PyTorch draws it, by its flattened kernel and as an operator on a torus of 32 x 32."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        conv = nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1, padding_mode="circular", bias=False)
    return Convolved(flattened_norm(conv), convolution_norm(conv, (CHANNELS, SIDE, SIDE)).bound, CHANNELS, SIDE)
