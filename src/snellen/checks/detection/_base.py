"""What a check of a detector is: a question about what it said of scenes whose truth is known."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar

import torch
from torch import Tensor

from snellen.findings.finding import Finding
from snellen.findings.interval import wilson
from snellen.instruments.detection.detections import Detections
from snellen.instruments.detection.mistakes import Mistakes, mistakes
from snellen.subject.scenes import Objects, Scenes

HALF = 0.5
"""The IoU from which a box is at an object, where nothing else is said."""
NONE, IGNORED = -1, -2
"""What a detection found in place of an object: nothing, and what is neither right nor wrong to find."""
Progress = Callable[[str, int, int], None]


def silent(_stage: str, _done: int, _total: int) -> None:
    """No progress."""


@dataclass(frozen=True, eq=False)
class Detected:
    """Scenes, what a detector said of each, and what follows from both, computed once for all checks.

    Args:
        scenes: with the truth.
        detections: what was said of each, after non-maximum suppression; boxes in pixels of the scene as it lies in
            its file, as those of the truth.
        sizes: height and width of each scene in pixels; None where they are not known.
        candidates: the same before non-maximum suppression; None where they are not to be had.
        nms: the IoU above which one of two candidates went; None where it is not known.
        slope: of the place of a scene and of one of its detections: the slope of its score with respect to the pixels
            (c, h, w) of the scene; None where it is not to be had.
        seed: draws what has to be drawn.
        progress: called with (stage, done, total).

    Raises:
        ValueError: not one entry a scene.
    """

    scenes: Scenes
    detections: tuple[Detections, ...]
    sizes: tuple[tuple[int, int], ...] | None = None
    candidates: tuple[Detections, ...] | None = None
    nms: float | None = None
    slope: Callable[[int, int], Tensor] | None = None
    seed: int = 0
    progress: Progress = field(default=silent, repr=False)

    def __post_init__(self) -> None:
        for said in (self.detections, self.candidates):
            if said is not None and len(said) != len(self.scenes):
                raise ValueError(f"expected detections for each of {len(self.scenes)} scenes, got {len(said)}")

    @cached_property
    def judged(self) -> Mistakes:
        """What each detection is, whatever its score: right at an IoU of 0.5, as COCO pairs them, or which mistake."""
        return mistakes(self.detections, self.scenes.objects)

    @cached_property
    def hits(self) -> tuple[Tensor, ...]:
        """For each scene, (m,) the object that each of its detections found, NONE, or IGNORED."""
        return _hits(self.judged, self.detections)

    @cached_property
    def ranked(self) -> tuple[Tensor, Tensor]:
        """The scores of all detections that are right or wrong, descending, and whether each found an object."""
        scores, hits = torch.cat([said.scores for said in self.detections]), torch.cat(self.hits)
        scores, order = scores[hits != IGNORED].sort(descending=True, stable=True)
        return scores, (hits[hits != IGNORED] >= 0)[order]

    @cached_property
    def working(self) -> float:
        """The score from which on a detection counts as said: that of the best F1 on these scenes."""
        scores, right = self.ranked
        if not right.any():
            return HALF
        f1 = 2 * right.cumsum(0) / (torch.arange(1, len(right) + 1) + self.objects)
        last = torch.cat([scores[1:] < scores[:-1], torch.tensor([True])])  # equal scores stay together
        return float(scores[(f1 * last).argmax()])

    @property
    def objects(self) -> int:
        """How many objects there are in all scenes."""
        return sum(len(truth) for truth in self.scenes.objects)

    def said(self, scene: int) -> Detections:
        """What was said of a scene with at least the working score: the first of its detections."""
        return self.detections[scene].at_least(self.working)

    def missed(self, scene: int) -> Tensor:
        """(k,) the objects of a scene that none of what was said of it found."""
        hits = self.hits[scene][: len(self.said(scene))]
        free = torch.ones(len(self.scenes.objects[scene]), dtype=torch.bool)
        free[hits[hits >= 0]] = False
        return free.nonzero()[:, 0]


@dataclass(frozen=True)
class DetectionCheck(ABC):
    """One question. Its settings are its fields; ``metrics`` are the names it measures, for ``--require``.

    An error is said only of what cannot be meant, a warning only of what can be mended and was measured beyond its
    interval; all else is for information.
    """

    metrics: ClassVar[Mapping[str, str]] = {}

    @abstractmethod
    def __call__(self, seen: Detected) -> Sequence[Finding]:
        """Look, and say what was seen."""


def found(said: Detections, truth: Objects) -> Tensor:
    """(m,) for each detection of a scene the object that it found, NONE, or IGNORED.

    >>> boxes = torch.tensor([[0.0, 0, 9, 9], [0, 0, 10, 10]])
    >>> said = Detections(boxes, torch.tensor([0.9, 0.8]), torch.tensor([1, 1]))
    >>> found(said, Objects([[0, 0, 10, 10]], [1]))
    tensor([ 0, -1])
    """
    return _hits(mistakes([said], [truth]), [said])[0]


def _hits(judged: Mistakes, detections: Sequence[Detections]) -> tuple[Tensor, ...]:
    answers = tuple(torch.full((len(said),), NONE) for said in detections)
    for one in (*judged.of("correct"), *judged.of("ignored")):
        answers[one.image][one.detection] = IGNORED if one.object is None else one.object
    return answers


def share(part: int, whole: int) -> str:
    """A share with its 95 % Wilson interval in words.

    >>> share(8, 10)
    '80.0 % (49.0 to 94.3)'
    """
    low, high = wilson(part, whole)
    return f"{100 * part / max(whole, 1):.1f} % ({100 * low:.1f} to {100 * high:.1f})"


def counted(count: int, one: str, many: str = "") -> str:
    """``1 object``, ``3 objects``.

    >>> counted(1, "box", "boxes"), counted(1200, "object")
    ('1 box', '1,200 objects')
    """
    return f"{count:,} {one if count == 1 else many or one + 's'}"
