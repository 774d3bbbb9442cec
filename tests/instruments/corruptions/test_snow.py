"""Flakes fall on both halves alike, are white, and lie on a world that grew lighter as the formula says."""

import pytest
import torch

from snellen.instruments.corruptions.snow import Snow


@pytest.mark.parametrize("side", [32, 80])
def test_flakes_are_symmetric_and_without_colour(side: int) -> None:
    black = torch.zeros(1, 3, side, side)
    made = Snow(3)(black)
    assert torch.equal(made, made.flip(2, 3))
    assert torch.equal(made[:, 0], made[:, 1])
    assert float(made.std()) > 0.02


def test_where_no_flake_lies_the_world_is_whiter() -> None:
    """Severity 1 of small images: 0.95 x + 0.05 max(x, 1.5 grey + 0.5)."""
    pixels = torch.tensor([51, 102, 204]).view(1, 3, 1, 1).expand(1, 3, 32, 32) / 255
    made = Snow(1)(pixels)
    grey = 0.299 * 0.2 + 0.587 * 0.4 + 0.114 * 0.8
    bare = 0.95 * pixels[0, :, 0, 0] + 0.05 * (1.5 * grey + 0.5)
    torch.testing.assert_close(made.amin(dim=(2, 3))[0], bare, rtol=0, atol=0.51 / 255)
