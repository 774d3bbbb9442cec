"""Which layers look at the other samples of a batch."""

import pytest
import torch
from torch import nn

from snellen._errors import UsageError
from snellen.instruments.architecture.batch_mates import change_with_mates
from untouched import untouched

BATCH = torch.randn(4, 3, 5, 5, generator=torch.Generator().manual_seed(0))
MATES = 2 + 3 * torch.randn(3, 3, 5, 5, generator=torch.Generator().manual_seed(1))


def test_batch_norm_by_its_formula() -> None:
    layer = nn.BatchNorm2d(3)
    with untouched(layer):
        got = change_with_mates(layer, BATCH, MATES)

    def normal(batch: torch.Tensor) -> torch.Tensor:
        rows = batch.transpose(0, 1).flatten(1)
        return (batch[0] - rows.mean(1)[:, None, None]) / (rows.var(1, unbiased=False) + 1e-5).sqrt()[:, None, None]

    expected = (normal(BATCH) - normal(torch.cat([BATCH[:1], MATES]))).abs().max().item()
    assert got == pytest.approx(expected, rel=1e-5)
    assert got > 0.5


@pytest.mark.parametrize("layer", [nn.InstanceNorm2d(3), nn.GroupNorm(1, 3), nn.Conv2d(3, 2, 3), nn.Dropout()])
def test_layers_that_treat_every_sample_by_itself(layer: nn.Module) -> None:
    with untouched(layer):
        assert change_with_mates(layer, BATCH, MATES) < 1e-6


def test_batch_norm_in_evaluation() -> None:
    assert change_with_mates(nn.BatchNorm2d(3), BATCH, MATES, training=False) == 0


def test_nothing_to_compare() -> None:
    with pytest.raises(UsageError, match="got 1 and 3"):
        change_with_mates(nn.Tanh(), BATCH[:1], MATES)
    with pytest.raises(UsageError, match="got 4 and 0"):
        change_with_mates(nn.Tanh(), BATCH, MATES[:0])
