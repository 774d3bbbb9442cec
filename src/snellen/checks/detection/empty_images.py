"""What does it say of images that hold no object?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from snellen.checks.detection._base import Detected, DetectionCheck, counted, share
from snellen.checks.detection._drawn import tile
from snellen.findings.evidence import Curve, Gallery
from snellen.findings.finding import Finding
from snellen.findings.interval import wilson

NAME = "detection/empty_images"


@dataclass(frozen=True)
class EmptyImages(DetectionCheck):
    """False alarms on images without objects, and whether such images are told from others at all.

    A detector that never saw an image without objects learns that there always is one: its objectness is near 1
    everywhere. Average precision hardly shows it, since it ranks boxes; a scene set without empty images cannot show it
    at all, which is said. A warning where more than half of the empty images (beyond the 95 % Wilson interval) hold a
    box of at least the working score. Refuted by labels that were left out: look at the pictures.

    Args:
        images: empty images with a false alarm that are shown.
    """

    images: int = 6
    metrics: ClassVar[Mapping[str, str]] = {
        "false_alarms": "boxes of the working score or more an image without objects",
        "images_with_false_alarm": "share of the images without objects that hold such a box",
        "images_with_false_alarm_low": "lower end of its 95 % Wilson interval",
        "images_with_false_alarm_high": "upper end of it",
    }

    def __call__(self, seen: Detected) -> Sequence[Finding]:
        empty = [i for i, truth in enumerate(seen.scenes.objects) if truth.empty]
        if not empty:
            return [
                Finding(
                    NAME,
                    "info",
                    "Images without objects were not seen",
                    f"Each of the {counted(len(seen.scenes), 'scene')} holds an object: how often it sees one where "
                    "there is none is not known.",
                    remedy="Add images without objects to these scenes, and to those it is trained on.",
                )
            ]
        alarmed = [i for i in empty if len(seen.said(i))]
        boxes = sum(len(seen.said(i)) for i in empty)
        low, high = wilson(len(alarmed), len(empty))
        surest = sorted(alarmed, key=lambda i: -float(seen.detections[i].scores[0]))[: self.images]
        evidence: tuple[Curve | Gallery, ...] = (_scores(seen, empty),)
        if surest:
            tiles = tuple(tile(seen, i) for i in surest)
            evidence += (Gallery("Surest false alarms on images without objects", tiles),)
        return [
            Finding(
                NAME,
                "warning" if low > 0.5 else "info" if alarmed else "ok",
                "It sees objects everywhere" if low > 0.5 else "Images without objects",
                f"{share(len(alarmed), len(empty))} of {counted(len(empty), 'image')} without objects hold a box with "
                f"a score of at least {seen.working:.2f}: {boxes / len(empty):.2f} false alarms an image.",
                measured={
                    "false_alarms": boxes / len(empty),
                    "images_with_false_alarm": len(alarmed) / len(empty),
                    "images_with_false_alarm_low": low,
                    "images_with_false_alarm_high": high,
                },
                remedy="Train on images without objects too: only they teach the objectness to be low."
                if low > 0.5
                else "",
                evidence=evidence,
            )
        ]


def _scores(seen: Detected, empty: Sequence[int]) -> Curve:
    """How sure the surest box of each image is, with and without objects."""
    without = set(empty)
    bins = tuple(i / 10 for i in range(11))
    series = {}
    for name, rows in (
        ("with objects", [i for i in range(len(seen.scenes)) if i not in without]),
        ("without", list(empty)),
    ):
        tops = [float(seen.detections[i].scores[0]) if len(seen.detections[i]) else 0.0 for i in rows]
        heights = [0.0] * 10
        for top in tops:
            heights[min(int(top * 10), 9)] += 1 / max(len(tops), 1)
        series[name] = (bins, tuple(heights))
    return Curve(
        "The surest box of an image",
        "score",
        "share of the images",
        series,
        kind="histogram",
        marks={"working score": seen.working},
        note="The further apart, the better images with objects are told from those without.",
    )
