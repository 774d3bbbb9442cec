"""Labels and images: agreement with a closed form, and groups where there are some and where there are none."""

import math

import pytest
import torch
from sklearn.datasets import load_digits
from torch import Tensor

from snellen.training.health.agreement import agreement


def digits(count: int) -> tuple[Tensor, Tensor]:
    found = load_digits()
    return torch.from_numpy(found.images[:count]).float()[:, None], torch.from_numpy(found.target[:count])


def test_chance_is_what_counting_pairs_gives() -> None:
    """Two other images drawn without replacement: sum of n_k (n_k - 1) / (n (n - 1))."""
    images, labels = torch.randn(60, 5), torch.tensor([0] * 30 + [1] * 20 + [2] * 10)
    wanted = sum(n * (n - 1) for n in (30, 20, 10)) / (60 * 59)
    assert agreement(images, labels).chance == pytest.approx(wanted, abs=0.005)


def test_neighbours_far_apart_agree_wholly() -> None:
    labels = torch.arange(40) % 4
    images = torch.nn.functional.one_hot(labels, 4).float() * 100 + torch.randn(40, 4)
    found = agreement(images, labels)
    assert found.share == 1.0
    assert found.deviations > 10


@pytest.mark.parametrize("count", [64, 128, 400])
def test_digits_go_with_their_labels_and_not_with_shuffled_ones(count: int) -> None:
    images, labels = digits(count)
    right = agreement(images, labels)
    wrong = agreement(images, labels[torch.randperm(count, generator=torch.Generator().manual_seed(1))])
    assert right.deviations > 8
    assert abs(wrong.deviations) < 4
    assert wrong.groups > 3
    assert wrong.tightness < 0.85


@pytest.mark.parametrize("seed", range(5))
def test_noise_falls_into_no_groups(seed: int) -> None:
    torch.manual_seed(seed)
    found = agreement(torch.randn(128, 3, 8, 8), torch.randint(0, 10, (128,)), seed=seed)
    assert abs(found.deviations) < 4
    assert found.tightness > 0.9


def test_the_same_seed_gives_the_same_numbers() -> None:
    images, labels = digits(60)
    shuffled = labels.flip(0)
    one, two = (agreement(images, shuffled, seed=3) for _ in range(2))
    assert one == two
    assert math.isfinite(one.groups)
