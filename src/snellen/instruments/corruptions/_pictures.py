"""Images as Pillow's pictures and back."""

from collections.abc import Callable

import numpy as np
import torch
from PIL import Image

from snellen._shapes import Pixels
from snellen.instruments.attacks._lattice import levels


def each(pixels: Pixels, change: Callable[[Image.Image], Image.Image]) -> Pixels:
    """Every image as a picture of 8 bits, RGB or grey, changed, and as pixels in [0, 1] again."""
    made = []
    for image in levels(pixels).byte().permute(0, 2, 3, 1).numpy():
        picture = Image.fromarray(image[..., 0] if image.shape[2] == 1 else image)
        made.append(np.asarray(change(picture), np.float32).reshape(image.shape) / 255)
    return torch.from_numpy(np.stack(made)).permute(0, 3, 1, 2).contiguous()
