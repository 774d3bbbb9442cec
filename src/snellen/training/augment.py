"""Whole images to train on, in memory as bytes, and each of them a little different every time it is seen."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Bool, Float, UInt8
from torch import Tensor
from torch.nn import functional as F

from snellen._errors import ImagesError, UsageError
from snellen.training.checkpoint import fingerprint

SHIFT = 3
"""Pixels that an image of a set of one size is moved at most, either way, half of the time."""
LUMA = (0.299, 0.587, 0.114)


@dataclass(frozen=True, eq=False)
class Views:
    """Images and how they are looked at.

    Args:
        images: uint8 (3, h, w) each. Of one size: they are flipped and shifted. Of several, or larger than
            ``side``: a random part of each, at a random scale, is resized to ``side``.
        side: height and width of what is seen, in pixels, at least 4.

    Raises:
        ImagesError: no images, an image smaller than ``side``, or a side too small to shift.
    """

    images: Sequence[UInt8[Tensor, "3 h w"]] | UInt8[Tensor, "n 3 h w"]
    side: tuple[int, int]

    def __post_init__(self) -> None:
        if len(self.images) == 0:
            raise ImagesError("there are no images to train on")
        if min(self.side) <= SHIFT:
            raise ImagesError(
                f"images to train on must be at least {SHIFT + 1} pixels high and wide, these are "
                f"{self.side[0]} x {self.side[1]} (height x width)"
            )
        for number, image in enumerate(self.images):
            if image.shape[1] < self.side[0] or image.shape[2] < self.side[1]:
                raise ImagesError(
                    f"images must be at least {self.side[0]} x {self.side[1]} pixels (height x width), image {number} "
                    f"is {image.shape[1]} x {image.shape[2]}; give a smaller side or leave it out"
                )

    def __len__(self) -> int:
        return len(self.images)

    @cached_property
    def fingerprint(self) -> str:
        """What tells these images from others; where they are cropped, also to which size."""
        if isinstance(self.images, Tensor) and self.images.shape[2:] == self.side:
            return fingerprint(self.images)
        return f"{fingerprint(*self.images)} at {self.side[0]} x {self.side[1]}"

    @cached_property
    def mean(self) -> tuple[float, ...]:
        """Per channel, in units of [0, 1]."""
        if isinstance(self.images, Tensor):
            sums = [part.sum(dim=(0, 2, 3)).double() / self.images[0, 0].numel() for part in self.images.split(4096)]
        else:
            sums = [image.double().mean(dim=(1, 2)) for image in self.images]
        return tuple(round(float(v), 4) for v in torch.stack(sums).sum(dim=0) / (255 * len(self)))

    def augmented(
        self,
        rows: Tensor,
        generator: torch.Generator,
        *,
        jitter: float = 0.0,
        grey: float = 0.0,
        flip: bool | Bool[Tensor, "b"] = True,
        shift: int | None = None,
    ) -> Float[Tensor, "b 3 h w"]:
        """These images in [0, 1], about: flipped, moved or cropped, recoloured at random.

        Args:
            rows: which ones.
            generator: of all that is random.
            jitter: how far brightness, contrast and colour balance are changed, as a part.
            grey: part of the images that lose their colours.
            flip: mirror half of them, drawn anew; or those that are said.
            shift: all images of one size are moved by up to so many pixels; if not given, half of them by up to 3.

        Raises:
            UsageError: a part outside [0, 1], a shift that the images are too small for.
        """
        if isinstance(self.images, Tensor) and self.images.shape[2:] == self.side:
            pixels = self.images[rows].float() / 255
            still = 0.5 if shift is None else 0.0
            pixels = shifted(pixels, generator, most=SHIFT if shift is None else shift, still=still)
        else:
            pixels = torch.stack([self._crop(self.images[row], generator) for row in rows.tolist()])
        if flip is not False:
            mirrored = torch.rand(len(pixels), generator=generator) < 0.5 if flip is True else flip
            pixels = torch.where(mirrored.view(-1, 1, 1, 1), pixels.flip(3), pixels)
        return recoloured(pixels, generator, jitter=jitter, grey=grey)

    def _crop(self, image: Tensor, generator: torch.Generator) -> Tensor:
        height, width = image.shape[1:]
        largest = min(height / self.side[0], width / self.side[1])
        scale = float(largest ** torch.rand((), generator=generator))
        tall, wide = round(self.side[0] * scale), round(self.side[1] * scale)
        top = int(torch.randint(height - tall + 1, (), generator=generator))
        left = int(torch.randint(width - wide + 1, (), generator=generator))
        part = image[None, :, top : top + tall, left : left + wide].float() / 255
        if (tall, wide) == self.side:
            return part[0]
        return F.interpolate(part, self.side, mode="bilinear", antialias=True, align_corners=False)[0].clamp(0, 1)


def shifted(
    pixels: Float[Tensor, "n c h w"], generator: torch.Generator, *, most: int = SHIFT, still: float = 0.5
) -> Float[Tensor, "n c h w"]:
    """Images moved by up to ``most`` pixels either way; what comes in is the mirror image of what is there.

    Args:
        pixels: (n, c, h, w).
        generator: of the ways.
        most: pixels, less than the sides.
        still: part of the images that stay where they are.

    Raises:
        UsageError: images too small to be moved so far.
    """
    n, c, h, w = pixels.shape
    if not 0 <= most < min(h, w):
        raise UsageError(f"images of {h} x {w} pixels can be moved by 0 to {min(h, w) - 1}, got a shift of {most}")
    padded = F.pad(pixels, (most,) * 4, mode="reflect")
    by = torch.randint(2 * most + 1, (n, 2), generator=generator)
    by[torch.rand(n, generator=generator) < still] = most
    down = (by[:, :1] + torch.arange(h))[:, None, :, None].expand(-1, c, -1, w + 2 * most)
    right = (by[:, 1:] + torch.arange(w))[:, None, None].expand(-1, c, h, -1)
    return padded.gather(2, down).gather(3, right)


def recoloured(
    pixels: Float[Tensor, "n 3 h w"], generator: torch.Generator, *, jitter: float, grey: float
) -> Float[Tensor, "n 3 h w"]:
    """Brightness, contrast and balance of the channels changed; some images in grey. Values may leave [0, 1]."""
    if not (0 <= jitter <= 1 and 0 <= grey <= 1):
        raise UsageError(f"jitter and grey must be from 0 to 1, got {jitter} and {grey}")
    n = len(pixels)
    change = 2 * torch.rand(n, 7, 1, 1, generator=generator) - 1
    grey_ones = torch.rand(n, 1, 1, 1, generator=generator) < grey
    if grey > 0:
        luma = (pixels * torch.tensor(LUMA).view(3, 1, 1)).sum(dim=1, keepdim=True).expand_as(pixels)
        pixels = torch.where(grey_ones, luma, pixels)
    if jitter > 0:
        mean = pixels.mean(dim=(2, 3), keepdim=True)
        contrast = (1 + jitter * change[:, :1]) * (1 + jitter / 2 * change[:, 1:4])
        pixels = (pixels - mean) * contrast + mean + jitter / 4 * change[:, 4:]
    return pixels
