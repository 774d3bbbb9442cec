"""Scenes with what stands in them and what was said of them, as the pictures of a finding."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Literal

from torch import Tensor

from snellen.checks._pictures import picture
from snellen.checks.detection._base import NONE, Detected
from snellen.findings.evidence import Outline, Picture, Tile
from snellen.instruments.detection.detections import Detections


def scene_picture(seen: Detected, scene: int, boxes: Iterable[Outline], *, name: str = "scene") -> Picture:
    """The scene as it lies in its file, with boxes over it."""
    pixels = seen.scenes.images.pixels(indices=[scene])[0]
    return replace(picture(name, pixels), boxes=tuple(boxes))


def truth(seen: Detected, scene: int, *, named: Iterable[int] = ()) -> tuple[Outline, ...]:
    """The objects of a scene, those in ``named`` with the name of their class, and what is ignored with its kind."""
    objects, named = seen.scenes.objects[scene], set(named)
    names, ignored = seen.scenes.class_names, seen.scenes.objects[scene].ignored
    asked = (
        Outline(_corners(box), names[int(kind)] if i in named else "")
        for i, (box, kind) in enumerate(zip(objects.boxes.tolist(), objects.classes.tolist(), strict=True))
    )
    aside = zip(ignored.boxes.tolist(), ignored.crowd.tolist(), strict=True)
    return (*asked, *(Outline(_corners(box), "crowd" if crowd else "difficult") for box, crowd in aside))


def outlines(seen: Detected, said: Detections, hits: Tensor, *, words: bool = True) -> tuple[Outline, ...]:
    """Detections by what they found, with class and score if ``words``."""
    names = seen.scenes.class_names
    return tuple(
        Outline(_corners(box), names[kind] if words else "", _drawn_as(hit), score if words else None)
        for box, kind, score, hit in zip(
            said.boxes.tolist(), said.classes.tolist(), said.scores.tolist(), hits.tolist(), strict=True
        )
    )


def _drawn_as(hit: int) -> Literal["right", "wrong", "found"]:
    return "right" if hit >= 0 else "wrong" if hit == NONE else "found"


def tile(seen: Detected, scene: int, *, lines: tuple[str, ...] = ()) -> Tile:
    """A scene with all that was said of it with at least the working score; what was missed has a name too."""
    said, missed = seen.said(scene), seen.missed(scene).tolist()
    hits = seen.hits[scene][: len(said)]
    boxes = (*truth(seen, scene, named=missed), *outlines(seen, said, hits))
    return Tile(
        seen.scenes.images.source.name(scene),
        (scene_picture(seen, scene, boxes),),
        image=scene,
        lines=lines or (told(int((hits >= 0).sum()), len(missed), int((hits == NONE).sum())),),
    )


def told(found: int, missed: int, wrong: int) -> str:
    """``2 found, 1 missed, 3 wrong``, without what is 0; ``nothing said`` if all are."""
    parts = [f"{count} {word}" for count, word in ((found, "found"), (missed, "missed"), (wrong, "wrong")) if count]
    return ", ".join(parts) or "nothing there, nothing said"


def _corners(box: list[float]) -> tuple[float, float, float, float]:
    left, top, right, bottom = box
    return left, top, right, bottom
