"""What a detector was trained on, and how."""

from rectangles import small_detection, to_learn
from snellen.findings.evidence import Table
from snellen.training.verdicts.detector_setup import detector_setup


def test_all_that_was_set_is_told_with_the_objects_of_each_class() -> None:
    lesson = small_detection("many", to_learn(20, most=2), flip=True, seed=3)
    found = detector_setup(lesson)
    settings, objects = [e for e in found.evidence if isinstance(e, Table)]
    told = {str(row[0]): str(row[1]) for row in settings.rows}
    assert told["says"] == "7 numbers in every cell: objectness, cx, cy, w, h and 2 class logits"
    assert told["augmentation"].endswith("mirrored")
    assert told["epochs, steps an epoch"] == "2, 1"
    assert told["parameters"] == f"{sum(p.numel() for p in lesson.module.parameters()):,}"
    counts = [sum(int((part.classes == kind).sum()) for part in [lesson.data.train]) for kind in (0, 1)]
    assert [row[:2] for row in objects.rows] == [("red", counts[0]), ("green", counts[1])]
    assert "20 scenes at 32 x 32 pixels to train on, 16 to judge by" in found.sentence
