"""How steep a critic was seen to be: the largest gradient over samples and on the lines between them."""

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from snellen._errors import InputError, UsageError
from snellen.instruments.losses.gradient_penalty import gradient_norms
from snellen.subject.quiet import quiet

Critic = Callable[[Tensor], Tensor]
AT_ONCE = 512


@dataclass(frozen=True, eq=False)
class LowerBound:
    """A number that the Lipschitz constant is not below, from what was seen.

    Attributes:
        value: the largest slope that was seen.
        where: ``A`` or ``B``: the gradient at a sample; ``between``: on a line from A to B; ``pair``: the difference
            of two scores over the distance of their samples.
        median: of the norms of the gradients on the lines, where a critic of W1 should have 1.
        places: where a gradient was taken.
        dual: mean score of A less mean score of B.
    """

    value: float
    where: Literal["A", "B", "between", "pair"]
    median: float
    places: int
    dual: float


def lipschitz_lower(
    critic: nn.Module | Critic,
    a: Float[Tensor, "n ..."],
    b: Float[Tensor, "m ..."],
    *,
    between: int = 1_000,
    seed: int = 0,
) -> LowerBound:
    """The steepest place among the samples and the lines between them.

    K >= |grad f(x)| wherever f has a gradient, and K >= |f(x) - f(y)| / |x - y|. The gradient is one vector a sample,
    over all its axes; taken over channels alone it would be smaller. What was not looked at may be steeper:
    :func:`snellen.instruments.transport.lipschitz_upper.lipschitz_upper` bounds it from the other side.

    Args:
        critic: samples -> one score each. A module is asked in evaluation mode and left as it is.
        a: samples.
        b: samples of the same shape.
        between: points on lines from a sample of A to one of B, both drawn at random.
        seed: of the lines.

    Raises:
        UsageError: shapes that differ; not one score a sample; scores that do not depend on the samples.
        InputError: scores or slopes that are not finite.

    >>> found = lipschitz_lower(lambda x: 3 * x.flatten(1).sum(1), torch.rand(5, 1, 2, 2), torch.rand(4, 1, 2, 2))
    >>> round(found.value, 4), round(found.median, 4)
    (6.0, 6.0)

    Reference: Gulrajani et al. 2017, Improved training of Wasserstein GANs, arXiv:1704.00028, proposition 1.
    """
    if a.shape[1:] != b.shape[1:] or not len(a) or not len(b) or between < 1:
        raise UsageError(
            f"expected samples of one shape and at least one line, got {tuple(a.shape)}, {tuple(b.shape)} and "
            f"between={between}"
        )
    generator = torch.Generator().manual_seed(seed)
    first = a.detach()[torch.randint(len(a), (between,), generator=generator)]
    last = b.detach()[torch.randint(len(b), (between,), generator=generator)]
    part = torch.rand(between, generator=generator).to(a).view(-1, *(1 for _ in a.shape[1:]))
    with quiet(critic) if isinstance(critic, nn.Module) else nullcontext():
        slopes = {
            "A": _norms(critic, a.detach()),
            "B": _norms(critic, b.detach()),
            "between": _norms(critic, part * first + (1 - part) * last),
        }
        far = (first - last).flatten(1).double().norm(dim=1)
        change = (_scores(critic, first) - _scores(critic, last)).abs()
        dual = float(_scores(critic, a).mean() - _scores(critic, b).mean())
    slopes["pair"] = torch.where(far > 0, change / far.clamp_min(1e-300), 0.0)
    seen = torch.cat(list(slopes.values()))
    if not seen.isfinite().all():
        raise InputError("the critic's scores or slopes are not finite; it diverged, or its input is out of range")
    where = max(slopes, key=lambda name: float(slopes[name].max()))
    return LowerBound(
        float(slopes[where].max()),
        where,  # type: ignore[arg-type]  # one of the four names above
        float(slopes["between"].median()),
        len(a) + len(b) + between,
        dual,
    )


def _norms(critic: Critic, samples: Tensor) -> Tensor:
    return torch.cat([gradient_norms(critic, part).detach().double() for part in samples.split(AT_ONCE)])


@torch.no_grad()
def _scores(critic: Critic, samples: Tensor) -> Tensor:
    return torch.cat([critic(part).reshape(len(part)).double() for part in samples.split(AT_ONCE)])
