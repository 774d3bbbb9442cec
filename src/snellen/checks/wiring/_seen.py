"""What a unit sees of real images: where it could look, and where it does."""

import numpy as np
from torch import Tensor

from snellen._errors import UsageError
from snellen.checks._pictures import picture
from snellen.checks.wiring._base import Inspected
from snellen.checks.wiring._unit import NAME, chosen
from snellen.findings.evidence import Gallery, HeatMap, Picture, Tile
from snellen.findings.finding import Finding
from snellen.instruments.architecture.effective_field import effective_field

OUTSIDE = 0.25


def seen_by_a_unit(seen: Inspected, layer: str, unit: tuple[int, ...] | None, pixels: Tensor) -> Finding:
    """The theoretical field as the part of the image that is not dimmed, the effective field as a heat map.

    Args:
        seen: the network.
        layer: whose unit.
        unit: row and column.
        pixels: (n, c, h, w) in [0, 1], of the size that was inspected.

    Raises:
        UsageError: images of another size.
    """
    if tuple(pixels.shape[1:]) != seen.wired.input_shape[1:]:
        raise UsageError(
            f"images must be {seen.wired.input_shape[1:]}, as the network was inspected; got {tuple(pixels.shape[1:])}"
        )
    field, place = chosen(seen, layer, unit)
    (top, bottom), (left, right) = field.box(place)
    name, _, number = layer.partition(":")
    network = seen.with_weights()
    maps = effective_field(network, name, (place[0], place[1]), pixels, number=int(number or 1)).numpy()
    tiles, shares = [], []
    for i, (image, values) in enumerate(zip(pixels, maps, strict=True)):
        inside = np.zeros(values.shape, dtype=bool)
        inside[max(top, 0) : bottom + 1, max(left, 0) : right + 1] = True
        shown = picture("", image).pixels
        dimmed = np.where(inside[..., None], shown, (255 - (255 - shown) * OUTSIDE)).astype(np.uint8)
        shares.append(_half(values))
        tiles.append(
            Tile(
                f"image {i}",
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
            Gallery("Theoretical and effective field", tuple(tiles), note="Dimmed: pixels that the unit cannot see."),
        ),
        reference="Luo et al. 2016, Understanding the effective receptive field, arXiv:1701.04128.",
    )


def _half(values: "np.ndarray[tuple[int, ...], np.dtype[np.float32]]") -> float:
    """The share of pixels, largest first, that hold half of the sum."""
    ordered = np.sort(values.ravel())[::-1].cumsum(dtype=np.float64)
    return float((np.searchsorted(ordered, ordered[-1] / 2) + 1) / len(ordered))
