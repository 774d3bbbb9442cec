"""A heat map's numbers as colours: perceptually even, and a diverging scale has its middle at 0."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from snellen.findings.evidence import HeatMap

_COLOUR_MAPS = {"sequential": "magma", "diverging": "RdBu_r"}


def ends(heat: HeatMap) -> tuple[float, float]:
    """The values at the two ends of the colour scale; a diverging one reaches as far below 0 as above."""
    if heat.kind == "diverging":
        reach = max(abs(heat.low), abs(heat.high))
        return -reach, reach
    return heat.low, heat.high


def scaled(heat: HeatMap) -> NDArray[np.float32]:
    """Each value's place on the colour scale, from 0 to 1; a map of zeros is at the place of zero.

    Raises:
        ValueError: the map is not (h, w), or holds NaN or infinity, for which there is no colour.
    """
    values = np.asarray(heat.values, dtype=np.float32)
    if values.ndim != 2:
        raise ValueError(f"heat map {heat.name!r} must be (h, w), got {values.shape}")
    if not np.isfinite(values).all():
        raise ValueError(f"heat map {heat.name!r} holds NaN or infinity: there is no colour for it")
    low, high = ends(heat)
    if high <= low:
        return np.full_like(values, 0.5 if heat.kind == "diverging" else 0.0)
    return np.clip((values.astype(np.float64) - low) / (high - low), 0, 1).astype(np.float32)


def coloured(places: NDArray[np.floating], kind: str) -> NDArray[np.uint8]:
    """Places on the scale to uint8 RGB."""
    import matplotlib

    rgba: NDArray[np.uint8] = matplotlib.colormaps[_COLOUR_MAPS[kind]](places, bytes=True)
    return np.ascontiguousarray(rgba[..., :3])


def gradient(kind: Literal["sequential", "diverging"]) -> str:
    """The colour scale as a CSS ``linear-gradient``, for the bar under a heat map."""
    stops = coloured(np.linspace(0, 1, 9), kind)
    return f"linear-gradient(to right, {', '.join('#' + bytes(stop).hex() for stop in stops)})"
