"""How well do the boxes lie?"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from snellen.checks.detection._base import Detected, DetectionCheck, counted
from snellen.findings.evidence import Curve, Table
from snellen.findings.finding import Finding
from snellen.findings.interval import Z95
from snellen.instruments.detection.boxes import convert, iou

NAME = "detection/localisation"
FEWEST, OFF = 20, 0.1
WORDS = {
    "to the right": ("shifted to the right", "shifted to the left"),
    "downwards": ("shifted downwards", "shifted upwards"),
    "wider": ("too wide", "too narrow"),
    "taller": ("too tall", "too short"),
}


@dataclass(frozen=True)
class Localisation(DetectionCheck):
    """The IoU of the boxes that found an object, and whether they are shifted or scaled as a whole.

    Random errors of boxes cancel in the mean; a mistake in the arithmetic (half a cell, a resize of the image that
    the boxes did not follow) does not. Measured in parts of the object's width and height, over what was said with at
    least the working score. A warning where a mean is off by more than a tenth beyond its 95 % interval, with 20 boxes
    or more. Refuted by boxes that were drawn to another rule in these scenes than in those it was trained on.
    """

    metrics: ClassVar[Mapping[str, str]] = {
        "mean_iou": "mean IoU of the boxes that found an object",
        "mean_iou_low": "lower end of its 95 % interval",
        "mean_iou_high": "upper end of it",
    }

    def __call__(self, seen: Detected) -> Sequence[Finding]:
        boxes, truth = _pairs(seen)
        if not len(boxes):
            text = f"No box overlaps one of {counted(seen.objects, 'object')} of its class by an IoU of 0.5."
            return [Finding(NAME, "info", "How well the boxes lie", text)]
        overlap = torch.cat([iou(a[None], b[None]).flatten() for a, b in zip(boxes, truth, strict=True)])
        mean, half = _mean(overlap)
        rows, off = [], []
        for name, values in _errors(boxes, truth).items():
            middle, width = _mean(values)
            rows.append((name, 100 * middle, 100 * (middle - width), 100 * (middle + width)))
            if len(values) >= FEWEST and abs(middle) - width > OFF:
                off.append(f"{WORDS[name][middle < 0]} by {abs(middle):.0%}")
        return [
            Finding(
                NAME,
                "warning" if off else "info",
                "Boxes are off as a whole" if off else "How well the boxes lie",
                f"The {counted(len(boxes), 'box', 'boxes')} that found an object overlap it by a mean IoU of {mean:.3f}"
                + (f". On the whole they are {' and '.join(off)} of the object's size." if off else "."),
                measured={
                    "mean_iou": mean,
                    "mean_iou_low": max(mean - half, 0.0),
                    "mean_iou_high": min(mean + half, 1.0),
                },
                headlines=("mean_iou",),
                remedy="Look at the arithmetic between the network's numbers and the boxes: the size the image was "
                "scaled to, the middle of a cell, centre against corner."
                if off
                else "",
                evidence=(
                    _histogram(overlap),
                    Table(
                        "Errors that all boxes have in common",
                        ("the box is", "% of the object", "low", "high"),
                        tuple(rows),
                        note="Means with 95 % intervals, in per cent of the object's width or height; "
                        "a negative number is the opposite direction.",
                    ),
                ),
            )
        ]


def _pairs(seen: Detected) -> tuple[Tensor, Tensor]:
    """(k, 4) the boxes that were said and found an object, and those of the objects."""
    boxes, truth = [torch.zeros(0, 4)], [torch.zeros(0, 4)]
    for i, objects in enumerate(seen.scenes.objects):
        said = seen.said(i)
        hits = seen.hits[i][: len(said)]
        boxes.append(said.boxes[hits >= 0])
        truth.append(objects.boxes[hits[hits >= 0]])
    return torch.cat(boxes), torch.cat(truth)


def _errors(boxes: Tensor, truth: Tensor) -> dict[str, Tensor]:
    """Differences of centre and size in parts of the object's size, in the order of :data:`WORDS`."""
    said, there = convert(boxes, "xyxy", to="cxcywh"), convert(truth, "xyxy", to="cxcywh")
    shift, scale = (said[:, :2] - there[:, :2]) / there[:, 2:], said[:, 2:] / there[:, 2:] - 1
    return dict(zip(WORDS, (*shift.unbind(1), *scale.unbind(1)), strict=True))


def _mean(values: Tensor) -> tuple[float, float]:
    """The mean and half the width of its 95 % interval."""
    spread = float(values.double().std()) if len(values) > 1 else 0.0
    return float(values.double().mean()), Z95 * spread / math.sqrt(len(values))


def _histogram(overlap: Tensor) -> Curve:
    bins = 20
    heights = torch.histc(overlap.float(), bins=bins, min=0.5, max=1.0).tolist()
    edges = tuple(0.5 + i / (2 * bins) for i in range(bins + 1))
    return Curve(
        "IoU of the boxes that found an object",
        "IoU",
        "boxes",
        {"boxes": (edges, tuple(heights))},
        kind="histogram",
        marks={"mean": float(overlap.mean())},
    )
