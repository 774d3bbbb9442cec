"""What is left of thousands of candidates, in the words of the exam's question."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from snellen.findings.evidence import Curve, Gallery, Outline, Picture, Table, Tile
from snellen.findings.finding import Finding
from snellen.instruments.detection.average_precision import coco_average_precision
from snellen.instruments.detection.boxes import convert
from snellen.instruments.detection.detections import Detections
from snellen.instruments.detection.mistakes import mistakes
from snellen.instruments.detection.nms_curve import UNLIMITED, NMSPoint
from snellen.studies._scenes import drawn
from snellen.subject.scenes import Objects

SURE = 0.5
SHOWN = 160
"""Pixels of the side of what is shown of a crowd."""


@dataclass(frozen=True, eq=False)
class Crowded:
    """What a detector said of crowds.

    Attributes:
        candidates: of each, all of them.
        kept: after greedy suppression at an IoU of 0.5.
        objects: the truth.
        class_names: of the objects.
        picture: (3, h, w), the first crowd.
        curves: the method's name -> a point a threshold.
    """

    candidates: tuple[Detections, ...]
    kept: tuple[Detections, ...]
    objects: tuple[Objects, ...]
    class_names: tuple[str, ...]
    picture: Tensor
    curves: Mapping[str, tuple[NMSPoint, ...]]

    def at(self, threshold: float) -> NMSPoint:
        """The point of greedy suppression at a threshold."""
        return next(point for point in self.curves["greedy"] if point.threshold == threshold)


def findings(found: Crowded) -> tuple[Finding, ...]:
    """From candidates to detections, and the choice of the threshold."""
    return _counted(found), _chosen(found)


def _counted(found: Crowded) -> Finding:
    crowds = len(found.objects)
    before = [said.at_least(SURE) for said in found.candidates]
    after = [said.at_least(SURE) for said in found.kept]
    objects = sum(map(len, found.objects))
    measured = {
        "objects": objects / crowds,
        "candidates": sum(map(len, found.candidates)) / crowds,
        "sure_candidates": sum(map(len, before)) / crowds,
        "detections": sum(map(len, after)) / crowds,
    }
    rows = []
    for name, said in (("before", before), ("after", after)):
        counts = mistakes(said, found.objects).counts
        right, total = counts["correct"], sum(map(len, said))
        measured |= {f"precision_{name}": right / max(total, 1), f"recall_{name}": right / objects}
        measured[f"duplicates_{name}"] = counts["duplicate"] / crowds
        rows.append((name, total / crowds, right / max(total, 1), right / objects, counts["duplicate"] / crowds))
    unsuppressed = [said.at_least(0.05) for said in found.candidates]
    precision = coco_average_precision(unsuppressed, found.objects, sizes={"all": (0.0, 1e10)}, most=UNLIMITED)
    measured |= {"ap50_before": precision.at(0.5), "ap50_after": found.at(0.5).ap50}
    return Finding(
        "study/many_objects",
        "info",
        "Of several boxes at one object the surest stays",
        f"{measured['candidates']:,.0f} candidates an image, {measured['sure_candidates']:.1f} of them with a score of "
        f"at least 0.5, become {measured['detections']:.1f} detections for {measured['objects']:.1f} objects. "
        f"Precision goes from {measured['precision_before']:.1%} to {measured['precision_after']:.1%}, recall from "
        f"{measured['recall_before']:.1%} to {measured['recall_after']:.1%}.",
        measured=measured,
        headlines=("candidates", "sure_candidates", "detections", "objects"),
        evidence=(
            Table(
                "With a score of at least 0.5",
                ("suppression", "boxes an image", "precision", "recall", "duplicates an image"),
                tuple(rows),
                note="Greedy, class by class, at an IoU of 0.5. Right: an IoU of 0.5 with an object of its class that "
                "no surer box has.",
            ),
            _gallery(found),
        ),
        reference="IN5400 exam 2021, exercise 10b; Neubeck and Van Gool 2006, ICPR",
    )


def _gallery(found: Crowded) -> Gallery:
    pixels = (found.picture.permute(1, 2, 0) * 255).round().to(torch.uint8).numpy()
    names, truth = found.class_names, found.objects[0]
    left, top = corner(truth)
    part = np.ascontiguousarray(pixels[top : top + SHOWN, left : left + SHOWN])
    pictures, counts = [], []
    for name, of_it in (("before", found.candidates[0]), ("after", found.kept[0])):
        boxes = [moved(o, left, top) for o in drawn(truth, of_it.at_least(SURE), names, words=name == "after")]
        inside = [o for o in boxes if o.box[2] > 0 and o.box[3] > 0 and max(o.box[:2]) < SHOWN]
        counts.append(sum(o.kind != "truth" for o in inside))
        pictures.append(Picture(name, part, boxes=tuple(o for o in inside if name == "after" or o.kind != "truth")))
    lines = (f"{counts[0]} boxes before, {counts[1]} after",)
    return Gallery(
        "Part of a crowd, boxes with a score of at least 0.5", (Tile("scene 0", tuple(pictures), image=0, lines=lines),)
    )


def corner(truth: Objects) -> tuple[int, int]:
    """The upper left corner of the part of a crowd that holds the most middles of objects."""
    middles = convert(truth.boxes, "xyxy", to="cxcywh")[:, :2]
    corners = (middles - SHOWN / 2).clamp(min=0)
    held = ((middles >= corners[:, None]) & (middles < corners[:, None] + SHOWN)).all(dim=2).sum(dim=1)
    left, top = corners[int(held.argmax())].int().tolist()
    return left, top


def moved(outline: Outline, left: int, top: int) -> Outline:
    """The same in the part of the picture that begins there."""
    a, b, c, d = outline.box
    return replace(outline, box=(a - left, b - top, c - left, d - top))


def _chosen(found: Crowded) -> Finding:
    greedy = found.curves["greedy"]
    best = max(greedy, key=lambda point: point.ap)
    measured = {"best_threshold": best.threshold, "best_ap": best.ap}
    for point in (greedy[0], found.at(0.5), greedy[-1]):
        name = f"{point.threshold:g}".replace(".", "_")
        measured |= {
            f"ap_at_{name}": point.ap,
            f"lost_at_{name}": float(point.lost),
            f"duplicates_at_{name}": float(point.duplicates),
        }
    return Finding(
        "study/many_objects",
        "info",
        "A low threshold loses neighbours, a high one leaves duplicates",
        f"At {greedy[0].threshold:g} AP is {greedy[0].ap:.3f} and {greedy[0].lost} neighbours are lost, at 0.5 it is "
        f"{found.at(0.5).ap:.3f}, at {greedy[-1].threshold:g} {greedy[-1].ap:.3f} with {greedy[-1].duplicates} "
        f"duplicates. The best on these crowds, chosen on them, is {best.threshold:g}.",
        measured=measured,
        evidence=(
            Curve(
                "AP by threshold",
                "threshold of the IoU",
                "AP",
                {
                    name: (tuple(p.threshold for p in points), tuple(p.ap for p in points))
                    for name, points in found.curves.items()
                },
            ),
            Curve(
                "Duplicates and lost neighbours",
                "threshold of the IoU",
                "boxes, objects",
                {
                    "duplicates": (tuple(p.threshold for p in greedy), tuple(float(p.duplicates) for p in greedy)),
                    "lost neighbours": (tuple(p.threshold for p in greedy), tuple(float(p.lost) for p in greedy)),
                },
                note="Greedy; boxes with a score of at least 0.5.",
            ),
            Table(
                "Every threshold",
                ("suppression", "threshold", "boxes an image", "AP", "AP50", "duplicates", "lost neighbours"),
                tuple(
                    (name, p.threshold, p.kept, p.ap, p.ap50, p.duplicates, p.lost)
                    for name, points in found.curves.items()
                    for p in points
                ),
            ),
        ),
        reference="Bodla et al. 2017, Soft-NMS, arXiv:1704.04503",
    )
