"""Boxes drawn into a picture, for programs that know no boxes."""

import numpy as np

from snellen.findings.evidence import Outline
from snellen.report.framed import COLOURS, LEGIBLE, framed

BLACK = np.zeros((40, 60, 3), np.uint8)


def test_without_boxes_it_is_the_picture_itself() -> None:
    assert framed(BLACK, ()) is BLACK


def test_a_box_is_around_what_it_is_said_to_be_around() -> None:
    drawn = framed(BLACK, (Outline((10, 15, 30, 35), "", "found"),))
    times = LEGIBLE // 60
    assert drawn.shape == (40 * times, 60 * times, 3)
    y, x = (drawn == COLOURS["found"]).all(axis=2).nonzero()
    assert (x.min(), y.min(), x.max() + 1, y.max() + 1) == (10 * times, 15 * times, 30 * times, 35 * times)
    assert not drawn[16 * times : 34 * times, 11 * times : 29 * times].any()


def test_words_stand_on_the_colour_of_their_box_and_within_the_picture() -> None:
    for box in ((0, 0, 8, 8), (52, 30, 60, 40), (10, 15, 30, 35)):
        drawn = framed(BLACK, (Outline(box, "baboon", "wrong", 0.75),))
        plain = framed(BLACK, (Outline(box, "", "wrong"),))
        more = (drawn == COLOURS["wrong"]).all(axis=2).sum() - (plain == COLOURS["wrong"]).all(axis=2).sum()
        assert more > 300


def test_large_pictures_keep_their_size_and_boxes_beyond_the_edge_do_no_harm() -> None:
    large = np.zeros((700, 500, 3), np.uint8)
    boxes = (Outline((-50, -50, 900, 900), "all", "truth"), Outline((5, 5, 5, 5), "speck", "right", 1.0))
    assert framed(large, boxes).shape == large.shape
    assert not large.any()
