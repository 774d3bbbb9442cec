"""Eight Gaussians on a ring: which of them a WGAN with a gradient penalty reaches, and a generator run ahead."""

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from snellen._errors import UsageError
from snellen.findings.finding import Finding
from snellen.instruments.generation.modes import CentresCovered, centres_covered
from snellen.instruments.losses.adversarial import adversarial_loss
from snellen.instruments.losses.gradient_penalty import gradient_penalty
from snellen.studies._base import Progress, Study, silent
from snellen.studies._critics import BATCH, points_network
from snellen.studies._ring_findings import Course, Ringed, findings

MODES, RADIUS, SIGMA, LATENT, RATE, STRENGTH = 8, 2.0, 0.1, 2, 2e-3, 0.1
JUDGED, LOOKS = 4_000, 5
WAYS = {"wasserstein-gp": (3, 1), "nonsaturating": (1, 10)}
"""Loss -> steps of the discriminator and of the generator in a round."""


@dataclass(frozen=True)
class Ring(Study[Ringed]):
    """Whether a generator reaches every mode: eight Gaussians on a ring, learnt by a WGAN-GP and by one made to fail.

    The healthy one has three steps of the critic a round and a gradient penalty (lambda 0.1, as Gulrajani et al. took
    for such data). The one made to fail has ten steps of the generator for one of the discriminator, the
    non-saturating loss and no penalty: the generator runs to wherever the discriminator says yes at the moment.

    Args:
        rounds: of the healthy training.
        collapsing: rounds of the other.
        seeds: repetitions.

    Raises:
        UsageError: no seed, or fewer rounds than the five looks at it.

    Example:
        >>> from snellen.studies.ring import Ring
        >>> found = Ring(rounds=5, collapsing=5, seeds=1).run()
        >>> [(course.loss, len(course.covered)) for course in found.courses]
        [('wasserstein-gp', 5), ('nonsaturating', 5)]

    Reference: Gulrajani et al. 2017, arXiv:1704.00028, section 5.1; Metz et al. 2017, Unrolled generative adversarial
    networks, arXiv:1611.02163.
    """

    rounds: int = 1_200
    collapsing: int = 100
    seeds: int = 3

    title: ClassVar[str] = "Eight Gaussians on a ring"

    def __post_init__(self) -> None:
        if self.seeds < 1 or min(self.rounds, self.collapsing) < LOOKS:
            raise UsageError(f"expected at least 1 seed and {LOOKS} rounds of either, got {self}")

    def run(self, *, seed: int = 0, progress: Progress = silent) -> Ringed:
        """Train both, once a seed."""
        courses = []
        for loss, rounds in (("wasserstein-gp", self.rounds), ("nonsaturating", self.collapsing)):
            for s in range(self.seeds):
                courses.append(_course(loss, rounds, seed * 10_007 + s))
                progress("training", len(courses), 2 * self.seeds)
        pictures = tuple(
            tuple(map(tuple, points[:300].tolist())) for points in (_real(JUDGED, _source(seed)), centres())
        )
        return Ringed(tuple(courses), pictures[0], pictures[1], JUDGED, SIGMA)

    def findings(self, result: Ringed) -> tuple[Finding, ...]:
        """Modes by seed, and the samples to look at."""
        return findings(result)

    def about(self) -> dict[str, Any]:
        """What was trained on what."""
        steps = {loss: f"{d} to {g}" for loss, (d, g) in WAYS.items()}
        return {
            "data": f"{MODES} Gaussians of standard deviation {SIGMA:g} on a circle of radius {RADIUS:g}",
            "networks": f"{LATENT} - 64 - 64 - 2 and 2 - 64 - 64 - 1",
            "training": f"Adam at {RATE:g} falling to 0, {BATCH} points a step",
            "steps of the discriminator to the generator": steps,
            "repetitions": self.seeds,
        }


def centres() -> Tensor:
    """(8, 2) on the circle."""
    turns = torch.arange(MODES) * (2 * math.pi / MODES)
    return RADIUS * torch.stack([turns.cos(), turns.sin()], 1)


def _real(count: int, source: torch.Generator) -> Tensor:
    at = centres()[torch.randint(MODES, (count,), generator=source)]
    return at + SIGMA * torch.randn(count, 2, generator=source)


def _source(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def _course(loss_name: str, rounds: int, seed: int) -> Course:
    """One training, looked at five times."""
    source = _source(seed)
    looks: list[tuple[int, CentresCovered]] = []
    generator, critic = points_network(LATENT, 2, seed=seed), points_network(2, 1, seed=seed + 5_003)
    penalised = loss_name == "wasserstein-gp"
    loss = adversarial_loss(loss_name, "critic" if penalised else "probability")
    optimizers = [torch.optim.Adam(net.parameters(), RATE, betas=(0.0, 0.9)) for net in (generator, critic)]
    schedules = [torch.optim.lr_scheduler.LambdaLR(o, lambda step: 1 - step / rounds) for o in optimizers]

    def made(count: int) -> Tensor:
        points: Tensor = generator(torch.randn(count, LATENT, generator=source))
        return points

    for done in range(1, rounds + 1):
        judging, making = WAYS[loss_name]
        for _ in range(judging):
            real, fake = _real(BATCH, source), made(BATCH).detach()
            cost = loss.discriminator(critic(real)[:, 0], critic(fake)[:, 0])
            if penalised:
                mix = torch.rand(BATCH, generator=source)
                cost = cost + STRENGTH * gradient_penalty(critic, real, fake, mix)
            _step(optimizers[1], cost)
        for _ in range(making):
            _step(optimizers[0], loss.generator(critic(made(BATCH))[:, 0]))
        for schedule in schedules:
            schedule.step()
        if done % (rounds // LOOKS) == 0 and len(looks) < LOOKS:
            with torch.no_grad():
                points = made(JUDGED)
            looks.append((done, centres_covered(points, centres(), sigma=SIGMA)))
    enough = JUDGED / MODES / 4
    return Course(
        loss_name,
        seed,
        tuple(done for done, _ in looks),
        tuple(int((found.counts >= enough).sum()) for _, found in looks),
        tuple(found.good for _, found in looks),
        tuple(int(count) for count in looks[-1][1].counts),
        tuple(map(tuple, points[:300].tolist())),
    )


def _step(optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
