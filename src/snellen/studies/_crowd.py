"""Many tiny networks trained at once, each with data, a learning rate and a start of its own: one product for all.

In float64, so that the same seed gives the same right and wrong answers on other machines too, where rounding differs.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

MOMENTUM = 0.9


@dataclass(frozen=True, eq=False)
class Crowd:
    """m networks of one hidden layer: scores = W2 relu(W1 x + b1) + b2.

    Attributes:
        weights: W1 (m, d, hidden), b1 (m, 1, hidden), W2 (m, hidden, k), b2 (m, 1, k).
    """

    weights: tuple[Tensor, Tensor, Tensor, Tensor]

    def scores(self, inputs: Float[Tensor, "m n d"]) -> Float[Tensor, "m n k"]:
        """The scores of each network for its own inputs."""
        w1, b1, w2, b2 = self.weights
        return torch.baddbmm(b2, torch.baddbmm(b1, inputs, w1).relu(), w2)

    def where(self, these: Tensor, other: "Crowd") -> "Crowd":
        """The networks of this crowd where ``these`` (m,) is true, those of the other elsewhere."""
        pairs = zip(self.weights, other.weights, strict=True)
        w1, b1, w2, b2 = (torch.where(these[:, None, None], mine, theirs) for mine, theirs in pairs)
        return Crowd((w1, b1, w2, b2))


def newborn(starts: Int[Tensor, "m"], *, inputs: int, hidden: int, classes: int) -> Crowd:
    """Networks drawn as PyTorch draws linear layers; equal starts give equal networks."""
    drawn: dict[int, tuple[Tensor, ...]] = {}
    for start in set(starts.tolist()):
        generator = torch.Generator().manual_seed(start)
        drawn[start] = tuple(
            (torch.rand(shape, generator=generator, dtype=torch.float64) * 2 - 1) / math.sqrt(fan)
            for shape, fan in (
                ((inputs, hidden), inputs),
                ((1, hidden), inputs),
                ((hidden, classes), hidden),
                ((1, classes), hidden),
            )
        )
    w1, b1, w2, b2 = (torch.stack([drawn[start][i] for start in starts.tolist()]) for i in range(4))
    return Crowd((w1, b1, w2, b2))


def train(
    crowd: Crowd,
    inputs: Float[Tensor, "m n d"],
    labels: Int[Tensor, "m n"],
    *,
    rates: Float[Tensor, "m"],
    starts: Int[Tensor, "m"],
    epochs: int,
    batch: int,
    penalties: Float[Tensor, "m"] | None = None,
) -> Iterator[Crowd]:
    """Train by SGD with momentum 0.9 on the cross-entropy, and give the crowd after every epoch.

    Args:
        crowd: as it starts; it is left as it is.
        inputs: the training images of each network.
        labels: their classes.
        rates: the learning rate of each.
        starts: the seed of each network's order of images.
        epochs: passes through the images.
        batch: images a step.
        penalties: factor of |softmax|_2^2 in each network's loss.
    """
    generators = {s: torch.Generator().manual_seed(s ^ 0x0DE5) for s in set(starts.tolist())}
    weights = [w.clone() for w in crowd.weights]
    speeds = [torch.zeros_like(w) for w in weights]
    for _ in range(epochs):
        orders = {s: torch.randperm(inputs.shape[1], generator=g) for s, g in generators.items()}
        order = torch.stack([orders[s] for s in starts.tolist()])
        for rows in order.split(batch, dim=1):
            seen = inputs.gather(1, rows[..., None].expand(-1, -1, inputs.shape[2]))
            w1, b1, w2, b2 = (w.requires_grad_() for w in weights)
            logs = Crowd((w1, b1, w2, b2)).scores(seen).log_softmax(-1)
            losses = -logs.gather(-1, labels.gather(1, rows)[..., None]).mean((1, 2))
            if penalties is not None:
                losses = losses + penalties * logs.exp().square().sum(-1).mean(1)
            slopes = torch.autograd.grad(losses.sum(), (w1, b1, w2, b2))
            with torch.no_grad():
                for i, slope in enumerate(slopes):
                    speeds[i] = MOMENTUM * speeds[i] + slope
                    weights[i] = weights[i].detach() - rates[:, None, None] * speeds[i]
        w1, b1, w2, b2 = (w.detach().clone() for w in weights)
        yield Crowd((w1, b1, w2, b2))
