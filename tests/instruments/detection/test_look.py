"""A detector looks at images of any sizes; what cannot be decoded is reported."""

from pathlib import Path

import pytest
from PIL import Image

from rectangles import NAMES, Seer, rectangles
from snellen._errors import ImagesError
from snellen.instruments.detection.detector import Detector
from snellen.instruments.detection.look import look
from snellen.subject.load.images import load_images

SEER = Detector(Seer(), class_names=NAMES, side=(32, 32))


def test_each_image_at_its_own_size_and_bad_ones_apart(tmp_path: Path) -> None:
    sizes = [(32, 32), (48, 64), (40, 20)]
    scenes = [rectangles(1, empty=0, size=size, seed=i) for i, size in enumerate(sizes)]
    for name, one in zip("abd", scenes, strict=True):
        one.images.source.decode(0).save(tmp_path / f"{name}.png")  # type: ignore[union-attr]
    (tmp_path / "c.png").write_bytes(b"no picture")
    told: list[tuple[str, int, int]] = []
    found = look(SEER, load_images(tmp_path), batch_size=2, progress=lambda *step: told.append(step))
    assert found.indices == (0, 1, 3)
    assert found.sizes == ((32, 32), (48, 64), (40, 20))
    assert [(bad.index, bad.name) for bad in found.bad] == [(2, "c.png")]
    for said, one in zip(found.detections, scenes, strict=True):
        assert (said.boxes - one.objects[0].boxes).abs().max() <= 2
    assert told[-1] == ("detecting", 4, 4)


def test_no_image_at_all_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"no picture")
    with pytest.raises(ImagesError, match="none of the 1 images could be read"):
        look(SEER, load_images(tmp_path))


def test_pictures_with_transparency_and_of_grey_are_read(tmp_path: Path) -> None:
    white = Image.new("RGB", (32, 32))
    white.paste((255, 255, 255), (4, 6, 14, 16))
    for mode in ("RGBA", "L", "P"):
        white.convert(mode).save(tmp_path / f"{mode}.png")
    found = look(SEER, load_images(tmp_path)).candidates
    assert [said.boxes.tolist() for said in found] == [[pytest.approx([4, 6, 14, 16], abs=1e-4)]] * 3
