"""From which score on should a box be believed, and is the score what it says?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch

from snellen.checks.detection._base import HALF, Detected, DetectionCheck, counted, share
from snellen.findings.evidence import Cell, Curve, Table
from snellen.findings.finding import Finding
from snellen.findings.interval import wilson

NAME = "detection/score_threshold"
FEWEST, TOO_SURE = 30, 0.1
BINS = 10


@dataclass(frozen=True)
class ScoreThreshold(DetectionCheck):
    """Precision, recall and F1 = 2 TP / (boxes + objects) against the score, and the calibration of the scores.

    A box is right at an IoU of 0.5 with an object of its class that no surer box found. Scores are calibrated if of
    the boxes said with 0.8 four in five are right; the error is the mean gap over ten bins, weighted by their boxes
    (D-ECE), from ``least`` on. A warning where boxes with a score of 0.5 or more are right less often than their mean
    score says, by more than 0.1 beyond the 95 % Wilson interval. Refuted by objects that were not labelled.

    Args:
        least: boxes of lower scores are left out of the calibration; there are many and nobody reads them.
    """

    least: float = 0.05
    metrics: ClassVar[Mapping[str, str]] = {
        "working_score": "score of the best F1",
        "precision": "share of the boxes of at least that score that is right",
        "recall": "share of the objects that these boxes find",
        "f1": "2 TP / (boxes + objects) there",
        "calibration_error": "mean gap between score and share that is right (D-ECE)",
    }

    def __call__(self, seen: Detected) -> Sequence[Finding]:
        scores, right = seen.ranked
        if not len(scores):
            return []
        said, hits = _at(seen, seen.working)
        recall, precision = hits / max(seen.objects, 1), hits / max(said, 1)
        sure = scores >= HALF
        count, good = int(sure.sum()), int(right[sure].sum())
        mean = float(scores[sure].mean()) if count else 0.0
        over = count >= FEWEST and mean - wilson(good, count)[1] > TOO_SURE
        rows, error = self._bins(seen)
        calibrated = f"Of {counted(count, 'box', 'boxes')} said with 0.5 or more, {share(good, count)} are right"
        return [
            Finding(
                NAME,
                "warning" if over else "info",
                "Scores promise too much" if over else "From which score on to believe a box",
                f"F1 is best at a score of {seen.working:.2f}, chosen on these scenes: precision {precision:.1%}, "
                f"recall {recall:.1%}. {calibrated if count else 'No box is said with 0.5 or more'}"
                + (f"; their mean score is {mean:.1%}." if count else "."),
                measured={
                    "working_score": seen.working,
                    "precision": precision,
                    "recall": recall,
                    "f1": 2 * hits / max(said + seen.objects, 1),
                    "calibration_error": error,
                },
                headlines=("precision", "recall"),
                remedy="Do not read the score as a probability: choose the threshold on labelled scenes of your own, "
                "or rescale the scores (temperature, isotonic regression) on scenes that are used for nothing else."
                if over
                else "",
                evidence=(
                    _curve(seen),
                    _reliability(rows),
                    Table(
                        "Is a score what it says?",
                        ("scores", "boxes", "mean score", "share right", "low", "high"),
                        rows,
                        note=f"Boxes of {self.least:g} or more; 95 % Wilson intervals of the share that is right.",
                    ),
                ),
                reference="Küppers et al. 2020, Multivariate confidence calibration for object detection, CVPR "
                "workshops (D-ECE).",
            )
        ]

    def _bins(self, seen: Detected) -> tuple[tuple[tuple[Cell, ...], ...], float]:
        """A row for each bin that is not empty, and the weighted mean gap."""
        scores, right = seen.ranked
        right, scores = right[scores >= self.least], scores[scores >= self.least]
        place = (scores * BINS).long().clamp(max=BINS - 1)
        rows: list[tuple[Cell, ...]] = []
        gap = 0.0
        for i in range(BINS):
            here = place == i
            count, good = int(here.sum()), int(right[here].sum())
            if count:
                mean = float(scores[here].mean())
                gap += abs(good - count * mean)
                rows.append(
                    (f"{i / BINS:.1f} to {(i + 1) / BINS:.1f}", count, mean, good / count, *wilson(good, count))
                )
        return tuple(rows), gap / max(len(scores), 1)


def _at(seen: Detected, score: float) -> tuple[int, int]:
    """Boxes of at least a score, and how many of them are right."""
    scores, right = seen.ranked
    count = int((scores >= score).sum())
    return count, int(right[:count].sum())


def _curve(seen: Detected) -> Curve:
    grid = torch.linspace(0, 1, 51).tolist()
    precision, recall, f1 = [], [], []
    for score in grid:
        said, hits = _at(seen, score)
        precision.append(hits / said if said else float("nan"))
        recall.append(hits / max(seen.objects, 1))
        f1.append(2 * hits / max(said + seen.objects, 1))
    x = tuple(grid)
    return Curve(
        "Precision and recall by score",
        "least score",
        "share",
        {"precision": (x, tuple(precision)), "recall": (x, tuple(recall)), "F1": (x, tuple(f1))},
        marks={"best F1": seen.working},
    )


def _reliability(rows: Sequence[Sequence[Cell]]) -> Curve:
    points = [(float(row[2] or 0), float(row[3] or 0)) for row in rows]
    ideal = ((0.0, 1.0), (0.0, 1.0))
    return Curve(
        "Calibration",
        "score",
        "share of the boxes that is right",
        {"boxes": (tuple(x for x, _ in points), tuple(y for _, y in points)), "calibrated": ideal},
        note="On the diagonal a score of 0.8 means right in four of five.",
    )
