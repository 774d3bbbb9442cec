"""Which class of some scenes each class of a detector is, by their names."""

from collections.abc import Sequence

import torch
from torch import Tensor

from snellen._errors import ImagesError
from snellen.instruments.detection.detections import Detections
from snellen.instruments.detection.detector import Detector
from snellen.subject.class_names import find_class

LISTED = 5


def places_of(detector: Detector, names: Sequence[str], *, of: str) -> tuple[Tensor, tuple[str, ...]]:
    """(k,) the class of some scenes that each of the detector's is, -1 for none, and what there is to say of it.

    Names are compared but for case, hyphens and underscores. Classes of a detector without names are those of the
    scenes by their places.

    Args:
        detector: whose classes.
        names: the classes of the scenes.
        of: what the scenes are called.

    Raises:
        ImagesError: not one class of the detector is one of theirs.
    """
    if not detector.class_names:
        return torch.arange(len(names)), (
            "the detector has no class names: its classes are taken in the scenes' order",
        )
    found = [find_class(name, names) for name in detector.class_names]
    places = [-1 if place is None else place for place in found]
    if max(places) < 0:
        raise ImagesError(
            f"no class of {detector.name} ({listed(detector.class_names)}) is one of {of} "
            f"({listed(names)}); classes are compared by their names: give both the same (--classes FILE names the "
            "detector's)"
        )
    strange = [name for name, place in zip(detector.class_names, places, strict=True) if place < 0]
    note = f"what is said of classes that the scenes do not know is left out: {listed(strange)}"
    return torch.tensor(places), (note,) if strange else ()


def in_classes_of_scenes(said: Detections, places: Tensor, detector: Detector) -> Detections:
    """The same with the classes of the scenes, without those that they do not know.

    Raises:
        ImagesError: a class that has no name and no place.
    """
    if len(said) and int(said.classes.max()) >= len(places):
        raise ImagesError(
            f"{detector.name} says class {int(said.classes.max())}, and {len(places)} are known; give it the names of "
            "all its classes (torchvision's begin with one for the background)"
        )
    classes = places[said.classes]
    known = classes >= 0
    return Detections(said.boxes[known], said.scores[known], classes[known])


def listed(names: Sequence[str]) -> str:
    """The first few.

    >>> listed("abcdefg")
    'a, b, c, d, e and 2 more'
    """
    return ", ".join(names[:LISTED]) + (f" and {len(names) - LISTED} more" if len(names) > LISTED else "")
