"""Which parts a data set comes in, by the names people give them."""

from pathlib import Path

import numpy as np
import pytest

from snellen._errors import ImagesError
from snellen.subject.load.parts import named_parts


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("train", "val"), {"train": "train", "val": "val"}),
        (("training", "validation", "testing"), {"train": "training", "val": "validation", "test": "testing"}),
        (("train", "test.parquet"), {"train": "train", "test": "test.parquet"}),
        (("train.parquet", "valid.parquet"), {"train": "train.parquet", "val": "valid.parquet"}),
        (("train",), {"train": ""}),
        (("val", "test"), {"train": ""}),
        (("cat", "dog"), {"train": ""}),
    ],
)
def test_folders(tmp_path: Path, names: tuple[str, ...], expected: dict[str, str]) -> None:
    for name in names:
        (tmp_path / name).mkdir()
    assert named_parts(str(tmp_path)) == {part: str(tmp_path / name) for part, name in expected.items()}


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (
            ("train_images", "train_labels", "val_images", "val_labels", "test_images", "test_labels"),
            {
                "train": "#train_images,train_labels",
                "val": "#val_images,val_labels",
                "test": "#test_images,test_labels",
            },
        ),
        (("x_train", "y_train", "x_test", "y_test"), {"train": "#x_train,y_train", "test": "#x_test,y_test"}),
        (("images", "labels"), {"train": ""}),
        (("x_train", "y_train"), {"train": ""}),
    ],
)
def test_members_of_an_archive(tmp_path: Path, names: tuple[str, ...], expected: dict[str, str]) -> None:
    path = tmp_path / "d.npz"
    np.savez(path, **{name: np.zeros(2) for name in names})  # type: ignore[arg-type]
    assert named_parts(str(path)) == {part: f"{path}{keys}" for part, keys in expected.items()}


def test_a_part_without_labels(tmp_path: Path) -> None:
    np.savez(tmp_path / "d.npz", x_train=np.zeros(2), y_train=np.zeros(2), x_test=np.zeros(2))
    with pytest.raises(ImagesError, match=r"d\.npz has no y_test, the labels of its x_test"):
        named_parts(str(tmp_path / "d.npz"))


def test_what_is_no_archive_is_one_part(tmp_path: Path) -> None:
    (tmp_path / "d.npz").write_bytes(b"no zip")
    assert named_parts(str(tmp_path / "d.npz")) == {"train": str(tmp_path / "d.npz")}
    assert named_parts("nowhere") == {"train": "nowhere"}
