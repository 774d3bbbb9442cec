"""How a picture of any size becomes the square of pixels that a network was trained on."""

from dataclasses import dataclass
from typing import Literal

from PIL import Image

from snellen._errors import UsageError

Channels = Literal["RGB", "BGR", "L"]
FILTERS = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}


@dataclass(frozen=True, kw_only=True)
class Preprocessing:
    """Size, crop and channel order of a network's input.

    The usual ImageNet protocol is ``Preprocessing(size=(224, 224), resize=256)``: the short side to 256, then the
    centre 224 x 224. Without ``resize`` the picture is scaled to ``size`` whatever its proportions; without
    ``size`` it is left as it is, and then all images of a batch must have one size. The long side is cut to whole
    pixels and the margins of the crop are rounded to even, as torchvision does on Pillow images.

    Args:
        size: height and width that go into the network, in pixels.
        resize: the short side before the centre crop, in pixels.
        interpolation: ``nearest``, ``bilinear``, ``bicubic`` or ``lanczos`` (Pillow's, hence antialiased).
        channels: the order the network expects: ``RGB``, ``BGR``, or ``L`` for one channel of grey.

    Raises:
        UsageError: a size below 1, a crop larger than the resized picture, an unknown filter or order.
    """

    size: tuple[int, int] | None = None
    resize: int | None = None
    interpolation: str = "bilinear"
    channels: Channels = "RGB"

    def __post_init__(self) -> None:
        if self.interpolation not in FILTERS:
            raise UsageError(f"interpolation must be one of {', '.join(FILTERS)}, got {self.interpolation!r}")
        if self.channels not in ("RGB", "BGR", "L"):
            raise UsageError(f"channels must be RGB, BGR or L, got {self.channels!r}")
        if self.size is not None and min(self.size) < 1:
            raise UsageError(f"size must be a height and a width of at least 1, got {self.size}")
        if self.resize is not None:
            if self.size is None:
                raise UsageError(f"resize={self.resize} needs a size to crop to; give both")
            if self.resize < max(self.size):
                raise UsageError(f"resize must be at least the crop's larger side {max(self.size)}, got {self.resize}")

    @property
    def count(self) -> int:
        """Channels that go in: 1 for grey, else 3."""
        return 1 if self.channels == "L" else 3

    def describe(self) -> str:
        """One phrase for the report: ``short side to 256 (bilinear), centre crop 224 x 224, RGB``."""
        channels = "grey" if self.channels == "L" else self.channels
        if self.size is None:
            return f"as stored, {channels}"
        height, width = self.size
        if self.resize is None:
            return f"scaled to {height} x {width} ({self.interpolation}) where it differs, {channels}"
        return f"short side to {self.resize} ({self.interpolation}), centre crop {height} x {width}, {channels}"

    def fit(self, picture: Image.Image) -> Image.Image:
        """The picture, scaled and cropped. Its mode is kept; a picture already of the right size is untouched."""
        if self.size is None:
            return picture
        height, width = self.size
        sampling = FILTERS[self.interpolation]
        if self.resize is None:
            return picture if picture.size == (width, height) else picture.resize((width, height), sampling)
        short = min(picture.size)
        wide, high = (self.resize * side // short for side in picture.size)
        if picture.size != (wide, high):
            picture = picture.resize((wide, high), sampling)
        left, top = round((wide - width) / 2), round((high - height) / 2)
        return picture.crop((left, top, left + width, top + height))
