"""What kind of mistake every detection is, and which objects were missed."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from snellen._errors import UsageError
from snellen.instruments.detection._matching import ALMOST, matched, overlaps, paired, standing
from snellen.instruments.detection.detections import Detections
from snellen.subject.scenes import Objects

Kind = Literal["correct", "localisation", "class", "both", "duplicate", "background", "ignored", "missed"]
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True)
class Judged:
    """One detection, or one object that was missed.

    Attributes:
        kind: see :func:`mistakes`.
        image: which image.
        detection: which of its detections; None for an object that was missed.
        object: which of its objects it is about; None for a detection on the background or at what is ignored.
        iou: of the two; of a detection on the background with the nearest object, of a missed object 0.
    """

    kind: Kind
    image: int
    detection: int | None
    object: int | None
    iou: float


@dataclass(frozen=True)
class Mistakes:
    """Every detection in the order of the images and of descending score, and every missed object after those of its
    image.

    Attributes:
        judged: one entry each.
        detections: how many there are.
        objects: how many there are.

    >>> Mistakes((Judged("missed", 0, None, 0, 0.0),), 0, 1).counts["missed"]
    1
    """

    judged: tuple[Judged, ...]
    detections: int
    objects: int

    @property
    def counts(self) -> dict[Kind, int]:
        """How often each kind occurs. All but ``missed`` add up to the detections."""
        seen = Counter(one.kind for one in self.judged)
        return {kind: seen[kind] for kind in KINDS}

    def of(self, kind: Kind) -> tuple[Judged, ...]:
        """Those of one kind."""
        return tuple(one for one in self.judged if one.kind == kind)


def mistakes(
    found: Sequence[Detections], truth: Sequence[Objects], *, threshold: float = 0.5, background: float = 0.1
) -> Mistakes:
    """Give one kind to every detection, and name the objects that were missed.

    A detection that takes an object by COCO's rules is ``correct``, one that takes what the truth ignores is
    ``ignored``. Of the others, with the highest IoU that it has with objects of its class and of other classes, the
    first of these that holds:

    - ``localisation``: the right class, background <= IoU < threshold;
    - ``class``: another class, IoU >= threshold;
    - ``duplicate``: the right class, IoU >= threshold, but something surer has the object;
    - ``both``: another class, background <= IoU < threshold;
    - ``background``: no object has an IoU of at least ``background``.

    An object is ``missed`` if nothing has it and no ``localisation`` or ``class`` mistake is about it.

    Args:
        found: the detections of each image; leave out those too unsure to be shown (``Detections.at_least``).
        truth: the objects of each image, in the same order.
        threshold: the IoU that is enough.
        background: the IoU below which a detection is about no object.

    Raises:
        UsageError: not one entry an image in both, NaN scores or boxes, reversed boxes, thresholds that are not
            0 < background < threshold <= 1.

    Reference: Bolya et al. 2020, TIDE: a general toolbox for identifying object detection errors, ECCV.

    >>> import torch
    >>> truth = [Objects([[0, 0, 10, 10], [20, 20, 40, 40]], [0, 1])]
    >>> boxes = torch.tensor([[0.0, 0, 10, 10], [0, 0, 10, 4], [60, 60, 70, 70]])
    >>> judged = mistakes([Detections(boxes, torch.tensor([0.9, 0.8, 0.7]), torch.tensor([0, 0, 1]))], truth)
    >>> [one.kind for one in judged.judged]
    ['correct', 'localisation', 'background', 'missed']
    """
    if not 0 < background < threshold <= 1:
        raise UsageError(
            f"expected 0 < background < threshold <= 1, got background {background}, threshold {threshold}"
        )
    judged: list[Judged] = []
    for image, (said, wanted) in enumerate(paired(found, truth)):
        judged += _of_image(image, said, wanted, threshold, background)
    return Mistakes(tuple(judged), sum(map(len, found)), sum(map(len, truth)))


def _of_image(image: int, said: Detections, wanted: Objects, threshold: float, background: float) -> list[Judged]:
    there = standing(wanted)
    overlap = overlaps(said, there)
    same = said.classes.cpu().numpy()[:, None] == there.classes
    taken = matched(np.where(same, overlap, -1.0), (threshold,), there.aside[None], there.aside)[0, 0]
    overlap, same = overlap[:, : len(wanted)], same[:, : len(wanted)]
    enough = min(threshold, ALMOST)
    judged: list[Judged] = []
    for d, has in enumerate(taken.tolist()):
        kind: Kind = "correct"
        about: int | None = has
        if has >= len(wanted):
            kind, about = "ignored", None
        elif has < 0:
            kind, about = _kind(overlap[d], same[d], enough, background)
        iou = float(overlap[d, about] if about is not None else overlap[d].max(initial=0.0))
        judged.append(Judged(kind, image, d, about, iou))
    met = {one.object for one in judged if one.kind in ("correct", "localisation", "class")}
    return judged + [Judged("missed", image, None, g, 0.0) for g in range(len(wanted)) if g not in met]


def _kind(
    overlap: NDArray[np.float64], same: NDArray[np.bool_], threshold: float, background: float
) -> tuple[Kind, int | None]:
    """The kind of a detection that took no object, and the object that it is about."""
    right, wrong = np.where(same, overlap, -1.0), np.where(same, -1.0, overlap)
    own, other = right.max(initial=-1.0), wrong.max(initial=-1.0)
    if background <= own < threshold:
        return "localisation", int(right.argmax())
    if other >= threshold:
        return "class", int(wrong.argmax())
    if own >= threshold:
        return "duplicate", int(right.argmax())
    if other >= background:
        return "both", int(wrong.argmax())
    return "background", None
