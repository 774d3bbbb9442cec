"""Are the boxes written as they are said to be?"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from snellen.checks.detection._base import Detected, DetectionCheck
from snellen.findings.evidence import Cell, Table
from snellen.findings.finding import Finding
from snellen.subject.plausible import READINGS, Plausibility, plausible

NAME = "detection/box_format"


@dataclass(frozen=True)
class BoxFormat(DetectionCheck):
    """Whether another reading of the four numbers explains the boxes better: centre and size taken for two corners.

    Boxes of which many are smaller than a pixel or reach out of their image, and far fewer do when the same numbers are
    read as widths and heights, centres, or parts of the image, are written otherwise than they were read. Looked at are
    the boxes of the scenes, and those the detector said with at least the working score. A warning in that case alone.
    Refuted by images that were cropped without their boxes.
    """

    def __call__(self, seen: Detected) -> Sequence[Finding]:
        if seen.sizes is None:
            return []
        groups = {
            "the scenes": [truth.boxes for truth in seen.scenes.objects],
            "the detector": [seen.said(i).boxes for i in range(len(seen.scenes))],
        }
        verdicts = {name: _verdict(boxes, seen.sizes) for name, boxes in groups.items()}
        wrong = {name: verdict for name, verdict in verdicts.items() if verdict.better}
        told = " ".join(f"Of {name}: {verdict.sentence}." for name, verdict in (wrong or verdicts).items())
        rows: list[tuple[Cell, ...]] = [
            (reading, words, *(verdict.impossible[reading] for verdict in verdicts.values()))
            for reading, words in READINGS.items()
        ]
        return [
            Finding(
                NAME,
                "warning" if wrong else "ok",
                "Boxes seem to be written in another format" if wrong else "The format of the boxes",
                told,
                remedy="Say how they are written where they are loaded, or convert them: Snellen reads (left, top, "
                "right, bottom) in pixels of the image."
                if wrong
                else "",
                evidence=(
                    Table(
                        "Impossible boxes under each reading",
                        ("reading", "the four numbers are", *(f"of {name}" for name in verdicts)),
                        tuple(rows),
                        note="Impossible: less than a pixel wide or high, or out of the image. "
                        + ", ".join(f"{verdict.boxes:,} boxes of {name}" for name, verdict in verdicts.items())
                        + ".",
                    ),
                ),
            )
        ]


def _verdict(boxes: Sequence[torch.Tensor], sizes: Sequence[tuple[int, int]]) -> Plausibility:
    """Of boxes in images of these heights and widths."""
    counts = torch.tensor([len(some) for some in boxes])
    extents = torch.tensor([(width, height) for height, width in sizes]).repeat_interleave(counts, dim=0)
    return plausible(torch.cat(list(boxes)).numpy(), extents.reshape(-1, 2).numpy())
