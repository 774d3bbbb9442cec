"""Average precision of the page is that of the instruments; its intervals are those of drawing scenes again."""

import math
import random

import numpy as np
import pytest

from checks.detection.made_scenes import FAR, A, B, C, detected, only, shifted
from checks.hand_made import table
from instruments.detection.scenes import with_ignored
from snellen.checks.detection._base import Detected
from snellen.checks.detection._bootstrap import bootstrap
from snellen.instruments.detection.average_precision import coco_average_precision


def crowd(scenes: int, *, seed: int = 0) -> Detected:
    """Objects found with boxes that are off by chance, some missed, some invented."""
    rng = np.random.default_rng(seed)
    truth, said = [], []
    for _ in range(scenes):
        objects = [(box, int(rng.integers(2))) for box in (A, B, C) if rng.random() < 0.7]
        found = [(shifted(b, rng.normal(), rng.normal()), round(rng.random(), 3), k) for b, k in objects]
        truth.append(objects)
        said.append([*found[: rng.integers(4)], (FAR, round(0.6 * rng.random(), 3), int(rng.integers(2)))])
    return detected(truth, said)


@pytest.mark.parametrize("aside", [False, True])
def test_one_drawing_of_every_scene_is_coco(aside: bool) -> None:
    """Also where some objects are ignored."""
    seen, draw = crowd(12), random.Random(0)
    truth = [with_ignored(one, draw, crowd=i % 2 == 0) if aside else one for i, one in enumerate(seen.scenes.objects)]
    every = bootstrap(seen.detections, truth, classes=3, drawings=0, seed=0).values[0]
    expected = coco_average_precision(seen.detections, truth, classes=3).values[:, :, 0]
    assert np.allclose(every, expected.numpy(), atol=1e-12, equal_nan=True)
    assert np.isnan(every[:, 2]).all(), "no object is of the third class"


def test_a_scene_drawn_twice_counts_twice() -> None:
    """A drawing measured as a list in which scenes are repeated."""
    seen, count = crowd(6), 6
    drawn = bootstrap(seen.detections, seen.scenes.objects, classes=2, drawings=3, seed=5).values
    rng = np.random.default_rng(5)
    for values in drawn:
        rows = rng.integers(count, size=count)
        repeated = [seen.detections[i] for i in rows], [seen.scenes.objects[i] for i in rows]
        expected = coco_average_precision(*repeated, classes=2).values[:, :, 0].numpy()
        assert np.allclose(values, expected, atol=1e-12, equal_nan=True)


def test_the_page_says_what_the_instruments_measure() -> None:
    seen = crowd(20)
    finding = only("average_precision", seen, drawings=40)
    result = coco_average_precision(seen.detections, seen.scenes.objects, classes=2)
    measured = finding.measured
    assert measured["ap"] == pytest.approx(result.mean)
    assert measured["ap50"] == pytest.approx(result.at(0.5))
    assert measured["ap50_low"] < measured["ap50"] < measured["ap50_high"]
    assert measured["ap_low"] < measured["ap"] < measured["ap_high"]
    rows = table(finding, "Every class, the worst first").rows
    assert sorted(row[3] for row in rows) == [row[3] for row in rows] == sorted(result.values[0, :, 0].tolist())
    assert sum(int(row[1] or 0) for row in rows) == seen.objects


def test_thirds_hold_a_third_each_where_coco_calls_all_small() -> None:
    truth = [[((0.0, 0.0, side, side), 0)] for side in (5.0, 6.0, 7.0, 20.0, 21.0, 22.0, 30.0, 31.0, 31.5)]
    said = [[(box, 0.9, kind)] for ((box, kind),) in truth]
    said[:3] = [[], [], []]
    rows = {row[0]: row[2:] for row in table(only("average_precision", detected(truth, said)), "Sizes").rows}
    assert rows["small"][0] == 9
    assert rows["large"] == (0, None, None)
    assert [rows[f"{name} third"][0] for name in ("smallest", "middle", "largest")] == [3, 3, 3]
    assert rows["smallest third"][1] == 0.0
    assert rows["largest third"][1] == pytest.approx(1.0)


def test_nothing_found_is_an_error_where_there_is_much_to_find() -> None:
    wrong = detected([[(A, 0), (B, 1)]] * 5, [[(FAR, 0.9, 0)]] * 5)
    finding = only("average_precision", wrong, drawings=10)
    assert (finding.severity, finding.measured["ap50"]) == ("error", 0.0)
    assert only("average_precision", detected([[(A, 0)]] * 3, [[]] * 3), drawings=10).severity == "info"
    right = only("average_precision", detected([[(A, 0)]] * 10, [[(A, 0.9, 0)]] * 10), drawings=10)
    assert right.measured["ap50_low"] == pytest.approx(1.0)
    assert not math.isnan(right.measured["voc2007_ap50"])
