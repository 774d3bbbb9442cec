"""What every corruption promises: pictures of 8 bits, five severities, and randomness that belongs to an image."""

import dataclasses

import pytest
import torch

from contracts.test_attribution import check_docstring
from instruments.corruptions.pictures import photos
from snellen._errors import UsageError
from snellen.instruments.corruptions import METHODS
from untouched import untouched

RANDOM = {"elastic", "fog", "gaussian_noise", "glass_blur", "impulse_noise", "motion_blur", "shot_noise", "snow"}
UNORDERED = {"elastic"}
"""Its table goes from large smooth moves to small rough ones."""
NEARLY = {"fog", "glass_blur", "pixelate"}
"""Dense fog hides more and is no farther; more passes of glass and more blur take turns; 28, 27 and 24 pixels of 32
fall on the grid as they fall."""


@pytest.fixture(params=list(METHODS))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_constructs_with_defaults_and_is_frozen(name: str) -> None:
    method = METHODS[name]()
    with pytest.raises(dataclasses.FrozenInstanceError):
        method.severity = 1  # type: ignore[misc]
    check_docstring(METHODS[name])
    assert [len(METHODS[name].small), len(METHODS[name].large)] == [5, 5]


@pytest.mark.parametrize("shape", [(32, 32, 3), (9, 14, 1), (2, 3, 3)], ids=str)
def test_gives_pictures_of_8_bits_of_the_same_shape(name: str, shape: tuple[int, int, int]) -> None:
    pixels = photos(2, *shape)
    before = pixels.clone()
    with untouched(torch.nn.Identity()):
        made = METHODS[name](5)(pixels)
    assert (made.shape, made.dtype) == (pixels.shape, torch.float32)
    assert ((made >= 0) & (made <= 1)).all()
    torch.testing.assert_close(made * 255, (made * 255).round(), rtol=0, atol=1e-4)
    assert torch.equal(pixels, before)


def test_an_image_is_corrupted_alike_in_every_batch_and_otherwise_by_every_seed(name: str) -> None:
    pixels = photos(3)
    together = METHODS[name](4)(pixels, seed=2)
    alone = torch.cat([METHODS[name](4)(pixels[i : i + 1], seed=2) for i in (2, 1, 0)]).flip(0)
    assert torch.equal(together, alone)
    assert torch.equal(METHODS[name](4)(pixels, seed=3), together) == (name not in RANDOM)


@pytest.mark.parametrize("side", [32, 72])
def test_a_higher_severity_is_farther_away(name: str, side: int) -> None:
    pixels = photos(2, side, side)
    far = [float((METHODS[name](s)(pixels) - pixels).square().mean()) for s in range(1, 6)]
    assert min(far) > 0
    if name not in UNORDERED:
        far = far[::4] if name in NEARLY else far
        assert far == sorted(far)


def test_large_images_have_settings_of_their_own(name: str) -> None:
    method = METHODS[name](2)
    assert method.setting(64, 200) == METHODS[name].small[1]
    assert method.setting(65, 200) == METHODS[name].large[1]


@pytest.mark.parametrize("severity", [0, 6, 2.5, "3"])
def test_severities_are_five(name: str, severity: int) -> None:
    with pytest.raises(UsageError, match="1, 2, 3, 4 or 5, got"):
        METHODS[name](severity)


@pytest.mark.parametrize(
    ("pixels", "said"),
    [
        (photos(1)[0], r"\(n, c, h, w\) in \[0, 1\] with n >= 1, got torch.float32 of shape \(3, 32, 32\)"),
        (photos(1) * 255, r"lie in \[0, 1\], got 3 channels from"),
        (photos(1, channels=2), "1 or 3 channels"),
        ((photos(1) * 255).byte(), "got torch.uint8"),
        ([0.5], "got list"),
    ],
)
def test_what_is_no_image(pixels: torch.Tensor, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        METHODS["contrast"]()(pixels)
