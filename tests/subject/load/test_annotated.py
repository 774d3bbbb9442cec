"""What annotations go through, whatever file they come from: sizes, formats, clipping, names."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from snellen._errors import ImagesError
from snellen.subject.load.annotated import Annotated, annotated_scenes, four_numbers, upright_size
from snellen.subject.scenes import Scenes


def found(root: Path, boxes: Sequence[Sequence[float]], rows: Sequence[int], **other: object) -> Annotated:
    """Two pictures of 40 x 20 and a file of annotations over them."""
    for name in ("a.png", "b.png"):
        Image.new("RGB", (40, 20)).save(root / name)
    return replace(
        Annotated(
            root,
            ("a.png", "b.png"),
            np.array(rows, dtype=np.int64),
            np.array(boxes, dtype=np.float64).reshape(-1, 4),
            np.arange(len(rows)) % 2,
            ("cat", "dog"),
            "xyxy",
            (None, (40, 20)),
            ("first",),
        ),
        **other,  # type: ignore[arg-type]
    )


def loaded(given: Annotated, classes: Sequence[str] | None = None) -> Scenes:
    return annotated_scenes(given, name="set", classes=classes)


def test_boxes_go_to_their_images_in_the_order_of_the_file(tmp_path: Path) -> None:
    scenes = loaded(found(tmp_path, [[1, 2, 5, 6], [0, 0, 40, 20], [3, 3, 9, 9]], [1, 0, 1]))
    assert [objects.boxes.tolist() for objects in scenes.objects] == [[[0, 0, 40, 20]], [[1, 2, 5, 6], [3, 3, 9, 9]]]
    assert [objects.classes.tolist() for objects in scenes.objects] == [[1], [0, 0]]
    assert (scenes.class_names, scenes.notes) == (("cat", "dog"), ("first",))


def test_what_reaches_out_is_clipped_and_what_is_flat_left_out(tmp_path: Path) -> None:
    good = [[0.0, 0, 8, 8]] * 12
    boxes = [*good, [-3, 4, 10, 25], [50, 2, 60, 9], [5, 5, 5, 9], [9, 9, 3, 12]]
    scenes = loaded(found(tmp_path, boxes, [0] * 12 + [1] * 4))
    assert scenes.objects[1].boxes.tolist() == [[0, 4, 10, 20]]
    assert scenes.notes == (
        "first",
        "2 of 16 boxes have no width or no height and were left out",
        "1 of 16 boxes lie outside their image and were left out",
        "1 of 16 boxes reach out of their image and were clipped",
    )


def test_images_without_objects_stay_and_are_counted(tmp_path: Path) -> None:
    scenes = loaded(found(tmp_path, [], []))
    assert (len(scenes), scenes.counts, scenes.notes[-1]) == (2, (0, 0), "2 of 2 images hold no object")


def test_another_format_is_refused_by_name(tmp_path: Path) -> None:
    """Widths and heights taken for right and bottom edges."""
    boxes = [[30, 10, 5, 8], [20, 5, 10, 10], [1, 1, 20, 15]]
    with pytest.raises(
        ImagesError, match=r"2 of 3 boxes are impossible as .*; read as \(left, top, width, height\) in"
    ):
        loaded(found(tmp_path, boxes, [0, 1, 1]))
    few = loaded(found(tmp_path, [*boxes[:2], *[[0, 0, 30, 15]] * 30], [0] * 32))
    assert "check the format" in " ".join(few.notes)


def test_sizes_must_be_those_of_the_files(tmp_path: Path) -> None:
    given = found(tmp_path, [[1, 2, 5, 6]], [0])
    with pytest.raises(ImagesError, match=r"1 of 2 .*a\.png is 40 x 20 .* says 80 x 40\. Were the images scaled"):
        loaded(replace(given, sizes=((80, 40), None)))


def test_the_size_is_that_of_the_upright_picture(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (40, 20)).save(tmp_path / "side.jpg", exif=exif)
    assert upright_size(tmp_path / "side.jpg") == (20, 40)
    (tmp_path / "no.jpg").write_bytes(b"no picture")
    assert upright_size(tmp_path / "no.jpg") is None


def test_missing_images_are_named_and_broken_ones_left_out(tmp_path: Path) -> None:
    given = found(tmp_path, [[1, 2, 5, 6], [3, 3, 9, 9]], [0, 1])
    (tmp_path / "a.png").write_bytes(b"broken")
    scenes = loaded(given)
    assert scenes.images.source.name(0) == "b.png"
    assert [objects.boxes.tolist() for objects in scenes.objects] == [[[3, 3, 9, 9]]]
    assert scenes.notes[1] == "1 images cannot be opened and were left out: a.png"
    (tmp_path / "b.png").unlink()
    with pytest.raises(ImagesError, match=r"1 of 2 images are not in .*: b\.png\. Give the folder"):
        loaded(given)
    with pytest.raises(ImagesError, match="none of 1 images"):
        loaded(replace(given, paths=("a.png",), sizes=(None,), rows=given.rows * 0))


def test_classes_are_found_by_name(tmp_path: Path) -> None:
    given = found(tmp_path, [[1, 2, 5, 6], [3, 3, 9, 9]], [0, 1])
    scenes = loaded(given, ("Dog", "bird", "cat"))
    assert [objects.classes.tolist() for objects in scenes.objects] == [[2], [0]]
    assert scenes.class_names == ("Dog", "bird", "cat")
    with pytest.raises(ImagesError, match=r"objects of 1 classes are not among the 2 given: 'cat' \(cats\?\)"):
        loaded(given, ("dog", "cats"))
    only_cats = replace(given, labels=np.zeros(2, np.int64))
    assert loaded(only_cats, ("cat",)).counts == (2,)


@pytest.mark.parametrize("values", [[1, 2, 3], [1, 2, 3, float("nan")], [1, 2, 3, "x"], [1, 2, 3, None], []])
def test_a_box_is_four_finite_numbers(values: list[object]) -> None:
    with pytest.raises(ImagesError, match="here: a box must be four finite numbers, got"):
        four_numbers(values, "here")
