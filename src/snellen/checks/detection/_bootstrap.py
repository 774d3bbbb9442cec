"""How far average precision may be from the true one: the scenes are drawn again and again."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from snellen.instruments.detection._matching import matched, overlaps, standing
from snellen.instruments.detection.average_precision import COCO_THRESHOLDS, RECALLS
from snellen.instruments.detection.detections import Detections
from snellen.subject.scenes import Objects


@dataclass(frozen=True, eq=False)
class Drawn:
    """Average precision of b drawings of the scenes with replacement.

    Attributes:
        values: (b, t, k) float64, at each threshold for each class; NaN where a drawing holds no object of it.
    """

    values: NDArray[np.float64]

    def interval(self, thresholds: slice = slice(None), classes: int | None = None) -> tuple[float, float]:
        """The middle 95 % of the mean over some thresholds and one class or all."""
        chosen = self.values[:, thresholds] if classes is None else self.values[:, thresholds, classes][..., None]
        if np.isnan(chosen).all():
            return float("nan"), float("nan")
        drawn = chosen.reshape(len(chosen), -1)
        means = np.nanmean(drawn[~np.isnan(drawn).all(axis=1)], axis=1)  # few scenes: a drawing may hold no object
        low, high = np.nanquantile(means, (0.025, 0.975))
        return float(low), float(high)


def bootstrap(
    found: Sequence[Detections], truth: Sequence[Objects], *, classes: int, drawings: int, seed: int
) -> Drawn:
    """Draw as many scenes as there are, again and again, and measure COCO's average precision of each drawing.

    Detections and objects are paired once: that a scene comes twice does not change who is paired with whom in it.

    Args:
        found: the detections of each scene.
        truth: the objects of each scene.
        classes: how many there are.
        drawings: b; with 0 there is one, of every scene once.
        seed: of the drawings.

    Reference: Efron 1979, Bootstrap methods, Annals of Statistics 7:1-26.
    """
    scenes = len(truth)
    rng = np.random.default_rng(seed)
    weights = (
        np.stack([np.bincount(rng.integers(scenes, size=scenes), minlength=scenes) for _ in range(drawings)])
        if drawings
        else np.ones((1, scenes), dtype=np.int64)
    )
    values = np.full((len(weights), len(COCO_THRESHOLDS), classes), np.nan)
    for k in range(classes):
        of, scores, hits, counted, there = _paired(found, truth, k)
        order = np.argsort(-scores, kind="stable")
        of, hits, counted = of[order], hits[:, order], counted[:, order]
        for b, times in enumerate(weights):
            count = int(times @ there)
            if count:
                values[b, :, k] = _precision(hits * times[of], counted * times[of], count)
    return Drawn(values)


def _precision(hits: NDArray[np.int64], counted: NDArray[np.int64], count: int) -> NDArray[np.float64]:
    """(t,) of how often each detection is right and counts (t, n), in descending order of score, of so many objects."""
    right, said = np.cumsum(hits, axis=1), np.cumsum(counted, axis=1)
    highest = np.maximum.accumulate((right / np.maximum(said, 1))[:, ::-1], axis=1)[:, ::-1]
    ended = np.concatenate([highest, np.zeros((len(hits), 1))], axis=1)
    at = [np.searchsorted(row / count, RECALLS, side="left") for row in right]
    return np.array([row[places].mean() for row, places in zip(ended, at, strict=True)])


def _paired(
    found: Sequence[Detections], truth: Sequence[Objects], kind: int
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_], NDArray[np.int64]]:
    """Of one class: of each detection its scene, its score, (t, n) its success and whether it counts; the objects of
    each scene."""
    nothing = np.zeros((len(COCO_THRESHOLDS), 0), dtype=bool)
    of, scores, hits, counted = [np.zeros(0, dtype=np.int64)], [np.zeros(0)], [nothing], [nothing]
    there = np.array([int((objects.classes == kind).sum()) for objects in truth], dtype=np.int64)
    for i, (said, objects) in enumerate(zip(found, truth, strict=True)):
        rows = said.classes == kind
        if not rows.any():
            continue
        some = Detections(said.boxes[rows], said.scores[rows], said.classes[rows])
        around = standing(objects)
        own = around.classes == kind
        aside = around.aside[own]
        taken = matched(overlaps(some, around)[:, own], COCO_THRESHOLDS, aside[None], aside)[:, 0]
        excused = (taken >= 0) & np.append(aside, False)[taken]
        of.append(np.full(len(some), i))
        scores.append(some.scores.double().numpy())
        hits.append((taken >= 0) & ~excused)
        counted.append(~excused)
    right, judged = np.concatenate(hits, axis=1), np.concatenate(counted, axis=1)
    return np.concatenate(of), np.concatenate(scores), right, judged, there
