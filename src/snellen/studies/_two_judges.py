"""The two approaches to a discriminator on a case with closed forms: points of a plane, the generated ones shifted.

All closed forms are those of N(0, 1) and N(shift, 1), for the other axis says nothing. Trained critics need that axis:
on a line one that begins with the wrong sign would have to pass a slope of 0, which its penalty forbids.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from snellen.instruments.generation.saturation import saturation, slopes
from snellen.instruments.losses.adversarial import LOSSES
from snellen.instruments.losses.gradient_penalty import gradient_penalty
from snellen.studies._base import Progress

PROBABILITY, CRITIC = "nonsaturating", "wasserstein-gp"
WIDTH, BATCH, RATE, STRENGTH = 32, 256, 2e-3, 100.0
GRID = torch.linspace(-12, 24, 36_001, dtype=torch.float64)


@dataclass(frozen=True)
class Judged:
    """Both discriminators at one shift: the best there are, and trained ones.

    Attributes:
        shift: of the generated points; 0 is a perfect generator. W1 is this, too.
        accuracy: of the best probability, Phi(shift / 2).
        loss: its loss, 2 log 2 - 2 JS.
        divergence: JS in nats, at most log 2.
        slopes: mean slope that a generated point is given by log(1 - D), -log D and the best critic.
        trained_accuracy: of a trained probability.
        trained_loss: its loss.
        trained_slopes: by log(1 - D), -log D and a trained critic.
        distance: what the trained critic says: mean score of real less generated points.
    """

    shift: float
    accuracy: float
    loss: float
    divergence: float
    slopes: tuple[float, float, float]
    trained_accuracy: float
    trained_loss: float
    trained_slopes: tuple[float, float, float]
    distance: float


def judged(shift: float, *, steps: int, seed: int) -> Judged:
    """Compute the best ones on a grid, and train both."""
    real = torch.exp(-GRID.square() / 2) / math.sqrt(2 * math.pi)
    fake = torch.exp(-(GRID - shift).square() / 2) / math.sqrt(2 * math.pi)
    step = float(GRID[1] - GRID[0])
    scores = shift * shift / 2 - shift * GRID  # log p / q
    loss = float((real * nn.functional.softplus(-scores) + fake * nn.functional.softplus(scores)).sum()) * step
    best = tuple(
        float((fake * slopes(LOSSES[name], scores).abs()).sum()) * step * shift for name in ("saturating", PROBABILITY)
    )
    probability, critic = (_trained(name, shift, steps, seed) for name in (PROBABILITY, CRITIC))
    random = torch.Generator().manual_seed(seed + 1)
    x, y = _points(4096, 0.0, random), _points(4096, shift, random)
    with torch.no_grad():
        told = saturation(probability(x)[:, 0], probability(y)[:, 0], LOSSES[PROBABILITY])
        value = float(LOSSES[PROBABILITY].discriminator(probability(x)[:, 0], probability(y)[:, 0]))
        distance = float(critic(x).mean() - critic(y).mean())
    assert told.accuracy is not None
    return Judged(
        shift,
        0.5 * (1 + math.erf(shift / 2 / math.sqrt(2))),
        loss,
        round(math.log(2) - loss / 2, 9),  # of the grid no more is known
        (best[0], best[1], 1.0 if shift else 0.0),
        told.accuracy,
        value,
        (_slope("saturating", probability, y), _slope(PROBABILITY, probability, y), _slope(CRITIC, critic, y)),
        distance,
    )


def every(shifts: tuple[float, ...], *, steps: int, seed: int, progress: Progress) -> tuple[Judged, ...]:
    """One entry a shift."""
    found = []
    for i, shift in enumerate(shifts):
        found.append(judged(shift, steps=steps, seed=seed))
        progress("discriminators", i + 1, len(shifts))
    return tuple(found)


def _trained(name: str, shift: float, steps: int, seed: int) -> nn.Module:
    loss, random = LOSSES[name], torch.Generator().manual_seed(seed)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        layers = nn.Linear(2, WIDTH), nn.LeakyReLU(0.2), nn.Linear(WIDTH, WIDTH), nn.LeakyReLU(0.2), nn.Linear(WIDTH, 1)
        net = nn.Sequential(*layers)
    optimizer = torch.optim.Adam(net.parameters(), RATE, (0.5, 0.9))
    for _ in range(steps):
        x, y = _points(BATCH, 0.0, random), _points(BATCH, shift, random)
        value = loss.discriminator(net(x)[:, 0], net(y)[:, 0])
        if loss.restraint == "gradient penalty":
            value = value + STRENGTH * gradient_penalty(net, x, y, torch.rand(BATCH, generator=random))
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
    return net


def _points(count: int, shift: float, random: torch.Generator) -> Tensor:
    """(count, 2) of a Gaussian around (shift, 0)."""
    return torch.randn(count, 2, generator=random) + torch.tensor([shift, 0.0])


def _slope(name: str, net: nn.Module, points: Tensor) -> float:
    """The mean length of the gradient of the generator's loss by a generated point."""
    places = points.clone().requires_grad_(True)
    loss = LOSSES[name].generator(net(places)[:, 0])
    (gradient,) = torch.autograd.grad(loss, places)
    return float((gradient * len(places)).norm(dim=1).mean())
