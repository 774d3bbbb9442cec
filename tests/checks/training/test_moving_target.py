"""A target that is trained too and a draw without a gradient are warned of; what is meant is not."""

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from healthy import images, sgd
from snellen.checks.training.moving_target import MovingTarget
from snellen.training.health.observe import observe


def asked(loss: Any, network: nn.Module) -> list[str]:
    seen = observe(network, sgd(network.parameters()), images(), loss)
    return [f.title for f in MovingTarget()(seen)]


def tower() -> nn.Sequential:
    return nn.Sequential(nn.Flatten(), nn.Linear(432, 8), nn.ReLU(), nn.Linear(8, 4))


def taught(net: nn.ModuleDict, x: Tensor, *, detach: bool) -> Tensor:
    answer = net["teacher"](x).softmax(1)
    return F.kl_div(net["student"](x).log_softmax(1), answer.detach() if detach else answer, reduction="batchmean")


@pytest.mark.parametrize("detach", [False, True])
def test_a_teacher_that_moves_to_its_student(detach: bool) -> None:
    torch.manual_seed(0)
    network = nn.ModuleDict({"teacher": tower(), "student": tower()})
    found = asked(lambda net, batch: taught(net, batch[0], detach=detach), network)
    assert found == [] if detach else found == ["The target is trained too"]


def test_one_network_that_agrees_with_itself_is_left_in_peace() -> None:
    torch.manual_seed(0)
    network = tower()
    assert asked(lambda net, batch: F.mse_loss(net(batch[0]), net(batch[0].flip(3))), network) == []


@pytest.mark.parametrize(("draw", "said"), [("normal", 1), ("noise", 0), ("sample", 1), ("rsample", 0)])
def test_a_code_is_drawn_with_a_gradient(draw: str, said: int) -> None:
    torch.manual_seed(0)
    network = nn.ModuleDict({"encoder": nn.Linear(432, 8), "decoder": nn.Linear(4, 432)})

    def loss(net: nn.ModuleDict, batch: Any) -> Tensor:
        x = batch[0].flatten(1)
        mean, spread = net["encoder"](x).chunk(2, 1)
        normal = torch.distributions.Normal(mean, spread.exp())
        code = {
            "normal": lambda: torch.normal(mean, spread.exp()),
            "noise": lambda: mean + spread.exp() * torch.randn_like(mean),
            "sample": normal.sample,
            "rsample": normal.rsample,
        }[draw]()
        return F.mse_loss(net["decoder"](code), x) + 0.01 * (mean.square() + spread.square()).mean()

    assert asked(loss, network) == ["A draw passes no gradient"] * said


def test_a_student_that_is_detached_in_place_of_its_teacher_is_an_error() -> None:
    torch.manual_seed(0)
    network = nn.ModuleDict({"teacher": tower(), "student": tower()})

    def wrong(net: nn.ModuleDict, batch: Any) -> Tensor:
        x = batch[0]
        return F.kl_div(net["student"](x).detach().log_softmax(1), net["teacher"](x).softmax(1), reduction="batchmean")

    assert asked(wrong, network) == ["The target is trained in place of the answer"]
