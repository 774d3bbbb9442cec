"""Eight numbers, their loss and its slope, in the words of the exam's question."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from snellen.findings.evidence import Cell, Gallery, Outline, Picture, Table, Tile
from snellen.findings.finding import Finding
from snellen.findings.interval import wilson
from snellen.instruments.detection.average_precision import coco_average_precision
from snellen.instruments.detection.boxes import iou
from snellen.instruments.detection.detections import Detections
from snellen.subject.scenes import Objects

MEANINGS = (
    "objectness, a logit: is there an object",
    "cx: the middle of the box, of the image's width",
    "cy: the same, of its height",
    "w: the width of the box, of the image's",
    "h: its height",
)


@dataclass(frozen=True, eq=False)
class Answer:
    """What the network says of one scene.

    Attributes:
        numbers: the eight.
        wanted: 1 and the box, or 0.
        label: the class; -1 if there is no object.
        losses: objectness, box, class.
        slope: of the whole loss, with respect to the eight numbers.
        pixels: (3, h, w) of the scene.
        boxes: what stands there and what was said.
    """

    numbers: tuple[float, ...]
    wanted: tuple[float, ...]
    label: int
    losses: tuple[float, float, float]
    slope: tuple[float, ...]
    pixels: Tensor
    boxes: tuple[Outline, ...]


@dataclass(frozen=True)
class Judged:
    """What a detector is worth on the test scenes.

    Attributes:
        ap50: average precision at an IoU of 0.5.
        mean_iou: of the box of every scene with an object.
        accuracy: of the class, over these.
        found: of these with an objectness of at least 0.5.
        objects: scenes with an object.
        alarmed: empty scenes with an objectness of at least 0.5.
        empty: empty scenes.
        objectness: its mean over the empty scenes.
    """

    ap50: float
    mean_iou: float
    accuracy: float
    found: int
    objects: int
    alarmed: int
    empty: int
    objectness: float

    @classmethod
    def of(cls, said: Sequence[Detections], truth: Sequence[Objects], sure: Tensor, there: Tensor) -> "Judged":
        """From the one box of each scene, and how sure the network is that there is an object (n,)."""
        overlaps, right = [], 0
        for found, objects in zip(said, truth, strict=True):
            if len(objects):
                overlaps.append(float(iou(found.boxes[:1], objects.boxes[:1])) if len(found) else 0.0)
                right += bool(len(found)) and int(found.classes[0]) == int(objects.classes[0])
        return cls(
            coco_average_precision(said, truth, sizes={"all": (0.0, 1e10)}).at(0.5),
            sum(overlaps) / max(len(overlaps), 1),
            right / max(len(overlaps), 1),
            int((sure[there] >= 0.5).sum()),
            int(there.sum()),
            int((sure[~there] >= 0.5).sum()),
            int((~there).sum()),
            float(sure[~there].mean()),
        )


@dataclass(frozen=True, eq=False)
class Eight:
    """Two scenes number by number, and two trainings.

    Attributes:
        full: a scene with an object.
        empty: one without.
        taught: trained with empty scenes.
        blind: trained without.
        class_names: of the three.
    """

    full: Answer
    empty: Answer
    taught: Judged
    blind: Judged
    class_names: tuple[str, ...]


def findings(found: Eight) -> tuple[Finding, ...]:
    """The numbers, the loss, and the empty images."""
    return _numbers(found), _loss(found), _empty(found)


def _numbers(found: Eight) -> Finding:
    taught = found.taught
    meanings = (*MEANINGS, *(f"score of {name}, a logit" for name in found.class_names))
    rows: list[tuple[Cell, ...]] = []
    for i, meaning in enumerate(meanings):
        wanted = found.full.wanted[i] if i < 5 else f"{'the largest' if i - 5 == found.full.label else 'smaller'}"
        rows.append((i + 1, meaning, wanted, found.full.numbers[i], 0.0 if i == 0 else "any", found.empty.numbers[i]))
    names = ("a scene with an object", "a scene without")
    tiles = tuple(
        Tile(name, (Picture(name, _bytes(answer.pixels), boxes=answer.boxes),), lines=(_told(answer),))
        for name, answer in zip(names, (found.full, found.empty), strict=True)
    )
    return Finding(
        "study/one_object",
        "info",
        "What the eight numbers are",
        f"y = (objectness, cx, cy, w, h, and a score for each of {', '.join(found.class_names)}). The detector that "
        f"learned them has an AP50 of {taught.ap50:.3f} on {taught.objects + taught.empty} other scenes; the mean IoU "
        f"of its boxes is {taught.mean_iou:.3f} and {taught.accuracy:.1%} of the classes are right.",
        measured={"ap50": taught.ap50, "mean_iou": taught.mean_iou, "class_accuracy": taught.accuracy},
        headlines=("ap50", "mean_iou", "class_accuracy"),
        evidence=(
            Table(
                "Two scenes of the test part, number by number",
                ("", "what it is", "with an object: wanted", "said", "without: wanted", "said "),
                tuple(rows),
                note="A logit becomes a probability by the sigmoid (objectness; 1 is wanted where there is an object, "
                "0 where there is none) or by the softmax (classes).",
            ),
            Gallery("The two scenes", tiles),
        ),
        reference="IN5400 exam 2021, exercise 10a; Ng, Deep learning specialization, course 4, week 3",
    )


def _loss(found: Eight) -> Finding:
    empty = [abs(v) for v in found.empty.slope]
    full = [abs(v) for v in found.full.slope]
    names = ("objectness", "cx", "cy", "w", "h", *found.class_names)
    measured = {"slope_of_objectness_when_empty": empty[0], "largest_other_slope_when_empty": max(empty[1:])}
    for name, answer in (("with", found.full), ("without", found.empty)):
        for term, value in zip(("objectness", "box", "class"), answer.losses, strict=True):
            measured[f"{term}_loss_{name}_object"] = value
    return Finding(
        "study/one_object",
        "info",
        "Without an object only the objectness counts",
        "loss = BCE(objectness) + m (1 - CIoU of the boxes + cross-entropy of the class), m = 1 where there is an "
        "object and 0 where there is none. Without an object the largest slope of the other seven numbers is "
        f"{max(empty[1:]):g}; with one it is {max(full[1:]):.3g}.",
        measured=measured,
        evidence=(
            Table(
                "The loss and its slope",
                ("", "objectness", "box", "class"),
                (("with an object", *found.full.losses), ("without", *found.empty.losses)),
                note="The three terms.",
            ),
            Table(
                "Slope of the loss with respect to each number",
                ("number", "with an object", "without"),
                tuple((name, a, b) for name, a, b in zip(names, found.full.slope, found.empty.slope, strict=True)),
                note="The zeros are exact: box and class of a scene without an object are nobody's business.",
            ),
        ),
        reference="Zheng et al. 2020, Distance-IoU loss, arXiv:1911.08287",
    )


def _empty(found: Eight) -> Finding:
    measured: dict[str, float] = {}
    rows = []
    for name, judged in (("with", found.taught), ("without", found.blind)):
        low, high = wilson(judged.alarmed, judged.empty)
        share = judged.alarmed / max(judged.empty, 1)
        key = f"alarms_trained_{name}_empty_scenes"
        measured |= {key: share, f"{key}_low": low, f"{key}_high": high}
        measured[f"objectness_trained_{name}_empty_scenes"] = judged.objectness
        found_share = judged.found / max(judged.objects, 1)
        rows.append((f"{name} empty scenes", judged.ap50, found_share, share, low, high, judged.objectness))
        measured[f"ap50_trained_{name}_empty_scenes"] = judged.ap50
    taught, blind = found.taught, found.blind
    return Finding(
        "study/one_object",
        "info",
        "A detector that saw no empty image sees objects everywhere",
        f"Of {taught.empty} scenes without an object, {taught.alarmed} are said to hold one by the detector trained "
        f"with empty scenes, and {blind.alarmed} by the one trained without, with a mean objectness of "
        f"{blind.objectness:.3f}.",
        measured=measured,
        evidence=(
            Table(
                "Trained with and without empty scenes",
                ("trained", "AP50", "objects seen", "false alarms", "low", "high", "mean objectness when empty"),
                tuple(rows),
                note="False alarms: share of the empty test scenes with an objectness of at least 0.5; 95 % Wilson "
                "intervals.",
            ),
        ),
    )


def _bytes(pixels: Tensor) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.ascontiguousarray((pixels.permute(1, 2, 0) * 255).round().to(torch.uint8).numpy())


def _told(answer: Answer) -> str:
    return f"objectness {1 / (1 + np.exp(-answer.numbers[0])):.3f}"
