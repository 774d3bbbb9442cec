"""A generator: a random vector becomes an image, its maps doubled stage by stage from 4 x 4 pixels."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from snellen._errors import UsageError, unknown
from snellen.nets.style import SLOPE, Mapping, StyledNorm
from snellen.nets.upsampling import UPSAMPLINGS, told, upsampling

START = 4
SIDES = (8, 16, 32, 64, 128)
"""Heights and widths that doublings of a 4 x 4 map reach."""
MOST_WIDTHS = 8
"""Channels double towards the small maps, up to so many times those of the last."""
EMBEDDED = 16
"""Numbers that stand for a class beside the latent vector."""


def check_side(side: int) -> int:
    """The side, if a generator reaches it.

    Raises:
        UsageError: names the sizes that are reached.
    """
    if side not in SIDES:
        sizes = ", ".join(map(str, SIDES))
        close = min(SIDES, key=lambda known: abs(known - side))
        raise UsageError(
            f"a generator that doubles maps of {START} x {START} cannot reach {side} x {side} pixels; it reaches "
            f"{sizes}. Take --side {close}"
        )
    return side


def widths_of(side: int, width: int) -> tuple[int, ...]:
    """Channels of the maps from 4 x 4 pixels to side x side.

    >>> widths_of(32, 16)
    (128, 64, 32, 16)
    """
    doublings = (side // START).bit_length() - 1
    return tuple(width * min(2**k, MOST_WIDTHS) for k in range(doublings, -1, -1))


class Stage(nn.Module):
    """An upsampling, a normalisation (BatchNorm, or AdaIN by a style) and a leaky ReLU."""

    def __init__(self, how: str, inside: int, outside: int, style: int) -> None:
        super().__init__()
        self.up = upsampling(how, inside, outside)
        self.norm: nn.Module = StyledNorm(outside, style=style) if style else nn.BatchNorm2d(outside)

    def forward(self, maps: Tensor, style: Tensor | None) -> Tensor:
        """Maps of twice the height and width."""
        maps = self.up(maps)
        maps = self.norm(maps) if style is None else self.norm(maps, style)
        return F.leaky_relu(maps, SLOPE)


class Generator(nn.Module):
    """Latent vectors, each of independent normal numbers, to images in [-1, 1].

    A linear layer makes a map of 4 x 4 pixels; each stage doubles its height and width; a last convolution and a tanh
    make the image. With ``style`` the map begins as one and the same, learned, for all images, and the latent vector
    comes in at every resolution instead: a mapping network makes a style of it, which sets mean and spread of every
    channel (AdaIN).

    Args:
        latent: numbers of a latent vector.
        side: height and width of the images, one of :data:`SIDES`.
        channels: of the images, 1 or 3.
        width: channels of the last maps; smaller maps have more.
        upsample: ``nearest``, ``bilinear``, ``transposed`` or ``pixelshuffle``.
        classes: of which images are asked for; 0 is a generator that knows no classes.
        style: numbers of a style; 0 is a generator without a style path.

    Raises:
        UsageError: a size that is not reached, a number out of range, another upsampling.

    Reference: Radford, Metz and Chintala 2016, Unsupervised Representation Learning with Deep Convolutional GANs,
    arXiv 1511.06434; Karras, Laine and Aila 2019, arXiv 1812.04948, for the style path.

    >>> Generator(side=16, width=4)(torch.randn(2, 64)).shape
    torch.Size([2, 1, 16, 16])
    """

    def __init__(
        self,
        *,
        latent: int = 64,
        side: int = 32,
        channels: int = 1,
        width: int = 16,
        upsample: str = "nearest",
        classes: int = 0,
        style: int = 0,
    ) -> None:
        super().__init__()
        check_side(side)
        if upsample not in UPSAMPLINGS:
            raise unknown("upsampling", upsample, UPSAMPLINGS)
        if channels not in (1, 3):
            raise UsageError(f"images are generated with 1 channel (grey) or 3 (colours), got channels={channels}")
        if min(latent, width) < 1 or min(classes, style) < 0 or classes == 1:
            raise UsageError(
                "a generator needs latent and width of at least 1, style of at least 0 and no classes or at least 2, "
                f"got latent={latent}, width={width}, style={style}, classes={classes}"
            )
        self.latent, self.side, self.channels, self.classes = latent, side, channels, classes
        widths = widths_of(side, width)
        inside = latent + (EMBEDDED if classes else 0)
        self.embedding = nn.Embedding(classes, EMBEDDED) if classes else None
        self.mapping = Mapping(inside, style) if style else None
        self.begin: nn.Module | None = None
        if style:
            self.constant = nn.Parameter(torch.randn(1, widths[0], START, START))
        else:
            self.begin = nn.Sequential(
                nn.Linear(inside, widths[0] * START**2, bias=False),
                nn.Unflatten(1, (widths[0], START, START)),
                nn.BatchNorm2d(widths[0]),
                nn.LeakyReLU(SLOPE),
            )
        self.stages = nn.ModuleList(Stage(upsample, a, b, style) for a, b in pairwise(widths))
        self.image = nn.Conv2d(widths[-1], channels, 3, padding=1)

    def forward(
        self, latent: Float[Tensor, "n latent"], classes: Int[Tensor, "n"] | None = None
    ) -> Float[Tensor, "n c side side"]:
        """The images of latent vectors, of these classes if it knows any."""
        if (classes is None) != (self.embedding is None):
            knows = f"{self.classes} classes" if self.classes else "no classes"
            raise UsageError(f"this generator knows {knows}, and classes were {'not ' * (classes is None)}given")
        inside = latent if classes is None or self.embedding is None else self._joined(latent, classes)
        if self.begin is None:
            assert self.mapping is not None
            style = self.mapping(inside)
            maps = self.constant.expand(len(inside), -1, -1, -1)
        else:
            style, maps = None, self.begin(inside)
        maps = maps.contiguous(memory_format=torch.channels_last)
        for stage in self.stages:
            maps = stage(maps, style)
        return torch.tanh(self.image(maps))

    def _joined(self, latent: Tensor, classes: Tensor) -> Tensor:
        assert self.embedding is not None
        return torch.cat([latent, self.embedding(classes)], dim=1)

    def layers(self) -> Sequence[tuple[str, str]]:
        """How each doubling is made: what becomes larger, and by which layers with which numbers.

        >>> Generator(side=8, width=4).layers()
        [('4 x 4 to 8 x 8', 'Upsample(nearest, scale 2), Conv2d(8 to 4, kernel 3, stride 1, padding 1)')]
        """
        rows, side = [], START
        for stage in self.stages:
            assert isinstance(stage, Stage)
            rows.append((f"{side} x {side} to {2 * side} x {2 * side}", told(stage.up)))
            side *= 2
        return rows
