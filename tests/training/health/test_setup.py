"""What a batch, a loss and a network may be."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor, nn, optim

from snellen._errors import NetworkError, UsageError
from snellen.training.health.setup import copied, inputs_and_targets, tensors_in, training_setup

NET = nn.Linear(3, 2)
SGD = optim.SGD(NET.parameters(), lr=0.1)
BATCH = torch.ones(4, 3), torch.zeros(4).long()


def by_names(model: Any, batch: Any) -> Any:
    return model(batch[0]).sum()


def of_outputs(outputs: Tensor, targets: Tensor) -> Tensor:
    return outputs.sum() + targets.sum()


LOSSES: list[tuple[Callable[..., Any], list[bool]]] = [
    (nn.CrossEntropyLoss(), [False]),
    (by_names, [True]),
    (lambda a, batch: a(batch[0]).sum(), [True]),
    (of_outputs, [False, True]),
    (partial(of_outputs), [False, True]),
    (lambda: NET(BATCH[0]).sum(), [True]),
]


@pytest.mark.parametrize(("loss", "wanted"), LOSSES)
def test_the_kind_of_loss_is_told(loss: Callable[..., Any], wanted: list[bool]) -> None:
    ways = training_setup(NET, SGD, BATCH, loss)
    assert [way.whole for way in ways] == wanted
    assert ways[0].value().ndim == 0


BATCHES: list[tuple[Any, Any]] = [
    ((1, 2), (1, 2)),
    ([1, 2, 3], (1, 2)),
    ({"img": 1, "labels": 2}, (1, 2)),
    ({"pixel_values": 1, "targets": 2, "id": 3}, (1, 2)),
]


@pytest.mark.parametrize(("batch", "halves"), BATCHES)
def test_a_batch_has_two_halves(batch: Any, halves: Any) -> None:
    assert inputs_and_targets(batch) == halves


@pytest.mark.parametrize("batch", [3, (1,), {"img": 1}, {}])
def test_a_batch_without_halves_is_refused(batch: Any) -> None:
    with pytest.raises(UsageError, match=r"a batch .* got"):
        inputs_and_targets(batch)


@pytest.mark.parametrize("wrapped", [lambda x: {"loss": x}, lambda x: (x, 1), lambda x: x])
def test_the_number_is_taken_out_of_what_the_loss_returns(wrapped: Callable[[Tensor], Any]) -> None:
    way = training_setup(NET, SGD, BATCH, lambda model, batch: wrapped(model(batch[0]).sum()))[0]
    assert float(way.value().detach()) == float(NET(BATCH[0]).sum().detach())


def test_what_is_no_number_is_refused() -> None:
    way = training_setup(NET, SGD, BATCH, lambda model, _: "low" if model else "")[0]
    with pytest.raises(NetworkError, match="one number as a tensor, got str"):
        way.value()


def test_inputs_may_be_several_or_named() -> None:
    class Two(nn.Module):
        def forward(self, left: Tensor, right: Tensor) -> Tensor:
            return left - right

    one, two = torch.ones(1), torch.zeros(1)
    for inputs in ((one, two), {"left": one, "right": two}):
        way = training_setup(Two(), [], (inputs, one), of_outputs)[0]
        assert float(way.outputs(inputs)) == 1.0


def test_modules_that_the_loss_holds_are_known() -> None:
    teacher = nn.Linear(3, 2)

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        return outputs.sum() - teacher(BATCH[0]).sum() + targets.sum()

    assert training_setup(NET, SGD, BATCH, loss)[0].modules == (NET, teacher)


def test_tensors_of_a_nested_batch() -> None:
    assert len(list(tensors_in({"a": [torch.ones(2), (torch.ones(1), 3)], "b": "x"}))) == 2
    assert training_setup(NET, SGD, BATCH, by_names)[0].size == 4


def test_a_copy_of_a_batch_shares_no_data_and_keeps_what_must_stay() -> None:
    class Pair(NamedTuple):
        x: Tensor
        y: Tensor

    asks, held = torch.ones(2, requires_grad=True), nn.Parameter(torch.ones(2))
    twice = torch.arange(3.0)
    batch = {"pair": Pair(twice, twice), "list": [asks, held, "name"], "tuple": (torch.ones(1), None)}
    other = copied(batch)
    assert type(other["pair"]) is Pair
    assert other["pair"].x is other["pair"].y
    assert other["pair"].x is not twice
    assert torch.equal(other["pair"].x, twice)
    assert [a is b for a, b in zip(other["list"], batch["list"], strict=True)] == [True, True, True]
    other["tuple"][0].add_(1)
    assert batch["tuple"][0].tolist() == [1.0]
