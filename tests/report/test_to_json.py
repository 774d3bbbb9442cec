"""The document: valid JSON whatever the numbers, valid against its schema, and complete."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from report.synthetic import findings
from snellen.findings.evidence import Gallery, Outline, Picture, Tile
from snellen.findings.finding import Finding
from snellen.findings.findings import Findings
from snellen.report.schema import Document, GalleryDocument, json_schema
from snellen.report.to_json import dumps, plain, to_dict
from snellen.report.view import page


def _strict(text: str) -> Any:
    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    return json.loads(text, parse_constant=refuse)


def test_the_document_is_json_and_comes_back_the_same() -> None:
    text = dumps(findings())
    assert _strict(text) == json.loads(json.dumps(to_dict(findings())))
    assert text == dumps(findings())
    assert text.isascii()


def test_the_document_fits_its_schema() -> None:
    document = Document.model_validate_json(dumps(findings()))
    assert document.schema_version == 1
    assert [f.check for f in document.findings] == [f.check for f in findings()]
    schema = json_schema()
    assert schema["properties"]["schema"]["const"] == "snellen-findings"
    assert set(schema["required"]) == set(to_dict(findings()))


def test_boxes_come_back_as_they_were() -> None:
    boxes = (Outline((0.0, 1.0, 2.5, 3.0), "7", "wrong", 0.25), Outline((0.0, 0.0, 4.0, 4.0), "4"))
    tile = Tile("scene", (Picture("s", np.zeros((4, 4, 3), dtype=np.uint8), boxes=boxes),))
    found = Findings((Finding("detection/x", "ok", "t", "s", evidence=(Gallery("g", (tile,)),)),))
    (gallery,) = Document.model_validate_json(dumps(found)).findings[0].evidence
    assert isinstance(gallery, GalleryDocument)
    read = gallery.tiles[0].pictures[0].boxes
    assert [(o.box, o.label, o.kind, o.score) for o in read] == [(b.box, b.label, b.kind, b.score) for b in boxes]


def test_numbers_that_json_has_not_become_words() -> None:
    assert plain((math.nan, math.inf, -math.inf, np.float32(0.5), np.int64(3), np.bool_(True), None)) == [
        "NaN",
        "Infinity",
        "-Infinity",
        0.5,
        3,
        True,
        None,
    ]
    assert _strict(dumps(Findings((), run={"loss": math.nan}, subject={"path": Path("a")})))["run"] == {"loss": "NaN"}


def test_what_is_no_plain_data_is_refused() -> None:
    with pytest.raises(TypeError, match="got object"):
        plain({"x": object()})


def _words(value: Any) -> set[str]:
    if isinstance(value, dict):
        return set(value) | {word for inner in value.values() for word in _words(inner)}
    if isinstance(value, list):
        return {word for inner in value for word in _words(inner)}
    return {str(value)}


def test_every_word_on_the_page_is_in_the_document() -> None:
    known = _words(to_dict(findings()))
    for area in page(findings()).areas:
        for section in area.sections:
            said = {section.check, section.title, section.remedy, section.reference}
            said |= {section.sentence.replace("\N{NO-BREAK SPACE}", " ")} | {m.name for m in section.measures}
            for evidence in section.evidence:
                said.add(evidence.title)
                if evidence.kind == "gallery":
                    for card in (*evidence.first, *evidence.more):
                        said |= {card.caption, card.mark, *card.lines, *(p.name for p in card.pictures)}
                        said |= {p.scale.unit for p in card.pictures if p.scale}
            assert said <= known


def test_all_rows_of_a_table_and_all_counts_of_a_drawn_matrix_are_in_it() -> None:
    matrix, curve, table = to_dict(findings())["findings"][1]["evidence"]
    assert len(table["rows"]) == 30
    assert matrix["rows"] == [[40, 2, 0], [1, 30, 0], [0, 9, 18]]
    assert matrix["values"] == {"shape": [3, 3], "dtype": "int64", "array": None}
    assert curve["series"]["net"]["y"] == [0.1, "NaN", 0.9]
