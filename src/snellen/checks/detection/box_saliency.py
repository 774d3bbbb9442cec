"""Which pixels does the score of one box hang on?"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from snellen.checks._pictures import heat_map
from snellen.checks.detection._base import NONE, Detected, DetectionCheck, counted
from snellen.checks.detection._drawn import outlines, scene_picture, truth
from snellen.findings.evidence import Gallery, Tile
from snellen.findings.finding import Finding
from snellen.findings.interval import Z95
from snellen.instruments.detection.boxes import area, clip
from snellen.instruments.detection.detections import Detections

NAME = "detection/box_saliency"
UNIT = "|d score / d pixel|"
FEWEST = 6


@dataclass(frozen=True)
class BoxSaliency(DetectionCheck):
    """The gradient of the score of one box with respect to the pixels, and how much of it lies within the box.

    A detector has a score for every box; w = d score / d pixel of one of them is a saliency map for that box. Its
    concentration is the share of sum |w| within the box over the box's share of the area: 1 if the slope is spread
    evenly, more if the box hangs on what stands in it. A warning where the mean of the boxes that were found rightly
    is below 1 beyond its 95 % interval: they hang on their surroundings. Refuted by objects that are told by where they
    are (a ball on a pitch); look at the maps.

    Args:
        images: scenes looked at, half of them with a wrong box if there are as many.
    """

    images: int = 12
    metrics: ClassVar[Mapping[str, str]] = {
        "slope_in_box": "slope of a score a pixel within its box over that on the average",
    }

    def __call__(self, seen: Detected) -> Sequence[Finding]:
        if seen.slope is None:
            return []
        chosen = _chosen(seen, self.images)
        if not chosen:
            return []
        tiles, inside, flat = [], [], 0
        for done, (scene, row, right) in enumerate(chosen, 1):
            slope = seen.slope(scene, row)
            one = Detections(*(v[row : row + 1] for v in _fields(seen.detections[scene])))
            within, covered = shares(slope, one.boxes[0])
            flat += math.isnan(within)
            if right and not math.isnan(within):
                inside.append(within / covered)
            line = (
                f"{within:.0%} of the slope in {covered:.0%} of the area"
                if not math.isnan(within)
                else "the slope is 0"
            )
            boxes = outlines(seen, one, seen.hits[scene][row : row + 1])
            picture = scene_picture(seen, scene, (*truth(seen, scene), *boxes))
            shown = heat_map("slope of its score", slope, unit=UNIT)
            name = seen.scenes.images.source.name(scene)
            tiles.append(Tile(name, (picture, shown), image=scene, lines=(line,), mark="right" if right else "wrong"))
            seen.progress("saliency of boxes", done, len(chosen))
        mean, half = _mean(inside)
        away = len(inside) >= FEWEST and mean + half < 1
        told = (
            f"{mean:.1f} times as much slope a pixel within the box as on the average"
            if inside
            else "none was found rightly"
        )
        return [
            Finding(
                NAME,
                "warning" if away or flat else "info",
                "Boxes hang on what is around them" if away else "What the boxes hang on",
                f"The slope of the score of {counted(len(chosen), 'box', 'boxes')}, one a scene. Found rightly: {told}."
                + (f" For {flat} the slope is zero everywhere: the score is saturated or cut off." if flat else ""),
                measured={"slope_in_box": mean} if inside else {},
                remedy="Show the objects in other surroundings: the detector has learnt where they usually are."
                if away
                else "Look for a rounding or a detach between the pixels and the score."
                if flat
                else "",
                evidence=(
                    Gallery(
                        "Slopes of scores",
                        tuple(tiles),
                        note="Largest absolute slope over the channels, each map from 0 to its own 99.5th percentile. "
                        "Bright: a small change of this pixel changes the score of the box most.",
                    ),
                ),
                reference="Simonyan et al. 2013, arXiv:1312.6034 (saliency); Petsiuk et al. 2021, arXiv:2006.03204 "
                "(saliency of detections).",
            )
        ]


def shares(slope: Tensor, box: Tensor) -> tuple[float, float]:
    """The share of sum |w| in a box and its share of the area; pixels at the edge count by how much of them it covers.

    The first is NaN where the slope is 0 everywhere.

    >>> shares(torch.ones(3, 10, 10), torch.tensor([0.0, 0.0, 5.0, 2.0]))
    (0.1, 0.1)
    """
    weights = slope.detach().double().abs().sum(dim=0)
    height, width = weights.shape
    left, top, right, bottom = clip(box.double().cpu(), height=height, width=width).tolist()
    rows, columns = _covered(top, bottom, height), _covered(left, right, width)
    total = float(weights.sum())
    part = float(rows @ weights.cpu() @ columns)
    covered = float(area(torch.tensor([left, top, right, bottom], dtype=torch.float64))) / (height * width)
    return (part / total if total else math.nan), covered


def _covered(low: float, high: float, count: int) -> Tensor:
    """(count,) how much of each row of pixels lies between two places."""
    edges = torch.arange(count, dtype=torch.float64)
    return (torch.clamp(edges + 1, max=high) - torch.clamp(edges, min=low)).clamp(min=0)


def _chosen(seen: Detected, count: int) -> list[tuple[int, int, bool]]:
    """Scenes, which detection of each, and whether it is right: the surest wrong ones, right ones at regular steps."""
    right: list[tuple[float, int, int]] = []
    wrong: list[tuple[float, int, int]] = []
    for i in range(len(seen.scenes)):
        hits = seen.hits[i][: len(seen.said(i))]
        for group, rows in ((right, hits >= 0), (wrong, hits == NONE)):
            if rows.any():
                row = int(rows.nonzero()[0, 0])
                group.append((float(seen.detections[i].scores[row]), i, row))
    spare = min(len(wrong), max(count // 2, count - len(right)))
    wrong.sort(key=lambda found: -found[0])
    step = max(1, len(right) // max(count - spare, 1))
    picked = right[::step][: count - spare]
    return [(i, row, True) for _, i, row in picked] + [(i, row, False) for _, i, row in wrong[:spare]]


def _fields(said: Detections) -> tuple[Tensor, Tensor, Tensor]:
    return said.boxes, said.scores, said.classes


def _mean(values: Sequence[float]) -> tuple[float, float]:
    """The mean and half the width of its 95 % interval."""
    numbers = torch.tensor(values, dtype=torch.float64)
    spread = float(numbers.std()) if len(values) > 1 else math.inf
    return (float(numbers.mean()) if values else math.nan), Z95 * spread / math.sqrt(max(len(values), 1))
