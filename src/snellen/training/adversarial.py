"""Adversarial training: every batch is replaced by the worst images near it that a few steps can find."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from snellen._errors import UsageError
from snellen.instruments.attacks._norms import Linf
from snellen.instruments.attacks.pgd import PGD
from snellen.nets.saved import Saved
from snellen.subject.network import Network
from snellen.subject.quiet import quiet
from snellen.training.dataset import Part
from snellen.training.score import Score

METHODS = ("pgd",)
JUDGED = 500
"""At most so many validation images are attacked at the end."""
JUDGED_STEPS = 40
STEP = 2.5
"""Size of a step, in parts of the budget by the number of steps: it reaches the other side of the ball and back."""


@dataclass(frozen=True)
class Adversary:
    """Who changes the images of every step.

    Args:
        method: ``pgd``.
        eps: how far each value may move, in units of [0, 1]; whole levels of 8 bits are used.
        steps: of projected gradient descent, a training step.

    Raises:
        UsageError: an unknown method, an eps below one level or above 1, no step.
    """

    method: str = "pgd"
    eps: float = 8 / 255
    steps: int = 7

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise UsageError(f"adversarial training is by {', '.join(METHODS)}, got {self.method!r}")
        if self.steps < 1:
            raise UsageError(f"adversarial steps must be at least 1, got {self.steps}")
        if self.budget.eps > 1:
            raise UsageError(f"eps is at most the whole range of pixels, 1, got {self.eps:g}")

    @property
    def budget(self) -> Linf:
        """The ball around each image."""
        return Linf(self.eps)


def worst(
    module: nn.Module,
    images: Tensor,
    targets: Tensor,
    loss: Callable[[Tensor, Tensor], Tensor],
    *,
    adversary: Adversary,
    start: Tensor,
    mean: tuple[float, ...],
    std: tuple[float, ...],
) -> Tensor:
    """Images near these on which the loss is high, by projected gradient descent from a random start.

    They are made against the network in evaluation mode: as it will be attacked, with no unit dropped, and with the
    running statistics of BatchNorm, so that an image's change does not depend on its batch mates and those statistics
    are not touched by images of half-way. Pang et al. 2021 (Bag of Tricks for Adversarial Training, arXiv 2010.00467)
    find higher accuracy by that mode and about the same robustness. The training step that follows is in training mode.
    Nothing of the network changes here.

    Args:
        module: the network as it is being trained.
        images: (n, c, h, w), normalised.
        targets: classes, or parts of them.
        loss: scores and targets to what is climbed.
        adversary: how far and how often.
        start: (n, c, h, w) in [-1, 1], the random start in parts of the budget.
        mean: of the normalisation, per channel, in units of [0, 1].
        std: likewise.

    Reference: Madry et al. 2018, Towards Deep Learning Models Resistant to Adversarial Attacks, arXiv 1706.06083.

    >>> module = nn.Sequential(nn.Flatten(), nn.Linear(12, 2))
    >>> images, targets = torch.zeros(4, 3, 2, 2), torch.tensor([0, 1, 0, 1])
    >>> made = worst(module, images, targets, nn.functional.cross_entropy, adversary=Adversary(eps=0.2),
    ...              start=torch.zeros_like(images), mean=(0.5,) * 3, std=(0.5,) * 3)
    >>> bool((made.abs() <= 0.2 / 0.5 + 1e-6).all())
    True
    """
    middle, scale = (torch.tensor(values, device=images.device).view(-1, 1, 1) for values in (mean, std))
    reach = adversary.budget.radius / scale
    # jitter may put pixels outside [0, 1]; they may come back, but no pixel leaves, or goes further out
    low = torch.maximum(images - reach, torch.minimum(images, -middle / scale))
    high = torch.minimum(images + reach, torch.maximum(images, (1 - middle) / scale))
    step = STEP * reach / adversary.steps
    made = (images + start * reach).clamp(low, high)
    with quiet(module):
        for _ in range(adversary.steps):
            leaf = made.detach().requires_grad_()
            (slope,) = torch.autograd.grad(loss(module(leaf), targets), leaf)
            made = (made + step * slope.sign()).clamp(low, high)
    return made.contiguous(memory_format=torch.channels_last)


def robust_score(saved: Saved, part: Part, adversary: Adversary, *, seed: int) -> Score:
    """How many of some images are still right when PGD of 40 steps has changed them within the adversary's budget.

    Every change is judged as a picture of 8 bits. It is an upper bound: a stronger attack may find more.

    Args:
        saved: the trained network.
        part: validation images, of which the first 500 are attacked, in an order of their own.
        adversary: the budget.
        seed: of the order and of the starts.
    """
    order = torch.randperm(len(part), generator=torch.Generator().manual_seed(seed))[:JUDGED].sort().values
    pixels, labels = part.images[order].float() / 255, part.labels[order]
    network = Network(saved.module, mean=saved.mean, std=saved.std)
    found = PGD(adversary.budget, steps=JUDGED_STEPS)(network, pixels, labels, seed=seed, batch_size=256)
    losses = nn.functional.cross_entropy(found.after, labels.to(found.after.device), reduction="none").double()
    error = (losses.std(correction=0) / len(losses) ** 0.5).item()
    right = ~found.success.cpu()
    return Score(losses.mean().item(), error, int(right.sum()), len(right), right.numpy())
