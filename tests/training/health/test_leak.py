"""The same images are found by file, index, pixels and likeness; different ones are not."""

import pytest
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Subset, TensorDataset

from snellen.training.health.leak import overlap, read_split


class Files(Dataset[tuple[Tensor, int]]):
    def __init__(self, names: list[str]) -> None:
        self.samples = [(n, 0) for n in names]

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return torch.rand(3, 4, 4), 0


def test_equal_pixels_are_found_whatever_holds_them() -> None:
    pool = torch.rand(30, 3, 8, 8)
    data = TensorDataset(pool, torch.zeros(30))
    ways = [pool[:20], (pool[:20], torch.zeros(20)), DataLoader(TensorDataset(pool[:20]), 7), Subset(data, range(20))]
    for way in ways:
        shared = overlap(read_split(way), read_split(pool[15:]))
        assert shared.pixels == ((0, 15), (1, 16), (2, 17), (3, 18), (4, 19))


def test_indices_and_files_are_compared() -> None:
    data = TensorDataset(torch.rand(30, 3, 8, 8))
    assert overlap(read_split(Subset(data, range(20))), read_split(Subset(data, range(18, 30)))).indices == 2
    other = TensorDataset(torch.rand(30, 3, 8, 8))
    assert overlap(read_split(Subset(data, range(20))), read_split(Subset(other, range(18, 30)))).indices == 0
    assert overlap(read_split(Files(["a", "b"])), read_split(Files(["b", "c"]))).files == 1


def test_near_duplicates_are_told_by_the_data_themselves() -> None:
    torch.manual_seed(0)
    train = torch.rand(200, 1, 16, 16)
    copies = train[:20] * 0.8 + 0.1 + 0.005 * torch.randn(20, 1, 16, 16)
    shared = overlap(read_split(train), read_split(copies))
    assert len(shared.near) == 20
    assert [j for _, j in shared.near] == list(range(20))
    assert shared.probability < 1e-6
    apart = overlap(read_split(train), read_split(torch.rand(100, 1, 16, 16)))
    assert apart.near == ()
    assert apart.probability == 1.0


def test_data_that_are_alike_among_themselves_are_no_leak() -> None:
    """Every image is a blurred digit of two kinds: a fixed radius would call all of them duplicates."""
    torch.manual_seed(0)
    kinds = torch.rand(2, 1, 16, 16)
    every = kinds[torch.arange(300) % 2] + 0.01 * torch.randn(300, 1, 16, 16)
    assert overlap(read_split(every[:200]), read_split(every[200:])).probability > 1e-6


def test_reading_leaves_the_generators_alone() -> None:
    loader = DataLoader(TensorDataset(torch.rand(30, 3, 4, 4)), 4, shuffle=True)
    before = torch.get_rng_state()
    assert len(read_split(loader, most=10).hashes) == 10
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("most", [1, 7, 40])
def test_no_more_is_read_than_asked(most: int) -> None:
    assert len(read_split(torch.rand(30, 3, 4, 4), most=most).hashes) == min(most, 30)
