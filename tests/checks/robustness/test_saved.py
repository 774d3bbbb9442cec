"""Pictures written as PNG and read back."""

from io import BytesIO

import pytest
import torch
from PIL import Image
from torch import nn

from snellen.checks.robustness._saved import as_png, read_back, survivors
from snellen.instruments.attacks._goal import Untargeted
from snellen.subject.network import Network
from snellen.subject.preprocessing import Preprocessing

IMAGES = torch.randint(256, (3, 3, 6, 8), generator=torch.Generator().manual_seed(0)).float() / 255


@pytest.mark.parametrize("channels", ["RGB", "BGR", "L"])
def test_levels_survive_the_round_trip(channels: str) -> None:
    images = IMAGES[:, :1] if channels == "L" else IMAGES
    assert torch.equal(read_back(images, Preprocessing(size=(6, 8), channels=channels)), images)  # type: ignore[arg-type]


def test_the_bytes_are_a_png_with_these_levels() -> None:
    with Image.open(BytesIO(as_png(IMAGES[0]))) as picture:
        assert (picture.format, picture.mode, picture.size) == ("PNG", "RGB", (8, 6))
        assert picture.getpixel((7, 2)) == tuple(int(v) for v in (IMAGES[0, :, 2, 7] * 255).round())


def test_who_survives_as_it_is_and_through_a_resize() -> None:
    """The network answers 1 where the first pixel is white, and 0 elsewhere: a resize and crop loses that pixel."""

    class Corner(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            white = x[:, 0, 0, 0] > 0.99
            return torch.stack([(~white).float(), white.float()], dim=1)

    images = torch.zeros(2, 3, 6, 6)
    images[1, :, 0, 0] = 1
    plain = Network(Corner(), preprocessing=Preprocessing(size=(6, 6)))
    goal = Untargeted(torch.zeros(2, dtype=torch.long))
    kept, resized = survivors(plain, images, goal)
    assert kept.tolist() == [False, True]
    assert resized is None
    cropped = Network(Corner(), preprocessing=Preprocessing(size=(6, 6), resize=9))
    kept, resized = survivors(cropped, images, goal)
    assert kept.tolist() == [False, True]
    assert resized is not None
    assert resized.tolist() == [False, False]
