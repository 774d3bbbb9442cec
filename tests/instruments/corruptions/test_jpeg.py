"""The image is that of Pillow's own round trip."""

from io import BytesIO

import numpy as np
import pytest
import torch
from PIL import Image

from instruments.corruptions.pictures import photos
from snellen.instruments.corruptions.jpeg import Jpeg


@pytest.mark.parametrize(("side", "channels", "quality"), [(24, 3, 40), (24, 1, 40), (70, 3, 7)])
def test_it_is_pillows_round_trip(side: int, channels: int, quality: int) -> None:
    pixels = photos(2, side, side + 3, channels)
    made = Jpeg(5)(pixels)
    for image, found in zip(pixels, made, strict=True):
        file = BytesIO()
        array = (image * 255).round().byte().permute(1, 2, 0).numpy()
        Image.fromarray(array.squeeze()).save(file, "JPEG", quality=quality)
        back = np.asarray(Image.open(BytesIO(file.getvalue())))
        assert torch.equal((found * 255).round().byte().permute(1, 2, 0).squeeze(), torch.from_numpy(back.copy()))
