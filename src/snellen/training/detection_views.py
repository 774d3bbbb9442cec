"""Scenes a little different every time they are seen, with boxes that stay exact."""

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F

from snellen.instruments.losses.detection import NONE
from snellen.training.augment import LUMA, recoloured
from snellen.training.detection_data import Framed

Seen = tuple[Float[Tensor, "b c h w"], Float[Tensor, "b most 4"], Int[Tensor, "b most"]]


def augmented(
    scenes: Framed,
    rows: Tensor,
    generator: torch.Generator,
    *,
    shift: float,
    zoom: float,
    jitter: float,
    flip: bool,
) -> Seen:
    """These scenes in [0, 1], about: moved, zoomed, mirrored, recoloured at random; boxes and classes.

    No object is ever cut: a scene is moved and enlarged only so far as all its boxes stay in the picture. So every box
    is that of a whole object, as before. Where nothing is known it is grey, as beside an image that does not fit.

    Args:
        scenes: of one size.
        rows: which ones, (b,).
        generator: of all that is random.
        shift: they are moved by up to this part of their sides.
        zoom: enlarged or reduced by up to this part, in width and height apart.
        jitter: how far brightness, contrast and colours are changed.
        flip: mirror half of them.
    """
    pixels, boxes, classes = scenes.pixels[rows].float() / 255, scenes.boxes[rows], scenes.classes[rows]
    there = (classes != NONE)[..., None]
    low = torch.where(there, boxes[..., :2] - boxes[..., 2:] / 2, 1.0).amin(dim=1).clamp(0, 1)
    high = torch.where(there, boxes[..., :2] + boxes[..., 2:] / 2, 0.0).amax(dim=1).clamp(0, 1)
    empty = (low > high).any(dim=1, keepdim=True)
    low, high = low.masked_fill(empty, 0.5), high.masked_fill(empty, 0.5)
    drawn = 2 * torch.rand(len(rows), 4, generator=generator) - 1
    mirror = (torch.rand(len(rows), generator=generator) < 0.5) & flip
    scale = torch.minimum((drawn[:, :2] * math.log1p(zoom)).exp(), 1 / (high - low).clamp(min=1e-3))
    low, high = (low - 0.5) * scale + 0.5, (high - 0.5) * scale + 0.5
    move = (shift * drawn[:, 2:]).clamp(torch.minimum(-low, 1 - high), torch.maximum(-low, 1 - high))
    sign = torch.where(mirror, -1.0, 1.0)[:, None]
    if shift or zoom or flip:
        pixels = _warped(pixels, scale, move, sign)
    centres = (boxes[..., :2] - 0.5) * scale[:, None] + move[:, None]
    centres = centres * torch.cat([sign, torch.ones_like(sign)], dim=1)[:, None] + 0.5
    moved = torch.cat([centres, boxes[..., 2:] * scale[:, None]], dim=2)
    return recoloured(pixels, generator, jitter=jitter, grey=0.0), torch.where(there, moved, boxes), classes


def grey(pixels: Float[Tensor, "n 3 h w"]) -> Float[Tensor, "n 1 h w"]:
    """One channel, for a network that takes one."""
    return (pixels * torch.tensor(LUMA).to(pixels).view(3, 1, 1)).sum(dim=1, keepdim=True)


def _warped(pixels: Tensor, scale: Tensor, move: Tensor, sign: Tensor) -> Tensor:
    """out(x) = in(x'), x = sign (s x' + t) in coordinates from -1 to 1 about the middle, where t is twice a part."""
    mirror = torch.cat([sign, torch.ones_like(sign)], dim=1)
    where = torch.zeros(len(pixels), 2, 3)
    where[:, 0, 0], where[:, 1, 1] = (mirror / scale).unbind(1)
    where[:, :, 2] = -2 * move / scale
    grid = F.affine_grid(where, list(pixels.shape), align_corners=False)
    return F.grid_sample(pixels - 0.5, grid, mode="bilinear", align_corners=False) + 0.5
