"""One word for any images, and what every other word is told."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from snellen._errors import ImagesError, UsageError
from snellen.subject.load.images import load_images

PIXELS = np.zeros((6, 5, 5, 3), np.uint8)


@pytest.mark.parametrize(("spec", "count"), [("digits", 500), ("digits:train", 1297), ("digits:all", 1797)])
def test_digits(spec: str, count: int) -> None:
    assert len(load_images(spec)) == count


def test_every_form(tmp_path: Path) -> None:
    (tmp_path / "set" / "cat").mkdir(parents=True)
    Image.new("RGB", (5, 5)).save(tmp_path / "set" / "cat" / "a.png")
    np.save(tmp_path / "a.npy", PIXELS)
    np.savez(tmp_path / "a.npz", images=PIXELS, other=PIXELS[:2], gold=[1, 0])
    assert load_images(tmp_path / "set").class_names == ("cat",)
    single = load_images(str(tmp_path / "set" / "cat" / "a.png"))
    assert (len(single), single.labels, single.name) == (1, None, "a.png")
    assert len(load_images(tmp_path / "a.npy")) == 6
    assert len(load_images(tmp_path / "a.npz")) == 6
    chosen = load_images(f"{tmp_path}/a.npz#other,gold")
    assert chosen.labels is not None
    assert (len(chosen), chosen.labels.tolist()) == (2, [1, 0])
    assert len(load_images(f"{tmp_path}/a.npz#other")) == 2
    assert len(load_images(torch.zeros(3, 1, 4, 4))) == 3
    assert load_images(chosen) is chosen


def test_a_hash_in_a_name_is_a_name(tmp_path: Path) -> None:
    np.save(tmp_path / "a#1.npy", PIXELS)
    assert len(load_images(tmp_path / "a#1.npy")) == 6


def test_words_that_mean_nothing(tmp_path: Path) -> None:
    with pytest.raises(ImagesError, match=r"nothing is at /no/such; images are given as a folder .*digits:train"):
        load_images("/no/such")
    (tmp_path / "a.csv").write_text("x")
    with pytest.raises(UsageError, match=r"no images are read from \.csv"):
        load_images(tmp_path / "a.csv")
    with pytest.raises(UsageError, match="got 'digits:tset'"):
        load_images("digits:tset")
    with pytest.raises(UsageError, match="got int"):
        load_images(7)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="limit must be at least 1, got 0"):
        load_images(PIXELS, limit=0)


def test_a_limit_is_a_seeded_draw_in_the_original_order() -> None:
    labels = np.arange(500)
    pixels = np.zeros((500, 4, 4), np.uint8)
    one, again, other = (load_images(pixels, labels=labels, limit=50, seed=s).labels for s in (1, 1, 2))
    assert one is not None
    assert again is not None
    assert other is not None
    assert one.tolist() == again.tolist() == sorted(set(one.tolist()))
    assert one.tolist() != other.tolist()
    assert len(load_images(pixels, limit=10_000)) == 500
    assert "50 of 500" in load_images(pixels, limit=50).notes[-1]


def test_labels_and_classes(tmp_path: Path) -> None:
    (tmp_path / "names.txt").write_text("cat\ndog\n")
    images = load_images(PIXELS, labels=[0, 1, 0, 1, -1, 0], classes=tmp_path / "names.txt")
    assert images.class_names == ("cat", "dog")
    with pytest.raises(ImagesError, match=r"image 5 has 2"):
        load_images(PIXELS, labels=[0, 0, 0, 0, 0, 2], classes=["cat", "dog"])
    with pytest.raises(ImagesError, match="each of 6 images"):
        load_images(PIXELS, labels=[0])


def test_classes_move_labels_by_name(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, images=PIXELS[:3], labels=[0, 1, -1], class_names=np.array(["cat", "dog", "emu"]))
    images = load_images(path, classes=["dog", "fox", "Cat"])
    assert images.labels is not None
    assert (images.labels.tolist(), images.class_names) == ([2, 0, -1], ("dog", "fox", "Cat"))
    renamed = load_images(path, classes=["Katze", "Hund", "Strauss"])
    assert renamed.labels is not None
    assert renamed.labels.tolist() == [0, 1, -1]
    assert "cat is Katze" in renamed.notes[-1]
    with pytest.raises(ImagesError, match=r"1 of the images' classes .* 'dog' \(dogs\?\)"):
        load_images(path, classes=["cat", "dogs", "emu"])
