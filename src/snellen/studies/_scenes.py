"""Scenes of digits for small detectors, and these trained in less than a minute."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from snellen.findings.evidence import Outline
from snellen.instruments.detection.detections import Detections
from snellen.instruments.detection.detector import Detector
from snellen.instruments.detection.load import detector_of
from snellen.instruments.detection.mistakes import mistakes
from snellen.studies._base import Progress
from snellen.subject.load.composed_scenes import ComposedSource, composed_scenes
from snellen.subject.load.digit_scenes import ScenePart, digit_scenes
from snellen.subject.scenes import Objects, Scenes
from snellen.training.backbone import read_backbone
from snellen.training.detect import train
from snellen.training.detection_data import DetectionData, framed
from snellen.training.detection_lesson import prepare
from snellen.training.detection_settings import DetectionSettings

BATCH, AVERAGE = 32, 0.98
HELD = 60


def made(part: ScenePart, count: int, *, side: int, most: int, seed: int, **composition: Any) -> Scenes:
    """Scenes of digits, with what their composition is to have otherwise than usual (sizes, overlap, empty)."""
    usual = digit_scenes(part, count=count, side=side, most=most, seed=seed)
    source = usual.images.source
    assert isinstance(source, ComposedSource)
    return composed_scenes(replace(source, composition=replace(source.composition, **composition)), name=usual.name)


def taught(mode: str, scenes: Scenes, *, epochs: int, seed: int, progress: Progress) -> Detector:
    """A small detector trained on scenes; a few of them are looked at and not trained on."""
    held, learned = scenes.subset(range(HELD)), scenes.subset(range(HELD, len(scenes)))
    data = DetectionData(framed(learned, None), framed(held, None), held=held, class_names=scenes.class_names, name="")
    settings = DetectionSettings(mode, epochs=epochs, batch=BATCH, average=AVERAGE, seed=seed)
    trained = train(prepare(data, settings, read_backbone("strided", None)), progress=progress)
    return detector_of(trained.saved)


def drawn(truth: Objects, said: Detections, names: Sequence[str], *, words: bool = True) -> tuple[Outline, ...]:
    """What stands in a scene and what was said of it, as boxes over its picture."""
    kinds = [one.kind for one in mistakes([said], [truth]).judged if one.detection is not None]
    there = [Outline((a, b, c, d), "") for a, b, c, d in truth.boxes.tolist()]
    rows = zip(said.boxes.tolist(), said.classes.tolist(), said.scores.tolist(), kinds, strict=True)
    for (a, b, c, d), label, score, kind in rows:
        right = "right" if kind == "correct" else "wrong"
        there.append(Outline((a, b, c, d), names[label] if words else "", right, score if words else None))  # type: ignore[arg-type]
    return tuple(there)
