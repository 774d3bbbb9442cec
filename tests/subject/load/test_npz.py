"""NumPy's files: which members are read, what is refused, and that a bomb costs nothing."""

import io
import time
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.lib import format as npy

from shared import SHARED, needs_shared
from snellen._errors import ImagesError, UsageError
from snellen.subject.load.npy import npy_images
from snellen.subject.load.npz import npz_images

IMAGES = np.arange(2 * 5 * 5 * 3, dtype=np.uint8).reshape(2, 5, 5, 3)
OBJECTS = np.array([{"a": 1}, None], dtype=object)


def header(shape: tuple[int, ...], kind: str = "|u1") -> bytes:
    file = io.BytesIO()
    npy.write_array_header_1_0(file, {"descr": kind, "fortran_order": False, "shape": shape})
    return file.getvalue()


def saved(path: Path, **members: Any) -> Path:
    np.savez(path, **members)
    return path


@pytest.mark.parametrize(
    ("images", "labels"),
    [
        ("images", "labels"),
        ("x", "y"),
        ("X", "y"),
        ("data", "labels"),
        ("test_images", "test_labels"),
        ("x_test", "y_test"),
        ("arr_0", "arr_1"),
        ("train_images", "train_labels"),
    ],
)
def test_usual_names(images: str, labels: str, tmp_path: Path) -> None:
    path = saved(tmp_path / "a.npz", **{images: IMAGES, labels: np.array([1, 0])})
    loaded = npz_images(path)
    assert loaded.labels is not None
    assert loaded.labels.tolist() == [1, 0]
    np.testing.assert_array_equal((loaded.pixels() * 255).round().permute(0, 2, 3, 1).numpy(), IMAGES)


def test_test_before_train_and_keys_on_request(tmp_path: Path) -> None:
    path = saved(
        tmp_path / "a.npz",
        train_images=IMAGES,
        train_labels=[0, 0],
        test_images=IMAGES[:1],
        test_labels=[1],
        class_names=np.array(["a", "b"]),
    )
    usual = npz_images(path)
    assert (len(usual), usual.class_names, usual.name) == (1, ("a", "b"), "a.npz")
    assert usual.notes == ("read test_images and test_labels; left out train_images, train_labels",)
    train = npz_images(path, images_key="train_images")
    assert train.labels is not None
    assert train.labels.tolist() == [0, 0]
    with pytest.raises(UsageError, match=r"no array in a\.npz named 'train_image'; did you mean train_images"):
        npz_images(path, images_key="train_image")
    with pytest.raises(UsageError, match="no array in"):
        npz_images(path, labels_key="gold")


def test_a_single_member_of_any_name_and_several_of_unknown_ones(tmp_path: Path) -> None:
    assert len(npz_images(saved(tmp_path / "a.npz", pictures=IMAGES))) == 2
    with pytest.raises(UsageError, match=r"got p, q\. Say which"):
        npz_images(saved(tmp_path / "b.npz", p=IMAGES, q=IMAGES))


def test_pickled_members_are_refused_by_name_and_unrelated_ones_do_not_matter(tmp_path: Path) -> None:
    with pytest.raises(ImagesError, match=r"images in a\.npz holds pickled objects"):
        npz_images(saved(tmp_path / "a.npz", images=OBJECTS))
    with pytest.raises(ImagesError, match=r"labels in b\.npz holds pickled objects"):
        npz_images(saved(tmp_path / "b.npz", images=IMAGES, labels=OBJECTS))
    assert len(npz_images(saved(tmp_path / "c.npz", images=IMAGES, extra=OBJECTS))) == 2
    named = npz_images(saved(tmp_path / "d.npz", images=IMAGES, class_names=np.array(["a", "b"], dtype=object)))
    assert named.class_names is None
    assert "class_names holds pickled objects" in named.notes[0]
    np.save(tmp_path / "e.npy", OBJECTS, allow_pickle=True)
    with pytest.raises(ImagesError, match=r"e\.npy holds pickled objects"):
        npy_images(tmp_path / "e.npy")


def test_bombs_are_refused_before_anything_is_allocated(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
    path = tmp_path / "liar.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("images.npy", header((2**45,)) + b"abc")
    with pytest.raises(ImagesError, match=r"35,184,372,088,832 bytes; at most 8,589,934,592 are loaded"):
        npz_images(path)
    (tmp_path / "liar.npy").write_bytes(header((2**25, 1024, 1024, 3)) + b"abc")
    with pytest.raises(ImagesError, match="damaged or cut short"):
        npy_images(tmp_path / "liar.npy")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("images.npy", header((1000, 100, 100, 3)) + bytes(30_000_000))
    assert path.stat().st_size < 100_000
    with pytest.raises(ImagesError, match=r"at most 1,000,000 are loaded"):
        npz_images(path, max_bytes=1_000_000)
    assert time.perf_counter() - start < 5
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 120_000  # kB; writing took 60 MB


@pytest.mark.parametrize(
    "content",
    [b"", b"PK\x03\x04 no zip", b"\x93NUMPY\x01\x00", header((3, 5, 5)), header((10**12,), "|S0"), header((-1, 5, 5))],
)
def test_damaged_files(content: bytes, tmp_path: Path) -> None:
    for name, load in (("a.npy", npy_images), ("a.npz", npz_images)):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ImagesError):
            load(tmp_path / name)
    with zipfile.ZipFile(tmp_path / "b.npz", "w") as archive:
        archive.writestr("images.npy", content)
    with pytest.raises(ImagesError):
        npz_images(tmp_path / "b.npz")


def test_flipped_bytes_and_a_cut_archive(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez_compressed(path, images=np.random.default_rng(0).integers(0, 256, (9, 9, 9, 3), dtype=np.uint8))
    whole = path.read_bytes()
    path.write_bytes(whole[:200] + bytes(50) + whole[250:])
    with pytest.raises(ImagesError, match="cannot be read"):
        npz_images(path)
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ImagesError, match="cannot be read"):
        npz_images(path)


def test_npy_is_mapped(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", IMAGES)
    images = npy_images(tmp_path / "a.npy")
    assert isinstance(images.source.array, np.memmap)  # type: ignore[attr-defined]
    assert (images.pixels() * 255).round().permute(0, 2, 3, 1).numpy().tolist() == IMAGES.tolist()


@needs_shared
def test_the_home_exams_normal_images() -> None:
    images = npz_images(SHARED / "data" / "home-exam" / "DataNormal.npz")
    assert (len(images), images.class_names[:2] if images.class_names else None) == (2000, ("airplane", "automobile"))
    assert images.pixels(indices=[0]).shape == (1, 3, 32, 32)
