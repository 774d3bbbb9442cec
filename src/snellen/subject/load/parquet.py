"""A Parquet file of encoded images, in the layout of Hugging Face's data sets, read by row group."""

import json
import os
from bisect import bisect_right
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from snellen._errors import ImagesError, unknown
from snellen.subject.images import Images
from snellen.subject.load.decode import decode_bytes
from snellen.subject.source import Picture, Source

IMAGE_COLUMNS = ("image", "img", "picture", "photo", "image_bytes", "bytes")
LABEL_COLUMNS = ("label", "labels", "class", "target", "fine_label")
MAX_GROUP = 4 * 2**30
"""Bytes that one row group may declare; it is held in memory while its images are decoded."""
KEPT_GROUPS = 2


@dataclass(frozen=True, eq=False)
class ParquetSource(Source):
    """The image column of one file. Every process opens the file for itself and keeps the last row groups."""

    path: Path
    column: str
    starts: tuple[int, ...]
    rows: int
    _groups: dict[tuple[int, int], Any] = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        return self.rows

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_groups": {}}

    def name(self, index: int) -> str:
        return f"row {index} of {self.path.name}"

    def decode(self, index: int) -> Picture:
        group = bisect_right(self.starts, index) - 1
        value = self._group(group)[index - self.starts[group]].as_py()
        data = value.get("bytes") if isinstance(value, dict) else value
        if data is None:
            raise ImagesError("no bytes in this row")
        return decode_bytes(data)

    def _group(self, group: int) -> Any:
        key = (os.getpid(), group)
        if key not in self._groups:
            while len(self._groups) >= KEPT_GROUPS:
                self._groups.pop(next(iter(self._groups)))
            try:
                with pq.ParquetFile(self.path) as file:
                    table = file.read_row_group(group, columns=[self.column], use_threads=False)
            except (pa.ArrowException, OSError) as error:
                raise ImagesError(f"damaged: row group {group} cannot be read ({error})") from error
            self._groups[key] = table.column(0)
        return self._groups[key]


def parquet_images(path: Path, *, images_key: str | None = None, labels_key: str | None = None) -> Images:
    """The images in a Parquet file: a binary column, or Hugging Face's struct of ``bytes`` and ``path``.

    Class names come from the ``huggingface`` metadata where it has them; labels that are text are numbered in
    alphabetical order. The encoded bytes of two row groups at most are in memory.

    Args:
        path: the file.
        images_key: the column of images; ``image`` or another usual name if not given.
        labels_key: the column of labels; ``label`` or another usual name if not given.

    Raises:
        UsageError: no such column.
        ImagesError: a damaged file, no column of images, a row group of more than 4 GB.

    >>> parquet_images(Path("test.parquet")).class_names  # doctest: +SKIP
    ('airplane', 'automobile')
    """
    try:
        with pq.ParquetFile(path) as file:
            schema, metadata = file.schema_arrow, file.metadata
            column = _column(path, schema, images_key)
            label = _label(path, schema, labels_key)
            sizes = [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)]
            largest = max((metadata.row_group(i).total_byte_size for i in range(len(sizes))), default=0)
            if largest > MAX_GROUP:
                raise ImagesError(
                    f"{path} has a row group of {largest:,} bytes, at most {MAX_GROUP:,} are held in memory. "
                    "Write it with smaller ones (pyarrow: row_group_size=1000)."
                )
            stored = file.read(columns=[label], use_threads=False).column(0) if label else None
    except (pa.ArrowException, OSError) as error:
        raise ImagesError(f"{path} should be a Parquet file, got one that cannot be read: {error}") from error
    if not sum(sizes):
        raise ImagesError(f"{path} should hold images, got no rows")
    labels, names = (None, None) if stored is None else _labels(path, stored, _feature_names(schema, label))
    starts = tuple(np.cumsum([0, *sizes[:-1]]).tolist())
    source = ParquetSource(path, column, starts, sum(sizes))
    return Images(source, labels=labels, class_names=names, name=path.name)


def _column(path: Path, schema: pa.Schema, chosen: str | None) -> str:
    if chosen is not None and chosen not in schema.names:
        raise unknown(f"column in {path.name}", chosen, schema.names)
    usual = [name for name in IMAGE_COLUMNS if name in schema.names]
    for name in [chosen] if chosen else [*usual, *schema.names]:
        if _holds_bytes(schema.field(name).type):
            return str(name)
    found = ", ".join(f"{item.name}: {item.type}" for item in schema)
    raise ImagesError(
        f"expected a column of encoded images (binary, or a struct with binary 'bytes') in {path}, got {found}"
    )


def _holds_bytes(kind: pa.DataType) -> bool:
    if pa.types.is_struct(kind):
        index = kind.get_field_index("bytes")
        return index >= 0 and _holds_bytes(kind.field(index).type)
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def _label(path: Path, schema: pa.Schema, chosen: str | None) -> str | None:
    if chosen is not None and chosen not in schema.names:
        raise unknown(f"column in {path.name}", chosen, schema.names)
    return chosen or next((name for name in LABEL_COLUMNS if name in schema.names), None)


def _labels(path: Path, stored: Any, names: tuple[str, ...] | None) -> tuple[NDArray[np.int64], tuple[str, ...] | None]:
    values = stored.to_pylist()
    present = {value for value in values if value is not None}
    if present and all(isinstance(value, str) for value in present):
        names = tuple(sorted(present))
        order = {name: index for index, name in enumerate(names)}
        return np.array([-1 if v is None else order[v] for v in values], dtype=np.int64), names
    if not all(isinstance(value, int) for value in present):
        raise ImagesError(f"labels must be integers or text, got {stored.type} in {path}")
    return np.array([-1 if v is None else v for v in values], dtype=np.int64), names


def _feature_names(schema: pa.Schema, label: str | None) -> tuple[str, ...] | None:
    """The names in Hugging Face's metadata; whatever else stands there is not needed, hence no error."""
    try:
        features = json.loads((schema.metadata or {})[b"huggingface"])["info"]["features"]
        names = features[label]["names"]
    except (KeyError, TypeError, ValueError):
        return None
    usable = isinstance(names, list) and bool(names) and all(isinstance(name, str) for name in names)
    return tuple(names) if usable else None
