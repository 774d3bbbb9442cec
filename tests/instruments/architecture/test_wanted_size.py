"""The paddings that give a size, against trying them all."""

import random
from typing import Any

import pytest

from snellen import UsageError
from snellen.instruments.architecture.convolution import axes_of
from snellen.instruments.architecture.wanted_size import paddings


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("seed", range(40))
def test_all_paddings_are_found_and_no_other(seed: int, transposed: bool) -> None:
    draw = random.Random(seed)
    given: dict[str, Any] = {"stride": draw.randint(1, 4), "dilation": draw.randint(1, 3), "transposed": transposed}
    size, kernel, wanted = draw.randint(1, 12), draw.randint(1, 5), draw.randint(1, 14)
    extras = range(max(given["stride"], given["dilation"])) if transposed else range(1)
    tried = {
        (p, extra)
        for p in range(60)
        for extra in extras
        if axes_of(size, kernel, padding=p, output_padding=extra, **given)[0].output == wanted
    }
    try:
        (answer,) = paddings(size, kernel, wanted, **given)
    except UsageError:
        assert not tried
    else:
        assert {(p.padding, p.output_padding) for p in answer.equal} == tried
        assert answer.totals
        if not tried and not transposed:
            uneven = axes_of(size + answer.totals[0], kernel, **given)
            assert uneven[0].output == wanted


def test_the_calculation_is_written_down() -> None:
    height, width = paddings((69, 90), (7, 5), (24, 32), stride=3)
    assert height.steps == "69 ≤ 69 + 2p − 7 ≤ 71, so 7 ≤ 2p ≤ 9"
    assert width.steps == "93 ≤ 90 + 2p − 5 ≤ 95, so 8 ≤ 2p ≤ 10"
    assert [p.padding for p in height.equal] == [4]
    assert [p.padding for p in width.equal] == [4, 5]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"size": 90, "kernel": 5, "output": 20, "stride": 3}, "a length of 20: without any it is 29 already"),
        ({"size": 9, "kernel": 2, "output": 30, "stride": 2, "transposed": True}, "it is at most 19"),
        ({"size": 9, "kernel": 2, "output": 0}, "must be at least 1, got 0"),
        ({"size": (9, 9), "kernel": 2, "output": (3, 3, 3)}, "output needs 1 number or 2"),
    ],
)
def test_errors(given: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        paddings(**given)
