"""How many boxes are there before and after non-maximum suppression, and are any cut off?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch

from snellen.checks.detection._base import Detected, DetectionCheck, counted, found
from snellen.checks.detection._drawn import outlines, scene_picture, truth
from snellen.findings.evidence import Cell, Gallery, Table, Tile
from snellen.findings.finding import Finding
from snellen.instruments.detection.detections import Detections

NAME = "detection/candidates"
MANY = 50
"""A number of boxes that is reached again and again counts as a limit from here on."""


@dataclass(frozen=True)
class Candidates(DetectionCheck):
    """Boxes an image before and after non-maximum suppression, and a limit on their number where there seems to be one.

    A warning where three scenes or more end with exactly the largest number of boxes, which is 50 or more: something
    keeps only so many, and objects beyond it are lost in silence (``detections_per_img``, ``max_det``). Refuted where
    the network has that many outputs by design.

    Args:
        images: scenes shown before and after.
        drawn: candidates drawn in a picture, the surest.
    """

    images: int = 3
    drawn: int = 150
    metrics: ClassVar[Mapping[str, str]] = {
        "candidates_an_image": "boxes an image before suppression",
        "detections_an_image": "boxes an image after it",
    }

    def __call__(self, seen: Detected) -> Sequence[Finding]:
        kept = [len(said) for said in seen.detections]
        counts = {"after": kept, "of these with the working score": [len(seen.said(i)) for i in range(len(kept))]}
        before = None if seen.candidates is None else [len(said) for said in seen.candidates]
        counts = ({} if before is None else {"before": before}) | counts
        objects = [len(truth) for truth in seen.scenes.objects]
        table = Table(
            "Boxes an image",
            ("non-maximum suppression", "least", "median", "mean", "most"),
            tuple((name, *_spread(numbers)) for name, numbers in {**counts, "objects there are": objects}.items()),
        )
        evidence: tuple[Table | Gallery, ...] = (table,)
        if before is not None and max(before, default=0) > 1:
            evidence += (self._pictures(seen),)
        findings = [
            Finding(
                NAME,
                "info",
                "From candidates to detections",
                _told(before, kept, counts["of these with the working score"], seen),
                measured={f"{name}_an_image": sum(n) / len(n) for name, n in _named(before, kept).items()},
                evidence=evidence,
            )
        ]
        return findings + _limited(kept, before)

    def _pictures(self, seen: Detected) -> Gallery:
        """The scenes with most objects, with their candidates and with what stayed of them."""
        assert seen.candidates is not None
        order = sorted(range(len(seen.scenes)), key=lambda i: (-len(seen.scenes.objects[i]), i))[: self.images]
        tiles = []
        for i in order:
            all_of_it, said = seen.candidates[i], seen.said(i)
            first = Detections(*(v[: self.drawn] for v in (all_of_it.boxes, all_of_it.scores, all_of_it.classes)))
            there = truth(seen, i)
            at_once = found(first, seen.scenes.objects[i])
            before = scene_picture(seen, i, (*there, *outlines(seen, first, at_once, words=False)), name="before")
            hits = seen.hits[i][: len(said)]
            after = scene_picture(seen, i, (*there, *outlines(seen, said, hits)), name="after")
            lines = (f"{counted(len(all_of_it), 'candidate')}, {counted(len(said), 'box', 'boxes')} said",)
            tiles.append(Tile(seen.scenes.images.source.name(i), (before, after), image=i, lines=lines))
        return Gallery(
            "Before and after",
            tuple(tiles),
            note=f"Before: the {self.drawn} surest candidates; of several at one object the surest is right. After: "
            f"what stayed with a score of at least {seen.working:.2f}.",
        )


def _named(before: list[int] | None, kept: list[int]) -> dict[str, list[int]]:
    return ({} if before is None else {"candidates": before}) | {"detections": kept}


def _told(before: list[int] | None, kept: list[int], said: list[int], seen: Detected) -> str:
    first = "" if before is None else f"{sum(before) / len(before):,.0f} candidates an image become "
    where = "" if seen.nms is None else f" by non-maximum suppression at an IoU of {seen.nms:g}"
    count = sum(kept) / len(kept)
    return (
        f"{first}{count:,.1f} boxes{'' if first else ' an image'}{where}; {sum(said) / len(said):.2f} of them have a "
        f"score of at least {seen.working:.2f}, for {seen.objects / len(kept):.2f} objects an image."
    )


def _spread(numbers: Sequence[int]) -> tuple[Cell, ...]:
    values = torch.tensor(numbers, dtype=torch.float64)
    return min(numbers), int(values.median()), float(values.mean()), max(numbers)


def _limited(kept: Sequence[int], before: Sequence[int] | None) -> list[Finding]:
    most = max(kept, default=0)
    times = sum(count == most for count in kept)
    free = before is not None and any(b == most for b, k in zip(before, kept, strict=True) if k == most)
    if most < MANY or times < 3 or free:
        return []
    return [
        Finding(
            NAME,
            "warning",
            "The number of boxes is limited",
            f"{times} of {len(kept)} scenes end with exactly {most} boxes, and none with more: the rest seems to be "
            "cut off.",
            remedy="Raise the limit (detections_per_img, max_det, topk) until no image reaches it, and measure again.",
        )
    ]
