"""Weights into modules: all or nothing, and everything that does not fit is listed."""

import pytest
import torch
from torch import Tensor, nn

from snellen._errors import NetworkError
from snellen.subject.load.apply import apply_state


def linear_state() -> dict[str, Tensor]:
    return {"weight": torch.full((3, 2), 7.0), "bias": torch.zeros(3)}


def test_the_weights_arrive() -> None:
    module = nn.Linear(2, 3)
    assert apply_state(module, linear_state(), source="here") == ()
    assert module(torch.ones(1, 2)).tolist() == [[14.0, 14.0, 14.0]]


def test_everything_that_does_not_fit_is_listed_and_nothing_is_changed() -> None:
    module = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 2))
    before = {key: value.clone() for key, value in module.state_dict().items()}
    state = {
        "0.weight": torch.zeros(2, 3),
        "0.bias": torch.zeros(3),
        "1.weight": torch.zeros(2, 3, dtype=torch.int64),
        "head": torch.zeros(5),
    }
    with pytest.raises(NetworkError) as caught:
        apply_state(module, state, source="here")
    text = str(caught.value)
    assert "1 missing: 1.bias (2)" in text
    assert "1 unexpected: head (5)" in text
    assert "2 wrong shape or type: 0.weight (3 x 2) got (2 x 3), 1.weight (2 x 3) got (2 x 3, int64)" in text
    assert all(torch.equal(value, before[key]) for key, value in module.state_dict().items())


def test_ten_of_a_kind_are_listed_and_all_are_counted() -> None:
    module = nn.Sequential(*(nn.Linear(1, 1) for _ in range(6)))
    with pytest.raises(NetworkError, match=r"12 missing: (\d\.\w+ \([\dx ]+\), ){9}\d\.\w+ \(1( x 1)?\) \.\.\."):
        apply_state(module, {}, source="here")


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_no_numbers_are_refused_by_name(value: float) -> None:
    module, state = nn.Linear(2, 3), linear_state()
    state["bias"][1] = value
    before = module.weight.detach().clone()
    with pytest.raises(NetworkError, match="1 of 2 tensors: bias"):
        apply_state(module, state, source="here")
    assert torch.equal(module.weight, before)


def test_counters_that_old_checkpoints_lack_are_zero_and_noted() -> None:
    module = nn.BatchNorm2d(2)
    module(torch.rand(2, 2, 3, 3))
    state = {key: value.clone() for key, value in module.state_dict().items() if "num_batches" not in key}
    notes = apply_state(module, state, source="old.th")
    assert module.num_batches_tracked is not None
    assert module.num_batches_tracked.item() == 0
    assert notes == ("old.th: 1 BatchNorm counters (num_batches_tracked) are absent, set to 0",)


def test_a_shared_tensor_may_be_there_under_one_name() -> None:
    module = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    module[1].weight = module[0].weight
    state = {"0.weight": torch.eye(2), "0.bias": torch.zeros(2), "1.bias": torch.ones(2)}
    notes = apply_state(module, state, source="here")
    assert module(torch.tensor([[2.0, 3.0]])).tolist() == [[3.0, 4.0]]
    assert "1.weight" in notes[0]


def test_a_wrapped_module_takes_unwrapped_keys() -> None:
    module = nn.ModuleDict({"module": nn.Linear(2, 3)})
    apply_state(module, linear_state(), source="here")
    assert module["module"].weight.unique().tolist() == [7.0]


def test_a_strange_prefix_is_pointed_out_and_not_guessed_away() -> None:
    state = {f"backbone.{key}": value for key, value in linear_state().items()}
    with pytest.raises(NetworkError, match=r"would agree without the prefix 'backbone\.'"):
        apply_state(nn.Linear(2, 3), state, source="here")


def test_half_precision_is_converted_exactly() -> None:
    module = nn.Linear(2, 3)
    apply_state(module, {key: value.half() for key, value in linear_state().items()}, source="here")
    assert module.weight.dtype == torch.float32
    assert module.weight.unique().tolist() == [7.0]
