"""How well a discriminator tells real images from samples, and what slope its loss leaves for the generator."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from scipy import stats
from torch import Tensor

from snellen._errors import UsageError
from snellen.instruments.losses.adversarial import AdversarialLoss


@dataclass(frozen=True)
class Saturation:
    """Scores of real images and of samples, compared.

    Attributes:
        auc: the probability that a real image is scored above a sample; 1/2 where they cannot be told apart.
        slope: mean |dL / df| of the generator's loss L by the score f of a sample: 1 for a critic, always.
        accuracy: mean of the shares of real images that are held to be real and of samples that are not; None for a
            critic, whose scores have no zero.
        says_real: mean probability of being real that is given to real images; None likewise.
        says_fake: to samples.
    """

    auc: float
    slope: float
    accuracy: float | None
    says_real: float | None
    says_fake: float | None


def saturation(real: Float[Tensor, "m"], fake: Float[Tensor, "n"], loss: AdversarialLoss) -> Saturation:
    """Compare a discriminator's scores (before a sigmoid) of real images and of samples.

    The area under the ROC curve is U / mn, U the statistic of Mann and Whitney, ties counting a half.

    Args:
        real: (m,) scores of real images.
        fake: (n,) of samples.
        loss: that the two networks are trained with; it says what a score means.

    Raises:
        UsageError: no scores, or NaN among them.

    Reference: Goodfellow et al. 2014, arXiv:1406.2661, section 3, on the slope that is left.

    >>> from snellen.instruments.losses.adversarial import LOSSES
    >>> found = saturation(torch.tensor([2.0, 3.0]), torch.tensor([-1.0, 2.0]), LOSSES["saturating"])
    >>> found.accuracy, found.auc
    (0.75, 0.875)
    """
    if real.ndim != 1 or fake.ndim != 1 or not len(real) or not len(fake):
        raise UsageError(f"scores (m,) and (n,) are expected, got {tuple(real.shape)} and {tuple(fake.shape)}")
    if real.isnan().any() or fake.isnan().any():
        raise UsageError("scores must be numbers, got NaN; the discriminator has diverged")
    x, y = real.detach().cpu().double(), fake.detach().cpu().double()
    larger = float(stats.rankdata(torch.cat([x, y]).numpy())[: len(x)].sum()) - len(x) * (len(x) + 1) / 2
    auc, slope = larger / (len(x) * len(y)), float(slopes(loss, y).abs().mean())
    if loss.probability is None:
        return Saturation(auc, slope, None, None, None)
    p, q = loss.probability(x), loss.probability(y)
    right = (float((p > 0.5).double().mean()) + float((q <= 0.5).double().mean())) / 2
    return Saturation(auc, slope, right, float(p.mean()), float(q.mean()))


def slopes(loss: AdversarialLoss, scores: Float[Tensor, "n"]) -> Float[Tensor, "n"]:
    """dL / df of the generator's loss at each score, in float64.

    >>> from snellen.instruments.losses.adversarial import LOSSES
    >>> slopes(LOSSES["nonsaturating"], torch.zeros(2))
    tensor([-0.5000, -0.5000], dtype=torch.float64)
    """
    with torch.enable_grad():
        places = scores.detach().double().requires_grad_(True)
        (gradient,) = torch.autograd.grad(loss.generator(places), places)
    return gradient * len(places)
