"""Which file each array of the findings is saved in: safe names, no two alike, each array once."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from numpy.typing import NDArray

from snellen.findings.evidence import Gallery, HeatMap, Matrix, Outline, Picture
from snellen.findings.findings import Findings
from snellen.report.names import slug, unique

Array: TypeAlias = NDArray[Any]
FOLDER, PICTURES = "arrays", "pictures"


@dataclass(frozen=True, eq=False)
class StoredArray:
    """An array and the file it belongs in, relative to the report and with forward slashes; boxes to draw over it."""

    file: str
    array: Array
    boxes: tuple[Outline, ...] = ()


def stored(picture: Picture | HeatMap) -> Array:
    """What is kept of a picture: what was computed, before it was reduced to something to look at."""
    if picture.raw is not None:
        return picture.raw
    return picture.pixels if isinstance(picture, Picture) else picture.values


def stored_arrays(findings: Findings) -> Mapping[int, StoredArray]:
    """Every array by its ``id``: ``arrays/explanation-saliency/017-saliency.npy`` is of image 17.

    A picture that is to be one is ``pictures/robustness-attack/017-adversarial.png``.
    """
    folders, files = unique(), unique()
    found: dict[int, StoredArray] = {}
    for finding in findings:
        folder = folders(slug(finding.check))
        for evidence in finding.evidence:
            for name, array, kind, boxes in _named(evidence):
                if id(array) not in found:
                    place = PICTURES if kind == "png" else FOLDER
                    found[id(array)] = StoredArray(f"{files(f'{place}/{folder}/{name}')}.{kind}", array, boxes)
    return found


def _named(evidence: object) -> Iterator[tuple[str, Array, str, tuple[Outline, ...]]]:
    if isinstance(evidence, Matrix):
        yield f"matrix-{slug(evidence.title)}", evidence.values, "npy", ()
    if isinstance(evidence, Gallery):
        for i, tile in enumerate(evidence.tiles):
            place = i if tile.image is None else tile.image
            for picture in tile.pictures:
                kind = "png" if isinstance(picture, Picture) and picture.as_png else "npy"
                yield f"{place:03d}-{slug(picture.name)}", stored(picture), kind, picture.boxes
