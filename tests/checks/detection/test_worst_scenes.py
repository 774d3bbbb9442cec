"""The scenes with most mistakes come first, with every box drawn as what it is."""

from checks.detection.made_scenes import FAR, A, B, C, detected, ignoring, only
from checks.hand_made import gallery, table


def test_the_worst_come_first() -> None:
    truth = [[(A, 0)], [(A, 0), (B, 1), (C, 0)], [(A, 0)], []]
    said = [[(A, 0.9, 0)], [(A, 0.9, 1), (B, 0.8, 1)], [(A, 0.7, 0), (FAR, 0.75, 0)], []]
    finding = only("worst_scenes", detected(truth, said))
    assert finding.measured["scenes_without_mistake"] == 0.5
    rows = table(finding, "Every scene, the worst first").rows
    assert rows[0] == ("made scenes image 1", 3, 1, 2, 1)
    assert rows[1] == ("made scenes image 2", 1, 1, 0, 1)
    worst = gallery(finding, "Worst first, then some without a mistake").tiles[0]
    assert worst.lines == ("1 found, 2 missed, 1 wrong",)
    (shown,) = worst.pictures
    assert [(o.kind, o.label) for o in shown.boxes] == [
        *[("truth", "a"), ("truth", ""), ("truth", "a")],
        *[("wrong", "b"), ("right", "b")],
    ]


def test_what_finds_something_ignored_is_no_mistake() -> None:
    """Difficult and found: the box is drawn as one of which nothing is said."""
    said = [[(A, 0.8, 0), (B, 0.9, 1)], [(C, 0.85, 0)]]
    seen = ignoring(ignoring(detected([[(A, 0)], []], said), 0, (B, 1)), 1, ((0, 0, 39, 39), 0), crowd=True)
    finding = only("worst_scenes", seen)
    assert finding.severity == "ok"
    assert table(finding, "Every scene, the worst first").rows == (
        ("made scenes image 0", 1, 1, 0, 0),
        ("made scenes image 1", 0, 0, 0, 0),
    )
    tiles = {tile.image: tile for tile in gallery(finding, "Worst first, then some without a mistake").tiles}
    drawn = [[(o.kind, o.label) for o in tiles[i].pictures[0].boxes] for i in (0, 1)]
    assert sorted(drawn[0]) == [("found", "b"), ("right", "a"), ("truth", ""), ("truth", "difficult")]
    assert drawn[1] == [("truth", "crowd"), ("found", "a")]
    assert "neither right nor wrong" in gallery(finding, "Worst first, then some without a mistake").note


def test_no_mistake_is_in_order() -> None:
    finding = only("worst_scenes", detected([[(A, 0)], []], [[(A, 0.9, 0)], []]))
    assert finding.severity == "ok"
    assert "2 of" not in finding.sentence
    assert "100.0 %" in finding.sentence
