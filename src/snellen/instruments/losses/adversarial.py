"""What a generator and a discriminator are trained to make small: five pairs of losses, of the scores alone."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, get_args

from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from snellen._errors import UsageError, unknown

Scores = Float[Tensor, "n"]
Approach = Literal["probability", "critic"]
"""What a discriminator's output means: how probable it is that an image is real, or a score whose slope is bounded."""
APPROACHES: tuple[Approach, ...] = get_args(Approach)
Restraint = Literal["r1", "spectral", "gradient penalty"]
"""What keeps a discriminator from becoming too steep."""


@dataclass(frozen=True)
class AdversarialLoss:
    """A pair of losses of the scores f, each a mean over a batch.

    Args:
        approach: what the discriminator's output means with it.
        discriminator: (scores of real images, scores of generated ones) -> what the discriminator makes small.
        generator: scores of generated images -> what the generator makes small.
        probability: a score -> the probability of being real that it stands for; None for a critic.
        restraint: of the discriminator.
        undecided: what the discriminator pays whose every answer says "either".
        formula: both, as one reads them.
    """

    approach: Approach
    discriminator: Callable[[Scores, Scores], Tensor]
    generator: Callable[[Scores], Tensor]
    probability: Callable[[Scores], Tensor] | None
    restraint: Restraint
    undecided: float
    formula: tuple[str, str]


def _binary(real: Scores, fake: Scores) -> Tensor:
    """-log D(x) - log(1 - D(G(z))) with D = sigmoid(f), without ever computing a probability of 0."""
    return F.softplus(-real).mean() + F.softplus(fake).mean()


_BINARY = "−log D(x) − log(1 − D(G(z)))"
LOSSES: Mapping[str, AdversarialLoss] = MappingProxyType(
    {
        "nonsaturating": AdversarialLoss(
            "probability",
            _binary,
            lambda fake: F.softplus(-fake).mean(),
            lambda scores: scores.sigmoid(),
            "r1",
            1.3862943611198906,
            (_BINARY, "−log D(G(z))"),
        ),
        "saturating": AdversarialLoss(
            "probability",
            _binary,
            lambda fake: -F.softplus(fake).mean(),
            lambda scores: scores.sigmoid(),
            "r1",
            1.3862943611198906,
            (_BINARY, "log(1 − D(G(z)))"),
        ),
        "lsgan": AdversarialLoss(
            "probability",
            lambda real, fake: (real - 1).square().mean() / 2 + fake.square().mean() / 2,
            lambda fake: (fake - 1).square().mean() / 2,
            lambda scores: scores.clamp(0, 1),
            "r1",
            0.25,
            ("½ (D(x) − 1)² + ½ D(G(z))²", "½ (D(G(z)) − 1)²"),
        ),
        "hinge": AdversarialLoss(
            "critic",
            lambda real, fake: F.relu(1 - real).mean() + F.relu(1 + fake).mean(),
            lambda fake: -fake.mean(),
            None,
            "spectral",
            2.0,
            ("max(0, 1 − f(x)) + max(0, 1 + f(G(z)))", "−f(G(z))"),
        ),
        "wasserstein-gp": AdversarialLoss(
            "critic",
            lambda real, fake: fake.mean() - real.mean(),
            lambda fake: -fake.mean(),
            None,
            "gradient penalty",
            0.0,
            ("f(G(z)) − f(x) + λ (‖∇f(x̂)‖ − 1)²", "−f(G(z))"),
        ),
    }
)
"""Name -> loss.

References: Goodfellow et al. 2014, arXiv 1406.2661 (saturating, non-saturating); Mao et al. 2017, arXiv 1611.04076
(least squares); Lim and Ye 2017, arXiv 1705.02894, Miyato et al. 2018, arXiv 1802.05957 (hinge); Gulrajani et al. 2017,
arXiv 1704.00028 (Wasserstein with a gradient penalty)."""
_REASONS: Mapping[str, str] = MappingProxyType(
    {
        "probability": "it compares scores without bounds, and a probability never leaves [0, 1]",
        "critic": "it reads the output as the probability of being real, and the score of a critic is none",
    }
)


def adversarial_loss(name: str, approach: str) -> AdversarialLoss:
    """The loss of a name, if it makes sense with this approach to the discriminator.

    Raises:
        UsageError: an unknown loss or approach, or two that do not go together, with the reason.

    >>> adversarial_loss("hinge", "critic").formula[1]
    '−f(G(z))'
    """
    if approach not in APPROACHES:
        raise unknown("approach to the discriminator", approach, APPROACHES)
    if name not in LOSSES:
        raise unknown("loss", name, LOSSES)
    loss = LOSSES[name]
    if loss.approach != approach:
        fitting = ", ".join(other for other, known in LOSSES.items() if known.approach == approach)
        raise UsageError(
            f"the loss {name} is not one of a discriminator that gives a {approach}: {_REASONS[approach]}. Take the "
            f"discriminator {loss.approach}, or one of the losses of {approach}: {fitting}"
        )
    return loss
