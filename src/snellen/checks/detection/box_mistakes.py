"""Which kinds of mistakes does it make, and what does each cost?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch

from snellen.checks.detection._base import NONE, Detected, DetectionCheck
from snellen.checks.detection._drawn import outlines, scene_picture, truth
from snellen.findings.evidence import Cell, Gallery, Table, Tile
from snellen.findings.finding import Finding
from snellen.instruments.detection.average_precision import coco_average_precision
from snellen.instruments.detection.boxes import area
from snellen.instruments.detection.detections import Detections
from snellen.instruments.detection.mistakes import Judged, Kind, mistakes
from snellen.instruments.detection.nms_curve import UNLIMITED
from snellen.subject.scenes import Objects

NAME = "detection/box_mistakes"
WORTH = 0.1
WORDS: dict[Kind, tuple[str, str, str]] = {
    "localisation": ("localisation", "right class, IoU from 0.1 to 0.5", "the box is put right"),
    "class": ("class", "wrong class, IoU of 0.5 or more", "the class is put right"),
    "both": ("class and localisation", "wrong class, IoU from 0.1 to 0.5", "the box is dropped"),
    "duplicate": ("duplicate", "right, but a surer box has the object", "the box is dropped"),
    "background": ("background", "IoU below 0.1 with every object", "the box is dropped"),
    "missed": ("missed", "no box is about the object", "the object is not asked for"),
}
REMEDIES: dict[Kind, str] = {
    "class": "Boxes are right and their classes wrong: compare the order of the classes in the labels with that of the "
    "network's outputs; if it is the same, train the classes longer or on more examples.",
    "duplicate": "Lower the threshold of non-maximum suppression, and look at detection/nms_threshold.",
}


@dataclass(frozen=True)
class BoxMistakes(DetectionCheck):
    """Every wrong box and every missed object by its kind, and the AP50 that mending this kind alone would give.

    The kinds are those of TIDE; the cost of a kind is AP50 measured again with its mistakes mended, less AP50. The
    costs do not add up: a mended box may be the next one's duplicate. A warning where wrong classes or duplicates cost
    more than 0.1 each: these two can be mended without another network. Refuted by classes that cannot be told from one
    another in these scenes.

    Args:
        images: shown of each kind, the surest or largest.
    """

    images: int = 3
    metrics: ClassVar[Mapping[str, str]] = {
        "cost_of_localisation": "AP50 that mending boxes that lie badly alone would give",
        "cost_of_class": "AP50 that mending wrong classes alone would give",
        "cost_of_both": "AP50 that mending boxes that lie badly and have a wrong class alone would give",
        "cost_of_duplicate": "AP50 that mending duplicates alone would give",
        "cost_of_background": "AP50 that mending boxes at nothing alone would give",
        "cost_of_missed": "AP50 that mending missed objects alone would give",
    }

    def __call__(self, seen: Detected) -> Sequence[Finding]:
        shown = mistakes([seen.said(i) for i in range(len(seen.scenes))], seen.scenes.objects)
        whole = _ap50(seen, seen.detections, seen.scenes.objects)
        costs = {}
        for done, kind in enumerate(WORDS, 1):
            costs[kind] = _ap50(seen, *mended(seen, kind)) - whole
            seen.progress("kinds of mistakes", done, len(WORDS))
        rows: list[tuple[Cell, ...]] = [
            (WORDS[kind][0], shown.counts[kind], round(costs[kind], 3), *WORDS[kind][1:]) for kind in WORDS
        ]
        rows.sort(key=lambda row: -float(row[2] or 0))
        dear = [kind for kind in REMEDIES if costs[kind] > WORTH]
        worst = max(costs, key=lambda kind: costs[kind])
        wrong = sum(shown.counts[kind] for kind in WORDS)
        order = sorted(WORDS, key=lambda kind: -costs[kind])
        tiles = tuple(tile for kind in order for tile in self._worst(seen, shown.of(kind)))
        return [
            Finding(
                NAME,
                "warning" if dear else "info" if wrong else "ok",
                "Mistakes that can be mended at once" if dear else "Kinds of mistakes",
                (
                    f"Among boxes with a score of at least {seen.working:.2f}: {_listed(shown.counts)}. "
                    f"Mending {WORDS[worst][0]} mistakes alone would raise AP50 from {whole:.3f} by {costs[worst]:.3f}."
                    if wrong
                    else f"Every object is found and no box is wrong, with a score of at least {seen.working:.2f}."
                ),
                measured={f"cost_of_{kind}": cost for kind, cost in costs.items()},
                remedy=" ".join(REMEDIES[kind] for kind in dear),
                evidence=(
                    Table(
                        "What each kind costs, the dearest first",
                        ("kind", "count", "AP50 lost", "what it is", "mended by"),
                        tuple(rows),
                        note="Counted with at least the working score; the cost is measured with boxes of every score.",
                    ),
                    *(
                        (Gallery("The surest wrong boxes and the largest missed objects of each kind", tiles),)
                        if tiles
                        else ()
                    ),
                ),
                reference="Bolya et al. 2020, TIDE: a general toolbox for identifying object detection errors, "
                "arXiv:2008.08115.",
            )
        ]

    def _worst(self, seen: Detected, of_it: Sequence[Judged]) -> list[Tile]:
        """The surest wrong boxes of a kind, or the largest objects that were missed; one a scene."""

        def weight(one: Judged) -> float:
            if one.detection is not None:
                return float(seen.said(one.image).scores[one.detection])
            assert one.object is not None
            return float(area(seen.scenes.objects[one.image].boxes[one.object]))

        worst: dict[int, Judged] = {}
        for one in sorted(of_it, key=weight, reverse=True):
            worst.setdefault(one.image, one)
        return [_tile(seen, one) for one in list(worst.values())[: self.images]]


def mended(seen: Detected, kind: Kind) -> tuple[list[Detections], list[Objects]]:
    """What was said, whatever its score, and the truth, as they would be without the mistakes of one kind."""
    said, wanted = [], []
    of_it: dict[int, list[Judged]] = {}
    for one in seen.judged.of(kind):
        of_it.setdefault(one.image, []).append(one)
    for i, (found, objects) in enumerate(zip(seen.detections, seen.scenes.objects, strict=True)):
        boxes, classes = found.boxes.clone(), found.classes.clone()
        kept, asked = torch.ones(len(found), dtype=torch.bool), torch.ones(len(objects), dtype=torch.bool)
        taken = set(seen.hits[i].tolist())
        for one in of_it.get(i, ()):
            if one.detection is None:
                asked[one.object] = False
            elif kind in ("localisation", "class") and one.object not in taken:
                assert one.object is not None
                taken.add(one.object)
                boxes[one.detection] = objects.boxes[one.object] if kind == "localisation" else boxes[one.detection]
                classes[one.detection] = objects.classes[one.object]
            else:
                kept[one.detection] = False
        said.append(Detections(boxes[kept], found.scores[kept], classes[kept]))
        wanted.append(Objects(objects.boxes[asked], objects.classes[asked], objects.ignored))
    return said, wanted


def _ap50(seen: Detected, said: Sequence[Detections], wanted: Sequence[Objects]) -> float:
    found = coco_average_precision(
        said,
        wanted,
        classes=len(seen.scenes.class_names),
        thresholds=(0.5,),
        sizes={"all": (0.0, 1e10)},
        most=UNLIMITED,
    )
    return 1.0 if not any(map(len, wanted)) else found.at(0.5)


def _tile(seen: Detected, one: Judged) -> Tile:
    """One mistake: its box alone, and the objects; a missed object with its name."""
    names, said = seen.scenes.class_names, seen.said(one.image)
    about = () if one.object is None else (one.object,)
    boxes = truth(seen, one.image, named=about)
    line = "no box is about it"
    if one.detection is not None:
        rows = slice(one.detection, one.detection + 1)
        alone = Detections(said.boxes[rows], said.scores[rows], said.classes[rows])
        boxes += outlines(seen, alone, torch.tensor([NONE]))
        line = f"said {names[int(said.classes[one.detection])]} with {float(said.scores[one.detection]):.2f}"
        line += f", IoU {one.iou:.2f}"
    return Tile(
        WORDS[one.kind][0],
        (scene_picture(seen, one.image, boxes),),
        image=one.image,
        lines=(seen.scenes.images.source.name(one.image), line),
    )


def _listed(counts: dict[Kind, int]) -> str:
    parts = [f"{counts[kind]} {WORDS[kind][0]}" for kind in WORDS if counts[kind]]
    return " and ".join(filter(None, (", ".join(parts[:-1]), parts[-1])))
