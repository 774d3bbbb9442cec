"""Random objects and what a fair detector might say of them: hits, near misses, copies, wrong classes, background."""

import random

import torch

from snellen.instruments.detection.detections import Detections
from snellen.subject.scenes import Ignored, Objects


def scene(draw: random.Random, *, classes: int = 3, whole: bool = True) -> tuple[Objects, Detections]:
    """Whole corners make overlaps that are a threshold, and few levels of score make equal ones."""

    def box(size: float) -> list[float]:
        left, top = draw.uniform(0, 200), draw.uniform(0, 200)
        return [left, top, left + size * draw.uniform(0.5, 1.5) + 2, top + size * draw.uniform(0.5, 1.5) + 2]

    def rounded(row: list[float]) -> list[float]:
        return [float(round(v)) for v in row] if whole else row

    there = [(rounded(box(draw.choice([12, 50, 140]))), draw.randrange(classes)) for _ in range(draw.randrange(6))]
    said = []
    for row, name in there:
        for _ in range(draw.choice([0, 1, 1, 2, 3])):
            by = draw.choice([0.0, 0.03, 0.1, 0.25]) * (row[2] - row[0])
            moved = [v + draw.uniform(-by, by) for v in row]
            said.append((moved if moved[0] < moved[2] and moved[1] < moved[3] else row, name))
    said += [(row, draw.randrange(classes)) for row, _ in there if draw.random() < 0.2]
    said += [(box(40), draw.randrange(classes)) for _ in range(draw.randrange(3))]
    scores = [draw.randrange(1, 12) / 12 for _ in said]
    found = Detections(
        torch.tensor([rounded(row) for row, _ in said]).reshape(-1, 4),
        torch.tensor(scores),
        torch.tensor([name for _, name in said], dtype=torch.int64),
    )
    return Objects(torch.tensor([row for row, _ in there]).reshape(-1, 4), [name for _, name in there]), found


def with_ignored(truth: Objects, draw: random.Random, *, crowd: bool) -> Objects:
    """The same with about a third of the objects ignored; as crowds they reach half their size further."""
    rows = [draw.random() < 0.35 for _ in range(len(truth))]
    aside = torch.tensor(rows, dtype=torch.bool)
    boxes = truth.boxes[aside]
    if crowd:
        boxes = torch.cat([boxes[:, :2], boxes[:, 2:] + ((boxes[:, 2:] - boxes[:, :2]) / 2).round()], dim=1)
    ignored = Ignored(boxes, truth.classes[aside], torch.full((len(boxes),), crowd))
    return Objects(truth.boxes[~aside], truth.classes[~aside], ignored)


def scenes(seed: int, count: int = 8, *, whole: bool = True) -> tuple[list[Objects], list[Detections]]:
    draw = random.Random(seed)
    made = [scene(draw, whole=whole) for _ in range(count)]
    return [objects for objects, _ in made], [found for _, found in made]
