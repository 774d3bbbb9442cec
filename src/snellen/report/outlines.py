"""Boxes over a picture: where they stand, in per cent of it, so that they are crisp at every size."""

from dataclasses import dataclass

from snellen.findings.evidence import HeatMap, Outline, Picture

_EDGE, _FAR_RIGHT = 13.0, 62.0  # per cent; a word beyond would be cut off


@dataclass(frozen=True)
class OutlineView:
    """A rectangle in per cent of the picture.

    The word at what was said stands above it, that at the truth below; ``inside`` where there is no room, and ``ends``
    where the box does if it would be cut off at the right. What was said without a word is drawn thin.
    """

    kind: str
    word: str
    left: str
    top: str
    width: str
    height: str
    inside: bool
    ends: bool


def outlines(picture: Picture | HeatMap) -> tuple[OutlineView, ...]:
    """The boxes of a picture, those that are the truth first, so that what was said lies over it."""
    height, width = picture.pixels.shape[:2] if isinstance(picture, Picture) else picture.values.shape
    ordered = sorted(picture.boxes, key=lambda outline: outline.kind != "truth")
    return tuple(_placed(outline, float(width), float(height)) for outline in ordered)


def told(picture: Picture | HeatMap) -> str:
    """The boxes in words, for those who cannot see them: ``truth 7; right 7 0.93``; at most twelve."""
    said = [f"{o.kind} {word(o).removeprefix('✕ ')}" for o in picture.boxes if o.label]
    return "; ".join(said[:12]) + (f"; {len(said) - 12} more" if len(said) > 12 else "")


def word(outline: Outline) -> str:
    """What is written at the box: ``7 0.93``, and a cross before what is wrong."""
    parts = ["✕"] * (outline.kind == "wrong" and bool(outline.label)) + [outline.label] * bool(outline.label)
    if outline.score is not None and outline.label:
        parts.append(f"{outline.score:.2f}")
    return " ".join(parts)


def _placed(outline: Outline, width: float, height: float) -> OutlineView:
    left, right = (min(max(100 * x / width, 0.0), 100.0) for x in outline.box[0::2])
    top, bottom = (min(max(100 * y / height, 0.0), 100.0) for y in outline.box[1::2])
    return OutlineView(
        outline.kind,
        word(outline),
        left=f"{left:.2f}%",
        top=f"{top:.2f}%",
        width=f"{right - left:.2f}%",
        height=f"{bottom - top:.2f}%",
        inside=bottom > 100 - _EDGE if outline.kind == "truth" else top < _EDGE,
        ends=left > _FAR_RIGHT,
    )
