"""One case of every kind by hand, and sums that must hold for all."""

import pytest
import torch

from instruments.detection.scenes import scenes
from snellen import UsageError
from snellen.instruments.detection.average_precision import coco_average_precision
from snellen.instruments.detection.boxes import iou
from snellen.instruments.detection.detections import Detections
from snellen.instruments.detection.mistakes import KINDS, mistakes
from snellen.subject.scenes import Ignored, Objects

TRUTH = Objects([[0, 0, 10, 10], [100, 0, 110, 10], [200, 0, 210, 10], [300, 0, 310, 10]], [0, 1, 2, 0])


def kinds_of(*rows: tuple[float, int, list[float]], truth: Objects = TRUTH) -> list[tuple[str, int | None]]:
    """The kind and the object of each detection (score, class, box), then the missed objects."""
    said = Detections(
        torch.tensor([row[2] for row in rows]).reshape(-1, 4),
        torch.tensor([row[0] for row in rows]),
        torch.tensor([row[1] for row in rows], dtype=torch.int64),
    )
    return [(one.kind, one.object) for one in mistakes([said], [truth]).judged]


def test_every_kind_by_hand() -> None:
    assert kinds_of(
        (0.9, 0, [0.0, 0, 10, 10]),  # the object itself
        (0.8, 0, [0.0, 0, 10, 9]),  # the object, again
        (0.7, 1, [100.0, 0, 110, 3]),  # three tenths of it
        (0.6, 0, [200.0, 0, 210, 10]),  # there, but called something else
        (0.5, 1, [300.0, 0, 310, 4]),  # neither
        (0.4, 2, [400.0, 0, 410, 10]),  # nothing there
    ) == [
        ("correct", 0),
        ("duplicate", 0),
        ("localisation", 1),
        ("class", 2),
        ("both", 3),
        ("background", None),
        ("missed", 3),
    ]


def test_what_is_ignored_is_no_mistake() -> None:
    """Difficult: found twice, by half, and under another name; a crowd: twice within, and once half beside it."""
    aside = Ignored([[0, 0, 10, 10], [100, 0, 200, 100]], [0, 1], [False, True])  # type: ignore[arg-type]
    assert kinds_of(
        (0.9, 0, [0.0, 0, 10, 10]),
        (0.8, 0, [0.0, 0, 10, 9]),
        (0.7, 0, [0.0, 0, 10, 4]),
        (0.6, 1, [0.0, 0, 10, 10]),
        (0.5, 1, [120.0, 20, 130, 30]),
        (0.4, 1, [195.0, 20, 205, 30]),
        (0.3, 1, [196.0, 20, 206, 30]),
        truth=Objects([], [], aside),  # type: ignore[arg-type]
    ) == [
        (kind, None) for kind in ("ignored", "ignored", "background", "background", "ignored", "ignored", "background")
    ]


@pytest.mark.parametrize(
    ("height", "name", "kind"),
    [
        (5.0, 0, "correct"),  # IoU 0.5
        (4.99, 0, "localisation"),
        (1.0, 0, "localisation"),  # IoU 0.1
        (0.99, 0, "background"),
        (5.0, 1, "class"),
        (4.99, 1, "both"),
        (1.0, 1, "both"),
        (0.99, 1, "background"),
    ],
)
def test_the_borders(height: float, name: int, kind: str) -> None:
    assert kinds_of((0.9, name, [0.0, 0, 10, height]))[0][0] == kind


def test_tide_asks_for_the_place_before_the_class() -> None:
    truth = Objects([[0, 0, 10, 10], [0, 0, 10, 3]], [1, 0])
    assert kinds_of((0.9, 0, [0.0, 0, 10, 10]), truth=truth) == [("localisation", 1), ("missed", 0)]


@pytest.mark.parametrize("seed", range(20))
def test_the_counts_add_up(seed: int) -> None:
    truth, found = scenes(seed, 4)
    judged = mistakes(found, truth)
    counts = judged.counts
    assert list(counts) == list(KINDS)
    assert sum(counts.values()) - counts["missed"] == judged.detections == sum(map(len, found))
    held = {(one.image, one.object) for one in judged.of("correct")}
    assert len(held) == counts["correct"]
    about = {(one.image, one.object) for kind in ("localisation", "class") for one in judged.of(kind)}  # type: ignore[arg-type]
    assert len(held) + len(about - held) + counts["missed"] == judged.objects == sum(map(len, truth))
    seen = [(one.image, one.detection) for one in judged.judged if one.detection is not None]
    assert seen == [(i, d) for i, said in enumerate(found) for d in range(len(said))]


@pytest.mark.parametrize("seed", range(5))
def test_what_is_correct_is_what_coco_counts(seed: int) -> None:
    truth, found = scenes(seed, 4)
    judged, coco = mistakes(found, truth), coco_average_precision(found, truth, classes=3, thresholds=(0.5,))
    for k in range(3):
        right = sum(int(found[one.image].classes[one.detection]) == k for one in judged.of("correct"))
        objects = sum(int((t.classes == k).sum()) for t in truth)
        assert coco.recall[0, k, 0].nan_to_num().item() == pytest.approx(right / max(objects, 1))


@pytest.mark.parametrize("seed", range(5))
def test_the_overlap_told_is_that_of_the_two(seed: int) -> None:
    truth, found = scenes(seed, 4)
    for one in mistakes(found, truth).judged:
        if one.detection is not None and one.object is not None:
            pair = found[one.image].boxes[one.detection, None], truth[one.image].boxes[one.object, None]
            assert one.iou == pytest.approx(iou(*(box.double() for box in pair)).item())
        elif one.kind == "background":
            assert one.iou < 0.1


def test_images_with_nothing() -> None:
    empty = Detections(torch.zeros(0, 4), torch.zeros(0), torch.zeros(0))
    assert mistakes([], []).judged == ()
    assert mistakes([empty], [TRUTH]).counts["missed"] == 4
    one = Detections(torch.tensor([[0.0, 0, 1, 1]]), torch.tensor([0.5]), torch.tensor([0]))
    assert mistakes([one], [Objects([], [])]).counts["background"] == 1


def test_thresholds_that_make_no_sense() -> None:
    for background, threshold in ((0.5, 0.5), (0.0, 0.5), (0.1, 1.1)):
        with pytest.raises(UsageError, match="0 < background < threshold <= 1"):
            mistakes([], [], background=background, threshold=threshold)
    with pytest.raises(UsageError, match="each of 1 images"):
        mistakes([], [TRUTH])
