"""Labelled images in their parts: nothing that is judged by is trained on, and what cannot be used is named."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from lessons import archive, pictures
from snellen._errors import ImagesError, UsageError
from snellen.subject.load.images import load_images
from snellen.training.dataset import Dataset, load_dataset


def keys(images: object) -> set[bytes]:
    return {image.numpy().tobytes() for image in images}  # type: ignore[attr-defined]


def test_a_part_of_every_class_is_held_back_and_never_trained_on(tmp_path: Path) -> None:
    path = str(archive(tmp_path / "d.npz", 90))
    data = load_dataset(path, share=0.2)
    assert (len(data.views), len(data.val), data.test) == (72, 18, None)
    assert torch.bincount(data.val.labels).tolist() == [6, 6, 6]
    assert not keys(data.views.images) & keys(data.val.images)
    everything = keys(torch.from_numpy(pictures(90)[0]).permute(0, 3, 1, 2).contiguous())
    assert keys(data.views.images) | keys(data.val.images) == everything
    assert keys(data.shown.images) <= keys(data.views.images)
    again, other = load_dataset(path, share=0.2), load_dataset(path, share=0.2, seed=1)
    assert data.fingerprint == again.fingerprint != other.fingerprint
    assert any("18 of 90 images, 20% of every class, were held back (seed 0)" in note for note in data.notes)


def test_labels_stay_with_their_images(tmp_path: Path) -> None:
    data = load_dataset(str(archive(tmp_path / "d.npz")))
    for images, labels in ((data.views.images, data.labels), (data.val.images, data.val.labels)):
        for image, label in zip(images, labels.tolist(), strict=True):
            striped = float((image[:, :, ::4].float() - image[:, :, 2::4].float()).mean())
            assert label == (2 if striped > 60 else int(image.float().mean() > 120))


def test_images_of_equal_pixels_stay_together(tmp_path: Path) -> None:
    images, labels = pictures(60)
    images[30:] = images[:30]
    labels[30:] = labels[:30]
    for seed in range(3):
        data = load_dataset(str(archive(tmp_path / "d.npz", images=images, labels=labels)), share=0.3, seed=seed)
        assert not keys(data.views.images) & keys(data.val.images)
        assert len(data.views) + len(data.val) == 60
        assert "30 images have the pixels of another one, and lie on its side" in data.notes
        assert 15 <= len(data.val) <= 21


def test_parts_that_have_names(tmp_path: Path) -> None:
    parts = {"train": pictures(30), "val": pictures(12, seed=1), "test": pictures(9, seed=2)}
    members = {
        f"{part}_{what}": a for part, pair in parts.items() for what, a in zip(("images", "labels"), pair, strict=True)
    }
    np.savez(tmp_path / "d.npz", **members)  # type: ignore[arg-type]
    data = load_dataset(str(tmp_path / "d.npz"))
    assert data.test is not None
    assert (len(data.views), len(data.val), len(data.test)) == (30, 12, 9)
    assert np.array_equal(data.test.images.permute(0, 2, 3, 1).numpy(), parts["test"][0])
    assert data.test.labels.tolist() == parts["test"][1].tolist()
    assert data.name == "d.npz"


def folder(root: Path, sizes: dict[str, list[tuple[int, int]]]) -> Path:
    rng = np.random.default_rng(0)
    for name, shapes in sizes.items():
        (root / name).mkdir(parents=True)
        for i, (wide, high) in enumerate(shapes):
            pixels = rng.integers(0, 256, (high, wide, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(root / name / f"{i}.png")
    return root


def test_class_folders_are_matched_by_name(tmp_path: Path) -> None:
    folder(tmp_path, {f"train/{name}": [(16, 16)] * 4 for name in ("ant", "bee", "cat")})
    folder(tmp_path, {f"val/{name}": [(16, 16)] * 2 for name in ("bee", "cat")})
    data = load_dataset(str(tmp_path))
    assert data.class_names == ("ant", "bee", "cat")
    assert data.val.labels.tolist() == [1, 1, 2, 2]
    assert data.missing == ("ant",)
    assert data.name == tmp_path.name


def test_photographs_are_judged_as_they_are_examined(tmp_path: Path) -> None:
    shapes = [(20 + i, 18 + 2 * i) for i in range(10)]
    path = folder(tmp_path, {"ant": shapes, "bee": shapes})
    with pytest.raises(UsageError, match=r"10 sizes: say at which to train, such as --side 64"):
        load_dataset(str(path))
    data = load_dataset(str(path), side=16)
    assert isinstance(data.views.images, list)
    assert data.val.images.shape[1:] == (3, 16, 16)
    held = load_images(path).pixels(data.preprocessing)
    assert keys(data.val.images) <= keys((held * 255).round().to(torch.uint8))


def test_digits_have_a_test_part_and_no_colours() -> None:
    data = load_dataset("digits", limit=200)
    assert data.test is not None
    assert (len(data.test), data.grey, len(data.class_names)) == (500, True, 10)


def test_colours_are_seen(tmp_path: Path) -> None:
    assert not load_dataset(str(archive(tmp_path / "d.npz"))).grey


def test_labels_with_gaps_become_classes_and_it_is_said(tmp_path: Path) -> None:
    images, labels = pictures(60)
    np.savez(tmp_path / "d.npz", images=images, labels=np.array([3, 7, 9])[labels])
    data = load_dataset(str(tmp_path / "d.npz"))
    assert data.class_names == ("3", "7", "9")
    assert set(data.labels.tolist()) == {0, 1, 2}
    assert "the labels 3, 7, 9 have gaps: they became classes 0 to 2, each with its name" in data.notes
    np.savez(tmp_path / "val.npz", images=images[:3], labels=np.array([9, 3, 7]))
    assert load_dataset(str(tmp_path / "d.npz"), val=str(tmp_path / "val.npz")).val.labels.tolist() == [2, 0, 1]


def test_images_without_a_label_and_classes_without_an_image_are_left_out(tmp_path: Path) -> None:
    _, labels = pictures(60)
    labels[:5] = -1
    names = np.array(["dark", "light", "striped", "spotted"])
    data = load_dataset(str(archive(tmp_path / "d.npz", labels=labels, class_names=names)))
    assert len(data.views) + len(data.val) == 55
    assert "5 of 60 images have no label and were left out" in data.notes
    assert data.class_names == ("dark", "light", "striped")
    assert "1 named classes have no image and were left out" in data.notes


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        ({"labels": np.zeros(60, int)}, ImagesError, "at least 2 classes, d.npz has dark"),
        ({"labels": np.full(60, -1)}, ImagesError, "at least 2 classes, d.npz has none"),
        (
            {"images": np.zeros((60, 16, 16, 3), np.uint8) + 7},
            ImagesError,
            "1 different images of 3 classes",
        ),
        ({"images": np.full((60, 16, 16, 3), np.nan)}, ImagesError, "NaN"),
    ],
)
def test_sets_that_cannot_be_trained_on(
    tmp_path: Path, change: dict[str, np.ndarray], error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        load_dataset(str(archive(tmp_path / "d.npz", **change)))


def test_a_set_without_labels(tmp_path: Path) -> None:
    np.savez(tmp_path / "d.npz", images=pictures(9)[0])
    with pytest.raises(ImagesError, match=r"d\.npz has no labels to train on; expected one folder a class"):
        load_dataset(str(tmp_path / "d.npz"))
    whole = str(archive(tmp_path / "whole.npz"))
    with pytest.raises(ImagesError, match=r"given as val, has no labels"):
        load_dataset(whole, val=str(tmp_path / "d.npz"))


def test_an_empty_part(tmp_path: Path) -> None:
    folder(tmp_path, {f"train/{name}": [(16, 16)] * 4 for name in ("ant", "bee")})
    (tmp_path / "val").mkdir()
    with pytest.raises(ImagesError, match=r"expected images in .*val, got an empty folder"):
        load_dataset(str(tmp_path))


def test_a_part_with_classes_of_its_own(tmp_path: Path) -> None:
    folder(tmp_path, {f"train/{name}": [(16, 16)] * 4 for name in ("ant", "bee")})
    folder(tmp_path, {"test/bee": [(16, 16)], "test/cat": [(16, 16)] * 2})
    with pytest.raises(ImagesError, match=r"2 of 3 images of test are of classes without a training image: cat"):
        load_dataset(str(tmp_path))


def test_a_part_of_another_size(tmp_path: Path) -> None:
    images, labels = pictures(9, side=24)
    np.savez(tmp_path / "val.npz", images=images, labels=labels, class_names=["dark", "light", "striped"])
    path = str(archive(tmp_path / "d.npz"))
    with pytest.raises(ImagesError, match=r"24 x 24 pixels .* train on have 16 x 16; give a --side"):
        load_dataset(path, val=str(tmp_path / "val.npz"))
    assert load_dataset(path, val=str(tmp_path / "val.npz"), side=16).val.images.shape[2:] == (16, 16)


@pytest.mark.parametrize("share", [0, 0.6, -1.0, float("nan")])
def test_a_share_out_of_range(share: float) -> None:
    with pytest.raises(UsageError, match=r"above 0 and at most 0\.5"):
        load_dataset("digits", share=share)


def test_a_class_of_one_image_is_trained_on(tmp_path: Path) -> None:
    images, labels = pictures(60)
    labels[:] = np.arange(60) % 2
    labels[7] = 2
    data: Dataset = load_dataset(str(archive(tmp_path / "d.npz", images=images, labels=labels)))
    assert int((data.labels == 2).sum()) == 1
    assert data.missing == ("striped",)
