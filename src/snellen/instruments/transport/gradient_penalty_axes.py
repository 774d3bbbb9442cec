"""Over which axes a gradient penalty takes its norm: one number an image, or, by mistake, one number a pixel."""

import inspect
import itertools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from snellen._errors import NotApplicable, UsageError
from snellen.subject.quiet import quiet

Penalty = Callable[[nn.Module, Tensor, Tensor], Tensor]
SHAPE, COUNT = (3, 4, 5), 6
NEAR = 1e-4
"""A formula is the one where it fits every critic within this share of the largest penalty."""

AXES: Mapping[tuple[int, ...], tuple[str, str]] = {
    (1, 2, 3): ("all axes of a sample", "gradients.flatten(1).norm(2, dim=1)"),
    (1,): ("the channels alone: one norm a pixel", "gradients.norm(2, dim=1)"),
    (2, 3): ("the pixels of each channel alone", "gradients.norm(2, dim=(2, 3))"),
    (3,): ("the last axis alone: one norm a row of pixels", "gradients.norm(2, dim=-1)"),
    (2,): ("the third axis alone: one norm a column of pixels", "gradients.norm(2, dim=2)"),
    (): ("no axis: the size of every single number", "gradients.abs()"),
    (0, 1, 2, 3): ("the whole batch at once", "gradients.norm(2)"),
}
"""Axes of (n, c, h, w) that the norm is taken over -> in words, and the line that does it."""
FORMS: Mapping[str, Callable[[Tensor], Tensor]] = {
    "two-sided, (norm - 1)^2": lambda norm: (norm - 1).square(),
    "one-sided, max(0, norm - 1)^2": lambda norm: (norm - 1).clamp_min(0).square(),
    "zero-centred, norm^2": lambda norm: norm.square(),
}


@dataclass(frozen=True)
class PenaltyAxes:
    """What a gradient penalty was found to compute.

    Attributes:
        axes: of (n, c, h, w) that the norm is taken over; (1, 2, 3) is what a Lipschitz constant is about.
        form: what is done with the norm.
        factor: lambda, what the mean is multiplied by.
        right: the norm is over all axes of a sample, and of no other.
        sentence: the verdict in words.
        line: the line of the source that most likely does it, with its number; the usual one where none is found.
        remedy: what to write instead; empty where it is right.
    """

    axes: tuple[int, ...]
    form: str
    factor: float
    right: bool
    sentence: str
    line: str
    remedy: str


class Linear(nn.Module):
    """f(x) = w·x on images: its gradient is w at every image."""

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self.weight = nn.Parameter(weight)

    def forward(self, images: Tensor) -> Tensor:
        """(n, c, h, w) -> (n, 1)."""
        return (images * self.weight).flatten(1).sum(1, keepdim=True)


def gradient_penalty_axes(penalty: Penalty, *, seed: int = 0) -> PenaltyAxes:
    """Find over which axes a gradient penalty takes its norm, by asking it about critics whose gradient is known.

    f(x) = w·x has the gradient w at every image, so each way to take the norm has a closed form: over all axes the
    two-sided penalty is lambda (|w| - 1)^2, over the channels lambda mean_ij (|w_:ij| - 1)^2, and so on. Ten critics,
    with their weight spread over the image or in one corner, steep and flat, tell them apart; lambda is fitted. A
    zero-centred penalty is lambda |w|^2 whatever the axes are: they change its factor alone, and it is right with any.

    A norm over the channels alone asks every pixel's gradient to be of length 1, so a picture of h x w pixels makes
    the critic sqrt(h w) times as steep as it should be.

    Args:
        penalty: (critic, real, fake) -> a number; images are (6, 3, 4, 5), and the critic's output (6, 1).
        seed: of the images and the critics; every random generator is put back afterwards.

    Raises:
        UsageError: it does not give one finite number, or raises.
        NotApplicable: it is none of the known ones (other axes, another form, a norm that is not the Euclidean one).

    >>> def wrong(critic, real, fake):
    ...     mixed = (0.5 * real + 0.5 * fake).requires_grad_(True)
    ...     (gradients,) = torch.autograd.grad(critic(mixed).sum(), mixed, create_graph=True)
    ...     return 10 * ((gradients.norm(2, dim=1) - 1) ** 2).mean()
    >>> found = gradient_penalty_axes(wrong)
    >>> found.right, found.axes, round(found.factor, 3)
    (False, (1,), 10.0)

    Reference: Gulrajani et al. 2017, arXiv:1704.00028, equation 3; github.com/caogang/wgan-gp issues 25 and 56,
    github.com/Zeleni9/pytorch-wgan issue 40.
    """
    generator = torch.Generator().manual_seed(seed)
    real, fake = torch.rand(2, COUNT, *SHAPE, generator=generator)
    weights = _weights(generator)
    told = torch.tensor([_asked(penalty, weight, real, fake, seed) for weight in weights], dtype=torch.float64)
    for axes, (form, rule) in itertools.product(AXES, FORMS.items()):
        wanted = torch.stack([rule(_norm(weight, axes)).mean() for weight in weights])
        factor = float(wanted @ told / (wanted @ wanted))
        if factor > 0 and (factor * wanted - told).abs().max() < NEAR * told.abs().max():
            return _verdict(penalty, axes, form, factor)
    slopes, answers = weights[:2] + weights[-2:], told[[0, 1, -2, -1]]
    raise NotApplicable(
        "the penalty is no squared Euclidean norm of the gradient over axes that are known, with any factor: for "
        f"critics of slope {', '.join(f'{float(w.norm()):.3g}' for w in slopes)} it says "
        f"{', '.join(f'{float(t):.3g}' for t in answers)}"
    )


def _verdict(penalty: Penalty, axes: tuple[int, ...], form: str, factor: float) -> PenaltyAxes:
    words, usual = AXES[axes]
    right = axes == (1, 2, 3)
    sentence = f"The norm is taken over {words}; {form}, times {factor:.4g}."
    if not right:
        sentence += " A Lipschitz constant is about the gradient of one sample over all its axes."
    remedy = "" if right else f"{AXES[(1, 2, 3)][1]}, one number a sample, before 1 is taken off"
    return PenaltyAxes(axes, form, factor, right, sentence, _line(penalty) or usual, remedy)


def _weights(generator: torch.Generator) -> list[Tensor]:
    """Spread over the image and in one corner of it, of five lengths each."""
    weights = []
    for length in (0.3, 1.0, 2.0, 5.0, 20.0):
        spread = torch.randn(SHAPE, generator=generator, dtype=torch.float64)
        corner = torch.zeros(SHAPE, dtype=torch.float64)
        corner[:, 1, 2] = torch.tensor([2.0, -1.0, 0.5])
        weights += [length * w / w.norm() for w in (spread, corner)]
    return weights


def _norm(weight: Tensor, axes: tuple[int, ...]) -> Tensor:
    """Of the gradients of a batch, (n, c, h, w), all of them w."""
    gradients = weight.expand(COUNT, *SHAPE)
    return torch.linalg.vector_norm(gradients, dim=axes) if axes else gradients.abs()


def _asked(penalty: Penalty, weight: Tensor, real: Tensor, fake: Tensor, seed: int) -> float:
    critic = Linear(weight.float())
    with quiet(critic, seed=seed), torch.enable_grad():
        try:
            found = torch.as_tensor(penalty(critic, real.clone(), fake.clone())).detach()
        except Exception as error:
            raise UsageError(
                f"the penalty raised {type(error).__name__}: {error}; it is called with (critic, real, fake), images "
                f"of shape {tuple(real.shape)}"
            ) from error
    if found.numel() != 1 or not found.isfinite().all():
        raise UsageError(f"a penalty is one finite number, got {found.flatten()[:3].tolist()}, {tuple(found.shape)}")
    return float(found)


def _line(penalty: Penalty) -> str:
    """The line of the source in which a norm is taken."""
    try:
        lines, start = inspect.getsourcelines(inspect.unwrap(penalty))
    except (OSError, TypeError):
        return ""
    for words in (r"\bnorm\(|vector_norm", r"sqrt\(", r"abs\("):
        for number, line in enumerate(lines, start):
            if re.search(words, line) and not line.strip().startswith(("#", ">>>", "...")):
                return f"line {number}: {line.strip()}"
    return ""
