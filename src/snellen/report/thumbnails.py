"""Pictures and heat maps as ``data:`` URIs, as large and as good as a budget of bytes allows.

A picture of few pixels (a 32 x 32 digit, a 7 x 7 map) is kept exactly, as PNG, and scaled up by the browser
with crisp pixels; anything larger becomes WebP. All pictures of a page are made with the same size and
quality: the best rung of a ladder on which they fit.
"""

import io
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from PIL import Image

from snellen.findings.evidence import HeatMap, Picture
from snellen.report.heat import coloured, scaled

Viewable: TypeAlias = Picture | HeatMap
BUDGET = 8_000_000
PIXEL_ART = 64
_SAMPLE = 24


@dataclass(frozen=True)
class Thumbnail:
    """A picture ready for ``<img src>``; ``crisp`` asks for ``image-rendering: pixelated``."""

    uri: str
    width: int
    height: int
    crisp: bool


@dataclass(frozen=True)
class _Rung:
    edge: int
    quality: int


_LADDER = tuple(
    _Rung(*rung)
    for rung in (
        *((480, 86), (400, 84), (320, 82), (256, 80), (224, 76), (192, 72)),
        *((160, 66), (128, 58), (96, 48), (64, 36), (48, 24)),
    )
)


def thumbnails(pictures: Sequence[Viewable], *, budget: int = BUDGET) -> Mapping[int, Thumbnail]:
    """Every picture by its ``id``; one that stands on the page n times counts n times against the budget.

    Where even the lowest rung is over the budget, the last pictures are left out of the answer.

    Raises:
        ValueError: a heat map holds NaN or infinity, or a picture is not uint8 (h, w, 3).
    """
    unique = {id(p): p for p in pictures}
    rasters = {key: _raster(p) for key, p in unique.items()}
    for rung in _LADDER[_first_rung(pictures, rasters, budget) :]:
        made = {key: _encoded(raster, rung) for key, raster in rasters.items()}
        if sum(len(made[id(p)].uri) for p in pictures) <= budget:
            return made
    return _what_fits(pictures, made, budget)


def _first_rung(pictures: Sequence[Viewable], rasters: Mapping[int, Image.Image], budget: int) -> int:
    """The first rung that a sample says will do: encoding everything on every rung would take minutes."""
    sample = pictures[:: max(1, len(pictures) // _SAMPLE)]
    for i, rung in enumerate(_LADDER):
        size = sum(len(_encoded(rasters[id(p)], rung).uri) for p in sample)
        if size * len(pictures) <= 0.95 * budget * max(1, len(sample)):
            return i
    return len(_LADDER) - 1


def _what_fits(pictures: Sequence[Viewable], made: Mapping[int, Thumbnail], budget: int) -> dict[int, Thumbnail]:
    kept: dict[int, Thumbnail] = {}
    left = budget
    for picture in pictures:
        left -= len(made[id(picture)].uri)
        if left < 0:
            break
        kept[id(picture)] = made[id(picture)]
    return kept


def _raster(picture: Viewable) -> Image.Image:
    """What there is to encode: RGB, or a heat map's places from 0 to 1, to be coloured once resized."""
    if isinstance(picture, Picture):
        if picture.pixels.dtype != np.uint8 or picture.pixels.shape[2:] != (3,):
            got = f"{picture.pixels.dtype} {picture.pixels.shape}"
            raise ValueError(f"picture {picture.name!r} must be uint8 (h, w, 3), got {got}")
        return _shrunk(Image.fromarray(np.ascontiguousarray(picture.pixels)), _LADDER[0].edge)
    places = Image.fromarray(scaled(picture))
    places.info["kind"] = picture.kind
    return _shrunk(places, _LADDER[0].edge)


def _shrunk(image: Image.Image, edge: int) -> Image.Image:
    factor = edge / max(image.size)
    if factor >= 1:
        return image
    width, height = (max(1, round(side * factor)) for side in image.size)
    shrunk = image.resize((width, height), Image.Resampling.BOX if image.mode == "F" else Image.Resampling.LANCZOS)
    shrunk.info.update(image.info)
    return shrunk


def _encoded(raster: Image.Image, rung: _Rung) -> Thumbnail:
    crisp = max(raster.size) <= PIXEL_ART
    image = _shrunk(raster, rung.edge)
    if image.mode == "F":
        image = Image.fromarray(coloured(np.asarray(image), str(raster.info["kind"])))
    ways = [("webp", _webp(image, rung.quality))] if not crisp or rung.edge <= PIXEL_ART else []
    if crisp:
        ways.append(("png", _png(image)))
    kind, data = min(ways, key=lambda way: len(way[1]))
    uri = f"data:image/{kind};base64,{b64encode(data).decode()}"
    return Thumbnail(uri, image.width, image.height, crisp)


def _png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def _webp(image: Image.Image, quality: int) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "WEBP", quality=quality, method=2)
    return buffer.getvalue()
