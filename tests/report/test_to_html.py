"""The page: one file, nothing loaded, nothing live, everything said, not too large."""

import re
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest

from report.synthetic import HARMFUL, findings, gallery, heat
from snellen.findings.evidence import Gallery, Outline, Picture, Tile
from snellen.findings.finding import Finding
from snellen.findings.findings import Findings
from snellen.report.to_html import to_html


class _Page(HTMLParser):
    """Collects tags with their attributes and all text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.tags if name == tag]


@pytest.fixture(scope="module")
def html() -> str:
    return to_html(findings())


def test_nothing_outside_the_file_is_loaded(html: str) -> None:
    page = _Page(html)
    for tag, attrs in page.tags:
        for name in ("src", "href", "srcset", "action", "data", "poster"):
            value = attrs.get(name)
            assert value is None or value.startswith(("#", "data:image/")), (tag, name, value)
    assert not re.search(r"url\((?!#)|@import|https?://", html)
    assert not page.all("script")
    assert not page.all("link")
    assert any("default-src 'none'" in (meta.get("content") or "") for meta in page.all("meta"))


def test_a_harmful_file_name_is_inert(html: str) -> None:
    assert HARMFUL not in html
    assert HARMFUL in unescape(html)
    for _, attrs in _Page(html).tags:
        assert not any(name.startswith("on") for name in attrs)


def test_harm_is_inert_wherever_a_word_can_stand() -> None:
    bad = '"><script>alert(1)</script>'
    f = findings()
    tile = Tile(bad, (replace(heat(np.random.default_rng(0), 8), name=bad, unit=bad),), lines=(bad,))
    evil = tuple(
        replace(
            old,
            check=f"{bad}/x",
            title=bad,
            sentence=bad,
            remedy=bad,
            reference=bad,
            measured={bad: 1.0},
            evidence=(*(replace(e, title=bad, note=bad) for e in old.evidence), Gallery(bad, (tile,), note=bad)),
        )
        for old in f
    )
    page = _Page(to_html(Findings(evil, subject={"network": bad, bad: bad}, run={"preset": bad, bad: {bad: bad}})))
    assert not page.all("script")
    assert page.text.count(bad) > 40


def test_the_page_says_everything_that_was_found(html: str) -> None:
    said = _Page(html).text.replace("\N{NO-BREAK SPACE}", " ")
    for finding in findings():
        assert finding.title in said
        assert finding.sentence in said
        assert finding.remedy in said
        assert finding.reference in said
        assert finding.check in said
    for word in ("0.802 – 0.930", "5 of 30 rows", "2 more", "$one", "猫", "torch 2.13.0", "4 findings: 1 to mend"):
        assert word in said
    assert "c29" not in said


def test_pictures_keep_their_place_and_say_what_they_are(html: str) -> None:
    images = _Page(html).all("img")
    assert len(images) == 14 * 3
    for image in images:
        assert image["loading"] == "lazy"
        assert image["decoding"] == "async"
        assert image["alt"]
        assert int(image["width"] or 0) == int(image["height"] or 0) == 32
        assert image["class"] == "crisp"


def test_ids_are_unique_and_links_lead_somewhere(html: str) -> None:
    page = _Page(html)
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    for tag, attrs in page.tags:
        target = attrs.get("href")
        if target is not None and tag in ("a", "use"):
            assert target.removeprefix("#") in ids


def test_the_same_findings_give_the_same_page(html: str) -> None:
    assert to_html(findings()) == html


def test_a_page_of_two_hundred_images_stays_under_ten_megabytes() -> None:
    """Twenty photographs, each shown ten times: that counts ten times, and is made once."""
    few = gallery(20)
    seen = replace(few, tiles=few.tiles * 10)
    html = to_html(Findings((Finding("explanation/saliency", "ok", "t", "s", evidence=(seen,)),)))
    assert len(html.encode()) < 10_000_000
    assert html.count("<img ") == 600
    assert "the page is full" not in html


def test_no_findings_is_a_page_too() -> None:
    assert "Nothing was examined." in to_html(Findings(()))


def test_boxes_stand_over_their_picture_in_per_cent_of_it() -> None:
    """Half the picture is 50 %, whatever its size; a box that reaches beyond ends at the edge; words are escaped."""
    boxes = (
        Outline((10.0, 5.0, 30.0, 15.0), "<7>", "right", 0.934),
        Outline((10.0, 5.0, 30.0, 15.0), "", "truth"),
        Outline((30.0, -4.0, 50.0, 10.0), "4", "wrong", 0.5),
    )
    tile = Tile("a scene", (Picture("s", np.zeros((20, 40, 3), dtype=np.uint8), boxes=boxes),))
    html = to_html(Findings((Finding("detection/x", "ok", "t", "s", evidence=(Gallery("g", (tile,)),)),)))
    drawn = [a for a in _Page(html).all("i") if "style" in a]
    assert [a["class"] for a in drawn] == ["outline truth", "outline right", "outline wrong"]
    assert drawn[1]["style"] == "left:25.00%;top:25.00%;width:50.00%;height:50.00%"
    assert drawn[2]["style"] == "left:75.00%;top:0.00%;width:25.00%;height:50.00%"
    assert '<b class="inside ends">✕ 4 0.50</b>' in html
    assert "&lt;7&gt; 0.93" in html
    (image,) = _Page(html).all("img")
    assert image["alt"] == "s: a scene. Boxes: right <7> 0.93; wrong 4 0.50"
    assert "what stands there" in html
    assert "what stands there" not in to_html(findings())
