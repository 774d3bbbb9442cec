"""The other pretext: turns are quarter turns, and they are learnt."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from snellen._errors import ImagesError, UsageError
from snellen.nets.saved import Saved
from snellen.subject.load.digits import digit_pixels
from snellen.training.augment import Views
from snellen.training.rotate import Settings, command_of, told_apart, train, turned


def digits(part: str) -> Tensor:
    pixels, _ = digit_pixels(part)  # type: ignore[arg-type]
    return (pixels.expand(-1, 3, -1, -1) * 255).round().to(torch.uint8)


@given(turns=st.lists(st.integers(0, 3), min_size=1, max_size=6), side=st.integers(1, 5))
def test_turns_are_numpys(turns: list[int], side: int) -> None:
    images = torch.arange(len(turns) * 2 * side * side).view(len(turns), 2, side, side).float()
    found = turned(images, torch.tensor(turns))
    for image, turn, one in zip(images.numpy(), turns, found.numpy(), strict=True):
        assert np.array_equal(np.rot90(image, turn, axes=(1, 2)), one)


class Corner(nn.Module):
    """Knows by which corner is bright: anticlockwise from the upper left; wrong about dark images."""

    def forward(self, images: Tensor) -> Tensor:
        grey = images.mean(dim=1)
        return torch.stack([grey[:, 0, 0], grey[:, -1, 0], grey[:, -1, -1], grey[:, 0, -1]], dim=1)


def by_hand(module: nn.Module) -> Saved:
    return Saved(module, kind="by hand", settings={}, task="rotate", mean=(0.5,), std=(0.25,))


def test_every_turn_of_every_image_is_asked() -> None:
    marked = torch.zeros(300, 3, 4, 4, dtype=torch.uint8)
    marked[:, :, 0, 0] = 255
    assert told_apart(by_hand(Corner()), marked) == (1200, 1200)
    marked[:100] = 0  # all turns look like the first
    assert told_apart(by_hand(Corner()), marked) == (800 + 100, 1200)


def test_on_digits_it_beats_chance_by_far() -> None:
    """Chance is 1 in 4; who tells lying digits from standing ones, all that 40 steps teach, gets 1 in 2."""
    saved = train(Views(digits("train"), (32, 32)), Settings(steps=40, batch=32))
    right, asked = told_apart(saved, digits("test")[:100])
    assert asked == 400
    assert right / asked > 0.42
    assert saved.story["losses"][-1] < 0.8 * saved.story["losses"][0]
    assert saved.about == {"side": [32, 32], "class_names": ["0°", "90°", "180°", "270°"]}


def test_training_is_a_function_of_its_arguments() -> None:
    views = Views(digits("train")[:40], (32, 32))
    one, again, other = (train(views, Settings(steps=3, batch=16, seed=seed)) for seed in (0, 0, 1))
    weights = [saved.module.get_parameter("head.weight") for saved in (one, again, other)]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])
    assert one.story["command"] == command_of(views, Settings(steps=3, batch=16))


@pytest.mark.parametrize(
    ("wrong", "said"), [({"encoder": "vgg"}, "no encoder named"), ({"batch": 0}, "batch must be at least 1, got 0")]
)
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, object], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        Settings(**wrong)  # type: ignore[arg-type]


def test_images_that_are_not_square_are_refused() -> None:
    views = Views(torch.zeros(5, 3, 8, 10, dtype=torch.uint8), (8, 10))
    with pytest.raises(ImagesError, match=r"square images, got 5 of 8 x 10 pixels .*give a --side"):
        train(views, Settings(steps=1))
