"""Pascal VOC: pixels counted from 1, nested parts, difficult objects, and XML that is refused."""

from pathlib import Path

import pytest
from PIL import Image

from snellen._errors import ImagesError
from snellen.subject.load.voc import voc_scenes


def thing(name: str, box: tuple[object, ...], more: str = "") -> str:
    corners = "".join(f"<{k}>{v}</{k}>" for k, v in zip(("xmin", "ymin", "xmax", "ymax"), box, strict=True))
    return f"<object><name>{name}</name>{more}<bndbox>{corners}</bndbox></object>"


def written(root: Path, annotations: dict[str, str], *, size: str = "") -> Path:
    """A picture of 50 x 40 and an annotation for each entry."""
    for folder in ("JPEGImages", "Annotations", "ImageSets/Main"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    for name, objects in annotations.items():
        Image.new("RGB", (50, 40)).save(root / "JPEGImages" / f"{name}.jpg")
        text = (
            objects
            if objects.startswith("<?")
            else f"<annotation><filename>{name}.jpg</filename>{size}{objects}</annotation>"
        )
        (root / "Annotations" / f"{name}.xml").write_text(text)
    return root


def test_the_first_pixel_alone_is_a_box_of_one(tmp_path: Path) -> None:
    """And the whole image of 50 x 40 is (1, 1, 50, 40) in the file."""
    objects = thing("dog", (1, 1, 1, 1)) + thing("cat", (1, 1, 50, 40)) + thing("dog", ("5.5", 6, 20, 30))
    scenes = voc_scenes(written(tmp_path, {"b": objects, "a": ""}))
    assert scenes.class_names == ("cat", "dog")
    assert [scenes.images.source.name(i) for i in range(2)] == ["a.jpg", "b.jpg"]
    assert scenes.objects[1].boxes.tolist() == [[0, 0, 1, 1], [0, 0, 50, 40], [4.5, 5, 20, 30]]
    assert scenes.objects[1].classes.tolist() == [1, 0, 1]
    assert scenes.notes == (
        "boxes read as Pascal VOC's: pixels counted from 1, the last one inside",
        "1 of 2 images hold no object",
    )


def test_boxes_of_parts_are_not_the_objects(tmp_path: Path) -> None:
    part = f"<part>{thing('head', (2, 2, 4, 4))[8:-9]}</part><difficult>1</difficult>"
    scenes = voc_scenes(written(tmp_path, {"a": thing("person", (10, 10, 20, 30), part)}))
    assert scenes.class_names == ("person",)
    (found,) = scenes.objects
    assert (len(found), found.empty) == (0, False)
    assert (found.ignored.boxes.tolist(), found.ignored.crowd.tolist()) == ([[9, 9, 20, 30]], [False])
    assert scenes.notes[1:] == ("1 objects are marked difficult: not asked for, and not wrong where found",)


def test_a_list_names_a_part(tmp_path: Path) -> None:
    root = written(tmp_path, {name: thing("dog", (1, 1, 9, 9)) for name in "abc"})
    listed = root / "ImageSets" / "Main" / "val.txt"
    listed.write_text("c\na  1\n")
    scenes = voc_scenes(listed)
    assert [scenes.images.source.name(i) for i in range(2)] == ["c.jpg", "a.jpg"]
    assert scenes.name.endswith(", val")
    listed.write_text("c\nz\n")
    with pytest.raises(ImagesError, match=r"1 of its 2 are not there, such as z\.xml"):
        voc_scenes(listed)


def test_classes_may_be_given(tmp_path: Path) -> None:
    root = written(tmp_path, {"a": thing("dog", (1, 1, 9, 9))})
    assert voc_scenes(root, classes=("cat", "dog")).counts == (0, 1)
    with pytest.raises(ImagesError, match="not among the 1 given: 'dog'"):
        voc_scenes(root, classes=("cat",))


ENTITY = '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]><annotation><name>&x;</name></annotation>'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (ENTITY, r"a\.xml declares a document type \(a\), which annotations do not need"),
        ("<?xml version='1.0'?><annotation>", r"cannot read a\.xml"),
        ("<?xml version='1.0'?><annotation>&x;</annotation>", "undefined entity"),
        ("<object></object>", "an object has no name"),
        ("<object><name>dog</name></object>", r"a\.xml, dog: a box must be four finite numbers"),
        (thing("dog", (1, 1, "nan", 4)), "four finite numbers"),
    ],
)
def test_what_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ImagesError, match=message):
        voc_scenes(written(tmp_path, {"a": text}))


def test_missing_images_and_other_sizes_are_named(tmp_path: Path) -> None:
    size = "<size><width>40</width><height>50</height></size>"
    with pytest.raises(ImagesError, match=r"a\.jpg is 50 x 40 .*its annotation says 40 x 50"):
        voc_scenes(written(tmp_path, {"a": thing("dog", (1, 1, 9, 9))}, size=size))
    root = written(tmp_path, {"a": thing("dog", (1, 1, 9, 9))}, size="<size><width>0</width><height>0</height></size>")
    assert len(voc_scenes(root)) == 1
    (root / "JPEGImages" / "a.jpg").unlink()
    with pytest.raises(ImagesError, match=r"1 of 1 images are not in .*a\.jpg"):
        voc_scenes(root)


def test_widths_given_as_corners_are_named(tmp_path: Path) -> None:
    objects = "".join(thing("dog", (20 + i, 15, 8, 10)) for i in range(10))
    with pytest.raises(ImagesError, match=r"read as \(left, top, width, height\) in pixels"):
        voc_scenes(written(tmp_path, {"a": objects}))
