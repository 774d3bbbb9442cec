"""A network that scores how pieces of an image lie beside each other: one encoding serves every arrangement."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from snellen._errors import UsageError, unknown
from snellen.nets.vgg import CONVOLUTIONS, WIDTHS


class Encoder(NamedTuple):
    """Channels and convolutions of each stage of an encoder, and the channels along a seam that go with it."""

    widths: tuple[int, ...]
    convolutions: tuple[int, ...]
    seam: int


ENCODERS: Mapping[str, Encoder] = MappingProxyType(
    {
        "small": Encoder((48, 96, 192), (2, 2, 1), seam=64),
        "large": Encoder((64, 128, 256), (2, 2, 2), seam=96),
        "vgg11_bn": Encoder(WIDTHS, CONVOLUTIONS[11], seam=64),
    }
)
DEPTHS = (5, 3, 2)
"""How deep, in pixels of its map, each of the first stages is looked at on either side of a seam."""


class Scores(NamedTuple):
    """How well pieces lie beside each other and in their places; higher is better, no unit.

    Attributes:
        beside: (n, m, m) of piece i directly left of piece j; the diagonal means nothing.
        above: (n, m, m) of piece i directly above piece j; likewise.
        place: (n, m, m) of piece i at position j.
    """

    beside: Float[Tensor, "n m m"]
    above: Float[Tensor, "n m m"]
    place: Float[Tensor, "n m m"]


class Stages(nn.Module):
    """Stages of 3 x 3 convolutions with BatchNorm and ReLU, a 2 x 2 max pooling before each but the first.

    A pooling that would leave less than 2 pixels of a side is left out, so that small pieces keep a map. With
    the numbers of VGG-11 these are its convolutions, its poolings cut to fit.

    Args:
        widths: channels of each stage.
        convolutions: of each stage.

    >>> [tuple(m.shape[1:]) for m in Stages((8, 16), (1, 1))(torch.rand(2, 3, 16, 16))]
    [(8, 16, 16), (16, 8, 8)]
    """

    def __init__(self, widths: Sequence[int], convolutions: Sequence[int]) -> None:
        super().__init__()
        channels = 3
        for number, (width, count) in enumerate(zip(widths, convolutions, strict=True), start=1):
            layers: list[nn.Module] = []
            for _ in range(count):
                layers += [nn.Conv2d(channels, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
                channels = width
            self.add_module(f"stage{number}", nn.Sequential(*layers))

    def forward(self, pixels: Tensor) -> list[Tensor]:
        """(b, 3, h, w) -> the map (b, c, h', w') of every stage."""
        maps: list[Tensor] = []
        for stage in self.children():
            if maps and min(pixels.shape[-2:]) >= 4:
                pixels = halved(pixels)
            pixels = stage(pixels)
            maps.append(pixels)
        return maps


def halved(maps: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h2 w2"]:
    """2 x 2 max pooling; where no gradient is asked for, without the places of the maxima, in half the time.

    >>> maps = torch.rand(2, 3, 6, 5)
    >>> with torch.no_grad():
    ...     torch.equal(halved(maps), F.max_pool2d(maps, 2))
    True
    """
    if torch.is_grad_enabled():
        return F.max_pool2d(maps, 2)
    height, width = (length // 2 * 2 for length in maps.shape[2:])
    rows = torch.maximum(maps[:, :, 0:height:2], maps[:, :, 1:height:2])
    return torch.maximum(rows[..., 0:width:2], rows[..., 1:width:2])


class Seam(nn.Module):
    """The score of two pieces with a common seam, from the strips of their maps on either side of it.

    The first layer spans both strips; as it is linear, its halves are computed once a piece and added for
    every pair of different pieces. What follows are convolutions along the seam, then mean and maximum over it.

    Args:
        channels: of the map.
        depth: of each strip, in pixels of the map.
        width: channels along the seam.
        layers: convolutions along the seam.
    """

    def __init__(self, channels: int, *, depth: int, width: int, layers: int = 2) -> None:
        super().__init__()
        self.depth = depth
        self.near = nn.Linear(channels * depth, width, bias=False)
        self.far = nn.Linear(channels * depth, width, bias=False)
        self.start: nn.Module = nn.BatchNorm2d(width)
        self.along = nn.ModuleList(
            nn.Sequential(nn.Conv2d(width, width, (1, 3), padding=(0, 1), bias=False), nn.BatchNorm2d(width))
            for _ in range(layers)
        )
        self.judge = nn.Linear(2 * width, 1)

    def forward(self, maps: Tensor, pieces: int, pixels: Tensor | None = None) -> Float[Tensor, "n m m"]:
        """(n * m, c, h, w), the maps of m pieces an image -> the score of piece i directly left of piece j.

        ``pixels``, if given, are looked at beside the maps: further channels of them.
        """
        ends = [layer.permute(0, 2, 3, 1) for layer in (maps, pixels) if layer is not None]
        firsts, lasts = zip(*map(self._ends, ends), strict=True)
        one = self._half(self.near, lasts).unflatten(0, (-1, pieces))
        other = self._half(self.far, firsts, mirrored=True).unflatten(0, (-1, pieces))
        # a piece beside the one after it, beside the second after it ...; it has no seam with itself
        pairs = torch.cat([one + other.roll(-by, 1) for by in range(1, pieces)], dim=1)
        pairs = pairs.permute(0, 3, 1, 2)  # (n, width, (m - 1) * m, length)
        pairs = self.start(pairs).relu_()
        for layer in self.along:
            pairs = layer(pairs).add_(pairs).relu_()
        along = pairs.permute(0, 2, 3, 1)  # contiguous again: reductions over the seam read whole rows of channels
        seen = torch.cat([along.sum(dim=2) / along.shape[2], along.amax(dim=2)], dim=2)
        scores = self.judge(seen).float().view(-1, pieces - 1, pieces)
        square: Tensor = scores.new_zeros(len(scores), pieces, pieces)
        piece = torch.arange(pieces, device=maps.device)
        square[:, piece.expand(pieces - 1, -1), (piece + piece[1:, None]) % pieces] = scores
        return square

    def _ends(self, maps: Tensor) -> tuple[Tensor, Tensor]:
        """The first and the last columns of (b, length, w, c), at most as deep as the strip."""
        between = maps.shape[2] - 2 * self.depth
        if between < 0:
            return maps[:, :, : self.depth], maps[:, :, -self.depth :]
        first, _, last = maps.split([self.depth, between, self.depth], dim=2)  # one gradient, not two to add
        return first, last

    def _half(self, layer: nn.Linear, strips: Sequence[Tensor], *, mirrored: bool = False) -> Tensor:
        """The layer on strips (b, length, <= depth, c) beside each other; mirrored, the seam is at their start.

        A strip of a map too small for the depth meets the first weights only, as if zeros came after it.
        """
        weights = layer.weight.unflatten(1, (self.depth, -1)).split([strip.shape[3] for strip in strips], dim=2)
        parts = []
        for number, (strip, weight) in enumerate(zip(strips, weights, strict=True)):
            weight = weight[:, : strip.shape[2]]
            weight = weight.flip(1) if mirrored else weight
            parts.append(F.linear(strip.flatten(2), weight.flatten(1), layer.bias if number == 0 else None))
        return sum(parts[1:], start=parts[0])


class Deshuffler(nn.Module):
    """Pieces in, scores of every pair and every place out.

    A shared encoder sees each piece once. Its maps at several sizes are compared across every possible seam
    (:class:`Seam`); its last map, pooled to 2 x 2, gives a vector that says where a piece belongs and, in
    pairs, what lies beside what. The score of an arrangement is a sum of these numbers, so that one encoding
    serves all m! of them, and shuffling the pieces shuffles the scores and changes nothing else.

    Args:
        encoder: ``small``, ``large`` or ``vgg11_bn``.
        positions: of the grid.
        hidden: length of the vector of a piece.
        dropout: on that vector.

    Raises:
        UsageError: an unknown encoder, sizes below 1, a dropout outside [0, 1).

    Reference: Noroozi & Favaro 2016, arXiv 1603.09246, for the task; Bridger, Danon & Tal 2020 (Solving jigsaw
    puzzles with eroded boundaries, arXiv 1912.00755) judge seams by a network too.

    >>> Deshuffler()(torch.rand(2, 4, 3, 16, 16)).beside.shape
    torch.Size([2, 4, 4])
    """

    def __init__(
        self,
        *,
        encoder: str = "small",
        positions: int = 4,
        hidden: int = 256,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        if encoder not in ENCODERS:
            raise unknown("encoder", encoder, ENCODERS)
        if min(positions, hidden) < 1 or not 0 <= dropout < 1:
            raise UsageError(
                "a de-shuffler needs positions and hidden of at least 1 and a dropout in [0, 1), got "
                f"positions={positions}, hidden={hidden}, dropout={dropout}"
            )
        widths, convolutions, seam = ENCODERS[encoder]
        self.encoder = Stages(widths, convolutions)
        channels = (widths[0] + 3, *widths[1:])  # the first seam looks at the pixels too
        levels = list(zip(channels, DEPTHS, strict=False))
        self.beside = nn.ModuleList(Seam(count, depth=depth, width=seam) for count, depth in levels)
        self.above = nn.ModuleList(Seam(count, depth=depth, width=seam) for count, depth in levels)
        self.vector = nn.Sequential(nn.Linear(widths[-1] * 4, hidden), nn.ReLU(), nn.Dropout(dropout))
        self.place = nn.Linear(hidden, positions)
        self.pair = nn.Linear(hidden, 2 * hidden, bias=False)

    def forward(self, pieces: Float[Tensor, "n m c h w"]) -> Scores:
        """Scores of normalised pieces (n, m, 3, h, w) in any order."""
        count = pieces.shape[1]
        flat = pieces.flatten(0, 1).contiguous(memory_format=torch.channels_last)
        maps = self.encoder(flat)
        vectors = self.vector(F.adaptive_avg_pool2d(maps[-1], 2).flatten(1)).view(-1, count, self.place.in_features)
        beside, above = self._by_content(vectors)
        pixels: list[Tensor | None] = [flat.to(maps[0].dtype), *[None] * len(maps)]
        for seam, level, seen in zip(self.beside, maps, pixels, strict=False):
            beside = beside + seam(level, count, seen)
        for seam, level, seen in zip(self.above, maps, pixels, strict=False):
            above = above + seam(level.transpose(-1, -2), count, None if seen is None else seen.transpose(-1, -2))
        return Scores(beside, above, self.place(vectors).float())

    def _by_content(self, vectors: Tensor) -> tuple[Tensor, Tensor]:
        left, upper = self.pair(vectors).chunk(2, dim=-1)
        scale: float = vectors.shape[-1] ** -0.5
        return ((one @ vectors.transpose(1, 2)).float() * scale for one in (left, upper))  # type: ignore[return-value]
