"""The drawing of a wiring: what is drawn where, what leads where, and that it stays a drawing of well-formed parts."""

import re
from itertools import pairwise
from xml.etree import ElementTree

from snellen.findings.evidence import Box, Diagram
from snellen.report.wiring_svg import GAP, HEIGHT, LANE, WIDTH, _planned, wiring_html


def box(name: str, *inputs: int, inside: tuple[Box, ...] = (), row: str = "", times: int = 1, path: str = "") -> Box:
    return Box(name, "Kind", "3 x 4 x 4", row, path or name, times, inputs, inside)


def drawings(diagram: Diagram) -> list[ElementTree.Element]:
    html = wiring_html(diagram)
    ElementTree.fromstring(str(html).replace("<details open>", "<details>"))  # every tag is closed
    return [ElementTree.fromstring(svg) for svg in re.findall(r"<svg.*?</svg>", str(html), re.DOTALL)]


CHAIN = (box("image"), box("a", 0, row="a"), box("b", 1, row="b"), box("+", 2, 0), box("c", 3))


def test_boxes_stand_below_what_feeds_them_and_ways_around_in_a_lane() -> None:
    plan = _planned(CHAIN)
    assert plan.rows == (0, 1, 2, 3, 4)
    assert (plan.widest, plan.lanes) == (1, 1)
    assert [(a.source, a.target) for a in plan.arrows if a.lane >= 0] == [(0, 3)]
    (svg,) = drawings(Diagram("net", CHAIN))
    heights = [float(r.attrib["y"]) for r in svg.iter("rect")]
    assert [b - a for a, b in pairwise(heights)] == [HEIGHT + GAP] * 4
    (around,) = (p for p in svg.iter("path") if p.attrib["class"] == "around")
    far = max(float(x) for x in re.findall(r"H([\d.]+)", around.attrib["d"]))
    assert far > max(float(r.attrib["x"]) + WIDTH for r in svg.iter("rect"))


def test_branches_stand_side_by_side_without_touching() -> None:
    boxes = (box("image"), *(box(f"branch{i}", 0) for i in range(4)), box("cat", 1, 2, 3, 4))
    plan = _planned(boxes)
    assert (plan.rows, plan.widest, plan.lanes) == ((0, 1, 1, 1, 1, 2), 4, 0)
    (svg,) = drawings(Diagram("net", boxes))
    lefts = [float(r.attrib["x"]) for r in svg.iter("rect")][1:5]
    assert all(b - a > WIDTH for a, b in pairwise(lefts))


def test_a_chain_beside_a_branch_is_straight_and_a_branch_goes_down_its_own_column() -> None:
    """A block with a projection: three layers in one column, one in the other, and their sum in the middle below."""
    boxes = (box("x"), box("a", 0), box("side", 0), box("b", 1), box("c", 3), box("+", 4, 2), box("d", 5))
    plan = _planned(boxes)
    assert plan.across == (0, -0.5, 0.5, -0.5, -0.5, 0, 0)
    assert (plan.widest, plan.lanes) == (2, 0)
    longer = _planned((*boxes, box("+", 6, 0)))
    assert [(a.source, a.target) for a in longer.arrows if a.lane >= 0] == [(0, 7)]


def test_ways_around_that_overlap_have_lanes_of_their_own_and_others_share() -> None:
    boxes = (box("0"), box("1", 0), box("2", 1, 0), box("3", 2), box("4", 3, 2), box("5", 4, 3))
    lanes = {(a.source, a.target): a.lane for a in _planned(boxes).arrows if a.lane >= 0}
    assert lanes == {(0, 2): 0, (2, 4): 0, (3, 5): 1}


def test_a_way_around_inside_another_has_the_inner_lane() -> None:
    boxes = (box("0"), box("1", 0), box("2", 1), box("3", 2), box("×", 3, 1), box("+", 4, 0))
    lanes = {(a.source, a.target): a.lane for a in _planned(boxes).arrows if a.lane >= 0}
    assert lanes == {(1, 4): 0, (0, 5): 1}


def test_a_block_is_a_link_to_a_drawing_of_its_own_that_opens() -> None:
    inside = (box("x", -1, path="block.x"), box("+", 0, -1, path="block.+"))
    diagram = Diagram("net", (box("image"), box("block", 0, inside=inside, times=3), box("fc", 1, row="fc <1>")))
    html = str(wiring_html(diagram))
    outer, inner = drawings(diagram)
    links = [a.attrib["href"] for a in outer.iter("a")]
    assert links == ["#wiring-block", "#row-fc--1-"]
    assert 'id="wiring-block"' in html
    assert "<details open>" in html  # it has a way around
    assert "block × 3" in html
    assert [t.text for t in inner.iter("text") if t.attrib["class"] == "name"] == ["input", "x", "+"]
    assert LANE > 0


def test_names_of_the_subject_are_escaped_and_cut() -> None:
    html = str(wiring_html(Diagram("<b>", (box("<script>" * 20, row='"><x>'),))))
    assert "<script" not in html
    assert "<b>" not in html
    drawings(Diagram("<b>", (box("<script>" * 20, row='"><x>'),)))


def test_two_hundred_layers_are_one_drawing_of_known_height() -> None:
    boxes = (box("image"), *(box(f"layer{i}", i) for i in range(200)))
    (svg,) = drawings(Diagram("net", boxes))
    assert float(svg.attrib["height"]) == 201 * HEIGHT + 200 * GAP + 12
