"""What does a detector find in images whose truth is not known? Boxes to look at, and to work with."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from snellen.checks._pictures import picture
from snellen.exam.coco_results import coco_ids, coco_results
from snellen.exam.how import how
from snellen.findings.evidence import Curve, Gallery, Outline, Picture, Table, Tile
from snellen.findings.finding import Finding
from snellen.findings.findings import Findings
from snellen.instruments.detection.detections import Detections
from snellen.instruments.detection.detector import LEAST, Detector
from snellen.instruments.detection.look import Looked, Progress, look
from snellen.instruments.detection.suppression import Method
from snellen.subject.images import Images
from snellen.subject.scenes import Scenes

SHOWN = 48
"""Images with boxes on the page and as pictures beside it, at most."""
BINS = 20


@dataclass(frozen=True, eq=False)
class Found:
    """What a detector found in some images.

    Attributes:
        findings: the page; its ``predictions`` have a row an image.
        coco: the detections as COCO's results, JSON: see :func:`snellen.exam.coco_results.coco_results`.
        unreadable: the images that could not be decoded: ``image``, ``index`` and ``reason``.
    """

    findings: Findings
    coco: str
    unreadable: tuple[dict[str, Any], ...]


def detect_images(
    detector: Detector,
    images: Images | Scenes,
    *,
    nms: float | None = 0.5,
    method: Method = "greedy",
    score: float = 0.5,
    seed: int = 0,
    batch_size: int = 32,
    progress: Progress = lambda _stage, _done, _total: None,
) -> Found:
    """Find objects in images of any sizes.

    All detections down to a score of 0.01 are in ``coco``, which is what average precision is computed from; those of
    at least ``score`` are in the findings. Nothing is cut off at a number.

    Args:
        detector: left exactly as it was.
        images: of any sizes, in colour or grey. The truth of Scenes is not looked at; with those of a COCO file its ids
            are told, and its classes are compared with the detector's by their names.
        nms: the IoU above which the less sure of two candidates of a class goes; None suppresses nothing.
        method: ``greedy``, ``soft`` or ``matrix``.
        score: what a detection must have to be drawn and told.
        seed: draws the images that are shown, where there are many.
        batch_size: images a pass; bounds the memory.
        progress: called with (stage, done, total).

    Raises:
        ImagesError: not one image can be decoded; no class of the detector is one of the COCO file.
        NetworkError: the detector's answer is none.

    >>> from snellen import load_images
    >>> from snellen.nets.detector import SingleDetector
    >>> untrained = SingleDetector("strided", {"widths": [4, 8]}, classes=3)
    >>> len(detect_images(Detector(untrained, side=(32, 32)), load_images("digits", limit=2)).findings.predictions)
    2
    """
    began = time.perf_counter()
    ids = coco_ids(detector, images)
    images = images.images if isinstance(images, Scenes) else images
    looked = look(detector, images, nms=nms, method=method, least=LEAST, batch_size=batch_size, progress=progress)
    kept = [said.at_least(score) for said in looked.detections]
    names = [images.source.name(index) for index in looked.indices]
    rows = tuple(
        {
            "image": name,
            "index": index,
            "image_id": ids.images[index],
            "height": size[0],
            "width": size[1],
            "detections": _rows(detector, said),
        }
        for name, index, size, said in zip(names, looked.indices, looked.sizes, kept, strict=True)
    )
    findings = Findings(
        (_found(detector, images, looked, kept, score, nms, seed), *_bad(looked)),
        subject={
            "network": detector.name,
            "images": images.name,
            "count": len(looked.indices),
            "classes": list(detector.class_names),
            "suppression": "as the detector says them" if nms is None else f"{method}, class by class, IoU {nms:g}",
            "input": None if detector.side is None else " x ".join(map(str, detector.side)),
            "notes": [*detector.notes, *images.notes, *ids.notes],
        },
        run=how("detect", seed, time.perf_counter() - began, detector),
        predictions=rows,
    )
    bad = tuple({"image": b.name, "index": b.index, "reason": b.reason} for b in looked.bad)
    return Found(findings, coco_results(looked, names, detector, ids), bad)


def _rows(detector: Detector, said: Detections) -> list[dict[str, Any]]:
    return [
        {
            "class": kind,
            "name": detector.class_name(kind),
            "score": score,
            "box": box,
        }
        for box, score, kind in zip(said.boxes.tolist(), said.scores.tolist(), said.classes.tolist(), strict=True)
    ]


def _found(
    detector: Detector,
    images: Images,
    looked: Looked,
    kept: Sequence[Detections],
    score: float,
    nms: float | None,
    seed: int,
) -> Finding:
    counts = [len(said) for said in kept]
    before, after = (sum(map(len, said)) for said in (looked.candidates, looked.detections))
    gone = "" if nms is None else f" {before:,} candidates of a score of {LEAST:g} or more became {after:,}."
    empty = counts.count(0)
    classes = torch.cat([said.classes for said in kept]).tolist()
    table = sorted(((detector.class_name(kind), classes.count(kind)) for kind in set(classes)), key=lambda row: -row[1])
    return Finding(
        "detection/found",
        "info" if sum(counts) else "warning",
        f"{sum(counts):,} objects found" if sum(counts) else "Nothing found",
        f"{sum(counts):,} objects of a score of {score:g} or more in {len(counts):,} images, {empty:,} images without "
        f"one, {max(counts)} in one at most.{gone}",
        measured={"found": float(sum(counts)), "images_without": float(empty), "candidates": float(before)},
        headlines=("found", "images_without"),
        remedy="" if sum(counts) else f"Lower the score (--score), or look at what there is below {score:g}.",
        evidence=(
            Table("Objects of each class", ("class", "found"), tuple(table)),
            _scores(looked, score),
            Gallery(
                "What was found",
                _tiles(detector, images, looked, kept, seed),
                note=f"Boxes of a score of {score:g} or more. "
                + (f"{SHOWN} images of {len(counts):,}, drawn by the seed." if len(counts) > SHOWN else ""),
            ),
        ),
    )


def _scores(looked: Looked, score: float) -> Curve:
    scores = torch.cat([said.scores for said in looked.detections])
    counts = torch.histc(scores, BINS, min=0.0, max=1.0).tolist()
    edges = tuple(i / BINS for i in range(BINS + 1))
    return Curve(
        "Scores of all detections",
        "score",
        "detections",
        {"detections": (edges, tuple(counts))},
        "histogram",
        marks={"drawn from": score},
    )


def _tiles(
    detector: Detector, images: Images, looked: Looked, kept: Sequence[Detections], seed: int
) -> tuple[Tile, ...]:
    chosen = range(len(kept))
    if len(kept) > SHOWN:
        drawn = torch.randperm(len(kept), generator=torch.Generator().manual_seed(seed))[:SHOWN]
        chosen = sorted(drawn.tolist())  # type: ignore[assignment]
    return tuple(
        Tile(
            images.source.name(looked.indices[row]),
            (_picture(detector, images, looked.indices[row], kept[row]),),
            image=looked.indices[row],
            lines=(f"{len(kept[row])} found" if len(kept[row]) else "nothing found",),
        )
        for row in chosen
    )


def _picture(detector: Detector, images: Images, index: int, said: Detections) -> Picture:
    boxes = tuple(
        Outline((box[0], box[1], box[2], box[3]), detector.class_name(kind), "found", score)
        for box, score, kind in zip(said.boxes.tolist(), said.scores.tolist(), said.classes.tolist(), strict=True)
    )
    plain = picture("boxes", images.pixels(indices=[index])[0], as_png=True)
    return Picture(plain.name, plain.pixels, as_png=True, boxes=boxes)


def _bad(looked: Looked) -> list[Finding]:
    if not looked.bad:
        return []
    rows = tuple((b.name, b.reason) for b in looked.bad)
    return [
        Finding(
            "detection/images",
            "warning",
            "Images that cannot be read",
            f"{len(rows)} could not be decoded and were left out.",
            remedy="Fetch them again, or take them out of the set.",
            evidence=(Table("Files", ("image", "reason"), rows),),
        )
    ]
