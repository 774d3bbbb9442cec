"""Detections as COCO's results: JSON that ``loadRes`` of pycocotools reads."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from snellen.exam.detected_classes import in_classes_of_scenes, places_of
from snellen.instruments.detection.boxes import convert
from snellen.instruments.detection.detections import Detections
from snellen.instruments.detection.detector import Detector
from snellen.instruments.detection.look import Looked
from snellen.subject.images import Images
from snellen.subject.scenes import Scenes


@dataclass(frozen=True, eq=False)
class CocoIds:
    """What images and classes are called in the results.

    Attributes:
        images: the id of each image: that of the COCO file it is from, else its index in the set.
        classes: the id of each class of the COCO file; of other images none.
        places: (k,) which of these each class of the detector is, -1 for none; None for other images.
        notes: what there is to say of it.
    """

    images: Sequence[int | str]
    classes: Sequence[int | str] = ()
    places: Tensor | None = None
    notes: tuple[str, ...] = ()


def coco_ids(detector: Detector, given: Images | Scenes) -> CocoIds:
    """The ids of the COCO file that scenes are from, where they are from one.

    Raises:
        ImagesError: no class of the detector is one of that file.
    """
    if isinstance(given, Images) or not given.image_ids:
        return CocoIds(range(len(given)))
    places, notes = places_of(detector, given.class_names, of=given.name)
    return CocoIds(given.image_ids, given.class_ids or range(len(given.class_names)), places, notes)


def coco_results(looked: Looked, names: Sequence[str], detector: Detector, ids: CocoIds) -> str:
    """All detections, a line each: ``image_id``, ``file_name``, ``category_id``, ``bbox``, ``score``.

    ``bbox`` is left, top, width, height. What is said of classes that the COCO file does not know is left out. For
    images that are from none ``category_id`` is the index of the detector's class.

    Args:
        looked: what the detector said.
        names: of the images that could be decoded.
        detector: that said it.
        ids: what images and classes are called.

    Reference: https://cocodataset.org/#format-results
    """
    rows = []
    for index, name, said in zip(looked.indices, names, looked.detections, strict=True):
        kept = said if ids.places is None else in_classes_of_scenes(said, ids.places, detector)
        rows += [{"image_id": ids.images[index], "file_name": name, **row} for row in _rows(kept, ids)]
    return "[" + ",\n ".join(json.dumps(row, allow_nan=False) for row in rows) + "]\n"


def _rows(said: Detections, ids: CocoIds) -> list[dict[str, Any]]:
    boxes = convert(said.boxes, "xyxy", to="xywh").tolist()
    return [
        {
            "category_id": ids.classes[kind] if ids.classes else kind,
            "bbox": [round(value, 3) for value in box],
            "score": round(score, 6),
        }
        for box, score, kind in zip(boxes, said.scores.tolist(), said.classes.tolist(), strict=True)
    ]
