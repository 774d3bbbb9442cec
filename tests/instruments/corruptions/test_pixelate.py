"""Large pixels are the means of the small ones; where sides do not divide, the result is Pillow's."""

import numpy as np
import torch
from PIL import Image
from torch.nn import functional as F

from instruments.corruptions.pictures import photos
from snellen.instruments.corruptions.pixelate import Pixelate


def test_each_block_is_its_mean() -> None:
    pixels = photos(2, 80, 96)
    blocks = F.avg_pool2d(pixels, 2).repeat_interleave(2, 2).repeat_interleave(2, 3)
    torch.testing.assert_close(Pixelate(2)(pixels), blocks, rtol=0, atol=1.01 / 255)  # Pillow rounds rows, then columns


def test_sides_that_do_not_divide() -> None:
    pixels = photos(1, 32, 32)
    picture = Image.fromarray((pixels[0] * 255).round().byte().permute(1, 2, 0).numpy())
    expected = picture.resize((20, 20), Image.Resampling.BOX).resize((32, 32), Image.Resampling.BOX)
    found = (Pixelate(5)(pixels)[0] * 255).round().byte().permute(1, 2, 0).numpy()
    assert np.array_equal(found, np.asarray(expected))
