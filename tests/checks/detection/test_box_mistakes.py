"""Every kind of mistake, made once, and what mending it gives."""

import pytest
import torch

from checks.detection.made_scenes import FAR, A, B, C, detected, only, shifted
from checks.hand_made import gallery, table
from snellen.checks.detection.box_mistakes import WORDS, mended


def test_every_kind_is_counted_once() -> None:
    truth = [[(A, 0), (B, 1), (C, 0)]] * 2
    first = [
        (A, 0.9, 0),
        (shifted(A, 1), 0.8, 0),  # a duplicate
        (shifted(B, 6, 0), 0.7, 1),  # localisation: 10 of 22 columns, in the same rows
        (C, 0.6, 1),  # class
    ]
    second = [(A, 0.95, 0), (shifted(C, 8), 0.9, 1), (FAR, 0.5, 0)]  # right; class and localisation; background
    finding = only("box_mistakes", detected(truth, [first, second]))
    shown = {row[0]: row[1] for row in table(finding, "What each kind costs, the dearest first").rows}
    assert sum(int(v or 0) for v in shown.values()) <= 7
    seen = detected(truth, [first, second])
    kinds = ("correct", "localisation", "class", "both", "duplicate", "background", "ignored", "missed")
    assert seen.judged.counts == dict(zip(kinds, (2, 1, 1, 1, 1, 1, 0, 2), strict=True))


@pytest.mark.parametrize(
    ("kind", "said", "gain"),
    [
        ("class", [[(A, 0.9, 1)]], 1.0),
        ("localisation", [[(shifted(A, 5), 0.9, 0)]], 1.0),
        ("duplicate", [[(A, 0.8, 0), (shifted(A, 1), 0.9, 0)]], 0.0),
        ("background", [[(FAR, 0.95, 0), (A, 0.9, 0)]], 0.5),
        ("missed", [[]], 1.0),
    ],
)
def test_what_mending_a_kind_gives(kind: str, said: list[list[object]], gain: float) -> None:
    """One object: AP50 is 1 once the mistake is gone; a wrong box before the right one halves the precision."""
    finding = only("box_mistakes", detected([[(A, 0)]], said))  # type: ignore[arg-type]
    assert finding.measured[f"cost_of_{kind}"] == pytest.approx(gain, abs=1e-6)


def test_a_mended_box_takes_an_object_once() -> None:
    """Two boxes of the wrong class at one object: the surer is put right, the other dropped."""
    seen = detected([[(A, 0)]], [[(A, 0.9, 1), (shifted(A, 1), 0.8, 1)]])
    said, wanted = mended(seen, "class")
    assert said[0].classes.tolist() == [0]
    assert torch.equal(said[0].boxes, torch.tensor([A]))
    assert len(wanted[0]) == 1


def test_classes_in_another_order_are_a_warning() -> None:
    truth = [[(A, 0), (B, 1)]] * 6
    swapped = only("box_mistakes", detected(truth, [[(A, 0.9, 1), (B, 0.8, 0)]] * 6))
    assert swapped.severity == "warning"
    assert "order of the classes" in swapped.remedy
    assert swapped.measured["cost_of_class"] == pytest.approx(1.0)
    (tile,) = gallery(swapped, "The surest wrong boxes and the largest missed objects of each kind").tiles[:1]
    assert (tile.caption, tile.lines) == ("class", ("made scenes image 0", "said b with 0.90, IoU 1.00"))
    assert [(o.kind, o.label) for o in tile.pictures[0].boxes] == [("truth", "a"), ("truth", ""), ("wrong", "b")]


def test_no_mistake_is_in_order() -> None:
    finding = only("box_mistakes", detected([[(A, 0)]], [[(A, 0.9, 0)]]))
    assert (finding.severity, set(finding.measured.values())) == ("ok", {0.0})
    assert len(finding.evidence) == 1
    assert len(WORDS) == 6
