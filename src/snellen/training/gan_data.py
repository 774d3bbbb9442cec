"""Real images for a generator to learn from, of one size, in memory as bytes."""

from collections.abc import Iterator
from dataclasses import KW_ONLY, dataclass, replace
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from snellen._errors import ImagesError, UsageError
from snellen._shapes import Labels
from snellen.nets.generator import SIDES, check_side
from snellen.subject.images import Batch, Images
from snellen.subject.load.images import load_images
from snellen.subject.load.parts import named_parts
from snellen.subject.preprocessing import Preprocessing
from snellen.training.checkpoint import fingerprint

MOST_BYTES = 4 * 2**30
BATCH = 256


@dataclass(frozen=True, eq=False)
class GanData:
    """What a generator learns to make.

    Attributes:
        images: (n, c, side, side) uint8; one channel where no image has colours, else three.
        labels: their classes; None where they have none.
        class_names: one a class; None likewise.
        source: the same images as they were loaded.
        name: of the file or folder.
        notes: what loading had to do, one sentence each.
    """

    images: UInt8[Tensor, "n c side side"]
    _: KW_ONLY
    labels: Labels | None
    class_names: tuple[str, ...] | None
    source: Images
    name: str
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.images)

    @property
    def channels(self) -> int:
        """1 for grey, 3 for colours."""
        return self.images.shape[1]

    @property
    def side(self) -> int:
        """Pixels."""
        return self.images.shape[2]

    @cached_property
    def fingerprint(self) -> str:
        """What tells these images from others."""
        return fingerprint(self.images, *(() if self.labels is None else (self.labels,)))

    def pixels(self, rows: Tensor, *, mirrored: Tensor | None = None) -> Float[Tensor, "b c side side"]:
        """These images in [-1, 1], those for which ``mirrored`` (b,) is true as in a mirror."""
        pixels = self.images[rows].float() / 127.5 - 1
        if mirrored is not None:
            pixels = torch.where(mirrored.view(-1, 1, 1, 1), pixels.flip(3), pixels)
        return pixels.contiguous(memory_format=torch.channels_last)


def load_gan_data(spec: str, *, side: int | None = None, limit: int | None = None, seed: int = 0) -> GanData:
    """The images that ``spec`` names, or the part of them that is there to train on, at one size.

    Args:
        spec: ``digits``; a folder, with or without ``train``; an ``.npz``; a ``.parquet`` file.
        side: height and width to learn at: the largest centre square of every image is resized to it. If not given,
            the images' own size.
        limit: at most so many, drawn by the seed.
        seed: of that draw.

    Raises:
        UsageError: a size that a generator cannot reach; images of several sizes and no side.
        ImagesError: an image that cannot be decoded or holds NaN; too many for the memory.

    >>> data = load_gan_data("digits")
    >>> tuple(data.images.shape), len(data.class_names)
    ((1297, 1, 32, 32), 10)
    """
    if side is not None:
        check_side(side)
    images = load_images(named_parts(spec)["train"], limit=limit, seed=seed)
    found = _decoded(images, side)
    labels, names, notes = _classes(images)
    name = images.name if spec.startswith("digits") else spec.rstrip("/").rpartition("/")[2]
    return GanData(found, labels=labels, class_names=names, source=images, name=name, notes=notes)


def needs(data: GanData, *, batch: int, conditional: bool) -> GanData:
    """The data, if a training with these settings can be made of them; unlabelled images are left out where needed.

    Raises:
        ImagesError: fewer images than a batch; classes are asked for and there are not at least two.
    """
    if conditional:
        if data.labels is None or data.class_names is None:
            raise ImagesError(
                f"{data.name} has no labels; a generator that is told the class needs one folder a class, an .npz with "
                "labels or a Parquet file with a label column. Or leave --conditional out"
            )
        known = np.flatnonzero(data.labels.numpy() >= 0)
        if len(known) < len(data):
            note = f"{len(data) - len(known)} images have no label and were left out"
            data = replace(
                data,
                images=data.images[known],
                labels=data.labels[known],
                source=data.source.subset(known),
                notes=(*data.notes, note),
            )
        if len(data.class_names or ()) < 2:
            raise ImagesError(f"{data.name} holds images of one class; leave --conditional out")
    if len(data) < batch:
        raise ImagesError(
            f"a step is of {batch} different images and {data.name} has {len(data)}; take a --batch-size of at most "
            f"{len(data)}, or give more images"
        )
    return data


def _decoded(images: Images, side: int | None) -> UInt8[Tensor, "n c s s"]:
    """As bytes, channel by channel; one channel where all are grey."""
    parts: list[Tensor] = []
    for batch in _batches(images, side):
        if batch.bad:
            bad = batch.bad[0]
            raise ImagesError(f"{bad.name} cannot be trained on: {bad.reason}; mend it or take it away")
        parts.append((batch.pixels * 255).round().to(torch.uint8))
        _check_size(batch.pixels.shape[2], batch.pixels.shape[3], images.name)
        if sum(part.numel() for part in parts) > MOST_BYTES:
            raise ImagesError(
                f"{images.name} takes more than {MOST_BYTES >> 30} GB of memory; train on a part "
                f"(--limit {BATCH * (len(parts) - 1)}) or at a smaller --side"
            )
    if not parts:
        raise ImagesError(f"{images.name} holds no images to learn from")
    whole = torch.cat(parts)
    grey = all(bool((part[:, :1] == part).all()) for part in whole.split(4096))
    return whole[:, :1].contiguous() if grey else whole


def _batches(images: Images, side: int | None) -> Iterator[Batch]:
    """The largest centre squares at this side, or all images as they are, if they are of one size."""
    if side is not None:
        yield from images.batches(
            Preprocessing(size=(side, side), resize=side, interpolation="bicubic"), batch_size=BATCH
        )
        return
    try:
        yield from images.batches(Preprocessing(), batch_size=BATCH)
    except ImagesError as error:
        raise UsageError(
            f"{images.name} holds images of several sizes: say at which to train, such as --side 32"
        ) from error


def _check_size(height: int, width: int, name: str) -> None:
    """Raise unless a generator reaches it."""
    if height != width or height not in SIDES:
        close = min(SIDES, key=lambda known: abs(known - min(height, width)))
        raise UsageError(
            f"the images of {name} are {height} x {width} pixels (height x width); a generator reaches "
            f"{', '.join(f'{known} x {known}' for known in SIDES)}. Give a --side, such as {close}: the centre square "
            "is resized to it"
        )


def _classes(images: Images) -> tuple[Labels | None, tuple[str, ...] | None, tuple[str, ...]]:
    """Labels from 0 without gaps, -1 where unknown, and their names."""
    if images.labels is None or not (images.labels >= 0).any():
        return None, None, images.notes
    used = np.unique(images.labels[images.labels >= 0])
    place = np.searchsorted(used, images.labels).clip(max=len(used) - 1)
    labels = np.where(images.labels >= 0, place, -1)
    names = tuple(images.class_names[label] if images.class_names else str(label) for label in used)
    return torch.from_numpy(labels), names, images.notes
