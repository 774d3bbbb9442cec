"""A trunk that halves the image at every stage."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from snellen._errors import UsageError
from snellen.nets.strided_trunk import StridedTrunk


def test_a_stage_halves_the_map_and_costs_what_the_page_says() -> None:
    with torch.device("meta"), FlopCounterMode(display=False) as counter:
        maps = StridedTrunk()(torch.rand(1, 3, 80, 80))
    assert maps.shape == (1, 96, 10, 10)
    by_hand = 9 * (1600 * (3 * 24 + 24 * 24) + 400 * (24 * 48 + 48 * 48) + 100 * (48 * 96 + 96 * 96))
    assert counter.get_total_flops() / 2 == by_hand
    assert round(by_hand / 1e6) == 34


@pytest.mark.parametrize("settings", [{"widths": ()}, {"widths": (8, 0)}, {"channels": 0}])
def test_sizes_that_cannot_be_built_are_refused(settings: dict[str, object]) -> None:
    with pytest.raises(UsageError, match="needs a stage and sizes of at least 1"):
        StridedTrunk(**settings)  # type: ignore[arg-type]
