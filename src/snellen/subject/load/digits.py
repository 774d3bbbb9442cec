"""scikit-learn's handwritten digits, enlarged to 32 x 32 and split once and for all."""

from dataclasses import dataclass
from functools import cache
from typing import Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from sklearn.datasets import load_digits

from snellen._errors import UsageError
from snellen._shapes import Labels, Pixels
from snellen.subject.images import Images
from snellen.subject.preprocessing import Preprocessing
from snellen.subject.source import Source

Part = Literal["test", "train", "all"]
CLASS_NAMES = tuple("0123456789")
HELD_OUT = 500
SEED = 0
SIDE = 32
TITLES = {
    "test": "scikit-learn digits, held-out 500 of 1,797",
    "train": "scikit-learn digits, training 1,297 of 1,797",
    "all": "scikit-learn digits, all 1,797",
}


def digits_images(part: Part = "test") -> Images:
    """Real handwritten digits that need no download: 500 held out (``test``), 1,297 to train on, or all.

    Source: the test part of UCI's *Optical Recognition of Handwritten Digits* (Alpaydin and Kaynak 1998),
    which scikit-learn carries: 1,797 digits of 8 x 8 whole numbers from 0 to 16. They are enlarged to 32 x 32
    (bicubic), clipped to [0, 1] and rounded to the 256 grey values of a picture; ink is bright, paper is 0.

    Split: the rows are put in the order of the raw words of ``PCG64(0)``, and the first of each class, in
    proportion to its size, are held out. Every copy of Snellen holds out the same 500.

    Limits: 13 people wrote these digits and the copy does not say who wrote which, so writers are on both
    sides of the split. The held-out accuracy speaks for these writers; for new ones it is too kind.

    Raises:
        UsageError: a part of another name.

    >>> len(digits_images()), len(digits_images("train"))
    (500, 1297)
    """
    rows = _rows(part)
    grey, labels = _digits()
    return Images(
        DigitsSource(grey[rows], rows),
        labels=labels[rows],
        class_names=CLASS_NAMES,
        name=TITLES[part],
        notes=(
            "8 x 8 originals, enlarged to 32 x 32 (bicubic)",
            "writers are not marked and may be in both parts",
        ),
    )


def digit_pixels(part: Part) -> tuple[Pixels, Labels]:
    """The same digits at once, for training: (n, 1, 32, 32) in [0, 1] and their labels."""
    _, labels = _digits()
    return digits_images(part).pixels(Preprocessing(channels="L")), torch.from_numpy(labels[_rows(part)])


@dataclass(frozen=True, eq=False)
class DigitsSource(Source):
    """Digits in memory, each named after its row in scikit-learn's table."""

    grey: NDArray[np.uint8]
    rows: NDArray[np.int64]
    in_memory = True

    def __len__(self) -> int:
        return len(self.rows)

    def name(self, index: int) -> str:
        """``digit 17``: the row in scikit-learn's order, whatever the part."""
        return f"digit {self.rows[index]}"

    def decode(self, index: int) -> Image.Image:
        """The enlarged digit, one channel of grey."""
        return Image.fromarray(self.grey[index])


@cache
def _digits() -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    table = load_digits()
    grey = np.stack([_enlarge(picture) for picture in (table.images / 16).astype(np.float32)])
    return grey, table.target.astype(np.int64)


def _enlarge(picture: NDArray[np.float32]) -> NDArray[np.uint8]:
    large = Image.fromarray(picture).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    grey: NDArray[np.float32] = np.asarray(large, dtype=np.float32)
    return np.round(np.clip(grey, 0, 1) * 255).astype(np.uint8)


def _rows(part: str) -> NDArray[np.int64]:
    if part not in get_args(Part):
        raise UsageError(f"part must be one of {', '.join(get_args(Part))}, got {part!r}")
    _, labels = _digits()
    out = _held_out(labels)
    return np.flatnonzero({"test": out, "train": ~out, "all": np.full_like(out, True)}[part])


def _held_out(labels: NDArray[np.int64]) -> NDArray[np.bool_]:
    """True where a digit is held out; from raw words, which NumPy promises not to change (NEP 19)."""
    order = np.argsort(np.random.PCG64(SEED).random_raw(len(labels)))
    share = np.bincount(labels) * HELD_OUT / len(labels)
    quota = np.floor(share).astype(int)
    quota[np.argsort(quota - share, kind="stable")[: HELD_OUT - quota.sum()]] += 1
    out = np.zeros(len(labels), dtype=bool)
    for digit, count in enumerate(quota):
        out[order[labels[order] == digit][:count]] = True
    return out
