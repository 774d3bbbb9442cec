"""JPEG: what was left out to make the file small."""

from dataclasses import dataclass
from io import BytesIO
from typing import ClassVar

from PIL import Image

from snellen._shapes import Pixels
from snellen.instruments.attacks._draws import Draws
from snellen.instruments.corruptions._base import Corruption, Setting
from snellen.instruments.corruptions._pictures import each


@dataclass(frozen=True)
class Jpeg(Corruption):
    """The image is written as a JPEG of low quality by Pillow, and read back.

    Settings: Pillow's ``quality``; on images of up to 64 pixels that of CIFAR-10-C, on larger ones ImageNet-C's (see
    :class:`Corruption`).

    Args:
        severity: 1 to 5.

    Reference: Hendrycks and Dietterich 2019, arXiv 1903.12261.

    >>> import torch
    >>> grey = torch.full((1, 3, 16, 16), 128 / 255)
    >>> bool(((Jpeg(1)(grey) - grey).abs() < 2 / 255).all())
    True
    """

    small: ClassVar[tuple[Setting, ...]] = ((80,), (65,), (58,), (50,), (40,))
    large: ClassVar[tuple[Setting, ...]] = ((25,), (18,), (15,), (10,), (7,))

    def corrupt(self, pixels: Pixels, setting: Setting, draws: Draws) -> Pixels:
        del draws
        return each(pixels, lambda picture: _read_back(picture, int(setting[0])))


def _read_back(picture: Image.Image, quality: int) -> Image.Image:
    file = BytesIO()
    picture.save(file, "JPEG", quality=quality)
    file.seek(0)
    return Image.open(file)
