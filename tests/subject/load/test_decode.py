"""Exact pixels for every kind of file, and a reason for every file that is refused."""

import io
import struct
import time
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFile

from snellen._errors import ImagesError
from snellen.subject.load.decode import decode_bytes, decode_file

RNG = np.random.default_rng(0)
NOISE = RNG.integers(0, 256, (40, 30, 3), dtype=np.uint8)
TURNED = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
    8: lambda a: np.rot90(a, 1),
}
"""What a viewer shows of the stored array, by EXIF orientation."""


def encoded(image: Image.Image, form: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def png_header(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def array(data: bytes) -> np.ndarray:
    return np.asarray(decode_bytes(data))


@pytest.mark.parametrize("form", ["PNG", "BMP", "TIFF", "PPM", "WEBP"])
def test_lossless_formats_keep_every_pixel(form: str) -> None:
    options = {"lossless": True} if form == "WEBP" else {}
    np.testing.assert_array_equal(array(encoded(Image.fromarray(NOISE), form, **options)), NOISE)


@pytest.mark.parametrize("part", [0.3, 0.9, 0.99])
@pytest.mark.parametrize("form", ["JPEG", "PNG", "BMP", "GIF", "TIFF", "WEBP", "PPM"])
def test_a_file_cut_short_is_refused(form: str, part: float) -> None:
    data = encoded(Image.fromarray(NOISE), form)
    with pytest.raises(ImagesError, match=r"^(truncated|damaged|not an image)"):
        decode_bytes(data[: int(len(data) * part)])


@pytest.mark.parametrize("part", [0.3, 0.9, 0.99])
@pytest.mark.parametrize("form", ["JPEG", "BMP"])
def test_a_cut_jpeg_or_bmp_is_called_truncated_even_where_a_library_tolerates_it(
    form: str, part: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    data = encoded(Image.fromarray(NOISE), form)
    with pytest.raises(ImagesError, match=r"^truncated"):
        decode_bytes(data[: int(len(data) * part)])
    assert ImageFile.LOAD_TRUNCATED_IMAGES is True


@pytest.mark.parametrize(
    ("data", "reason"),
    [(b"", "empty"), (b"<html>not found</html>", "not an image"), (b"%PDF-1.7", "not an image")],
)
def test_what_is_no_image_is_refused(data: bytes, reason: str, tmp_path: Path) -> None:
    with pytest.raises(ImagesError, match=rf"^{reason}"):
        decode_bytes(data)
    path = tmp_path / "a.jpg"
    path.write_bytes(data)
    with pytest.raises(ImagesError, match=rf"^{reason}"):
        decode_file(path)


@pytest.mark.parametrize("side", [50_000, 10_000])
def test_a_huge_picture_is_refused_by_its_header(side: int) -> None:
    resource = pytest.importorskip("resource")
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
    with pytest.raises(ImagesError, match=r"^too large: .*89,478,485"):
        decode_bytes(png_header(side, side))
    assert time.perf_counter() - start < 1
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000  # kB


def test_the_limit_holds_where_a_library_took_pillows_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
    with pytest.raises(ImagesError, match=r"^too large: 50000 x 50000 pixels"):
        decode_bytes(png_header(50_000, 50_000))


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(ImagesError, match="no such file"):
        decode_file(tmp_path / "absent.png")
    with pytest.raises(ImagesError, match="not a file"):
        decode_file(tmp_path)


def test_one_pixel_decodes() -> None:
    np.testing.assert_array_equal(array(encoded(Image.new("RGB", (1, 1), (1, 2, 3)), "PNG")), [[[1, 2, 3]]])


@pytest.mark.parametrize("form", ["PNG", "TIFF"])
def test_sixteen_bit_grey_is_scaled_not_clipped(form: str) -> None:
    values = np.array([[0, 1, 255, 256], [4096, 32768, 65534, 65535]], dtype=np.uint16)
    picture = decode_bytes(encoded(Image.fromarray(values), form))
    assert isinstance(picture, np.ndarray)
    np.testing.assert_array_equal(picture[:, :, 0], (values / 65535).astype(np.float32))


def test_integer_tiff_beyond_sixteen_bits_says_what_it_holds() -> None:
    with pytest.raises(ImagesError, match="0 to 65535, got -3 to 70000"):
        decode_bytes(encoded(Image.fromarray(np.array([[-3, 70_000]], dtype=np.int32)), "TIFF"))


def test_integer_tiff_of_bytes_is_not_taken_for_nearly_black() -> None:
    with pytest.raises(ImagesError, match="whether white is 255 or 65,535 cannot be told"):
        decode_bytes(encoded(Image.fromarray(np.array([[0, 255]], dtype=np.int32)), "TIFF"))
    wide = decode_bytes(encoded(Image.fromarray(np.array([[0, 65_535]], dtype=np.int32)), "TIFF"))
    np.testing.assert_array_equal(np.asarray(wide)[:, :, 0], [[0.0, 1.0]])


def test_float_tiff_is_taken_in_0_to_1_only() -> None:
    values = np.array([[0.0, 0.25, 1.0]], dtype=np.float32)
    picture = decode_bytes(encoded(Image.fromarray(values), "TIFF"))
    np.testing.assert_array_equal(np.asarray(picture)[:, :, 0], values)
    with pytest.raises(ImagesError, match="0 to 1, got 0 to 255"):
        decode_bytes(encoded(Image.fromarray(values * 255), "TIFF"))
    with pytest.raises(ImagesError, match="NaN"):
        decode_bytes(encoded(Image.fromarray(values * np.nan), "TIFF"))


def test_cmyk_tiff_has_closed_form_pixels() -> None:
    picture = Image.new("CMYK", (2, 1))
    picture.putdata([(0, 0, 0, 0), (255, 0, 0, 0)])
    np.testing.assert_array_equal(array(encoded(picture, "TIFF")), [[[255, 255, 255], [0, 255, 255]]])


def test_adobe_cmyk_jpeg_is_not_inverted() -> None:
    """Pillow writes CMYK JPEG as Adobe does, inverted and with the marker; red must stay red, white white."""
    for ink, colour in (((0, 255, 255, 0), (255, 0, 0)), ((0, 0, 0, 0), (255, 255, 255))):
        data = encoded(Image.new("CMYK", (16, 16), ink), "JPEG", quality=100)
        assert b"Adobe" in data
        np.testing.assert_allclose(array(data)[8, 8], colour, atol=2)


def test_palette_and_its_transparency() -> None:
    picture = Image.new("P", (3, 1))
    picture.putpalette([10, 20, 30, 40, 50, 60, 70, 80, 90])
    picture.putdata([2, 0, 1])
    expected = [[[70, 80, 90], [10, 20, 30], [40, 50, 60]]]
    np.testing.assert_array_equal(array(encoded(picture, "PNG")), expected)
    np.testing.assert_array_equal(array(encoded(picture, "PNG", transparency=b"\x00\x80\xff")), expected)


def test_transparency_is_dropped_as_torchvision_does() -> None:
    rgba = Image.new("RGBA", (2, 1))
    rgba.putdata([(1, 2, 3, 0), (4, 5, 6, 128)])
    np.testing.assert_array_equal(array(encoded(rgba, "PNG")), [[[1, 2, 3], [4, 5, 6]]])
    la = Image.new("LA", (2, 1))
    la.putdata([(7, 0), (8, 255)])
    np.testing.assert_array_equal(array(encoded(la, "PNG")), [[7, 8]])


def test_grey_and_one_bit_stay_one_channel() -> None:
    np.testing.assert_array_equal(array(encoded(Image.fromarray(NOISE[:, :, 0]), "PNG")), NOISE[:, :, 0])
    bits = Image.fromarray(np.array([[0, 255, 255]], dtype=np.uint8)).convert("1")
    np.testing.assert_array_equal(array(encoded(bits, "PNG")), [[0, 255, 255]])


@pytest.mark.parametrize("form", ["GIF", "WEBP", "PNG", "TIFF"])
def test_the_first_frame_of_an_animation(form: str) -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ((255, 0, 0), (0, 0, 255))]
    options = {"lossless": True} if form == "WEBP" else {}
    data = encoded(frames[0], form, save_all=True, append_images=frames[1:], **options)
    np.testing.assert_array_equal(array(data)[4, 4], [255, 0, 0])


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("form", ["PNG", "TIFF"])
def test_exif_orientation_equals_the_hand_turned_array(orientation: int, form: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(Image.fromarray(NOISE), form, exif=exif)
    np.testing.assert_array_equal(array(data), TURNED[orientation](NOISE))


def test_exif_orientation_of_sixteen_bits() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    values = np.arange(6, dtype=np.uint16).reshape(2, 3) * 9000
    picture = np.asarray(decode_bytes(encoded(Image.fromarray(values), "PNG", exif=exif)))
    np.testing.assert_array_equal(picture[:, :, 0], (np.rot90(values, -1) / 65535).astype(np.float32))


@pytest.mark.parametrize("exif", [b"Exif\x00\x00garbage", b"Exif\x00\x00II*\x00\xff\xff\xff\xff", b"Exif\x00\x00"])
def test_broken_exif_does_not_lose_the_picture(exif: bytes) -> None:
    whole = encoded(Image.fromarray(NOISE), "JPEG")
    data = whole[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + whole[2:]
    np.testing.assert_array_equal(array(data), array(whole))
