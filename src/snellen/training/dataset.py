"""Labelled images to train a classifier on, in memory: some to train on, some to judge it by, some kept for the end."""

import hashlib
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from functools import cached_property

import numpy as np
import torch
from jaxtyping import UInt8
from numpy.typing import NDArray
from torch import Tensor

from snellen._errors import ImagesError, UsageError
from snellen._shapes import Labels
from snellen.subject.images import Images
from snellen.subject.load.images import load_images
from snellen.subject.load.parts import named_parts
from snellen.subject.preprocessing import Preprocessing
from snellen.training.augment import Views
from snellen.training.checkpoint import fingerprint
from snellen.training.sources import decoded

SHOWN = 2_000
"""At most so many training images are shown to the network as validation images are, to measure the gap."""


@dataclass(frozen=True, eq=False)
class Part:
    """Images of one size, (n, 3, h, w) uint8, and the class of each."""

    images: UInt8[Tensor, "n 3 h w"]
    labels: Labels

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True, eq=False)
class Dataset:
    """What a classifier is trained on.

    Attributes:
        views: the training images.
        labels: their classes, from 0.
        shown: some of them as validation images are seen: whole or their centre, nothing changed.
        val: never trained on; looked at after every epoch.
        test: never trained on; looked at once, at the end. None if there is no such part.
        class_names: one a class.
        preprocessing: how a picture becomes what ``val`` and ``test`` hold, and what the network is given later.
        name: of the file or folder.
        notes: what loading had to do, one sentence each.
    """

    views: Views
    labels: Labels
    _: KW_ONLY
    shown: Part
    val: Part
    test: Part | None
    class_names: tuple[str, ...]
    preprocessing: Preprocessing
    name: str
    notes: tuple[str, ...] = ()

    @cached_property
    def fingerprint(self) -> str:
        """What tells this data set from others, its split included."""
        return f"{self.views.fingerprint} {fingerprint(self.labels, self.val.images, self.val.labels)}"

    @cached_property
    def grey(self) -> bool:
        """Whether no training image has colours."""
        return all(bool((image[0] == image[1]).all() and (image[1] == image[2]).all()) for image in self.views.images)

    @property
    def missing(self) -> tuple[str, ...]:
        """The classes without a validation image."""
        there = set(self.val.labels.tolist())
        return tuple(name for index, name in enumerate(self.class_names) if index not in there)


def load_dataset(
    spec: str,
    *,
    val: str | None = None,
    test: str | None = None,
    share: float = 0.1,
    side: int | None = None,
    limit: int | None = None,
    seed: int = 0,
) -> Dataset:
    """The labelled images that ``spec`` names, its own parts or a part of every class held back by the seed.

    Args:
        spec: ``digits``; a folder with one folder a class, or with ``train`` and ``val`` or ``test``; an ``.npz``; a
            ``.parquet`` file.
        val: other images to judge by.
        test: other images to measure on, once.
        share: of every class, held back to judge by where no part is named for it. Images of equal pixels lie on one
            side.
        side: height and width to train at, in pixels; needed where images differ in size.
        limit: at most so many of ``spec``, drawn by the seed.
        seed: of the draws.

    Raises:
        UsageError: a share outside (0, 0.5], images of several sizes and no side.
        ImagesError: no labels, fewer than two classes, an empty part, a part with classes that are not trained on, an
            image that cannot be decoded or holds NaN.

    >>> data = load_dataset("digits")
    >>> len(data.views), len(data.val), len(data.test or ())
    (1167, 130, 500)
    """
    if not 0 < share <= 0.5:
        raise UsageError(f"the part held back to judge by must be above 0 and at most 0.5, got {share}")
    named = named_parts(spec) | {k: v for k, v in (("val", val), ("test", test)) if v is not None}
    images, classes, notes = _labelled(load_images(named["train"], limit=limit, seed=seed))
    labels = classes.of(images)
    found = decoded(images, side)
    size = _size(found, side, images.name)
    fit = Preprocessing(size=size, resize=side, interpolation="bicubic")
    rows = np.arange(len(found))
    if "val" in named:
        judged = _other(named["val"], "val", classes, fit)
    else:
        rows, out, more = _split(found, labels, share, seed, images.name)
        notes += more
        judged = _part(images.subset(out), labels[out], fit)
    chosen = [found[i] for i in rows]
    equal = all(image.shape[1:] == size for image in chosen)
    drawn = np.sort(np.random.default_rng(seed).permutation(rows)[:SHOWN])
    return Dataset(
        Views(torch.stack(chosen) if equal else chosen, size),
        torch.from_numpy(labels[rows]),
        shown=_part(images.subset(drawn), labels[drawn], fit),
        val=judged,
        test=_other(named["test"], "test", classes, fit) if "test" in named else None,
        class_names=classes.names,
        preprocessing=fit,
        name=images.name if named["train"] == spec else spec.rstrip("/").rpartition("/")[2],
        notes=notes,
    )


@dataclass(frozen=True, eq=False)
class _Classes:
    """The classes that are trained on: their names, their labels as stored, and all that these could have named."""

    names: tuple[str, ...]
    used: NDArray[np.int64]
    listed: tuple[str, ...] | None

    def of(self, images: Images) -> NDArray[np.int64]:
        """The class of each image, -1 where it is none of these."""
        assert images.labels is not None
        if images.class_names is None or self.listed in (None, images.class_names):
            place = np.searchsorted(self.used, images.labels).clip(max=len(self.used) - 1)
            return np.where(self.used[place] == images.labels, place, -1)
        known = {name: index for index, name in enumerate(self.names)}
        return np.array([known.get(images.class_names[label], -1) for label in images.labels])


def _labelled(images: Images) -> tuple[Images, _Classes, tuple[str, ...]]:
    """The images that have a label, the classes of them, and what was done."""
    if images.labels is None:
        raise ImagesError(
            f"{images.name} has no labels to train on; expected one folder a class, an .npz with labels "
            "(data.npz#images_key,labels_key), or a Parquet file with a label column"
        )
    notes, listed = list(images.notes), images.class_names
    known = np.flatnonzero(images.labels >= 0)
    if len(known) < len(images):
        notes.append(f"{len(images) - len(known)} of {len(images)} images have no label and were left out")
        images = images.subset(known)
    assert images.labels is not None
    used = np.unique(images.labels)
    names = tuple(listed[label] if listed is not None else str(label) for label in used)
    if len(used) < 2:
        raise ImagesError(
            f"a classifier needs images of at least 2 classes, {images.name} has {', '.join(names) or 'none'}"
        )
    if used[-1] != len(used) - 1:
        shown = ", ".join(str(label) for label in used[:5]) + (", ..." if len(used) > 5 else "")
        notes.append(f"the labels {shown} have gaps: they became classes 0 to {len(used) - 1}, each with its name")
    elif listed is not None and len(listed) > len(used):
        notes.append(f"{len(listed) - len(used)} named classes have no image and were left out")
    return images, _Classes(names, used, listed), tuple(notes)


def _size(found: Sequence[Tensor], side: int | None, name: str) -> tuple[int, int]:
    if side is not None:
        return side, side
    sizes = sorted({(image.shape[1], image.shape[2]) for image in found})
    if len(sizes) > 1:
        raise UsageError(f"{name} holds images of {len(sizes)} sizes: say at which to train, such as --side 64")
    return sizes[0]


def _split(
    found: Sequence[Tensor], labels: NDArray[np.int64], share: float, seed: int, name: str
) -> tuple[NDArray[np.int64], NDArray[np.int64], tuple[str, ...]]:
    """Rows to train on and rows to judge by, in their order, and what is to be said of it."""
    rng = np.random.default_rng(seed)
    pixels = [hashlib.blake2b(image.numpy().tobytes(), digest_size=16).hexdigest() for image in found]
    _, first, group = np.unique(pixels, return_index=True, return_inverse=True)
    chosen = np.zeros(len(first), bool)
    for label in np.unique(labels):
        rows = rng.permutation(np.sort(first[labels[first] == label]))
        chosen[group[rows[: min(max(round(len(rows) * share), 1), len(rows) - 1)]]] = True
    held = chosen[group]
    if not held.any():
        raise ImagesError(
            f"no image of {name} is left to judge by: {len(first)} different images of {len(np.unique(labels))} "
            "classes; give more images, or others as --val"
        )
    notes = [f"{int(held.sum())} of {len(labels)} images, {share:.0%} of every class, were held back (seed {seed})"]
    if len(first) < len(labels):
        notes.append(f"{len(labels) - len(first)} images have the pixels of another one, and lie on its side")
    return np.flatnonzero(~held), np.flatnonzero(held), tuple(notes)


def _other(spec: str, part: str, classes: _Classes, fit: Preprocessing) -> Part:
    """A part that was named, its labels by the classes that are trained on."""
    images = load_images(spec)
    labels = images.labels
    if labels is None or not (labels >= 0).any():
        raise ImagesError(f"{spec}, given as {part}, has no labels; expected those of the images trained on")
    images = images.subset(np.flatnonzero(labels >= 0))
    mapped = classes.of(images)
    strange = mapped < 0
    if strange.any():
        assert images.labels is not None
        named = images.class_names
        others = sorted({named[label] if named else str(label) for label in images.labels[strange]})
        raise ImagesError(
            f"{int(strange.sum())} of {len(images)} images of {part} are of classes without a training image: "
            f"{', '.join(others[:5])}{', ...' if len(others) > 5 else ''}. Trained on: "
            f"{', '.join(classes.names[:10])}{', ...' if len(classes.names) > 10 else ''}. Take them out, or add "
            "such images to those trained on."
        )
    return _part(images, mapped, fit)


def _part(images: Images, labels: NDArray[np.int64], fit: Preprocessing) -> Part:
    """Images as an examination will see them, as bytes."""
    pixels = images.pixels(Preprocessing() if fit.resize is None else fit)
    if pixels.shape[2:] != fit.size:
        raise ImagesError(
            f"{images.name} holds images of {pixels.shape[2]} x {pixels.shape[3]} pixels (height x width), those to "
            f"train on have {' x '.join(map(str, fit.size or ()))}; give a --side for both"
        )
    return Part((pixels * 255).round().to(torch.uint8), torch.from_numpy(labels))
