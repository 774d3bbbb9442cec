"""Labelled pictures on photographs: no picture in two parts, classes by name."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from shared import SHARED, needs_shared
from snellen._errors import ImagesError, UsageError
from snellen.subject.images import Images
from snellen.subject.load.arrays import array_images
from snellen.subject.load.backgrounds import PhotoBackgrounds
from snellen.subject.load.composed_scenes import ComposedSource
from snellen.subject.load.cut_out_scenes import cut_out_scenes
from snellen.subject.load.images import load_images
from snellen.subject.load.scenes import load_scenes
from snellen.subject.scenes import Scenes

PARTS = ("train", "val", "test")


def plain(count: int, first: int) -> np.ndarray:
    """Pictures of one grey value each."""
    return np.broadcast_to(
        np.arange(first, first + count, dtype=np.uint8)[:, None, None, None], (count, 24, 24, 3)
    ).copy()


def pictures() -> Images:
    return array_images(plain(40, 100), labels=np.arange(40) % 4, class_names=("ant", "bee", "cat", "dog"))


def photos() -> Images:
    return array_images(plain(20, 0))


def values(scenes: Scenes) -> tuple[list[int], list[int]]:
    """Which cut-outs and which photographs the scenes are made of, by their grey values."""
    source = scenes.images.source
    assert isinstance(source, ComposedSource)
    assert isinstance(source.backgrounds, PhotoBackgrounds)
    assert source.cut_outs.colour is not None
    return source.cut_outs.colour[:, 0, 0, 0].tolist(), [int(photo[0, 0, 0]) for photo in source.backgrounds.photos]


def test_no_picture_and_no_photograph_is_in_two_parts() -> None:
    made = [values(cut_out_scenes(pictures(), photos(), part, count=1)) for part in PARTS]  # type: ignore[arg-type]
    for which, first, total in ((0, 100, 40), (1, 0, 20)):
        shares = [parts[which] for parts in made]
        assert sorted(value for share in shares for value in share) == list(range(first, first + total))
        assert [len(share) / total for share in shares] == pytest.approx([0.7, 0.15, 0.15])


def test_classes_are_chosen_and_ordered_by_name() -> None:
    scenes = cut_out_scenes(pictures(), photos(), "train", count=20, most=3, classes=("dog", "Ant"))
    assert scenes.class_names == ("dog", "Ant")
    source = scenes.images.source
    assert isinstance(source, ComposedSource)
    assert [{0: 1, 3: 0}[(value - 100) % 4] for value in values(scenes)[0]] == source.cut_outs.classes.tolist()
    assert min(scenes.counts) > 5


def test_a_cut_out_is_seen_in_its_box() -> None:
    """Cut-outs are of grey 100 and more, photographs below 20: what is light is in the box, and touches its sides."""
    scenes = cut_out_scenes(pictures(), photos(), "test", count=15)
    for index, objects in enumerate(scenes.objects):
        light = np.asarray(scenes.images.source.decode(index))[:, :, 0] > 70
        if not len(objects):
            assert not light.any()
            continue
        rows, columns = np.nonzero(light)
        seen = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        assert np.abs(np.subtract(seen, objects.boxes[0].tolist())).max() <= 1


def test_what_is_refused() -> None:
    with pytest.raises(UsageError, match="train, val, test, got 'all'"):
        cut_out_scenes(pictures(), photos(), "all")  # type: ignore[arg-type]
    with pytest.raises(ImagesError, match="no labels"):
        cut_out_scenes(photos(), photos())
    with pytest.raises(ImagesError, match=r"has no classes 'cow'"):
        cut_out_scenes(pictures(), photos(), count=1, classes=("ant", "cow"))
    with pytest.raises(ImagesError, match="different classes, got ant, ant"):
        cut_out_scenes(pictures(), photos(), count=1, classes=("ant", "ant"))
    with pytest.raises(ImagesError, match="too few to share out"):
        cut_out_scenes(pictures(), photos().subset([0, 1]), count=1)


def test_folders_that_come_in_parts_are_named_in_one_word(tmp_path: Path) -> None:
    """Training cut-outs for ``train``, halves of the test cut-outs for ``val`` and ``test``."""
    for number, pixels in enumerate(plain(24, 100)):
        folder = tmp_path / "cut" / ("train" if number < 12 else "test") / "ab"[number % 2]
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    (tmp_path / "photos").mkdir()
    for number, pixels in enumerate(plain(12, 0)):
        Image.fromarray(pixels).save(tmp_path / "photos" / f"{number}.png")
    spec = f"#{tmp_path / 'cut'},{tmp_path / 'photos'}"
    made = [values(load_scenes(f"composed:{part}{spec}", limit=1))[0] for part in PARTS]
    assert (set(made[0]), set(made[1] + made[2])) == (set(range(100, 112)), set(range(112, 124)))
    assert len(made[1]) == len(made[2]) == 6
    assert "up to 6 objects" in load_scenes(f"composed-many{spec}", limit=1).name


@needs_shared
def test_cifar_on_photographs() -> None:
    data = SHARED / "data"
    cifar = load_images(data / "cifar10-jpeg" / "test.parquet").subset(range(300))
    photographs = load_images(data / "imagenet-photos").subset(range(0, 200, 20))
    scenes = cut_out_scenes(cifar, photographs, "train", count=4, most=6, classes=("bird", "dog", "truck"))
    assert scenes.class_names == ("bird", "dog", "truck")
    assert scenes.images.pixels().std(dim=(1, 2, 3)).min() > 0.05
    assert any("ellipses with soft edges" in note for note in scenes.notes)
