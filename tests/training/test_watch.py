"""Looking at a training changes nothing of it, and the best look is the first of the lowest."""

import pytest
import torch
from torch import nn

from snellen.training.watch import Watch, wearing
from untouched import untouched


def test_a_look_leaves_the_module_as_it_was_even_if_it_fails() -> None:
    module = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3), nn.Dropout())
    module[2].eval()
    other = {name: torch.ones_like(tensor) for name, tensor in module.state_dict().items()}

    def look() -> None:
        with wearing(module, other):
            assert not any(inner.training for inner in module.modules())
            assert bool((module[0].weight == 1).all())
            raise ZeroDivisionError

    with untouched(module), pytest.raises(ZeroDivisionError):
        look()


def rows(*losses: float) -> list[dict[str, float]]:
    return [{"val_loss": loss} for loss in losses]


def test_the_best_look_is_the_first_of_the_lowest() -> None:
    watch = Watch(1, dict, patience=2)
    assert [watch.best(rows(*losses)) for losses in ((), (3,), (3, 1, 2, 1))] == [-1, 0, 1]


@pytest.mark.parametrize(
    ("losses", "over"), [((), False), ((2, 1), False), ((2, 1, 1), False), ((2, 1, 3, 1), True), ((1, 2, 2), True)]
)
def test_patience_ends_after_so_many_looks_that_are_no_better(losses: tuple[float, ...], over: bool) -> None:
    assert Watch(1, dict, patience=2).over(rows(*losses)) is over
    assert not Watch(1, dict).over(rows(*losses))
