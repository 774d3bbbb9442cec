"""Where numbers come from, through every spelling and through ``no_grad``."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from snellen.training.health.flow import Flow


def watch(run: Callable[[Tensor], Tensor], *parameters: Tensor) -> tuple[Flow, int]:
    flow = Flow(parameters, [], lambda: "here")
    x = torch.randn(6, 4)
    with flow:
        out = run(x)
    return flow, flow.mask(out)


A, B = nn.Parameter(torch.randn(4, 4)), nn.Parameter(torch.randn(4, 4))
FORWARDS: dict[str, Callable[[Tensor], Any]] = {
    "plain": lambda x: x @ A @ B,
    "linear": lambda x: F.linear(F.linear(x, A), B),
    "detached": lambda x: (x @ A).detach() @ B,
    "weight normalised": lambda x: x @ A @ (B / B.norm()),
    "cast": lambda x: (x @ A).double() @ B.double(),
    "in place": lambda x: (x @ A).mul_(2).relu_() @ B,
    "sliced": lambda x: torch.cat([(x @ A)[:3], (x @ A)[3:]]) @ B,
    "by answer": lambda x: F.one_hot((x @ A).argmax(1), 4).float() @ B,
}


@pytest.mark.parametrize("name", FORWARDS)
def test_the_second_weight_consumes_what_the_first_made(name: str) -> None:
    flow, mask = watch(FORWARDS[name], A, B)
    assert list(flow.bits(mask)) == [0, 1]
    assert list(flow.bits(flow.consumed[1])) == [0]
    assert list(flow.bits(flow.consumed[0])) == []


def test_without_gradients_the_way_is_seen_too() -> None:
    def run(x: Tensor) -> Tensor:
        with torch.no_grad():
            x = x @ A
        return x @ B

    flow, _ = watch(run, A, B)
    assert list(flow.bits(flow.consumed[1])) == [0]


def test_side_by_side_is_no_consumption() -> None:
    flow, mask = watch(lambda x: x @ A + x @ B, A, B)
    assert list(flow.bits(mask)) == [0, 1]
    assert list(flow.bits(flow.consumed[1])) == []


def test_noise_that_the_forward_draws_is_data() -> None:
    flow, _ = watch(lambda _: torch.randn(6, 4) @ A @ B, A, B)
    assert list(flow.bits(flow.consumed[1])) == [0]


RELUS: list[Callable[[Tensor], Tensor]] = [
    F.relu,
    torch.relu,
    lambda x: x.clone().relu_(),
    lambda x: x.clamp(min=0),
    lambda x: F.threshold(x, 0.0, 0.0),
    nn.ReLU6(),
]


@pytest.mark.parametrize("relu", RELUS)
def test_silent_units_are_counted_in_every_spelling(relu: Callable[[Tensor], Tensor]) -> None:
    shut = torch.tensor([1.0, -1.0, -1.0, 1.0])
    flow, _ = watch(lambda x: relu(x.abs() * shut) @ A, A)
    assert [(a.kind, a.units, a.samples, a.silent, a.module) for a in flow.activations] == [("relu", 4, 6, 2, "here")]
    assert flow.consumed[0] & flow.activations[0].bit


def test_a_clamp_at_another_floor_is_no_relu() -> None:
    assert watch(lambda x: x.clamp(min=-1), A)[0].activations == []


def test_flat_ends_are_measured() -> None:
    scale = torch.tensor([0.0, 0.0, 100.0, 100.0])
    flow, _ = watch(lambda x: torch.tanh((x.abs() + 1) * scale) @ A, A)
    assert flow.activations[0].flat == 0.5


def test_the_maker_is_known_through_views() -> None:
    flow = Flow([], [], lambda: "")
    x = torch.randn(6, 4)
    with flow:
        soft = x.softmax(1).view(3, 2, 4).flatten(0, 1)
    assert flow.origin(soft) == "_softmax"
    assert flow.origin(x) == ""
