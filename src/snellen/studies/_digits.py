"""Digits as tiny networks see them: the 64 numbers of the original 8 x 8 pictures."""

from functools import cache

from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F

from snellen.subject.load.digits import digit_pixels

COUNT = 1_797


@cache
def features() -> tuple[Float[Tensor, "n d"], Int[Tensor, "n"]]:
    """All digits (1797, 64), each of the 8 x 8 means of 4 x 4 pixels less 0.3, in float64, and their labels."""
    pixels, labels = digit_pixels("all")
    return F.avg_pool2d(pixels.double(), pixels.shape[-1] // 8).flatten(1) - 0.3, labels
