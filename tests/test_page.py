"""The page of a real examination: one small file, nothing loaded, and nothing on it that is not in the JSON."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from report.synthetic import photo
from snellen import Network, Preprocessing, examine
from snellen.report.schema import Document
from snellen.subject.load.arrays import array_images

COUNT, SIDE, CLASSES = 60, 64, 7


def network() -> Network:
    """Tiny, with a dropout and ReLUs, so that every check of the standard examination has something to say."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        layers = [nn.Conv2d(3, 6, 5, stride=4), nn.ReLU(), nn.MaxPool2d(3), nn.Dropout(0.3), nn.Flatten()]
        module = nn.Sequential(*layers, nn.Linear(150, CLASSES))
    names = [f"class <{i}>" for i in range(CLASSES)]
    return Network(module, class_names=names, preprocessing=Preprocessing(size=(SIDE, SIDE)), name="toy & co")


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = np.random.default_rng(0)
    base = np.stack([photo(rng, 128) for _ in range(20)])
    corners = rng.integers(0, 128 - SIDE, (COUNT, 2))
    images = np.stack([base[i % 20, y : y + SIDE, x : x + SIDE] for i, (y, x) in enumerate(corners)])
    labels = rng.integers(0, CLASSES, COUNT)
    names = [f"class <{i}>" for i in range(CLASSES)]
    findings = examine(network(), array_images(images, labels=labels, class_names=names, name="crops"))
    return findings.save(tmp_path_factory.mktemp("page") / "report").parent


@pytest.fixture(scope="module")
def html(report: Path) -> str:
    return (report / "index.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def document(report: Path) -> Document:
    return Document.model_validate_json((report / "findings.json").read_bytes())


class Page(HTMLParser):
    """Attributes that can load something, the cells of every table with its title, and all text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.tables: list[tuple[str, list[list[str]]]] = []
        self.words: list[str] = []
        self.images = 0
        self._tag = ""
        self._title = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._tag = tag
        self.images += tag == "img"
        self.addresses += [v or "" for k, v in attrs if k in ("src", "href", "srcset", "data", "poster", "action")]
        if tag == "h4":
            self._title = ""
        elif tag == "table":
            self.tables.append((self._title.strip(), []))
        elif tag == "tr" and self.tables:
            self.tables[-1][1].append([])
        elif tag == "td":
            self.tables[-1][1][-1].append("")

    def handle_endtag(self, _tag: str) -> None:
        self._tag = ""

    def handle_data(self, data: str) -> None:
        self.words.append(data)
        if self._tag == "h4":
            self._title += data
        elif self._tag == "td":
            self.tables[-1][1][-1][-1] += data


def test_it_is_one_file_that_loads_nothing(report: Path, html: str) -> None:
    page = Page(html)
    assert page.addresses
    assert all(address.startswith(("#", "data:image/")) for address in page.addresses)
    assert not re.search(r"https?://|url\((?!#|['\"]?data:)|@import|<script|<link", html)
    assert sorted(p.name for p in report.iterdir()) == ["arrays", "findings.json", "index.html"]


def test_it_is_small_although_every_image_is_on_it(html: str) -> None:
    assert len(html.encode()) < COUNT * 50_000  # 10 MB for 200
    assert Page(html).images >= 3 * COUNT


def test_what_the_network_brought_along_is_text(html: str) -> None:
    assert "class <0>" not in html
    assert "class &lt;0&gt;" in html
    assert "toy &amp; co" in html


def test_every_check_of_the_standard_examination_had_its_say(document: Document) -> None:
    assert len({f.check for f in document.findings}) == 13
    assert not [f.title for f in document.findings if "crashed" in f.title or f.title == "Could not be answered"]
    assert document.subject["count"] == COUNT
    assert len(document.predictions) == COUNT


def test_every_array_named_in_the_json_is_there(report: Path, document: Document) -> None:
    def named(value: Any) -> Iterator[dict[str, Any]]:
        if isinstance(value, dict):
            if "array" in value and "dtype" in value:
                yield value
            for inner in value.values():
                yield from named(inner)
        elif isinstance(value, (list, tuple)):
            for inner in value:
                yield from named(inner)

    arrays = list(named(document.model_dump(mode="json")))
    assert len({a["array"] for a in arrays}) > 3 * COUNT
    for array in arrays:
        values = np.load(report / array["array"], allow_pickle=False, mmap_mode="r")
        assert (list(values.shape), str(values.dtype)) == (array["shape"], array["dtype"])


def test_every_cell_of_every_table_is_in_the_json(html: str, document: Document) -> None:
    stored = {e.title: e for f in document.findings for e in f.evidence if e.type == "table"}
    found = [(title, [row for row in rows if row]) for title, rows in Page(html).tables if title in stored]
    assert len(found) == len(stored) >= 5
    for title, rows in found:
        table = stored[title]
        assert len(rows) == min(table.shown, len(table.rows))
        for shown, row in zip(rows, table.rows, strict=False):
            for text, value in zip(shown, row, strict=True):
                assert same(text.strip(), value), (title, text, value)


def same(text: str, value: Any) -> bool:
    """Whether a printed cell is this value, to the digits that are printed."""
    if isinstance(value, str) or value is None:
        return text == ("–" if value is None else value)
    digits = text.replace(",", "").replace("−", "-")
    step = 0.5 * 10.0 ** -len(digits.partition(".")[2]) if "." in digits else 0.5
    return abs(float(digits) - float(value)) <= max(step, 1e-3 * abs(float(value))) * 1.001


def test_every_number_measured_and_every_sentence_is_on_both(html: str, document: Document) -> None:
    said = " ".join(" ".join(Page(html).words).replace("\N{NO-BREAK SPACE}", " ").split())
    names = "".join(Page(html).words)  # long names may be broken at their underscores
    for finding in document.findings:
        assert " ".join(finding.sentence.split()) in said
        for name, value in finding.measured.items():
            assert value == document.measured[name]
            assert name.removesuffix("_low").removesuffix("_high") in names


def test_the_maps_have_a_stated_scale(document: Document) -> None:
    (gallery,) = [e for f in document.findings if f.check == "explanation/maps" for e in f.evidence]
    assert gallery.type == "gallery"
    assert len(gallery.tiles) == COUNT
    for tile in gallery.tiles:
        for picture in tile.pictures[1:]:
            assert picture.type == "heat map"
            assert picture.low == 0
            assert float(picture.high) > 0
            assert picture.unit == "|d logit / d pixel|"
