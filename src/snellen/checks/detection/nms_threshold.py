"""Is the threshold of non-maximum suppression a good one?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import torch

from snellen.checks.detection._base import HALF, Detected, DetectionCheck, counted
from snellen.findings.evidence import Curve, Table
from snellen.findings.finding import Finding
from snellen.instruments.detection.nms_curve import THRESHOLDS, NMSPoint, nms_curve
from snellen.instruments.detection.suppression import suppressed

NAME = "detection/nms_threshold"
WORSE = 0.05
LABEL = "threshold of the IoU"
SOFT = (0.3, 0.5, 0.7)
"""Thresholds that soft suppression, which takes longer, is measured at."""


@dataclass(frozen=True)
class NMSThreshold(DetectionCheck):
    """Average precision, duplicates and lost neighbours against the threshold of non-maximum suppression.

    Of the boxes of one class, greedy suppression keeps the surest and drops those that overlap it by an IoU above the
    threshold, and so on. A low threshold drops neighbours, a high one leaves several boxes at one object. Soft
    suppression lowers the scores of what overlaps instead of dropping it. A warning where the threshold in use loses
    more than 0.05 of AP against the best one; that one is the best on these scenes, chosen on them, and has to prove
    itself on others. Refuted by scenes in which objects stand less densely than where the detector is used.

    Args:
        images: scenes it is measured on, drawn by the seed.
    """

    images: int = 100
    metrics: ClassVar[Mapping[str, str]] = {
        "best_nms_threshold": "threshold of non-maximum suppression with the highest AP",
        "ap_at_best_nms_threshold": "AP there",
        "duplicates": "boxes at an object that a surer one has, at the threshold in use",
        "lost_neighbours": "objects that suppression lost, at the threshold in use",
    }

    def __call__(self, seen: Detected) -> Sequence[Finding]:
        if seen.candidates is None or seen.nms is None or max(map(len, seen.candidates), default=0) < 2:
            return []
        seen = _drawn(seen, self.images)
        assert seen.candidates is not None
        assert seen.nms is not None
        neutral = replace(seen, detections=tuple(suppressed(said, HALF) for said in seen.candidates))
        score, curves = neutral.working, {}
        grids = {"greedy": tuple(sorted({*THRESHOLDS, seen.nms})), "soft": SOFT}
        for method, thresholds in grids.items():
            curves[method] = nms_curve(
                seen.candidates,
                seen.scenes.objects,
                score=score,
                thresholds=thresholds,
                method=method,  # type: ignore[arg-type]  # one of the two
                progress=lambda done, total, said=method: seen.progress(f"thresholds, {said}", done, total),  # type: ignore[misc]
            )
        greedy = curves["greedy"]
        best = max(greedy, key=lambda point: (point.ap, -abs(point.threshold - 0.5)))
        used = next(point for point in greedy if point.threshold == seen.nms)
        worse = best.ap - used.ap > WORSE
        return [
            Finding(
                NAME,
                "warning" if worse else "info",
                "Another threshold suppresses better" if worse else "The threshold of non-maximum suppression",
                f"At {seen.nms:g} AP is {used.ap:.3f}, with {counted(used.duplicates, 'duplicate')} and "
                f"{counted(used.lost, 'neighbour')} lost among {counted(seen.objects, 'object')}. The best on these "
                f"scenes, chosen on them, is {best.threshold:g} with {best.ap:.3f}; it ranges from "
                f"{min(p.ap for p in greedy):.3f} to {best.ap:.3f}.",
                measured={
                    "best_nms_threshold": best.threshold,
                    "ap_at_best_nms_threshold": best.ap,
                    "duplicates": float(used.duplicates),
                    "lost_neighbours": float(used.lost),
                },
                remedy=f"Try {best.threshold:g}, and measure on scenes that this was not chosen on." if worse else "",
                evidence=(
                    Curve(
                        "AP by threshold",
                        LABEL,
                        "AP",
                        {name: _line(points, "ap") for name, points in curves.items()},
                        marks={"in use": seen.nms},
                    ),
                    Curve(
                        "Duplicates and lost neighbours",
                        LABEL,
                        "boxes, objects",
                        {name: _line(greedy, name.split()[0]) for name in ("duplicates", "lost neighbours")},
                        marks={"in use": seen.nms},
                        note=f"Greedy; boxes with a score of at least {score:.2f}, that of the best F1 at a threshold "
                        "of 0.5.",
                    ),
                    _table(curves),
                ),
                reference="Neubeck and Van Gool 2006, ICPR; Bodla et al. 2017, Soft-NMS, arXiv:1704.04503.",
            )
        ]


def _drawn(seen: Detected, count: int) -> Detected:
    """The same with so many scenes at most."""
    if len(seen.scenes) <= count or seen.candidates is None:
        return seen
    generator = torch.Generator().manual_seed(seen.seed)
    rows = torch.randperm(len(seen.scenes), generator=generator)[:count].sort().values.tolist()
    detections, candidates = (tuple(said[i] for i in rows) for said in (seen.detections, seen.candidates))
    return replace(seen, scenes=seen.scenes.subset(rows), detections=detections, candidates=candidates)


def _line(points: Sequence[NMSPoint], name: str) -> tuple[tuple[float, ...], tuple[float, ...]]:
    return tuple(p.threshold for p in points), tuple(float(getattr(p, name)) for p in points)


def _table(curves: Mapping[str, Sequence[NMSPoint]]) -> Table:
    return Table(
        "Every threshold",
        ("suppression", "threshold", "boxes an image", "AP", "AP50", "duplicates", "lost neighbours"),
        tuple(
            (name, p.threshold, p.kept, p.ap, p.ap50, p.duplicates, p.lost)
            for name, points in curves.items()
            for p in points
        ),
    )
