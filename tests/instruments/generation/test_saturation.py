"""The area under the curve is scikit-learn's, and slopes are those of the formulas."""

import pytest
import torch
from sklearn.metrics import roc_auc_score

from snellen._errors import UsageError
from snellen.instruments.generation.saturation import saturation, slopes
from snellen.instruments.losses.adversarial import LOSSES

REAL = torch.randn(70, generator=torch.Generator().manual_seed(0)).mul(2).round() / 2 + 1
FAKE = torch.randn(50, generator=torch.Generator().manual_seed(1)).mul(2).round() / 2


def test_the_area_is_that_of_scikit_learn_with_ties() -> None:
    labels, scores = [1] * 70 + [0] * 50, torch.cat([REAL, FAKE])
    found = saturation(REAL, FAKE, LOSSES["nonsaturating"])
    assert found.auc == pytest.approx(roc_auc_score(labels, scores))
    right = ((REAL > 0).double().mean() + (FAKE <= 0).double().mean()) / 2
    assert found.accuracy == pytest.approx(float(right))
    assert found.says_fake == pytest.approx(float(FAKE.double().sigmoid().mean()))


def test_a_critic_has_no_accuracy() -> None:
    found = saturation(REAL, FAKE, LOSSES["wasserstein-gp"])
    assert (found.accuracy, found.says_real, found.says_fake, found.slope) == (None, None, None, 1.0)


def test_the_slopes_are_those_of_the_formulas() -> None:
    f = torch.linspace(-8, 8, 33, dtype=torch.float64)
    assert torch.allclose(slopes(LOSSES["saturating"], f), -f.sigmoid())
    assert torch.allclose(slopes(LOSSES["nonsaturating"], f), -(-f).sigmoid())
    assert torch.allclose(slopes(LOSSES["hinge"], f), -torch.ones_like(f))
    assert torch.allclose(slopes(LOSSES["lsgan"], f), f - 1)


def test_a_sure_discriminator_leaves_the_saturating_loss_no_slope() -> None:
    real, fake = torch.full((10,), 9.0), torch.full((10,), -9.0)
    assert saturation(real, fake, LOSSES["saturating"]).slope < 2e-4
    assert saturation(real, fake, LOSSES["nonsaturating"]).slope > 0.999


def test_scores_must_be_numbers() -> None:
    with pytest.raises(UsageError, match="got NaN"):
        saturation(REAL, torch.full((3,), float("nan")), LOSSES["hinge"])
    with pytest.raises(UsageError, match=r"got \(70,\) and \(0,\)"):
        saturation(REAL, FAKE[:0], LOSSES["hinge"])
