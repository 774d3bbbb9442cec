"""Folders as people have them: classes, nests, strays, hidden files, WordNet ids."""

from pathlib import Path

import pytest
from PIL import Image

from shared import SHARED, needs_shared
from snellen._errors import ImagesError
from snellen.subject.load.folder import folder_images
from snellen.subject.preprocessing import Preprocessing


def picture(path: Path, grey: int = 0, size: tuple[int, int] = (8, 8)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (grey, grey, grey)).save(path)


def test_subfolders_are_classes_however_deep_their_files(tmp_path: Path) -> None:
    for name in ("dog/b.png", "dog/a/deep/x.PNG", "cat/z.jpg"):
        picture(tmp_path / name)
    images = folder_images(tmp_path)
    assert images.class_names == ("cat", "dog")
    assert [images.source.name(i) for i in range(3)] == ["cat/z.jpg", "dog/a/deep/x.PNG", "dog/b.png"]
    assert images.labels is not None
    assert images.labels.tolist() == [0, 1, 1]
    assert images.notes == ()
    assert images.name == tmp_path.name


def test_a_flat_folder_has_no_labels(tmp_path: Path) -> None:
    picture(tmp_path / "b.png")
    picture(tmp_path / "a.bmp")
    images = folder_images(tmp_path)
    assert (images.labels, images.class_names, len(images)) == (None, None, 2)


def test_a_report_among_the_images_gives_none_of_its_pictures(tmp_path: Path) -> None:
    for name in ("cat/a.png", "dog/a.png", "attack/pictures/a.png", "cat/deep/maps/a.png"):
        picture(tmp_path / name)
    for report in ("attack", "cat/deep"):
        (tmp_path / report / "index.html").touch()
        (tmp_path / report / "findings.json").touch()
    images = folder_images(tmp_path)
    assert [images.source.name(i) for i in range(len(images))] == ["cat/a.png", "dog/a.png"]
    assert images.class_names == ("cat", "dog")
    assert images.notes == ("passed over 2 reports of Snellen: attack, cat/deep",)


def test_what_is_passed_over_is_noted(tmp_path: Path) -> None:
    for name in ("cat/a.png", "dog/a.png", "stray.png", ".hidden/a.png", "cat/.b.png"):
        picture(tmp_path / name)
    for name in ("cat/list.txt", "read.md", "dog/Thumbs.db"):
        (tmp_path / name).write_text("x")
    (tmp_path / "emu").mkdir()
    images = folder_images(tmp_path)
    assert images.class_names == ("cat", "dog")
    assert images.labels is not None
    assert images.labels.tolist() == [-1, 0, 1]
    text = " | ".join(images.notes)
    assert "ignored 3 files with other extensions" in text
    assert "1 folder without images: emu" in text
    assert "1 images lie beside" in text


def test_bad_files_are_skipped_counted_and_named(tmp_path: Path) -> None:
    picture(tmp_path / "cat/good.png", 255)
    picture(tmp_path / "dog/good.png", 51)
    whole = (tmp_path / "cat/good.png").read_bytes()
    (tmp_path / "cat/cut.png").write_bytes(whole[:45])
    (tmp_path / "dog/empty.jpg").write_bytes(b"")
    (tmp_path / "dog/page.jpg").write_text("<html>")
    (batch,) = folder_images(tmp_path).batches(Preprocessing(), batch_size=8)
    assert batch.indices == (1, 3)
    assert batch.pixels.shape == (2, 3, 8, 8)
    assert batch.pixels[:, 0, 0, 0].tolist() == pytest.approx([1.0, 0.2])
    assert [(b.index, b.name, b.reason.split(":")[0]) for b in batch.bad] == [
        (0, "cat/cut.png", "truncated"),
        (2, "dog/empty.jpg", "empty"),
        (4, "dog/page.jpg", "not an image"),
    ]


def test_folders_that_hold_nothing(tmp_path: Path) -> None:
    with pytest.raises(ImagesError, match="an empty folder"):
        folder_images(tmp_path)
    (tmp_path / "a.csv").write_text("1")
    with pytest.raises(ImagesError, match=r"got 1 \.csv"):
        folder_images(tmp_path)
    with pytest.raises(ImagesError, match="does not exist"):
        folder_images(tmp_path / "absent")


def test_splits_are_not_classes(tmp_path: Path) -> None:
    picture(tmp_path / "train/cat/a.png")
    picture(tmp_path / "val/cat/a.png")
    with pytest.raises(ImagesError, match="splits"):
        folder_images(tmp_path)


def test_a_link_to_the_folder_it_lies_in_ends(tmp_path: Path) -> None:
    picture(tmp_path / "cat/a.png")
    (tmp_path / "cat" / "again").symlink_to(tmp_path, target_is_directory=True)
    assert len(folder_images(tmp_path)) == 1


def test_classes_give_the_order_and_may_be_spelled_otherwise(tmp_path: Path) -> None:
    for name in ("Great_White shark/a.png", "cat/a.png"):
        picture(tmp_path / name)
    images = folder_images(tmp_path, classes=["dog", "cat", "great white shark"])
    assert images.class_names == ("dog", "cat", "great white shark")
    assert images.labels is not None
    assert images.labels.tolist() == [2, 1]
    with pytest.raises(ImagesError, match=r"1 of 2 folders .* 'cat' \(cart\?\)"):
        folder_images(tmp_path, classes=["cart", "great white shark"])


def test_numbers_are_sorted_as_text_and_it_is_said(tmp_path: Path) -> None:
    for name in ("1", "2", "10"):
        picture(tmp_path / name / "a.png")
    images = folder_images(tmp_path)
    assert images.class_names == ("1", "10", "2")
    assert "sorted as text" in images.notes[0]


def test_wordnet_ids_get_imagenets_order(tmp_path: Path) -> None:
    for name in ("n01443537/a.png", "n01440764/a.png"):
        picture(tmp_path / name)
    images = folder_images(tmp_path)
    assert images.class_names is not None
    assert images.labels is not None
    assert (len(images.class_names), images.labels.tolist()) == (1000, [0, 1])
    named = folder_images(tmp_path, classes=["goldfish", "tench"])
    assert named.labels is not None
    assert named.labels.tolist() == [1, 0]


@needs_shared
def test_the_imagenet_photos() -> None:
    images = folder_images(SHARED / "data" / "imagenet-photos")
    assert images.labels is not None
    assert images.labels.tolist() == list(range(0, 1000, 5))
    batch = next(images.batches(Preprocessing(size=(224, 224), resize=256), batch_size=2, indices=[0, 199]))
    assert batch.pixels.shape == (2, 3, 224, 224)
    assert batch.bad == ()
