"""A picture with its boxes drawn in, for programs that show pictures and know no boxes."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from snellen.findings.evidence import Outline
from snellen.report.outlines import word

LEGIBLE = 480
"""Pixels of the longer side that a picture with boxes has at least: a small one is enlarged by a whole number."""
COLOURS = {"truth": (255, 255, 255), "right": (62, 193, 255), "found": (62, 193, 255), "wrong": (255, 106, 61)}
DARK = (17, 17, 17)
THICK = 200
"""A line is a pixel for so many of the longer side, and two at least."""


def framed(pixels: NDArray[np.uint8], boxes: tuple[Outline, ...]) -> NDArray[np.uint8]:
    """The picture with boxes and words; without boxes it is the picture itself.

    Args:
        pixels: uint8 (h, w, 3).
        boxes: in its pixels.

    >>> framed(np.zeros((10, 20, 3), np.uint8), (Outline((2, 2, 8, 8), "ant", "found", 0.9),)).shape
    (240, 480, 3)
    """
    if not boxes:
        return pixels
    times = max(1, LEGIBLE // max(pixels.shape[:2]))
    picture = Image.fromarray(pixels.repeat(times, axis=0).repeat(times, axis=1))
    draw = ImageDraw.Draw(picture)
    thick = max(2, max(picture.size) // THICK)
    font = ImageFont.load_default(max(12, 6 * thick))
    for outline in sorted(boxes, key=lambda one: one.kind != "truth"):
        left, top, right, bottom = (times * value for value in outline.box)
        right, bottom = max(right - 1, left), max(bottom - 1, top)
        draw.rectangle((left - 1, top - 1, right + 1, bottom + 1), outline=DARK, width=thick + 2)
        draw.rectangle((left, top, right, bottom), outline=COLOURS[outline.kind], width=thick)
        said = word(outline)
        if said:
            _written(draw, said, left, top, bottom, font, COLOURS[outline.kind])
    return np.asarray(picture)


def _written(
    draw: ImageDraw.ImageDraw,
    said: str,
    left: float,
    top: float,
    bottom: float,
    font: ImageFont.ImageFont | ImageFont.FreeTypeFont,
    colour: tuple[int, int, int],
) -> None:
    """Above the box, or inside where there is no room; never beyond the right edge."""
    x0, y0, x1, y1 = draw.textbbox((0, 0), said, font=font)
    width, height = x1 - x0 + 6, y1 - y0 + 4
    x = max(0.0, min(left, draw.im.size[0] - width))
    y = top - height if top >= height else min(top, bottom)
    draw.rectangle((x, y, x + width, y + height), fill=colour)
    draw.text((x + 3 - x0, y + 2 - y0), said, fill=DARK, font=font)
