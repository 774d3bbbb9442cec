"""Labelled images that are sent through several networks, decoded once where they fit into memory."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from snellen._errors import ImagesError
from snellen._shapes import Pixels
from snellen.subject.images import Images
from snellen.subject.preprocessing import Preprocessing

CACHE = 512 << 20  # bytes of decoded pixels
SIDE = 64  # pixels of larger images are averaged to this side before they are compared


@dataclass(frozen=True, eq=False)
class Sample:
    """The images of a set that can be read and whose class is known; iterating gives batches of their pixels.

    Args:
        images: the set.
        rows: (n,) which of its images.
        labels: (n,) their classes.
        preprocessing: how they are fitted to a network.
        batch_size: images a batch.
        unused: how many were left out.
    """

    images: Images
    rows: Int[Tensor, "n"]
    labels: Int[Tensor, "n"]
    preprocessing: Preprocessing
    batch_size: int
    unused: int = 0
    _kept: list[Tensor] = field(default_factory=list, init=False, repr=False)

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Pixels]:
        if self._kept:
            yield from self._kept
            return
        kept: list[Tensor] | None = []
        for batch in self.images.batches(self.preprocessing, batch_size=self.batch_size, indices=self.rows.tolist()):
            if kept is not None:
                kept.append(batch.pixels)
                kept = kept if sum(p.nbytes for p in kept) <= CACHE else None
            yield batch.pixels
        self._kept.extend(kept or ())

    def fitted(self, preprocessing: Preprocessing) -> "Sample":
        """The same images as another network takes them."""
        return self if preprocessing == self.preprocessing else replace(self, preprocessing=preprocessing)

    def thinned(self, most: int) -> "Sample":
        """At most so many of them, evenly spaced."""
        if len(self) <= most:
            return self
        chosen = torch.from_numpy(np.linspace(0, len(self) - 1, most).round().astype(np.int64))
        return replace(self, rows=self.rows[chosen], labels=self.labels[chosen])

    def digests(self) -> list[bytes]:
        """One a picture, equal exactly where the pixels are equal."""
        return [hashlib.blake2b(row.numpy().tobytes(), digest_size=16).digest() for pixels in self for row in pixels]

    def flat(self) -> tuple[Float[Tensor, "n d"], int]:
        """The pixels themselves as vectors, channels first, and the side that large images were averaged to (0: none).

        Pixels are averaged to 64 x 64 where they are more.
        """
        large = 0
        rows = []
        for pixels in self:
            if max(pixels.shape[2:]) > SIDE:
                large = SIDE
                pixels = torch.nn.functional.adaptive_avg_pool2d(pixels, SIDE)
            rows.append(pixels.flatten(1))
        return torch.cat(rows), large


def labelled(images: Images, preprocessing: Preprocessing, *, role: str, batch_size: int) -> Sample:
    """The images of a set that have a label and can be read.

    Args:
        images: the set.
        preprocessing: of the network they are for.
        role: what the set is for, in the words of an error: ``points`` or ``queries``.
        batch_size: images a batch.

    Raises:
        ImagesError: no labels at all, none of a known class, or not one image that can be read.
    """
    if images.labels is None:
        raise ImagesError(
            f"the {role} ({images.name}) have no labels, and a vote of neighbours needs the class of every image; "
            "give an .npz with train_labels and test_labels, or data.npz#images_key,labels_key, or class folders"
        )
    known = np.flatnonzero(images.labels >= 0).tolist()
    good = [i for batch in images.batches(preprocessing, batch_size=batch_size, indices=known) for i in batch.indices]
    if not good:
        raise ImagesError(f"none of the {len(images)} {role} ({images.name}) can be read and has a known class")
    rows = torch.tensor(good)
    labels = torch.from_numpy(images.labels[good]).long()
    return Sample(images, rows, labels, preprocessing, batch_size, len(images) - len(good))
