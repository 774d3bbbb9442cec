"""Objects cut out of pictures: what scenes are composed of."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from snellen._errors import ImagesError

VISIBLE = 128
"""Opacity of 255 from which a pixel counts as the object's: half, where a person would draw the edge."""


@dataclass(frozen=True, eq=False)
class CutOuts:
    """Shapes with soft edges, and what is seen within them.

    Args:
        alpha: (m, h, w) uint8, 255 where the object hides what is behind it.
        classes: (m,) int64, each from 0 to the number of names - 1.
        class_names: what the classes index.
        colour: (m, h, w, 3) uint8; None for a stencil, which every scene paints in a colour of its own.

    Raises:
        ImagesError: shapes that do not fit, a class without a name, a cut-out of which nothing is visible.
    """

    alpha: NDArray[np.uint8]
    classes: NDArray[np.int64]
    class_names: tuple[str, ...]
    colour: NDArray[np.uint8] | None = None
    _longer: NDArray[np.int64] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        m, names = len(self.alpha), len(self.class_names)
        if self.alpha.ndim != 3 or self.classes.shape != (m,) or not m:
            raise ImagesError(
                f"cut-outs must be (m, h, w) with one class each, got shapes {self.alpha.shape} and "
                f"{self.classes.shape}"
            )
        if self.colour is not None and self.colour.shape != (*self.alpha.shape, 3):
            raise ImagesError(
                f"the colours must be of shape {(*self.alpha.shape, 3)}, as the alphas are, got {self.colour.shape}"
            )
        if self.classes.min() < 0 or self.classes.max() >= names:
            raise ImagesError(
                f"classes must be from 0 to {names - 1}, got {self.classes.min()} to {self.classes.max()}"
            )
        unseen = np.flatnonzero(self.alpha.max(axis=(1, 2)) < VISIBLE)
        if len(unseen):
            raise ImagesError(f"cut-out {unseen[0]} is less than half opaque everywhere, so nothing of it is visible")
        boxes = np.array([tight_box(one >= VISIBLE) for one in self.alpha])
        object.__setattr__(self, "_longer", (boxes[:, 2:] - boxes[:, :2]).max(axis=1))

    def __len__(self) -> int:
        return len(self.classes)

    def at(self, indices: NDArray[np.int64]) -> "CutOuts":
        """The cut-outs at these indices."""
        colour = None if self.colour is None else self.colour[indices]
        return replace(self, alpha=self.alpha[indices], classes=self.classes[indices], colour=colour)

    def drawn(self, index: int, *, side: float, turn: float) -> tuple[NDArray[np.float32], NDArray[np.float32] | None]:
        """One cut-out with the longer side of its visible part at ``side`` pixels, then turned by ``turn`` degrees.

        Returns:
            Its alpha (h, w) and its colour (3, h, w), or None for a stencil; both in [0, 1].
        """
        scale = side / self._longer[index]
        height, width = (max(1, round(length * scale)) for length in self.alpha.shape[1:])
        alpha = _drawn(self.alpha[index], (width, height), turn)
        if self.colour is None:
            return alpha, None
        return alpha, np.ascontiguousarray(_drawn(self.colour[index], (width, height), turn).transpose(2, 0, 1))


def _drawn(picture: NDArray[np.uint8], size: tuple[int, int], turn: float) -> NDArray[np.float32]:
    scaled = Image.fromarray(picture).resize(size, Image.Resampling.BICUBIC)
    if turn:
        scaled = scaled.rotate(turn, Image.Resampling.BICUBIC, expand=True)
    return np.asarray(scaled) * np.float32(1 / 255)


def tight_box(mask: NDArray[np.bool_]) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of the smallest box around what is True; four zeros where nothing is.

    >>> tight_box(np.array([[0, 0, 0], [0, 1, 1]], dtype=bool))
    (1, 1, 3, 2)
    """
    rows, columns = np.asarray(mask.any(axis=1)), np.asarray(mask.any(axis=0))
    if not rows.any():
        return 0, 0, 0, 0
    height, width = mask.shape
    top, left = int(rows.argmax()), int(columns.argmax())
    return left, top, width - int(columns[::-1].argmax()), height - int(rows[::-1].argmax())


def ellipses(pictures: NDArray[np.uint8], classes: NDArray[np.int64], class_names: Sequence[str]) -> CutOuts:
    """Pictures (m, h, w, 3) cut to the ellipse that fits in each, with a soft edge.

    For labelled pictures without transparency, such as CIFAR's, in which the object fills most of the frame. The box
    of such a cut-out is that of the ellipse, so a corner of the object may lie outside and some of what was behind it
    inside.
    """
    if pictures.ndim != 4 or pictures.shape[3] != 3:
        raise ImagesError(f"expected pictures (m, h, w, 3), got shape {pictures.shape}")
    height, width = pictures.shape[1:3]
    rows = (np.arange(height) + 0.5) / height * 2 - 1
    columns = (np.arange(width) + 0.5) / width * 2 - 1
    radius = np.hypot(rows[:, None], columns[None, :])
    soft = 4 / max(height, width)  # the edge is two pixels wide
    alpha = np.round(np.clip((1 - radius) / soft, 0, 1) * 255).astype(np.uint8)
    stacked = np.broadcast_to(alpha, pictures.shape[:3]).copy()
    return CutOuts(stacked, np.asarray(classes, dtype=np.int64), tuple(class_names), pictures)
