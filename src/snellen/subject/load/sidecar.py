"""The JSON beside the weights: how pictures become the network's input, and what its outputs are called."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from snellen._errors import NetworkError, UsageError
from snellen.subject.load.classes import class_names, imagenet_names
from snellen.subject.preprocessing import Channels, Preprocessing

_NESTS = ("preprocess", "preprocessing", "pretrained_cfg")
_ORDERS: Mapping[str, Channels] = {"RGB": "RGB", "BGR": "BGR", "L": "L", "GRAY": "L", "GREY": "L"}
_SHORT_SIDE = re.compile(r"short(?:er)? side to (\d+)(?: \((?:PIL )?(\w+)\))?, cent(?:re|er) crop", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Sidecar:
    """What a sidecar says; None where it says nothing.

    Args:
        mean: per channel, in units of [0, 1].
        std: per channel, in units of [0, 1].
        preprocessing: size, crop, filter and channel order.
        class_names: one name an output.
        weights: the weights file it was written for.
        module: the Python file of the network it was written for; never run because of this entry.
        notes: what was used or not understood, one sentence each.
    """

    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    preprocessing: Preprocessing | None = None
    class_names: tuple[str, ...] | None = None
    weights: str = ""
    module: str = ""
    notes: tuple[str, ...] = ()


def _a_list(value: object) -> object:
    return [value] if isinstance(value, int | float) else value


def _bounds(value: object) -> object:
    return f"{value[0]}..{value[1]}" if isinstance(value, list) and len(value) == 2 else value


def _text_or_nothing(value: object) -> str:
    """Other tools' files use these words for other things: what is no text is not meant for us."""
    return value if isinstance(value, str) else ""


Numbers = Annotated[list[float], Field(min_length=1, max_length=3), BeforeValidator(_a_list)]
Sizes = Annotated[list[int], Field(min_length=1, max_length=3), BeforeValidator(_a_list)]
Text = Annotated[str, BeforeValidator(_text_or_nothing)]


class _Entries(BaseModel):
    """The entries that mean something here; all others are somebody else's."""

    model_config = ConfigDict(extra="ignore", allow_inf_nan=False)

    mean: Numbers | None = Field(None, validation_alias=AliasChoices("mean", "image_mean"))
    std: Numbers | None = Field(None, validation_alias=AliasChoices("std", "image_std"))
    range: Annotated[str, BeforeValidator(_bounds)] = ""
    input_size: Sizes | None = None
    channel_order: str | None = None
    resize: int | None = None
    resize_crop: Text = ""
    crop_pct: float | None = Field(None, gt=0, le=1)
    interpolation: str | None = None
    names: Any = Field(None, validation_alias=AliasChoices("class_names", "classes", "label_names", "id2label"))
    class_order: Text = ""
    weights: Text = ""
    module: Text = ""


def find_sidecar(weights: Path | None, *, chosen: str | Path | None = None) -> Path | None:
    """Which sidecar counts: the chosen one, else ``<weights stem>.json``, ``about.json`` or ``config.json``
    in the folder of the weights; None when there is none.

    Raises:
        NetworkError: the chosen file does not exist.

    >>> find_sidecar(None) is None
    True
    """
    if chosen is not None:
        path = Path(chosen).expanduser()
        if not path.is_file():
            raise NetworkError(f"no sidecar at {path}; expected a JSON file, check the path")
        return path
    if weights is None:
        return None
    names = (f"{weights.stem}.json", "about.json", "config.json")
    return next((p for name in names if (p := weights.with_name(name)).is_file()), None)


def read_sidecar(path: str | Path, *, base: Preprocessing | None = None) -> Sidecar:
    """Read preprocessing and class names from a JSON file; entries that mean nothing here are ignored.

    Understood, at the top or under ``preprocess``, ``preprocessing`` or ``pretrained_cfg``: ``input_size`` (a
    side, [h, w] or [c, h, w]), ``resize``, ``crop_pct`` (the crop's part of the short side), ``resize_crop``
    ("short side to 256 (PIL bilinear), centre crop"), ``interpolation``, ``channel_order``, ``mean``,
    ``std``, ``range`` ("0..255" when mean and std are in these units), ``class_names`` or ``classes``,
    ``class_order``, ``weights``, ``module``.

    Args:
        path: the JSON file.
        base: where it says nothing of a channel order, a filter or a size, these are taken from here.

    Raises:
        NetworkError: no such file, not JSON, or an entry that cannot be used.

    >>> read_sidecar("about.json").preprocessing.describe()  # doctest: +SKIP
    'short side to 256 (bilinear), centre crop 224 x 224, RGB'
    """
    path = Path(path)
    entries = _entries(path)
    notes = [f"preprocessing and class names from {path}"]
    fields = ("mean", "std", "preprocessing", "class_names")
    values = (
        *_normalisation(entries, path),
        _preprocessing(entries, base, path, notes),
        _names(entries, path),
    )
    if all(value is None for value in values):
        notes = [f"{path} says nothing of preprocessing or class names"]
    return Sidecar(
        **dict(zip(fields, values, strict=True)),  # type: ignore[arg-type]  # the four have four types
        weights=entries.weights,
        module=entries.module,
        notes=tuple(notes),
    )


def _entries(path: Path) -> _Entries:
    try:
        data = json.loads(path.read_text("utf-8-sig"))
    except (OSError, ValueError) as error:
        raise NetworkError(f"cannot read the sidecar {path}: {error}. Expected a JSON object.") from error
    if not isinstance(data, dict):
        raise NetworkError(f"{path} should be a JSON object with mean, std, ..., got {type(data).__name__}")
    for nest in _NESTS:
        inner = data.get(nest)
        for key, value in inner.items() if isinstance(inner, dict) else ():
            known = key in _Entries.model_fields
            if known and key in data and data[key] != value:
                raise NetworkError(f"{path} gives two values of {key}: {data[key]} and, in {nest}, {value}")
            data[key] = value
    try:
        return _Entries.model_validate(data)
    except ValidationError as error:
        lines = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}, got {e['input']!r}" for e in error.errors()]
        raise NetworkError(f"{path} cannot be used: {'; '.join(lines)}") from error


def _normalisation(entries: _Entries, path: Path) -> tuple[tuple[float, ...] | None, tuple[float, ...] | None]:
    scale = _scale(entries.range, path)
    mean = None if entries.mean is None else tuple(value / scale for value in entries.mean)
    std = None if entries.std is None else tuple(value / scale for value in entries.std)
    if mean is not None and not all(-1 <= value <= 1 for value in mean):
        raise NetworkError(
            f"{path}: the mean of pixels in [0, 1] cannot be {list(mean)}; divide mean and std by 255, "
            'or add "range": "0..255"'
        )
    if std is not None and min(std) <= 0:
        raise NetworkError(f"{path}: std must be positive in every channel, got {list(std)}")
    return mean, std


def _scale(text: str, path: Path) -> float:
    """What a pixel of 1 is worth in the units of mean and std."""
    read = re.match(r"0(?:\.0)?\s*(?:\.\.+|-|to)\s*(1|255)\b", text.strip())
    if text and read is None:
        raise NetworkError(f'{path}: range must begin with "0..1" or "0..255", got {text!r}')
    return float(read[1]) if read else 1.0


def _preprocessing(entries: _Entries, base: Preprocessing | None, path: Path, notes: list[str]) -> Preprocessing | None:
    base = base or Preprocessing()
    given = (
        entries.input_size,
        entries.resize,
        entries.crop_pct,
        entries.interpolation,
        entries.channel_order,
    )
    if all(entry is None for entry in given) and not entries.resize_crop:
        return None
    size, resize, interpolation = base.size, base.resize, entries.interpolation or base.interpolation
    if entries.input_size is not None:
        height, width = (entries.input_size * 2)[-2:] if len(entries.input_size) == 1 else entries.input_size[-2:]
        size, resize = (height, width), None
    if entries.crop_pct is not None and size is not None:
        resize = int(max(size) / entries.crop_pct)
    if entries.resize_crop:
        read = _SHORT_SIDE.search(entries.resize_crop)
        if read is None:
            notes.append(
                f"{path}: resize_crop {entries.resize_crop!r} is not understood and not used; "
                'write "resize": 256, "interpolation": "bilinear"'
            )
        else:
            resize = int(read[1])
            interpolation = entries.interpolation or read[2] or base.interpolation
    resize = entries.resize if entries.resize is not None else resize
    try:
        return Preprocessing(
            size=size,
            resize=resize,
            interpolation=interpolation.lower(),
            channels=_channels(entries, base, path),
        )
    except UsageError as error:
        raise NetworkError(f"{path} cannot be used: {error}") from error


def _channels(entries: _Entries, base: Preprocessing, path: Path) -> Channels:
    if entries.channel_order is not None:
        order = _ORDERS.get(entries.channel_order.upper())
        if order is None:
            raise NetworkError(f"{path}: channel_order must be RGB, BGR or L, got {entries.channel_order!r}")
        return order
    one = entries.input_size is not None and len(entries.input_size) == 3 and entries.input_size[0] == 1
    return "L" if one else base.channels


def _names(entries: _Entries, path: Path) -> tuple[str, ...] | None:
    if entries.names is not None and not isinstance(entries.names, int):
        return class_names(entries.names, source=str(path))
    if re.search(r"imagenet[- ]?1k", entries.class_order, re.IGNORECASE):
        return imagenet_names()
    return None
