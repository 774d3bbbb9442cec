"""One image file, decoded to the last byte or refused with a reason."""

import io
import re
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile, ImageOps, UnidentifiedImageError

from snellen._errors import ImagesError
from snellen.subject.source import Picture

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "PPM")
BEGINNINGS = {b"\xff\xd8\xff": "JPEG", b"\x89PNG": "PNG", b"GIF8": "GIF", b"II*\x00": "TIFF", b"MM\x00*": "TIFF"}
MAX_PIXELS = 89_478_485
"""Pillow's own limit: 256 MB of RGB."""


def decode_bytes(data: bytes, *, max_pixels: int = MAX_PIXELS) -> Picture:
    """The picture in these bytes; see :func:`decode_file`.

    >>> import io
    >>> from PIL import Image
    >>> file = io.BytesIO()
    >>> Image.new("CMYK", (4, 3)).save(file, "JPEG")
    >>> decode_bytes(file.getvalue()).mode
    'RGB'
    """
    if not data:
        raise ImagesError("empty: 0 bytes")
    return _decode(io.BytesIO(data), max_pixels)


def decode_file(path: Path, *, max_pixels: int = MAX_PIXELS) -> Picture:
    """The picture in a file, as a classifier's training pipeline would have read it.

    The whole file is decoded, because Pillow's ``verify`` passes truncated JPEG, BMP, GIF and TIFF. EXIF
    orientation is applied. Transparency is dropped, not composited, as torchvision and timm do
    (``convert("RGB")``). 16-bit grey is scaled by 65,535, and a float TIFF must lie in [0, 1]. Of an
    animation the first frame counts.

    Args:
        path: a JPEG, PNG, WebP, BMP, GIF, TIFF or PPM file, whatever its extension says.
        max_pixels: larger pictures are refused by their header, before anything is allocated.

    Returns:
        Pillow's ``RGB`` or ``L`` of 8 bits, or float32 (h, w, 1) for what has more than 8 bits.

    Raises:
        ImagesError: the reason, in a few words: truncated, empty, not an image, too large, damaged.
    """
    try:
        if not path.is_file():
            raise ImagesError("not a file" if path.exists() else "no such file")
        if path.stat().st_size == 0:
            raise ImagesError("empty: 0 bytes")
        with path.open("rb") as file:
            return _decode(file, max_pixels)
    except OSError as error:
        raise ImagesError(f"cannot be read: {error.strerror or error}") from error


def _decode(file: IO[bytes], max_pixels: int) -> Picture:
    with _strict():
        try:
            image = Image.open(file, formats=FORMATS)
        except UnidentifiedImageError as error:
            raise ImagesError(_unidentified(file)) from error
        except Exception as error:
            raise _refusal(error) from error
        with image:
            if image.width * image.height > max_pixels:
                raise ImagesError(_too_large(f"{image.width} x {image.height}", max_pixels))
            try:
                image.load()
                return _converted(_upright(image))
            except ImagesError:
                raise
            except Exception as error:
                raise _refusal(error) from error


@contextmanager
def _strict() -> Iterator[None]:
    """A decompression bomb is an error, other warnings are no reason to stop, half a file is no picture."""
    tolerant = ImageFile.LOAD_TRUNCATED_IMAGES
    ImageFile.LOAD_TRUNCATED_IMAGES = False  # other libraries set it at import, for the whole process
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            yield
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = tolerant


def _refusal(error: Exception) -> ImagesError:
    """The reason in a few words. Pillow raises a dozen types for damaged files; only their text tells."""
    text = str(error)
    if isinstance(error, (Image.DecompressionBombError, Image.DecompressionBombWarning)):
        pixels = re.search(r"\d+", text)
        return ImagesError(_too_large(f"{int(pixels[0]):,}" if pixels else "too many", MAX_PIXELS))
    if isinstance(error, MemoryError):
        return ImagesError("too large: not enough memory to decode it")
    if "truncated" in text.lower() or isinstance(error, (EOFError, struct.error)):
        return ImagesError(f"truncated: {text}")
    return ImagesError(f"damaged: {text or type(error).__name__}")


def _unidentified(file: IO[bytes]) -> str:
    file.seek(0)
    head = file.read(4)
    for beginning, form in BEGINNINGS.items():
        if head.startswith(beginning):
            return f"damaged: begins like {form}, but its header is cut short or broken"
    return f"not an image: no {', '.join(FORMATS[:-1])} or {FORMATS[-1]} header"


def _too_large(found: str, max_pixels: int) -> str:
    return f"too large: {found} pixels, at most {max_pixels:,} are decoded"


def _upright(image: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # a damaged EXIF block: the pixels are whole, and nothing says that they lie on their side
        return image.copy()


def _converted(image: Image.Image) -> Picture:
    mode = image.mode
    if mode in ("L", "RGB"):
        return image
    if mode == "I" and 0 < image.getextrema()[1] <= 255:  # type: ignore[operator]  # one channel: two numbers
        raise ImagesError(
            "32-bit numbers of at most 255: whether white is 255 or 65,535 cannot be told; save it with 8 or 16 bits"
        )
    if mode.startswith("I"):
        return _scaled(image, 65_535)
    if mode == "F":
        return _scaled(image, 1)
    if mode in ("1", "LA", "La"):
        return (image.convert("LA") if mode == "La" else image).convert("L")
    if mode == "RGBa":
        image = image.convert("RGBA")
    if mode in ("P", "PA", "RGBA", "RGBX", "CMYK", "YCbCr", "HSV", "RGBa"):
        return image.convert("RGB")
    raise ImagesError(f"pixel mode {mode} is not supported; save it as RGB or grey")


def _scaled(image: Image.Image, top: int) -> NDArray[np.float32]:
    values = np.asarray(image).astype(np.float64)
    if not np.isfinite(values).all():
        raise ImagesError("holds NaN or infinite values")
    low, high = values.min(), values.max()
    if low < 0 or high > top:
        raise ImagesError(f"values must lie in 0 to {top}, got {low:g} to {high:g}; rescale it")
    return (values / top).astype(np.float32)[:, :, None]
