"""Segmentation: one answer for all pixels, and rows of scores that are no pixel's."""

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from healthy import sgd
from snellen.checks.training.maps import Maps
from snellen.findings.finding import Finding
from snellen.training.health.observe import observe


def asked(network: nn.Module, loss: Any) -> list[Finding]:
    x = torch.randn(6, 3, 8, 8)
    return list(Maps()(observe(network, sgd(network.parameters()), (x, (x[:, 0] > 0).long()), loss)))


def dense() -> nn.Module:
    torch.manual_seed(0)
    return nn.Conv2d(3, 4, 3, padding=1)


def flattened(outputs: Tensor, targets: Tensor) -> Tensor:
    return F.cross_entropy(outputs.view(-1, 4), targets.view(-1))


def permuted(outputs: Tensor, targets: Tensor) -> Tensor:
    return F.cross_entropy(outputs.permute(0, 2, 3, 1).reshape(-1, 4), targets.flatten())


def test_a_view_without_a_permute_is_an_error() -> None:
    (found,) = asked(dense(), flattened)
    assert (found.severity, found.title) == ("error", "Scores of one row are of several places")
    assert "(0, 0, 0, 0), (0, 0, 0, 1), (0, 0, 0, 2)" in found.sentence


@pytest.mark.parametrize(
    "loss",
    [
        permuted,
        F.cross_entropy,
        lambda o, t: F.cross_entropy(o.flatten(2), t.flatten(1)),
        lambda o, t: F.cross_entropy(
            F.interpolate(o, scale_factor=2), F.interpolate(t[:, None].float(), scale_factor=2)[:, 0].long()
        ),
        lambda o, t: F.cross_entropy(o.mean((2, 3)), t[:, 0, 0]),
    ],
)
def test_scores_that_are_in_their_order_are_left_in_peace(loss: Any) -> None:
    assert asked(dense(), loss) == []


class Pooled(nn.Module):
    """A vector an image, spread over its pixels; and, if told so, with the pixels beside it."""

    def __init__(self, *, skip: bool) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.head, self.skip = nn.Conv2d(3, 4, 1), skip

    def forward(self, x: Tensor) -> Any:
        return self.head(x.mean((2, 3), keepdim=True).expand_as(x) + x * self.skip)


@pytest.mark.parametrize("skip", [False, True])
def test_a_pooled_vector_has_one_answer_for_every_pixel(skip: bool) -> None:
    found = asked(Pooled(skip=skip), F.cross_entropy)
    assert [(f.severity, f.title) for f in found] == [("error", "Every pixel gets one answer")] * (not skip)


def test_a_head_that_begins_at_0_is_left_in_peace() -> None:
    network = dense()
    nn.init.zeros_(network.weight)  # type: ignore[arg-type]
    assert asked(network, F.cross_entropy) == []
