"""Every view of an image is one that a slow hand would make of it."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from snellen._errors import ImagesError, UsageError
from snellen.training.augment import SHIFT, Views, recoloured, shifted


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def pictures(n: int, h: int = 8, w: int = 9, seed: int = 0) -> Tensor:
    return torch.randint(256, (n, 3, h, w), dtype=torch.uint8, generator=generator(seed))


def moved(image: Tensor, down: int, right: int) -> Tensor:
    """Pixel by pixel; beyond the edge the image is its own mirror, the edge pixel seen once."""
    _, h, w = image.shape

    def inside(i: int, size: int) -> int:
        return -i if i < 0 else 2 * (size - 1) - i if i >= size else i

    rows, columns = ([inside(i + by, size) for i in range(size)] for by, size in ((down, h), (right, w)))
    return image[:, rows][:, :, columns]


def test_a_shift_is_a_shift_with_its_mirror_image_at_the_edge() -> None:
    images = torch.rand(60, 3, 5, 7, generator=generator())
    seen = []
    for image, found in zip(images, shifted(images, generator(1)), strict=True):
        by = [
            (down, right)
            for down in range(-SHIFT, SHIFT + 1)
            for right in range(-SHIFT, SHIFT + 1)
            if torch.equal(moved(image, down, right), found)
        ]
        assert len(by) == 1
        seen += by
    assert 15 < seen.count((0, 0)) < 45  # half of them stay
    assert {d for d, _ in seen} == {r for _, r in seen} == set(range(-SHIFT, SHIFT + 1))


def test_without_jitter_and_grey_colours_stay() -> None:
    pixels = torch.rand(4, 3, 5, 5)
    assert recoloured(pixels, generator(), jitter=0, grey=0) is pixels


def test_grey_is_the_luma_of_rec_601_in_a_part_of_the_images() -> None:
    pixels = torch.rand(400, 3, 2, 2, generator=generator())
    found = recoloured(pixels, generator(2), jitter=0, grey=0.3)
    changed = 0
    for before, after in zip(pixels, found, strict=True):
        if not torch.equal(before, after):
            luma = 0.299 * before[0] + 0.587 * before[1] + 0.114 * before[2]
            assert torch.allclose(after, luma.expand(3, -1, -1), atol=1e-6)
            changed += 1
    assert 80 < changed < 160
    whole = recoloured(pixels, generator(2), jitter=0, grey=1)
    assert torch.allclose(whole[:, 0], whole[:, 2])


def test_jitter_is_a_line_in_every_channel_of_bounded_slope() -> None:
    """pixel -> (pixel - mean) * slope + mean + step, by loops."""
    jitter = 0.4
    pixels = torch.rand(20, 3, 4, 4, generator=generator())
    found = recoloured(pixels, generator(3), jitter=jitter, grey=0)
    slopes, steps = [], []
    for before, after in zip(pixels.flatten(0, 1), found.flatten(0, 1), strict=True):
        slope = (after.max() - after.min()) / (before.max() - before.min())
        step = after.mean() - before.mean()
        assert torch.allclose(after, (before - before.mean()) * slope + before.mean() + step, atol=1e-5)
        slopes.append(slope.item())
        steps.append(step.item())
    assert (1 - jitter) * (1 - jitter / 2) <= min(slopes) < 0.85
    assert 1.15 < max(slopes) <= (1 + jitter) * (1 + jitter / 2)
    assert 0.05 < max(map(abs, steps)) <= jitter / 4 + 1e-6


@pytest.mark.parametrize("wrong", [{"jitter": -0.1}, {"jitter": 1.5}, {"grey": 2.0}, {"jitter": float("nan")}])
def test_parts_outside_0_to_1_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(UsageError, match="jitter and grey must be from 0 to 1"):
        recoloured(torch.rand(1, 3, 4, 4), generator(), **{"jitter": 0.0, "grey": 0.0, **wrong})


def test_bytes_never_wrap() -> None:
    """Black stays near black, and white near white; nothing jumps to the other end."""
    for value in (0, 255):
        images = torch.full((8, 3, 8, 8), value, dtype=torch.uint8)
        found = Views(images, (8, 8)).augmented(torch.arange(8), generator(), jitter=0.2)
        assert found.dtype == torch.float32
        assert (found - value / 255).abs().max() <= 0.05 + 1e-6
        large = Views([torch.full((3, 20, 30), value, dtype=torch.uint8)] * 8, (8, 8))
        assert (large.augmented(torch.arange(8), generator()) - value / 255).abs().max() <= 1e-6


def test_half_of_the_images_are_flipped() -> None:
    image = torch.zeros(1, 3, 16, 16, dtype=torch.uint8)
    image[:, :, :, 8:] = 255
    found = Views(image, (16, 16)).augmented(torch.zeros(200, dtype=torch.long), generator())
    flipped = int((found[:, 0, 8, 0] > 0.5).sum())
    assert 70 < flipped < 130


@settings(max_examples=20, deadline=None)
@given(
    seed=st.integers(0, 2**40 - 1),
    sizes=st.lists(st.tuples(st.integers(6, 30), st.integers(5, 30)), min_size=1, max_size=4),
)
def test_the_same_generator_gives_the_same_views(seed: int, sizes: list[tuple[int, int]]) -> None:
    views = Views([pictures(1, h, w, seed=i)[0] for i, (h, w) in enumerate(sizes)], (6, 5))
    rows = torch.arange(len(sizes)).repeat(2)
    one, again = (views.augmented(rows, generator(seed), jitter=0.3, grey=0.2) for _ in range(2))
    assert one.shape == (2 * len(sizes), 3, 6, 5)
    assert torch.equal(one, again)
    assert one.isfinite().all()


def test_rows_are_the_rows_asked_for() -> None:
    images = torch.arange(0, 250, 50, dtype=torch.uint8).view(5, 1, 1, 1).expand(5, 3, 8, 8)
    rows = torch.tensor([4, 0, 2])
    for views in (Views(images, (8, 8)), Views(list(images), (6, 6))):
        found = views.augmented(rows, generator())
        assert torch.allclose(found, (rows * 50 / 255).view(3, 1, 1, 1).expand_as(found))


def test_a_crop_is_a_part_of_the_image() -> None:
    """Of an image that is a plane, every crop is a plane again: its slope is that of the image times the scale."""
    h, w, side = 40, 60, 10
    plane = (2 * torch.arange(h)[:, None] + torch.arange(w)).to(torch.uint8).expand(3, h, w)
    views = Views([plane], (side, side))
    found = views.augmented(torch.zeros(50, dtype=torch.long), generator()) * 255
    inner = found[:, 0, 2:-2, 2:-2]  # beyond, the filter meets the edge
    down, right = inner.diff(dim=1), inner.diff(dim=2).abs()
    assert torch.allclose(down, down.mean(dim=(1, 2), keepdim=True).expand_as(down), atol=0.4)
    assert torch.allclose(right.mean(dim=(1, 2)) * 2, down.mean(dim=(1, 2)), atol=0.1)
    scales = down.mean(dim=(1, 2)) / 2
    assert 0.95 < scales.min() < 1.5
    assert 2.5 < scales.max() <= h / side + 0.01


def test_an_image_of_the_size_asked_for_is_not_resized() -> None:
    images = list(pictures(3, 8, 8))
    found = Views([*images, pictures(1, 9, 9)[0]], (8, 8)).augmented(torch.arange(3), generator())
    for image, view in zip(images, found, strict=True):
        pixels = image.float() / 255
        assert torch.equal(view, pixels) or torch.equal(view, pixels.flip(2))


def test_a_crop_is_resized_as_torch_does() -> None:
    image = pictures(1, 12, 12)[0]
    views = Views([image], (6, 6))
    found = views.augmented(torch.zeros(1, dtype=torch.long), generator(5))[0]
    candidates = []
    for tall in range(6, 13):
        for top in range(12 - tall + 1):
            for left in range(12 - tall + 1):
                part = image[None, :, top : top + tall, left : left + tall].float() / 255
                small = F.interpolate(part, (6, 6), mode="bilinear", antialias=True, align_corners=False)[0]
                candidates += [small, small.flip(2)]
    assert min((found - c).abs().max().item() for c in candidates) < 1e-5


def test_the_mean_of_every_channel() -> None:
    images = pictures(7)
    expected = [sum(images[:, c].flatten().tolist()) / images[:, c].numel() / 255 for c in range(3)]
    assert Views(images, (8, 9)).mean == pytest.approx(expected, abs=1e-4)
    assert Views(list(images), (8, 9)).mean == pytest.approx(expected, abs=1e-4)


def test_the_last_few_images_count_no_more_than_others() -> None:
    images = torch.zeros(4097, 3, 4, 4, dtype=torch.uint8)
    images[-1] = 255
    assert Views(images, (4, 4)).mean == (0.0002,) * 3


def test_a_fingerprint_tells_images_and_crops_apart() -> None:
    images = pictures(3, 9, 9)
    other = images.clone()
    other[2, 0, 0, 0] ^= 1
    prints = [Views(images, (9, 9)), Views(other, (9, 9)), Views(images, (8, 8)), Views(list(images), (6, 6))]
    assert len({views.fingerprint for views in prints}) == 4
    assert Views(images.clone(), (9, 9)).fingerprint == prints[0].fingerprint


def test_images_that_cannot_be_trained_on() -> None:
    with pytest.raises(ImagesError, match="no images"):
        Views([], (8, 8))
    with pytest.raises(ImagesError, match=r"at least 8 x 8 pixels .*image 1 is 8 x 7; give a smaller side"):
        Views([pictures(1, 9, 9)[0], pictures(1, 8, 7)[0]], (8, 8))
    with pytest.raises(ImagesError, match="at least 4 pixels high and wide, these are 3 x 8"):
        Views(pictures(2, 3, 8), (3, 8))
    smallest = Views(pictures(2, 4, 4), (4, 4)).augmented(torch.arange(2), generator())
    assert smallest.shape == (2, 3, 4, 4)


def test_all_images_are_moved_by_up_to_the_shift_that_is_given() -> None:
    """Each image counts its columns: what stands in the middle tells how far it was moved."""
    columns = torch.arange(12, dtype=torch.uint8).expand(400, 3, 12, 12).contiguous()
    seen = Views(columns, (12, 12)).augmented(torch.arange(400), torch.Generator().manual_seed(0), flip=False, shift=2)
    by = (seen[:, 0, 0, 6] * 255).round().long() - 6
    assert torch.bincount(by + 2).shape == (5,)
    assert torch.bincount(by + 2).min() > 40  # all of the five ways, none of them preferred
    still = Views(columns, (12, 12)).augmented(torch.arange(9), torch.Generator(), flip=False, shift=0)
    assert torch.equal((still * 255).round().to(torch.uint8), columns[:9])


def test_a_shift_that_is_too_large_is_refused() -> None:
    with pytest.raises(UsageError, match="can be moved by 0 to 7, got a shift of 8"):
        Views(pictures(3, 8, 8), (8, 8)).augmented(torch.arange(3), torch.Generator(), shift=8)
