"""Findings as plain data: everything that the page shows, and every row and number that it leaves out."""

import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from snellen.findings.evidence import (
    Box,
    Curve,
    Diagram,
    Evidence,
    Gallery,
    HeatMap,
    Matrix,
    Outline,
    Picture,
    Table,
    Tile,
)
from snellen.findings.finding import Finding
from snellen.findings.findings import SCHEMA_VERSION, Findings
from snellen.report.arrays import Array, StoredArray, stored
from snellen.report.confusion import MOST_CLASSES

SCHEMA = "snellen-findings"
Files = Mapping[int, StoredArray]


def to_dict(findings: Findings, *, files: Files | None = None) -> dict[str, Any]:
    """The document that ``schema.Document`` describes.

    Args:
        findings: what was seen.
        files: where each array is saved (``stored_arrays``); without it arrays have no file.
    """
    files = files or {}
    return {
        "schema": SCHEMA,
        "schema_version": SCHEMA_VERSION,
        "subject": plain(findings.subject),
        "run": plain(findings.run),
        "measured": plain(findings.measured),
        "findings": [_finding(f, files) for f in findings],
        "predictions": plain(findings.predictions),
    }


def dumps(findings: Findings, *, files: Files | None = None) -> str:
    """The document as JSON text in ASCII: the same findings, the same bytes."""
    return json.dumps(to_dict(findings, files=files), indent=1, allow_nan=False) + "\n"


def plain(value: Any) -> Any:
    """Any value as JSON knows it; NaN and infinity become the words ``NaN``, ``Infinity``, ``-Infinity``.

    Raises:
        TypeError: there is no one way to write the value, as for a tensor or a function.
    """
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else _not_a_number(value)
    if isinstance(value, Mapping):
        return {str(name): plain(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(inner) for inner in value]
    if hasattr(value, "__fspath__"):
        return str(value)
    raise TypeError(f"findings hold numbers, words, lists and mappings of them; got {type(value).__name__}: {value!r}")


def _not_a_number(value: float) -> str:
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _finding(finding: Finding, files: Files) -> dict[str, Any]:
    return {
        "check": finding.check,
        "severity": finding.severity,
        "title": finding.title,
        "sentence": finding.sentence,
        "remedy": finding.remedy,
        "reference": finding.reference,
        "measured": plain(finding.measured),
        "evidence": [_evidence(e, files) for e in finding.evidence],
    }


def _evidence(evidence: Evidence, files: Files) -> dict[str, Any]:
    if isinstance(evidence, Table):
        return _table(evidence)
    if isinstance(evidence, Curve):
        return _curve(evidence)
    if isinstance(evidence, Matrix):
        return _matrix(evidence, files)
    if isinstance(evidence, Diagram):
        boxes = [_box(box) for box in evidence.boxes]
        return {"type": "diagram", "title": evidence.title, "note": evidence.note, "boxes": boxes}
    return _gallery(evidence, files)


def _table(table: Table) -> dict[str, Any]:
    return {
        "type": "table",
        "title": table.title,
        "note": table.note,
        "columns": list(table.columns),
        "rows": plain(table.rows),
        "shown": table.shown,
    }


def _curve(curve: Curve) -> dict[str, Any]:
    return {
        "type": "curve",
        "title": curve.title,
        "note": curve.note,
        "kind": curve.kind,
        "x_label": curve.x_label,
        "y_label": curve.y_label,
        "series": {name: {"x": plain(tuple(x)), "y": plain(tuple(y))} for name, (x, y) in curve.series.items()},
        "marks": plain(curve.marks),
    }


def _matrix(matrix: Matrix, files: Files) -> dict[str, Any]:
    return {
        "type": "matrix",
        "title": matrix.title,
        "note": matrix.note,
        "row_label": matrix.row_label,
        "column_label": matrix.column_label,
        "names": list(matrix.names),
        "rows": matrix.values.tolist() if len(matrix.names) <= MOST_CLASSES else None,
        "values": _array(matrix.values, files),
    }


def _box(box: Box) -> dict[str, Any]:
    plainly = {name: getattr(box, name) for name in ("name", "kind", "shape", "row", "path", "times")}
    return {**plainly, "inputs": list(box.inputs), "inside": [_box(inner) for inner in box.inside]}


def _gallery(gallery: Gallery, files: Files) -> dict[str, Any]:
    tiles = [_tile(tile, files) for tile in gallery.tiles]
    return {"type": "gallery", "title": gallery.title, "note": gallery.note, "tiles": tiles}


def _tile(tile: Tile, files: Files) -> dict[str, Any]:
    return {
        "caption": tile.caption,
        "image": plain(tile.image),
        "mark": tile.mark,
        "lines": list(tile.lines),
        "pictures": [_picture(p, files) for p in tile.pictures],
    }


def _picture(picture: Picture | HeatMap, files: Files) -> dict[str, Any]:
    boxes = [_outline(outline) for outline in picture.boxes]
    data = {"name": picture.name, "stored": _array(stored(picture), files), "boxes": boxes}
    if isinstance(picture, Picture):
        return {
            "type": "picture",
            "height": picture.pixels.shape[0],
            "width": picture.pixels.shape[1],
            **data,
        }
    height, width = picture.values.shape
    scale = {
        "kind": picture.kind,
        "low": plain(picture.low),
        "high": plain(picture.high),
        "unit": picture.unit,
    }
    return {"type": "heat map", "height": height, "width": width, **scale, **data}


def _outline(outline: Outline) -> dict[str, Any]:
    score = plain(outline.score)
    return {"box": plain(outline.box), "label": outline.label, "kind": outline.kind, "score": score}


def _array(array: Array, files: Files) -> dict[str, Any]:
    file = files.get(id(array))
    return {"shape": list(array.shape), "dtype": str(array.dtype), "array": file.file if file else None}
