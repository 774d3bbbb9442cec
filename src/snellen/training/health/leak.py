"""The same images in two splits: the same files, the same pixels, or nearly the same."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from scipy import stats
from torch import Tensor

from snellen._errors import UsageError
from snellen.training.health.kept import kept
from snellen.training.health.setup import INPUTS, inputs_and_targets

SIDE = 16  # near-duplicates are looked for at this size
CLOSE = 0.25  # of the middle distance to the nearest other training image


@dataclass(frozen=True, eq=False)
class Split:
    """What is known of one split: a hash an image, small grey copies, files, and the identity of its dataset."""

    hashes: list[str]
    small: Tensor
    files: frozenset[str] = frozenset()
    source: int = 0
    indices: frozenset[int] = field(default_factory=frozenset)


@dataclass(frozen=True)
class Overlap:
    """What two splits share."""

    files: int
    indices: int
    pixels: tuple[tuple[int, int], ...]
    near: tuple[tuple[int, int], ...]
    expected: float
    probability: float


def read_split(source: Any, *, most: int = 5000) -> Split:
    """Read up to ``most`` images of a loader, a dataset, a tensor or (inputs, targets); generators are left alone."""
    dataset = source if hasattr(source, "indices") else getattr(source, "dataset", source)
    hashes: list[str] = []
    small: list[Tensor] = []
    with kept([], []):
        for image in _images(source, most):
            hashes.append(hashlib.blake2b(image.numpy().tobytes() + str(tuple(image.shape)).encode()).hexdigest())
            small.append(_small(image))
    inner = getattr(dataset, "dataset", dataset)
    return Split(
        hashes,
        torch.stack(small) if small else torch.zeros(0, SIDE * SIDE),
        frozenset(str(p) for p in _paths(dataset)),
        id(inner),
        _indices(dataset),
    )


def read_labelled(source: Any, *, most: int = 600) -> tuple[Tensor, Tensor] | None:
    """(n, ...) images and (n,) classes of a loader, a dataset or (inputs, targets); None if it holds no such pairs."""
    images: list[Tensor] = []
    labels: list[int] = []
    with kept([], []):
        for image, label in _pairs(source, most):
            if not isinstance(image, Tensor) or not image.is_floating_point() or not _whole(label):
                return None
            images.append(image.detach().cpu())
            labels.append(int(label))
    if not images or any(i.shape != images[0].shape for i in images):
        return None
    return torch.stack(images), torch.tensor(labels)


def overlap(train: Split, other: Split) -> Overlap:
    """What ``other`` has of ``train``.

    Near-duplicates are judged by the data themselves: the distance from each training image to the nearest other one
    is the null. A foreign image nearer than a quarter of the null's median counts; as many are expected as the null
    itself has of that kind. ``probability`` is that of at least so many, by a binomial law.
    """
    known = {h: i for i, h in enumerate(train.hashes)}
    exact = tuple((i, known[h]) for i, h in enumerate(other.hashes) if h in known)
    near: tuple[tuple[int, int], ...] = ()
    expected, probability = 0.0, 1.0
    if len(train.small) >= 20 and len(other.small):
        null, _ = _nearest(train.small, train.small, same=True)
        limit = CLOSE * float(null.median())
        distance, place = _nearest(other.small, train.small, same=False)
        same = {i for i, _ in exact}
        close = [i for i in (distance < limit).nonzero()[:, 0].tolist() if i not in same]
        near = tuple((i, int(place[i])) for i in close)
        rate = (float((null < limit).sum()) + 1) / (len(null) + 2)
        expected = rate * len(other.small)
        probability = float(stats.binom.sf(len(near) - 1, len(other.small), rate)) if near else 1.0
    shared = len(train.indices & other.indices) if train.source == other.source else 0
    return Overlap(len(train.files & other.files), shared, exact, near, expected, probability)


def _nearest(queries: Tensor, points: Tensor, *, same: bool) -> tuple[Tensor, Tensor]:
    found = [_row(part, points, number * 512 if same else None) for number, part in enumerate(queries.split(512))]
    return torch.cat([d for d, _ in found]), torch.cat([i for _, i in found])


def _row(part: Tensor, points: Tensor, first: int | None) -> tuple[Tensor, Tensor]:
    distances = torch.cdist(part, points)
    if first is not None:
        rows = torch.arange(len(part))
        distances[rows, rows + first] = torch.inf
    best = distances.min(dim=1)
    return best.values, best.indices


def _small(image: Tensor) -> Tensor:
    """Grey, 16 x 16, mean 0 and length 1: brightness and contrast do not matter."""
    grey = image.float().reshape(-1, *image.shape[-2:]).mean(dim=0) if image.ndim >= 2 else image.float()[None]
    flat = F.adaptive_avg_pool2d(grey[None, None], SIDE).flatten()
    flat = flat - flat.mean()
    unit: Tensor = flat / flat.norm().clamp(min=1e-12)
    return unit


def _images(source: Any, most: int) -> Iterator[Tensor]:
    count = 0
    for item in _items(source):
        value = item
        if isinstance(item, Mapping):
            value = next((item[k] for k in INPUTS if k in item), None)
        elif isinstance(item, list | tuple):
            value = item[0]
        if not isinstance(value, Tensor):
            continue
        for image in value.detach().cpu() if value.ndim == 4 else value.detach().cpu()[None]:
            yield image.contiguous()
            count += 1
            if count >= most:
                return


def _pairs(source: Any, most: int) -> Iterator[tuple[Any, Any]]:
    """Single images with their labels, spread over the source where it has places."""
    if isinstance(source, Tensor):
        return
    if isinstance(source, tuple | list) and len(source) == 2 and all(isinstance(t, Tensor) for t in source):
        images, labels = source
        for row in range(0, len(images), max(1, len(images) // most)):
            yield images[row], labels[row]
        return
    count = 0
    places = hasattr(source, "__getitem__") and hasattr(source, "__len__")
    items = (source[i] for i in range(0, len(source), max(1, len(source) // most))) if places else iter(source)
    for item in items:
        try:
            image, label = inputs_and_targets(item)
        except UsageError:
            return
        many = isinstance(label, Tensor) and label.ndim == 1 and isinstance(image, Tensor) and len(image) == len(label)
        for pair in zip(image, label, strict=True) if many else [(image, label)]:
            yield pair
            count += 1
            if count >= most:
                return


def _whole(label: Any) -> bool:
    if isinstance(label, Tensor):
        return label.ndim == 0 and not label.is_floating_point()
    return isinstance(label, int | np.integer)


def _items(source: Any) -> Iterator[Any]:
    if isinstance(source, Tensor) or (isinstance(source, tuple) and source and isinstance(source[0], Tensor)):
        yield source if isinstance(source, Tensor) else source[0]
    elif hasattr(source, "__getitem__") and hasattr(source, "__len__"):
        yield from (source[i] for i in range(len(source)))
    else:
        yield from source


def _indices(dataset: Any) -> frozenset[int]:
    """Of a subset; a tensor has a method of that name."""
    found = getattr(dataset, "indices", ())
    return frozenset() if callable(found) else frozenset(int(i) for i in found)


def _paths(dataset: Any) -> Iterator[Any]:
    samples = getattr(dataset, "samples", ())
    for item in samples if isinstance(samples, list | tuple) else ():
        yield item[0] if isinstance(item, tuple) else item
