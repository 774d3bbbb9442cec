"""Random numbers that belong to an image."""

import numpy as np
import torch
from numpy.typing import NDArray

from snellen.instruments.attacks._draws import Draws

PICTURES = torch.randint(256, (4, 3, 5, 5), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)


def splitmix64(state: int, count: int) -> list[int]:
    """The published algorithm, one number at a time, in Python's own integers."""
    numbers, mask = [], 2**64 - 1
    for _ in range(count):
        state = (state + 0x9E3779B97F4A7C15) & mask
        z = state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & mask
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
        numbers.append(z ^ (z >> 31))
    return numbers


def test_the_stream_is_splitmix64() -> None:
    states = [1234567, 2**64 - 1]
    draws = Draws(np.array(states, np.uint64))
    expected = [[(number >> 11) * 2.0**-53 for number in splitmix64(state, 6)] for state in states]
    found = torch.cat([draws.uniform((2, 4)), draws.uniform((2, 2))], dim=1)
    torch.testing.assert_close(found, torch.tensor(expected, dtype=torch.float32))


def test_the_first_number_of_the_reference_implementation() -> None:
    """Seed 1234567 gives 6457827717110365317 (Vigna's splitmix64.c, as printed at rosettacode.org)."""
    assert splitmix64(1234567, 1) == [6457827717110365317]


def test_a_picture_has_its_stream_at_any_place_and_another_seed_another() -> None:
    together = Draws.of(PICTURES, 3).uniform((4, 7))
    alone = torch.cat([Draws.of(picture[None], 3).uniform((1, 7)) for picture in PICTURES])
    assert torch.equal(together, alone)
    assert torch.equal(Draws.of(PICTURES.flip(0), 3).uniform((4, 7)), together.flip(0))
    assert not torch.equal(Draws.of(PICTURES, 4).uniform((4, 7)), together)


def test_copies_and_splits_do_not_move_the_stream() -> None:
    draws = Draws.of(PICTURES, 0)
    copy, other = draws[torch.tensor([2, 0])], draws.split(1)
    assert not torch.equal(other.uniform((4, 3)), draws[torch.arange(4)].uniform((4, 3)))
    copy.uniform((2, 9))
    assert torch.equal(draws.uniform((4, 3))[[2, 0]], Draws.of(PICTURES, 0)[torch.tensor([2, 0])].uniform((2, 3)))


def moments(values: NDArray[np.float64]) -> tuple[float, float]:
    return float(values.mean()), float(values.var())


def test_the_distributions() -> None:
    """Means and variances within five standard errors of n = 40,000."""
    draws = Draws.of(PICTURES, 1)
    mean, variance = moments(draws.uniform((4, 10_000)).double().numpy())
    assert abs(mean - 0.5) < 5 * (1 / 12 / 40_000) ** 0.5
    assert abs(variance - 1 / 12) < 5 * (1 / 180 / 40_000) ** 0.5
    mean, variance = moments(draws.normal((4, 10_000)).double().numpy())
    assert abs(mean) < 5 * (1 / 40_000) ** 0.5
    assert abs(variance - 1) < 5 * (2 / 40_000) ** 0.5
    counts = draws.integers(5, (4, 10_000)).flatten().bincount(minlength=5)
    assert len(counts) == 5
    assert (counts - 8_000).abs().max() < 5 * (8_000 * 0.8) ** 0.5
