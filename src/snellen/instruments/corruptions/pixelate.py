"""Pixels made large, as when a small picture is shown large."""

from dataclasses import dataclass
from typing import ClassVar

from PIL import Image

from snellen._shapes import Pixels
from snellen.instruments.attacks._draws import Draws
from snellen.instruments.corruptions._base import Corruption, Setting
from snellen.instruments.corruptions._pictures import each


@dataclass(frozen=True)
class Pixelate(Corruption):
    """The image is made smaller by ``c`` and large again by Pillow, both times each new pixel the mean of a box.

    Settings: ``c``; on images of up to 64 pixels that of CIFAR-10-C, on larger ones ImageNet-C's (see
    :class:`Corruption`).

    Args:
        severity: 1 to 5.

    Reference: Hendrycks and Dietterich 2019, arXiv 1903.12261.

    >>> import torch
    >>> blocks = Pixelate(5)(torch.rand(1, 3, 128, 128))
    >>> bool((blocks[..., ::4, :] == blocks[..., 1::4, :]).all())
    True
    """

    small: ClassVar[tuple[Setting, ...]] = ((0.95,), (0.9,), (0.85,), (0.75,), (0.65,))
    large: ClassVar[tuple[Setting, ...]] = ((0.6,), (0.5,), (0.4,), (0.3,), (0.25,))

    def corrupt(self, pixels: Pixels, setting: Setting, draws: Draws) -> Pixels:
        del draws
        height, width = pixels.shape[2:]
        few = max(1, int(width * setting[0])), max(1, int(height * setting[0]))

        def enlarged(picture: Image.Image) -> Image.Image:
            return picture.resize(few, Image.Resampling.BOX).resize((width, height), Image.Resampling.BOX)

        return each(pixels, enlarged)
