"""Samples of a generator beside real images, to be looked at."""

import numpy as np
from jaxtyping import Float, UInt8
from numpy.typing import NDArray
from torch import Tensor

from snellen._errors import UsageError
from snellen.findings.evidence import Gallery, Picture, Tile
from snellen.findings.finding import Finding

NAME = "course/samples"
COLUMNS = 8
ROOM = 2
"""Pixels between two images."""
PAPER = 128


def samples(made: Float[Tensor, "n c h w"], real: UInt8[Tensor, "m c h w"], step: int) -> Finding:
    """A sheet of samples and one of as many real images.

    Args:
        made: in [-1, 1].
        real: levels.
        step: after which they were made.
    """
    levels = ((made.float().clamp(-1, 1) + 1) * 127.5).round().byte().cpu().numpy()
    others = real[: len(made)].cpu().numpy()
    return Finding(
        NAME,
        "info",
        f"{len(levels)} samples, not chosen",
        f"Made after {step:,} steps with the averaged weights, of the same latent vectors at every look; beside them "
        f"{len(others)} real images.",
        evidence=(
            Gallery(
                "Samples and real images",
                (
                    Tile("generated", (Picture("generated images", sheet(levels)),)),
                    Tile("real", (Picture("real images", sheet(others)),)),
                ),
            ),
        ),
    )


def sheet(levels: NDArray[np.uint8], *, columns: int = COLUMNS) -> NDArray[np.uint8]:
    """Images (n, c, h, w) of 1 or 3 channels side by side, row by row, as one picture (h', w', 3).

    Raises:
        UsageError: no images, or of another number of channels.

    >>> sheet(np.zeros((3, 1, 4, 4), np.uint8), columns=2).shape
    (14, 14, 3)
    """
    if levels.ndim != 4 or not len(levels) or levels.shape[1] not in (1, 3):
        raise UsageError(f"a sheet is made of images (n, 1 or 3, h, w), got {levels.shape}")
    count, _, height, width = levels.shape
    columns = min(columns, count)
    rows = -(-count // columns)
    paper = np.full((ROOM + rows * (height + ROOM), ROOM + columns * (width + ROOM), 3), PAPER, np.uint8)
    for i, image in enumerate(levels.transpose(0, 2, 3, 1)):
        top, left = ROOM + i // columns * (height + ROOM), ROOM + i % columns * (width + ROOM)
        paper[top : top + height, left : left + width] = image
    return paper
