"""Scenes with what stands in them and what was said of them, as the pictures of a finding."""

from collections.abc import Iterable
from dataclasses import replace

from snellen.checks._pictures import picture
from snellen.checks.detection._base import Detected
from snellen.findings.evidence import Outline, Picture, Tile
from snellen.instruments.detection.detections import Detections


def scene_picture(seen: Detected, scene: int, boxes: Iterable[Outline], *, name: str = "scene") -> Picture:
    """The scene as it lies in its file, with boxes over it."""
    pixels = seen.scenes.images.pixels(indices=[scene])[0]
    return replace(picture(name, pixels), boxes=tuple(boxes))


def truth(seen: Detected, scene: int, *, named: Iterable[int] = ()) -> tuple[Outline, ...]:
    """The objects of a scene; those in ``named`` with the name of their class."""
    objects, named = seen.scenes.objects[scene], set(named)
    names = seen.scenes.class_names
    return tuple(
        Outline(_corners(box), names[int(kind)] if i in named else "")
        for i, (box, kind) in enumerate(zip(objects.boxes.tolist(), objects.classes.tolist(), strict=True))
    )


def outlines(seen: Detected, said: Detections, right: Iterable[bool], *, words: bool = True) -> tuple[Outline, ...]:
    """Detections, with class and score if ``words``."""
    names = seen.scenes.class_names
    return tuple(
        Outline(_corners(box), names[kind] if words else "", "right" if good else "wrong", score if words else None)
        for box, kind, score, good in zip(
            said.boxes.tolist(), said.classes.tolist(), said.scores.tolist(), right, strict=True
        )
    )


def tile(seen: Detected, scene: int, *, lines: tuple[str, ...] = ()) -> Tile:
    """A scene with all that was said of it with at least the working score; what was missed has a name too."""
    said, missed = seen.said(scene), seen.missed(scene).tolist()
    right = (seen.hits[scene][: len(said)] >= 0).tolist()
    boxes = (*truth(seen, scene, named=missed), *outlines(seen, said, right))
    return Tile(
        seen.scenes.images.source.name(scene),
        (scene_picture(seen, scene, boxes),),
        image=scene,
        lines=lines or (told(sum(right), len(missed), len(right) - sum(right)),),
    )


def told(found: int, missed: int, wrong: int) -> str:
    """``2 found, 1 missed, 3 wrong``, without what is 0; ``nothing said`` if all are."""
    parts = [f"{count} {word}" for count, word in ((found, "found"), (missed, "missed"), (wrong, "wrong")) if count]
    return ", ".join(parts) or "nothing there, nothing said"


def _corners(box: list[float]) -> tuple[float, float, float, float]:
    left, top, right, bottom = box
    return left, top, right, bottom
