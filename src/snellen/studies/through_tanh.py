"""A tanh in the way: attacks on a regression through its output and through what goes into it, at constant rates."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from snellen._errors import UsageError
from snellen.findings.finding import Finding
from snellen.instruments.attacks._goal import Moved
from snellen.instruments.attacks._norms import L2
from snellen.instruments.attacks.gradient_ascent import GradientAscent
from snellen.studies._base import Progress, Study, silent
from snellen.studies._digits import features
from snellen.studies._through_tanh_findings import Reached, Saturated, findings
from snellen.subject.network import Network

WIDTH, BATCH, RATE, HELD_OUT = 64, 64, 2e-3, 300
BUDGET, BY, STEPS = 2.0, 0.5, 50
EDGES = (0.0, 0.5, 1.0, 2.0, float("inf"))
"""Groups of images by |z|, what goes into the tanh: 1 - tanh(z)^2 is 1, 0.79, 0.42 and 0.07 at their lower ends."""


@dataclass(frozen=True)
class ThroughTanh(Study[Saturated]):
    """What goes wrong when a regression is attacked by its gradient through the tanh of its output (exercise 6b).

    A small network learns to say -1 of the digits 0 to 3, +1 of 6 to 9, and a third of it of 4 and 5; its output is a
    tanh. Each held-out image is to move that output by more than 0.5, by plain steps of one constant learning rate
    along the gradient of the output, and along the gradient of the tanh's input. Only the gradient differs: success
    is judged on the output, within the same budget.

    Args:
        steps: of the training.
        rates: learning rates of the attack, in pixels a unit of slope.

    Raises:
        UsageError: no steps, or a rate that is not positive.

    Example:
        >>> from snellen.studies.through_tanh import ThroughTanh
        >>> found = ThroughTanh(steps=50, rates=(0.1,)).run()
        >>> len(found.reached), found.images
        (2, 300)

    Reference: IN5400 exam 2021, exercise 6b; Carlini and Wagner 2017, arXiv:1608.04644, section IV.
    """

    steps: int = 400
    rates: tuple[float, ...] = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0)

    title: ClassVar[str] = "Attacks through a tanh"

    def __post_init__(self) -> None:
        if self.steps < 1 or not self.rates or min(self.rates) <= 0:
            raise UsageError(f"steps must be at least 1 and rates positive, got {self.steps} and {self.rates}")

    def run(self, *, seed: int = 0, progress: Progress = silent) -> Saturated:
        """Train, and attack at every rate through both."""
        values, labels = features()
        inputs = (values + 0.3).float().clamp(0, 1)  # as pixels again
        wanted = ((labels.float() - 4.5) / 1.5).clamp(-1, 1)
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)
            order = torch.randperm(len(inputs))
            held, seen = order[:HELD_OUT], order[HELD_OUT:]
            module = _trained(inputs[seen], wanted[seen], self.steps)
        network = Network(module.eval(), name="a regression with a tanh")
        pixels = inputs[held].view(-1, 1, 8, 8)
        shown = (pixels * 255).round() / 255
        with torch.no_grad():
            scores, before = module[:-1](shown)[:, 0], module(shown)[:, 0]
        goal, reached = Moved(before, by=BY), []
        for i, rate in enumerate(self.rates):
            for through in ("output", "scores"):
                attack = GradientAscent(L2(BUDGET), rate=rate, steps=STEPS)
                result = attack(network, pixels, goal, through=through, seed=seed)
                distance = result.distance[result.success]
                shares = tuple(float(result.success[rows].double().mean()) for rows in _groups(scores))
                median = float(distance.median()) if len(distance) else None
                reached.append(Reached(rate, through, float(result.success.double().mean()), median, shares))
            progress("attacking", i + 1, len(self.rates))
        slopes = 1 - before.double().square()
        error = float((before - wanted[held]).square().mean().sqrt())
        return Saturated(
            tuple(reached),
            tuple(int(rows.sum()) for rows in _groups(scores)),
            tuple(float(slopes[rows].median()) if rows.any() else None for rows in _groups(scores)),
            EDGES,
            error,
            len(pixels),
            BY,
            BUDGET,
            STEPS,
        )

    def findings(self, result: Saturated) -> tuple[Finding, ...]:
        """The exam's question."""
        return findings(result)

    def about(self) -> dict[str, Any]:
        """What was attacked, and how."""
        return {
            "network": f"64 - {WIDTH} - {WIDTH} - 1 with ReLU and a tanh, {self.steps} steps of Adam on 1,497 digits",
            "attack": f"{STEPS} steps of a constant rate along the gradient, at most {BUDGET:g} away (L2)",
            "success": f"the output moves by more than {BY:g}",
        }


def _trained(inputs: Tensor, wanted: Tensor, steps: int) -> nn.Sequential:
    layers = nn.Linear(64, WIDTH), nn.ReLU(), nn.Linear(WIDTH, WIDTH), nn.ReLU(), nn.Linear(WIDTH, 1)
    module = nn.Sequential(nn.Flatten(), *layers, nn.Tanh())
    optimizer = torch.optim.Adam(module.parameters(), RATE)
    for _ in range(steps):
        rows = torch.randint(len(inputs), (BATCH,))
        loss = (module(inputs[rows])[:, 0] - wanted[rows]).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return module


def _groups(scores: Tensor) -> list[Tensor]:
    return [(scores.abs() >= low) & (scores.abs() < high) for low, high in pairwise(EDGES)]
