"""What a unit sees of real images: where it could look, and where it does."""

from collections.abc import Sequence

import numpy as np
from torch import Tensor

from snellen._errors import UsageError
from snellen.checks._pictures import picture
from snellen.checks.wiring._base import Inspected
from snellen.checks.wiring._unit import NAME, chosen
from snellen.findings.evidence import Gallery, HeatMap, Picture, Tile
from snellen.findings.finding import Finding
from snellen.instruments.architecture.effective_field import effective_field
from snellen.instruments.architecture.receptive_field import Box

OUTSIDE = 0.25


def seen_by_a_unit(
    seen: Inspected, layer: str, unit: tuple[int, ...] | None, pixels: Tensor, names: Sequence[str] | None = None
) -> Finding:
    """The theoretical field as the part of the image that is not dimmed, the effective field as a heat map.

    Around the field runs a black frame of one pixel: it is seen on white images, where nothing can be dimmed.

    Args:
        seen: the network.
        layer: whose unit.
        unit: row and column.
        pixels: (n, c, h, w) in [0, 1], of the size that was inspected.
        names: of the images; by their place if not given.

    Raises:
        UsageError: images of another size, or not one name an image.
    """
    if tuple(pixels.shape[1:]) != seen.wired.input_shape[1:]:
        raise UsageError(
            f"images must be {seen.wired.input_shape[1:]}, as the network was inspected; got {tuple(pixels.shape[1:])}"
        )
    names = [f"image {i}" for i in range(len(pixels))] if names is None else names
    if len(names) != len(pixels):
        raise UsageError(f"names must be one an image: {len(pixels)}, got {len(names)}")
    field, place = chosen(seen, layer, unit)
    name, _, number = layer.partition(":")
    network = seen.with_weights()
    maps = effective_field(network, name, (place[0], place[1]), pixels, number=int(number or 1)).numpy()
    tiles, shares = [], []
    for i, (image, values) in enumerate(zip(pixels, maps, strict=True)):
        inside, framed = (_box(values.shape, field.box(place), margin) for margin in (0, 1))
        shown = picture("", image).pixels
        dimmed = np.where(inside[..., None], shown, (255 - (255 - shown) * OUTSIDE)).astype(np.uint8)
        dimmed[framed & ~inside] = 0
        shares.append(_half(values))
        tiles.append(
            Tile(
                names[i],
                (
                    Picture("where it can look", dimmed),
                    HeatMap("where it looks", values, 0.0, float(np.quantile(values, 0.995)) or 1.0, "|gradient|"),
                ),
                image=i,
                lines=(f"half of the gradient lies in {shares[-1]:.1%} of the image",),
            )
        )
    area = inside.mean()
    return Finding(
        NAME,
        "info",
        f"What unit {place[0]}, {place[1]} of {layer} sees",
        f"It can look at {area:.0%} of the image; half of its gradient lies in {np.mean(shares):.1%} of it.",
        measured={"field_share": float(area), "half_gradient_share": float(np.mean(shares))},
        evidence=(
            Gallery(
                "Theoretical and effective field",
                tuple(tiles),
                note="Dimmed, outside the black frame: pixels that the unit cannot see.",
            ),
        ),
        reference="Luo et al. 2016, Understanding the effective receptive field, arXiv:1701.04128.",
    )


def _box(shape: tuple[int, ...], box: Box, margin: int) -> "np.ndarray[tuple[int, ...], np.dtype[np.bool_]]":
    """Whether a pixel lies in a box, or at most ``margin`` from it."""
    inside = np.zeros(shape, dtype=bool)
    inside[tuple(slice(max(first - margin, 0), max(last + margin + 1, 0)) for first, last in box)] = True
    return inside


def _half(values: "np.ndarray[tuple[int, ...], np.dtype[np.float32]]") -> float:
    """The share of pixels, largest first, that hold half of the sum."""
    ordered = np.sort(values.ravel())[::-1].cumsum(dtype=np.float64)
    return float((np.searchsorted(ordered, ordered[-1] / 2) + 1) / len(ordered))
