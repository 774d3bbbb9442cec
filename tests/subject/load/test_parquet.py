"""Parquet in Hugging Face's layout, and what people make of it."""

import io
import json
import pickle
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from shared import SHARED, needs_shared
from snellen._errors import ImagesError, UsageError
from snellen.subject.load.parquet import parquet_images
from snellen.subject.preprocessing import Preprocessing


def png(grey: int) -> bytes:
    file = io.BytesIO()
    Image.new("L", (4, 4), grey).save(file, "PNG")
    return file.getvalue()


def written(path: Path, columns: dict[str, Any], names: list[str] | None = None) -> Path:
    table = pa.table(columns)
    if names is not None:
        info = {"info": {"features": {"label": {"names": names, "_type": "ClassLabel"}}}}
        table = table.replace_schema_metadata({"huggingface": json.dumps(info)})
    pq.write_table(table, path, row_group_size=2)
    return path


def test_structs_bytes_labels_and_names(tmp_path: Path) -> None:
    rows = [{"bytes": png(i), "path": None} for i in range(5)]
    path = written(tmp_path / "a.parquet", {"image": rows, "label": [0, 1, None, 1, -1]}, ["cat", "dog"])
    images = parquet_images(path)
    assert (len(images), images.class_names, images.source.name(3)) == (5, ("cat", "dog"), "row 3 of a.parquet")
    assert images.labels is not None
    assert images.labels.tolist() == [0, 1, -1, 1, -1]
    assert (images.pixels(indices=[4, 0, 3])[:, 0, 0, 0] * 255).round().tolist() == [4, 0, 3]
    again = pickle.loads(pickle.dumps(images.source))
    assert again._groups == {}
    assert again.decode(2).getpixel((0, 0)) == 2


def test_binary_columns_and_text_labels(tmp_path: Path) -> None:
    columns = {"photo": [png(7), png(8)], "kind": ["zebra", "ant"]}
    images = parquet_images(written(tmp_path / "a.parquet", columns), labels_key="kind")
    assert images.class_names == ("ant", "zebra")
    assert images.labels is not None
    assert images.labels.tolist() == [1, 0]


def test_rows_that_cannot_be_decoded_are_bad_not_fatal(tmp_path: Path) -> None:
    path = written(tmp_path / "a.parquet", {"image": [png(1), None, b"", png(2)[:45], png(3)]})
    (batch,) = parquet_images(path).batches(Preprocessing())
    assert batch.indices == (0, 4)
    assert [b.reason.split(":")[0] for b in batch.bad] == ["no bytes in this row", "empty", "truncated"]


def test_what_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(ImagesError, match="should be a Parquet file"):
        parquet_images(tmp_path / "a.parquet")
    path = written(tmp_path / "b.parquet", {"text": ["a"], "label": [0]})
    with pytest.raises(ImagesError, match=r"got text: string, label: int64"):
        parquet_images(path)
    with pytest.raises(UsageError, match="no column in b"):
        parquet_images(path, images_key="image")
    with pytest.raises(ImagesError, match="no rows"):
        parquet_images(written(tmp_path / "c.parquet", {"image": pa.array([], pa.binary())}))
    path = written(tmp_path / "d.parquet", {"image": [png(1)], "label": [9]}, ["cat"])
    with pytest.raises(ImagesError, match=r"row 0 of d\.parquet has 9"):
        parquet_images(path)
    with pytest.raises(ImagesError, match="integers or text"):
        parquet_images(written(tmp_path / "e.parquet", {"image": [png(1)], "label": [0.5]}))


@needs_shared
def test_cifar10() -> None:
    images = parquet_images(SHARED / "data" / "cifar10-jpeg" / "test.parquet")
    assert images.class_names is not None
    assert (len(images), images.class_names[0], len(images.class_names)) == (10_000, "airplane", 10)
    batch = next(images.batches(Preprocessing(), batch_size=4, workers=0))
    assert batch.pixels.shape == (4, 3, 32, 32)
