"""Cutout, mixup and cutmix against their definitions, on images that tell where each pixel came from."""

import pytest
import torch

from snellen._errors import UsageError
from snellen.training.mixing import cutout, mixed


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_cutout_blanks_one_square_an_image_and_no_other_pixel() -> None:
    images = torch.rand(200, 2, 9, 12) + 1
    found = cutout(images, 3, generator())
    gone = found == 0
    assert torch.equal(gone[:, 0], gone[:, 1])
    assert torch.equal(found[~gone], images[~gone])
    sizes = []
    for hole in gone[:, 0]:
        rows, columns = hole.any(dim=1).nonzero(), hole.any(dim=0).nonzero()
        tall, wide = len(rows), len(columns)
        assert int(hole.sum()) == tall * wide <= 9
        sizes.append((tall, wide))
        if tall:
            assert int(rows[-1] - rows[0]) == tall - 1
            assert int(columns[-1] - columns[0]) == wide - 1
    assert sizes.count((3, 3)) > 100
    assert min(map(min, sizes)) < 3  # some stick out
    assert bool(gone[:, 0].any(dim=0).all())  # every pixel has its turn


def test_a_square_of_no_size_and_one_below() -> None:
    images = torch.rand(2, 1, 4, 4)
    assert cutout(images, 0, generator()) is images
    with pytest.raises(UsageError, match="got -1"):
        cutout(images, -1, generator())


def batch(n: int = 8) -> tuple[torch.Tensor, torch.Tensor]:
    """Image i is i everywhere, and of class i."""
    return torch.arange(n).float().view(n, 1, 1, 1).expand(n, 1, 10, 10), torch.eye(n)


@pytest.mark.parametrize("seed", range(5))
def test_mixup_blends_images_and_targets_in_the_same_parts(seed: int) -> None:
    images, targets = mixed(*batch(), generator(seed), mixup=0.5)
    assert torch.allclose(images.mean(dim=(1, 2, 3)), targets @ torch.arange(8.0), atol=1e-5)
    assert torch.allclose(images.amin(dim=(1, 2, 3)), images.amax(dim=(1, 2, 3)))
    assert targets.count_nonzero(dim=1).max() <= 2


@pytest.mark.parametrize("seed", range(8))
def test_cutmix_pastes_a_box_and_counts_its_pixels(seed: int) -> None:
    images, targets = mixed(*batch(), generator(seed), cutmix=1.0)
    for i in range(8):
        counts = torch.bincount(images[i].flatten().long(), minlength=8) / 100
        assert torch.allclose(counts, targets[i], atol=1e-6)
        box = (images[i, 0] != i).nonzero()
        if len(box):
            tall, wide = (box.amax(dim=0) - box.amin(dim=0) + 1).tolist()
            assert tall * wide == len(box)


def test_mixup_draws_from_its_beta_distribution() -> None:
    """Beta(a, a) has the mean 1/2 and the variance 1 / (4 (2 a + 1))."""
    keep = []
    for seed in range(2000):
        images, targets = mixed(torch.zeros(2, 1, 1, 1), torch.eye(2), generator(seed), mixup=2.0)
        assert images.shape == (2, 1, 1, 1)
        if targets[0, 0] != 1:  # the order is another one
            keep.append(targets[0, 0])
    kept = torch.stack(keep)
    assert kept.mean().item() == pytest.approx(0.5, abs=0.03)
    assert kept.var().item() == pytest.approx(1 / (4 * 5), rel=0.15)


def test_where_both_are_wanted_either_comes() -> None:
    kinds = set()
    for seed in range(20):
        images, _ = mixed(*batch(), generator(seed), mixup=1.0, cutmix=1.0)
        kinds.add(torch.equal(images, images.round()))
    assert kinds == {True, False}


def test_neither_is_the_batch_and_below_0_is_refused() -> None:
    images, targets = batch()
    same = mixed(images, targets, generator())
    assert same[0] is images
    assert same[1] is targets
    with pytest.raises(UsageError, match=r"got -1\.0 and 0"):
        mixed(images, targets, generator(), mixup=-1.0)


def test_the_same_generator_the_same_batch() -> None:
    one, other = (mixed(*batch(), generator(3), mixup=1.0, cutmix=1.0) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))
