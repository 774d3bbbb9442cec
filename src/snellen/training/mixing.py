"""Images of a batch cut out, blended and pasted into each other, and targets that follow."""

import math
from typing import TypeAlias

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from snellen._errors import UsageError

Images: TypeAlias = Float[Tensor, "n c h w"]
Targets: TypeAlias = Float[Tensor, "n k"]


def cutout(images: Images, side: int, generator: torch.Generator, *, fill: float = 0.0) -> Images:
    """A square of each image blanked; its middle lies anywhere in the image, so that it may stick out.

    Args:
        images: (n, c, h, w).
        side: of the square, in pixels; 0 blanks nothing.
        generator: of the places.
        fill: what the square is filled with; 0 is the mean of normalised images.

    Reference: DeVries and Taylor 2017, arXiv 1708.04552.

    >>> int((cutout(torch.ones(4, 1, 8, 8), 2, torch.Generator().manual_seed(0)) == 0).sum()) <= 4 * 4
    True
    """
    n, _, h, w = images.shape
    if side < 0:
        raise UsageError(f"cutout must be the side of a square in pixels, 0 or more, got {side}")
    if side == 0:
        return images
    middle = torch.rand(n, 2, generator=generator) * torch.tensor([h, w])
    top, left = ((middle - side / 2).round().long()).unbind(1)
    rows, columns = torch.arange(h), torch.arange(w)
    down = (rows >= top[:, None]) & (rows < top[:, None] + side)
    across = (columns >= left[:, None]) & (columns < left[:, None] + side)
    return images.masked_fill((down[:, :, None] & across[:, None, :])[:, None], fill)


def mixed(
    images: Images, targets: Targets, generator: torch.Generator, *, mixup: float = 0.0, cutmix: float = 0.0
) -> tuple[Images, Targets]:
    """A batch blended with itself in another order, or with a box of itself pasted in; the targets in proportion.

    Mixup: l x + (1 - l) x', and the same of the targets, with l from Beta(a, a). Cutmix: a box of the part 1 - l of the
    image comes from x', and l is what is left outside it. Where both are wanted a batch gets the one or the other,
    with equal chances. Both keep the sum of every row of the targets.

    Args:
        images: (n, c, h, w).
        targets: (n, k), rows that sum to 1.
        generator: of all that is random.
        mixup: a of its Beta distribution; 0 leaves it out.
        cutmix: likewise.

    Raises:
        UsageError: an a below 0.

    Reference: Zhang et al. 2018, mixup, arXiv 1710.09412; Yun et al. 2019, CutMix, arXiv 1905.04899.

    >>> images, targets = torch.rand(4, 3, 8, 8), torch.eye(4)
    >>> blend, soft = mixed(images, targets, torch.Generator().manual_seed(0), mixup=1.0)
    >>> torch.allclose(soft.sum(dim=1), torch.ones(4))
    True
    """
    if not (0 <= mixup < math.inf and 0 <= cutmix < math.inf):
        raise UsageError(f"mixup and cutmix must be 0 or more, got {mixup} and {cutmix}")
    if mixup == 0 and cutmix == 0:
        return images, targets
    rng = np.random.default_rng(int(torch.randint(2**62, (), generator=generator)))
    order = torch.from_numpy(rng.permutation(len(images)))
    paste = cutmix > 0 and (mixup == 0 or rng.random() < 0.5)
    spread = cutmix if paste else mixup
    keep = rng.beta(spread, spread)
    if not paste:
        return keep * images + (1 - keep) * images[order], keep * targets + (1 - keep) * targets[order]
    h, w = images.shape[2:]
    tall, wide = (round(length * math.sqrt(1 - keep)) for length in (h, w))
    middle = int(rng.integers(h)), int(rng.integers(w))
    top, bottom = max(middle[0] - tall // 2, 0), min(middle[0] - tall // 2 + tall, h)
    left, right = max(middle[1] - wide // 2, 0), min(middle[1] - wide // 2 + wide, w)
    images = images.clone()
    images[:, :, top:bottom, left:right] = images[order, :, top:bottom, left:right]
    keep = 1 - (bottom - top) * (right - left) / (h * w)
    return images, keep * targets + (1 - keep) * targets[order]
