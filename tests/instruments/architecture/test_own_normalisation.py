"""What a module does to its input before anything else."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from snellen.instruments.architecture.own_normalisation import own_normalisation
from toys import Toy

INPUTS = torch.rand(2, 3, 5, 5, generator=torch.Generator().manual_seed(0))
MEAN, STD = torch.tensor([0.4, 0.5, 0.6]), torch.tensor([0.2, 0.25, 0.3])
M, S = MEAN.view(1, 3, 1, 1), STD.view(3, 1, 1)


@pytest.mark.parametrize(
    "begins",
    [
        lambda x: (x - M) / S,
        lambda x: x.clone().sub_(M).div_(S),
        lambda x: x.float().sub(M).mul(1 / S),
        lambda x: (x * (1 / S)) - M / S,
        lambda x: torch.div(torch.sub(x, M), S),
    ],
)
def test_a_normalisation_is_read_off_however_it_is_written(begins: Callable[[Tensor], Tensor]) -> None:
    found = own_normalisation(Toy(lambda m, x: m.inner(begins(x)), inner=nn.Conv2d(3, 4, 3)), INPUTS)
    assert found is not None
    assert found.mean == pytest.approx(MEAN.tolist(), rel=1e-6)
    assert found.std == pytest.approx(STD.tolist(), rel=1e-6)


@pytest.mark.parametrize(
    "begins",
    [
        lambda x: x,
        lambda x: x.relu() - 0.5,
        lambda x: x.flatten(1) / 2,
        lambda x: x * x.mean(dim=1, keepdim=True),
        lambda x: x - x.mean(dim=(2, 3), keepdim=True),
    ],
)
def test_what_is_none(begins: Callable[[Tensor], Tensor]) -> None:
    assert own_normalisation(Toy(lambda _, x: begins(x).flatten(1)), INPUTS) is None


def test_what_comes_later_does_not_count() -> None:
    found = own_normalisation(Toy(lambda _, x: ((2 * x - 1).tanh() - 7) / 9), INPUTS)
    assert found is not None
    assert (found.scale, found.shift) == ((2.0,) * 3, (-1.0,) * 3)
