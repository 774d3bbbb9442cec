"""How much of what is there does it find, and how much of what it says is right?"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch

from snellen.checks.detection._base import IGNORED, Detected, DetectionCheck, counted
from snellen.checks.detection._bootstrap import Drawn, bootstrap
from snellen.findings.evidence import Cell, Curve, Table
from snellen.findings.finding import Finding
from snellen.instruments.detection.average_precision import (
    COCO_SIZES,
    AveragePrecision,
    coco_average_precision,
    voc_average_precision,
)
from snellen.instruments.detection.boxes import area
from snellen.instruments.detection.detections import Detections
from snellen.instruments.detection.nms_curve import UNLIMITED

NAME = "detection/average_precision"
FEW, MOST_CURVES = 10, 5


@dataclass(frozen=True)
class DetectionPrecision(DetectionCheck):
    """Average precision by the rules of COCO and of PASCAL VOC, of each class and of each size of object.

    With boxes ranked by score, precision is a function of recall; average precision (AP) is the mean of it, where the
    precision at a recall is the highest at that recall or above. COCO's AP is the mean over the classes and the IoU
    0.5, 0.55, ... 0.95; AP50 and AP75 are at one IoU. All boxes are looked at; COCO's own tool looks at 100 a class and
    an image. Intervals are the middle 95 % over scenes drawn anew. An error where not one of ten objects or more is
    found. Refuted by scenes labelled under other class names or to another rule than the detector was trained on.

    Sizes are COCO's (square pixels below 32 x 32, above 96 x 96) and thirds of the objects of these scenes, since in
    small images everything is small.

    Args:
        drawings: of the scenes, for the intervals.
    """

    drawings: int = 200
    metrics: ClassVar[Mapping[str, str]] = {
        "ap": "COCO's average precision: the mean over the IoU 0.5 to 0.95 and the classes",
        "ap_low": "lower end of its 95 % interval, over scenes drawn anew",
        "ap_high": "upper end of it",
        "ap50": "average precision at an IoU of 0.5",
        "ap50_low": "lower end of its 95 % interval, over scenes drawn anew",
        "ap50_high": "upper end of it",
        "ap75": "average precision at an IoU of 0.75",
        "voc_ap50": "average precision at an IoU of 0.5 by the rules of PASCAL VOC, 2010 and later",
        "voc2007_ap50": "average precision at an IoU of 0.5 by the rules of PASCAL VOC, 2007",
    }

    def __call__(self, seen: Detected) -> Sequence[Finding]:
        names, truth = seen.scenes.class_names, seen.scenes.objects
        sizes = {**COCO_SIZES, **_thirds(seen)}
        result = coco_average_precision(seen.detections, truth, classes=len(names), sizes=sizes, most=UNLIMITED)
        seen.progress("average precision", 1, 2)
        drawn = bootstrap(seen.detections, truth, classes=len(names), drawings=self.drawings, seed=seen.seed)
        seen.progress("average precision", 2, 2)
        measured = {"ap": result.mean, "ap50": result.at(0.5), "ap75": result.at(0.75)}
        for name, part in (("ap", slice(None)), ("ap50", slice(0, 1))):
            measured |= dict(zip((f"{name}_low", f"{name}_high"), drawn.interval(part), strict=True))
        ways = {"voc_ap50": "area", "voc2007_ap50": "eleven"}
        for name, points in ways.items():
            voc = voc_average_precision(seen.detections, truth, classes=len(names), points=points)  # type: ignore[arg-type]
            measured[name] = voc.mean
        nothing = measured["ap50"] == 0 and seen.objects >= FEW
        return [
            Finding(
                NAME,
                "error" if nothing else "info",
                "Nothing is found rightly" if nothing else "How much is found, and rightly",
                f"AP50 is {measured['ap50']:.3f} ({measured['ap50_low']:.3f} to {measured['ap50_high']:.3f}), AP75 "
                f"{measured['ap75']:.3f}, and COCO's AP over the IoU 0.5 to 0.95 {measured['ap']:.3f}, on "
                f"{counted(seen.objects, 'object')} in {counted(len(seen.scenes), 'scene')}.",
                measured=measured,
                headlines=("ap50", "ap", "ap75"),
                remedy="Compare a box with the object it is meant for: the format (corners, or centre and size), the "
                "scale of the image, the order of the classes."
                if nothing
                else "",
                evidence=(
                    _curves(result, names),
                    _by_class(result, drawn, seen),
                    _by_size(result, sizes, seen),
                ),
                reference="Lin et al. 2014, Microsoft COCO, arXiv:1405.0312; Everingham et al. 2010, IJCV 88:303-338.",
            )
        ]


def _thirds(seen: Detected) -> dict[str, tuple[float, float]]:
    """Ranges of the area that hold a third of the objects each."""
    areas = _areas(seen)
    if not len(areas):
        return {}
    first, second = areas.quantile(torch.tensor([1 / 3, 2 / 3], dtype=torch.float64)).tolist()
    return {"smallest third": (0.0, first), "middle third": (first, second), "largest third": (second, 1e10)}


def _areas(seen: Detected) -> torch.Tensor:
    return torch.cat([area(truth.boxes.double()) for truth in seen.scenes.objects])


def _curves(result: AveragePrecision, names: Sequence[str]) -> Curve:
    """Precision by recall at an IoU of 0.5; of the classes where they are few."""
    x = tuple(result.recalls.tolist())
    curve = result.curve[0, :, :, 0]
    series = {"mean of the classes": (x, tuple(curve.nanmean(dim=1).tolist()))}
    if 1 < len(names) <= MOST_CURVES:
        series |= {name: (x, tuple(curve[:, k].tolist())) for k, name in enumerate(names)}
    return Curve("Precision by recall, IoU 0.5", "recall", "precision", series)


def _by_class(result: AveragePrecision, drawn: Drawn, seen: Detected) -> Table:
    rows: list[tuple[Cell, ...]] = []
    judged = [_judged(seen, i) for i in range(len(seen.scenes))]
    for k, name in enumerate(seen.scenes.class_names):
        count = sum(int((truth.classes == k).sum()) for truth in seen.scenes.objects)
        said = sum(int((d.classes == k).sum()) for d in judged)
        values = (*(float(result.values[t, k, 0]) for t in (0, 5)), float(result.per_class[k]))
        low, high = drawn.interval(slice(0, 1), k)
        fifty, seventy, mean = (_cell(v) for v in values)
        rows.append((name, count, said, fifty, _cell(low), _cell(high), seventy, mean))
    rows.sort(key=lambda row: (row[3] is None, row[3]))
    return Table(
        "Every class, the worst first",
        ("class", "objects", "boxes said", "AP50", "low", "high", "AP75", "AP"),
        tuple(rows),
        note=f"Boxes said: with a score of at least {seen.working:.2f}. Intervals of AP50.",
    )


def _judged(seen: Detected, scene: int) -> Detections:
    """What was said of a scene with at least the working score, but for what finds what is ignored."""
    said = seen.said(scene)
    kept = seen.hits[scene][: len(said)] != IGNORED
    return Detections(said.boxes[kept], said.scores[kept], said.classes[kept])


def _by_size(result: AveragePrecision, sizes: dict[str, tuple[float, float]], seen: Detected) -> Table:
    areas = _areas(seen)
    rows: list[tuple[Cell, ...]] = []
    for i, (name, (low, high)) in enumerate(sizes.items()):
        count = int(((areas >= low) & (areas <= high)).sum())
        fifty = float(result.values[0, :, i].nanmean())
        reach = (
            ""
            if name == "all"
            else f"{math.sqrt(low):.0f} to {math.sqrt(high):.0f}"
            if high < 1e9
            else f"from {math.sqrt(low):.0f}"
        )
        rows.append((name, reach, count, _cell(fifty), _cell(result.per_size[name])))
    return Table(
        "Sizes",
        ("objects", "side, pixels", "count", "AP50", "AP"),
        tuple(rows),
        note="Small, medium and large are COCO's. The side is the root of the area.",
    )


def _cell(value: float) -> float | None:
    return None if math.isnan(value) else value
