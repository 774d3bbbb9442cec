"""Average precision as COCO and as PASCAL VOC define it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from snellen._errors import UsageError, unknown
from snellen.instruments.detection._matching import matched, overlaps, paired, standing
from snellen.instruments.detection.boxes import area
from snellen.instruments.detection.detections import Detections
from snellen.subject.scenes import Objects

COCO_THRESHOLDS: tuple[float, ...] = tuple(np.linspace(0.5, 0.95, 10).tolist())
COCO_SIZES: Mapping[str, tuple[float, float]] = MappingProxyType(
    {"all": (0.0, 1e10), "small": (0.0, 32.0**2), "medium": (32.0**2, 96.0**2), "large": (96.0**2, 1e10)}
)
"""Areas in square pixels; an object on a border belongs to both."""
RECALLS = np.linspace(0.0, 1.0, 101)
Part = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]
"""Of one class in one image: (d, g) overlaps, (d,) scores, (d,) areas of the detections, (g,) areas of what stands
there, (g,) whether it is ignored."""


@dataclass(frozen=True, eq=False)
class AveragePrecision:
    """How precise the detections are at every recall; t thresholds of the IoU, k classes, a ranges of sizes.

    Attributes:
        thresholds: t.
        sizes: the names of the ranges; the first is every object.
        values: (t, k, a) float64, the average precision; NaN where no object of the class has the size.
        recall: (t, k, a) float64, the share of the objects that is found at all; NaN likewise.
        recalls: (r,) float64, where the curve is taken.
        curve: (t, r, k, a) float64, the highest precision at this recall or a higher one; NaN likewise.

    >>> empty = AveragePrecision((0.5,), ("all",), torch.full((1, 2, 1), torch.nan), *[torch.zeros(0)] * 3)
    >>> empty.mean
    nan
    """

    thresholds: tuple[float, ...]
    sizes: tuple[str, ...]
    values: Float[Tensor, "t k a"]
    recall: Float[Tensor, "t k a"]
    recalls: Float[Tensor, "r"]
    curve: Float[Tensor, "t r k a"]

    @property
    def mean(self) -> float:
        """mAP: the mean over thresholds and classes, objects of every size; NaN where there is no object."""
        return float(self.values[:, :, 0].nanmean())

    @property
    def per_class(self) -> Float[Tensor, "k"]:
        """The mean over the thresholds; NaN for a class without objects."""
        return self.values[:, :, 0].nanmean(dim=0)

    @property
    def per_threshold(self) -> Float[Tensor, "t"]:
        """The mean over the classes that have objects."""
        return self.values[:, :, 0].nanmean(dim=1)

    @property
    def per_size(self) -> dict[str, float]:
        """The mean over thresholds and classes in each range of sizes; NaN where no object is of it."""
        return {name: float(self.values[:, :, i].nanmean()) for i, name in enumerate(self.sizes)}

    def at(self, threshold: float) -> float:
        """The mean over the classes at one of the thresholds.

        Raises:
            UsageError: a threshold that was not measured.
        """
        for i, known in enumerate(self.thresholds):
            if abs(known - threshold) < 1e-9:
                return float(self.per_threshold[i])
        raise UsageError(f"expected one of the thresholds {[round(t, 4) for t in self.thresholds]}, got {threshold}")


def coco_average_precision(
    found: Sequence[Detections],
    truth: Sequence[Objects],
    *,
    classes: int | None = None,
    thresholds: Sequence[float] = COCO_THRESHOLDS,
    sizes: Mapping[str, tuple[float, float]] = COCO_SIZES,
    most: int = 100,
) -> AveragePrecision:
    """Average precision by COCO's rules: the mean of the precision at the recalls 0, 0.01, ... 1.

    In each image each detection, the surest first, takes the free object of its class with the highest IoU of at least
    the threshold. Objects outside a range of sizes are ignored there: what takes them counts neither for nor against,
    nor does what takes nothing and is itself outside. Likewise, at every size, what the truth says is to be ignored; it
    can be taken again and again, and a crowd is taken by the share of a detection that lies in it. The precision at a
    recall is the highest at that one or above.

    Args:
        found: the detections of each image.
        truth: the objects of each image, in the same order. Their size is the area of the box, where the COCO data
            have that of the outline.
        classes: how many there are; by default as many as are seen.
        thresholds: of the IoU, from 0 to 1.
        sizes: named ranges of the area in square pixels, both ends included.
        most: detections of one class in one image that are looked at, the surest ones.

    Raises:
        UsageError: not one entry an image in both, NaN scores or boxes, reversed boxes, settings out of range.

    Reference: Lin et al. 2014, Microsoft COCO, ECCV.

    >>> truth = [Objects([[0, 0, 10, 10], [20, 20, 40, 40]], [0, 0])]
    >>> found = [Detections(torch.tensor([[0.0, 0, 10, 10]]), torch.tensor([0.9]), torch.tensor([0]))]
    >>> round(coco_average_precision(found, truth).mean, 6)  # 51 of 101 recalls are reached
    0.50495
    """
    count = _classes(found, truth, classes)
    _check(thresholds, sizes, most)
    low, high = np.array(list(sizes.values()), dtype=np.float64).T
    shape = len(thresholds), count, len(low)
    values, recall = np.full(shape, np.nan), np.full(shape, np.nan)
    curve = np.full((shape[0], len(RECALLS), *shape[1:]), np.nan)
    parts = _by_class(found, truth, count)
    for k in range(count):
        hit, counted, there = _ranked(parts[k], thresholds, low, high, most)
        for t, a in np.ndindex(shape[0], shape[2]):
            if there[a]:
                tp, total = (np.cumsum(row[t, a], dtype=np.int64) for row in (hit & counted, counted))
                envelope, reached = _envelope(tp, total), tp / there[a]
                at = np.searchsorted(reached, RECALLS, side="left")
                curve[t, :, k, a] = np.append(envelope, 0.0)[at]
                values[t, k, a] = curve[t, :, k, a].mean()
                recall[t, k, a] = reached[-1] if len(reached) else 0.0
    return _result(thresholds, tuple(sizes), values, recall, RECALLS, curve)


def _ranked(
    parts: list[Part], thresholds: Sequence[float], low: NDArray[np.float64], high: NDArray[np.float64], most: int
) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.int64]]:
    """Of one class, the surest detection of all images first: (t, a, d) whether it took an object, (t, a, d) whether it
    counts, and (a,) how many objects do."""
    nothing = np.zeros((len(thresholds), len(low), 0), dtype=bool)
    scores, right, counts = [np.zeros(0)], [nothing], [nothing]
    there = np.zeros(len(low), dtype=np.int64)
    for overlap, score, extents, wanted, aside in parts:
        ignored = _outside(wanted, low, high) | aside
        taken = matched(overlap[:most], thresholds, ignored, aside)
        scores.append(score[:most])
        right.append(taken >= 0)
        counts.append(~_excused(taken, ignored, _outside(extents[:most], low, high)))
        there += (~ignored).sum(axis=1)
    order = np.argsort(-np.concatenate(scores), kind="stable")
    return np.concatenate(right, axis=2)[:, :, order], np.concatenate(counts, axis=2)[:, :, order], there


def voc_average_precision(
    found: Sequence[Detections],
    truth: Sequence[Objects],
    *,
    classes: int | None = None,
    threshold: float = 0.5,
    points: Literal["area", "eleven"] = "area",
) -> AveragePrecision:
    """Average precision by the rules of PASCAL VOC.

    Each detection, the surest of all images first, belongs to the object of its class with the highest IoU; it is right
    if that is at least the threshold and nothing surer had the object. ``area`` (2010 and later) is the area under the
    highest precision at a recall or above; ``eleven`` (2007) the mean of it at the recalls 0, 0.1, ... 1. What belongs
    to an object that is ignored (``difficult``) with enough IoU is neither right nor wrong. Boxes are as wide as
    right - left; the original counts a pixel more.

    Args:
        found: the detections of each image.
        truth: the objects of each image, in the same order.
        classes: how many there are; by default as many as are seen.
        threshold: of the IoU, from 0 to 1.
        points: ``area`` or ``eleven``. The curve is given at 101 or 11 recalls.

    Raises:
        UsageError: as :func:`coco_average_precision`.

    Reference: Everingham et al. 2010, The PASCAL Visual Object Classes challenge, IJCV 88:303-338.

    >>> truth = [Objects([[0, 0, 10, 10], [20, 20, 40, 40]], [0, 0])]
    >>> found = [Detections(torch.tensor([[0.0, 0, 10, 10]]), torch.tensor([0.9]), torch.tensor([0]))]
    >>> [round(voc_average_precision(found, truth, points=way).mean, 4) for way in ("area", "eleven")]
    [0.5, 0.5455]
    """
    if points not in ("area", "eleven"):
        raise unknown("rule for points", points, ("area", "eleven"))
    count = _classes(found, truth, classes)
    _check((threshold,), {"all": (0, 1)}, 1)
    steps = 100 if points == "area" else 10
    values, recall = np.full((1, count, 1), np.nan), np.full((1, count, 1), np.nan)
    curve = np.full((1, steps + 1, count, 1), np.nan)
    for k, parts in enumerate(_by_class(found, truth, count)):
        there = sum(int((~aside).sum()) for *_, aside in parts)
        if not there:
            continue
        order = np.argsort(-np.concatenate([score for _, score, *_ in parts]), kind="stable")
        judged = [_first_hits(overlap, aside, threshold) for overlap, *_, aside in parts]
        tp, total = (np.cumsum(np.concatenate(column)[order]) for column in zip(*judged, strict=True))
        envelope = np.append(_envelope(tp, total), 0.0)
        # tp / there >= step / steps in whole numbers: 3 of 10 objects are a recall of 0.3, which no float is
        curve[0, :, k, 0] = envelope[np.searchsorted(tp * steps, np.arange(steps + 1) * there, side="left")]
        area_under = float((np.diff(tp, prepend=0) * envelope[:-1]).sum() / there)
        values[0, k, 0] = area_under if points == "area" else curve[0, :, k, 0].mean()
        recall[0, k, 0] = tp[-1] / there if len(tp) else 0.0
    return _result((threshold,), ("all",), values, recall, np.linspace(0, 1, steps + 1), curve)


def _by_class(found: Sequence[Detections], truth: Sequence[Objects], count: int) -> list[list[Part]]:
    parts: list[list[Part]] = [[] for _ in range(count)]
    for said, wanted in paired(found, truth):
        there = standing(wanted)
        overlap = overlaps(said, there)
        scores = said.scores.detach().cpu().double().numpy()
        extents, areas = (area(boxes).numpy() for boxes in (said.boxes.detach().cpu().double(), there.boxes))
        names = said.classes.cpu().numpy()
        for k in np.union1d(names, there.classes):
            d, g = names == k, there.classes == k
            parts[k].append((overlap[np.ix_(d, g)], scores[d], extents[d], areas[g], there.aside[g]))
    return parts


def _first_hits(
    overlap: NDArray[np.float64], aside: NDArray[np.bool_], threshold: float
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """(d,) whether each detection is the surest of those that belong to its object with enough IoU; (d,) whether it
    counts, for or against."""
    hits, counts = np.zeros(len(overlap), dtype=bool), np.ones(len(overlap), dtype=bool)
    if overlap.size:
        nearest = overlap.argmax(axis=1)
        counts = ~((overlap.max(axis=1) >= threshold) & aside[nearest])
        enough = np.flatnonzero((overlap.max(axis=1) >= threshold) & counts)
        _, first = np.unique(nearest[enough], return_index=True)
        hits[enough[first]] = True
    return hits, counts


def _outside(areas: NDArray[np.float64], low: NDArray[np.float64], high: NDArray[np.float64]) -> NDArray[np.bool_]:
    """(a, m) whether each area lies outside each range."""
    outside: NDArray[np.bool_] = (areas < low[:, None]) | (areas > high[:, None])
    return outside


def _excused(taken: NDArray[np.int64], ignored: NDArray[np.bool_], outside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(t, a, d) whether a detection counts neither for nor against: it took an ignored object, or none and is itself
    outside the range."""
    padded = np.concatenate([ignored, np.zeros((len(ignored), 1), dtype=bool)], axis=1)  # the last stands for none
    took = padded[np.arange(len(ignored))[:, None], taken]
    excused: NDArray[np.bool_] = np.where(taken >= 0, took, outside)
    return excused


def _envelope(tp: NDArray[np.int64], total: NDArray[np.int64]) -> NDArray[np.float64]:
    """The precision after each detection, or a later one where that is higher."""
    precision = tp / np.maximum(total, 1)
    highest: NDArray[np.float64] = np.maximum.accumulate(precision[::-1])[::-1]
    return highest


def _classes(found: Sequence[Detections], truth: Sequence[Objects], classes: int | None) -> int:
    groups = [said.classes for said in found]
    groups += [classes for wanted in truth for classes in (wanted.classes, wanted.ignored.classes)]
    seen = [classes for classes in groups if len(classes)]
    low, top = (min(int(c.min()) for c in seen), max(int(c.max()) for c in seen)) if seen else (0, -1)
    if low < 0 or (classes is not None and top >= classes):
        raise UsageError(
            f"expected classes from 0 {f'to {classes - 1}' if classes is not None else 'on'}, got {low} to {top}"
        )
    return top + 1 if classes is None else classes


def _check(thresholds: Sequence[float], sizes: Mapping[str, tuple[float, float]], most: int) -> None:
    if not thresholds or not all(0 <= t <= 1 for t in thresholds):
        raise UsageError(f"expected thresholds of the IoU from 0 to 1, got {tuple(thresholds)}")
    if not sizes or not all(low <= high for low, high in sizes.values()):
        raise UsageError(f"expected named ranges of areas (least, most), got {dict(sizes)}")
    if most < 1:
        raise UsageError(f"expected to look at 1 detection or more in an image, got {most}")


def _result(
    thresholds: Sequence[float],
    sizes: tuple[str, ...],
    values: NDArray[np.float64],
    recall: NDArray[np.float64],
    recalls: NDArray[np.float64],
    curve: NDArray[np.float64],
) -> AveragePrecision:
    tensors = (torch.from_numpy(v.copy()) for v in (values, recall, recalls, curve))
    return AveragePrecision(tuple(map(float, thresholds)), sizes, *tensors)
