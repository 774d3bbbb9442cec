"""Scenes and detections written down by hand, so that every answer of a check is known."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from snellen.checks.detection import CHECKS
from snellen.checks.detection._base import Detected
from snellen.findings.finding import Finding
from snellen.instruments.detection.detections import Detections
from snellen.subject.load.arrays import array_images
from snellen.subject.scenes import Ignored, Objects, Scenes

Box = tuple[float, float, float, float]
Said = tuple[Box, float, int]
SIDE = 40
A, B, C = (2.0, 2.0, 12.0, 12.0), (20.0, 2.0, 36.0, 10.0), (4.0, 20.0, 24.0, 36.0)
"""Three boxes that do not overlap."""
FAR = (30.0, 30.0, 38.0, 38.0)
"""A box that overlaps none of these."""


def shifted(box: Box, x: float, y: float = 0.0) -> Box:
    """The box moved by so many pixels."""
    return box[0] + x, box[1] + y, box[2] + x, box[3] + y


def objects(*boxes: tuple[Box, int]) -> Objects:
    return Objects(torch.tensor([box for box, _ in boxes]), torch.tensor([kind for _, kind in boxes]))


def detections(*said: Said) -> Detections:
    return Detections(
        torch.tensor([box for box, _, _ in said]),
        torch.tensor([score for _, score, _ in said]),
        torch.tensor([kind for _, _, kind in said], dtype=torch.int64),
    )


def detected(
    truth: Sequence[Sequence[tuple[Box, int]]], said: Sequence[Sequence[Said]], *, names: int = 2, **others: Any
) -> Detected:
    """A subject of as many scenes of noise as there are lists of objects."""
    rng = np.random.default_rng(0)
    images = array_images(rng.integers(0, 256, (len(truth), SIDE, SIDE, 3), dtype=np.uint8), name="made scenes")
    scenes = Scenes(images, tuple(objects(*t) for t in truth), class_names=tuple("abcdef"[:names]))
    return Detected(scenes, tuple(detections(*s) for s in said), **others)


def ignoring(seen: Detected, scene: int, *boxes: tuple[Box, int], crowd: bool = False) -> Detected:
    """The same with boxes in one scene that are ignored."""
    standing = objects(*boxes)
    aside = Ignored(standing.boxes, standing.classes, torch.full((len(boxes),), crowd))
    truth = [replace(one, ignored=aside) if i == scene else one for i, one in enumerate(seen.scenes.objects)]
    return replace(seen, scenes=replace(seen.scenes, objects=tuple(truth)))


def asked(name: str, seen: Detected, **settings: Any) -> list[Finding]:
    """The findings of one check."""
    return list(CHECKS[name](**settings)(seen))


def only(name: str, seen: Detected, **settings: Any) -> Finding:
    (finding,) = asked(name, seen, **settings)
    return finding
