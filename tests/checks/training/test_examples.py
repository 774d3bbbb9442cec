"""A loss of one image, or of means, is named; losses whose gradients only look like it are not."""

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from healthy import CE, classifier, images, sgd
from snellen.checks.training.examples import Examples
from snellen.findings.finding import Finding
from snellen.training.health.observe import observe

NUMBERS = torch.randn(16, 4, generator=torch.Generator().manual_seed(3))


def asked(loss: Any, targets: Tensor | None = None) -> list[Finding]:
    torch.manual_seed(0)
    inputs, labels = images()
    network = classifier()
    batch = inputs, labels if targets is None else targets
    return list(Examples()(observe(network, sgd(network.parameters()), batch, loss)))


@pytest.mark.parametrize("at", [0, 5])
def test_a_loss_of_one_image_is_an_error(at: int) -> None:
    (found,) = asked(lambda o, t: CE(o[at : at + 1], t[at : at + 1]))
    assert (found.severity, found.title) == ("error", "The loss sees one image")
    assert f"image {at} alone" in found.sentence


def test_a_loss_of_means_is_an_error() -> None:
    (found,) = asked(lambda o, t: F.mse_loss(o.mean(0), t.mean(0)), NUMBERS)
    assert (found.severity, found.title) == ("error", "The loss compares means")


@pytest.mark.parametrize(
    ("loss", "targets"),
    [
        (CE, None),
        (nn.L1Loss(), 100 + NUMBERS),  # one slope for all where the outputs are, and not among the targets
        (lambda o, t: (o - t).square().max(), NUMBERS),  # the worst image, which is another one for other outputs
        (lambda o, _t: o.mean(), None),  # a critic's loss, which knows no targets
        (lambda o, t: torch.cdist(o, t).mean() - torch.cdist(o, o).mean() / 2, NUMBERS),  # two samples
    ],
)
def test_others_are_left_in_peace(loss: Any, targets: Tensor | None) -> None:
    assert asked(loss, targets) == []


@pytest.mark.parametrize(("shape", "said"), [((16,), 1), ((16, 1), 0)])
def test_outputs_that_are_spread_against_targets_are_an_error(shape: tuple[int, ...], said: int) -> None:
    """(16, 1) - (16,) is (16, 16), and the mean of its square has its minimum where every output is the mean target."""
    torch.manual_seed(0)
    network = nn.Sequential(classifier(), nn.Linear(4, 1))
    batch = images()[0], NUMBERS[:, 0].reshape(shape)

    def squares(outputs: Tensor, targets: Tensor) -> Tensor:
        return ((outputs - targets / 2) ** 2).mean()

    found = Examples()(observe(network, sgd(network.parameters()), batch, squares))
    assert [(f.severity, f.title) for f in found] == [("error", "Outputs are spread against targets")] * said


def test_all_with_all_on_purpose_is_left_in_peace() -> None:
    """Differences of the outputs among themselves, and weights of the classes over all images."""

    def ranking(outputs: Tensor, targets: Tensor) -> Tensor:
        score = outputs[:, :1]
        order = (targets[:, None] - targets).sign()
        weighed = (outputs * torch.tensor([1.0, 2.0, 1.0, 1.0])).square().mean()
        return F.softplus(-order * (score - score.squeeze(1))).mean() + 0.1 * weighed

    assert asked(ranking) == []
