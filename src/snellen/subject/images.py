"""Images as the examination sees them: pixels in [0, 1], decoded when needed, with where each came from."""

from collections.abc import Iterator, Sequence
from dataclasses import KW_ONLY, dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from snellen._errors import ImagesError, UsageError
from snellen._shapes import Pixels
from snellen.subject.batches import BadImage as BadImage
from snellen.subject.batches import Batch as Batch
from snellen.subject.batches import decoded_batches
from snellen.subject.preprocessing import Preprocessing
from snellen.subject.source import Picture as Picture
from snellen.subject.source import Selected
from snellen.subject.source import Source as Source


@dataclass(frozen=True, eq=False)
class Images:
    """A set of images with labels and class names; nothing is decoded before it is asked for.

    Args:
        source: where the pictures come from.
        labels: one class index an image, -1 where it is unknown.
        class_names: what the labels index.
        name: what the report calls the set.
        notes: what loading had to do, one sentence each.

    Raises:
        ImagesError: labels that are not one integer an image, or that ``class_names`` cannot name.

    >>> from snellen.subject.load.arrays import array_images
    >>> images = array_images(torch.rand(5, 3, 8, 8), labels=[0, 1, 1, 0, -1])
    >>> [tuple(batch.pixels.shape) for batch in images.batches(Preprocessing(), batch_size=4)]
    [(4, 3, 8, 8), (1, 3, 8, 8)]
    """

    source: Source
    _: KW_ONLY
    labels: NDArray[np.int64] | None = None
    class_names: tuple[str, ...] | None = None
    name: str = "images"
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "notes", tuple(self.notes))
        if self.class_names is not None:
            object.__setattr__(self, "class_names", tuple(str(name) for name in self.class_names))
        if self.labels is not None:
            object.__setattr__(self, "labels", self._checked_labels(np.asarray(self.labels)))

    def __len__(self) -> int:
        return len(self.source)

    def batches(
        self,
        preprocessing: Preprocessing,
        *,
        batch_size: int = 32,
        indices: Sequence[int] | None = None,
        workers: int | None = None,
    ) -> Iterator[Batch]:
        """The images in order, decoded batch by batch; one that cannot be decoded is reported, never fatal.

        Args:
            preprocessing: size, crop and channels of what the network takes.
            batch_size: images a batch; a batch holds fewer where some are bad, and may hold none.
            indices: which images, in this order; all of them if not given.
            workers: processes that decode; 0 decodes here, None decides by the size of the set.

        Raises:
            UsageError: a batch size below 1, an index outside the set.
            ImagesError: images of different sizes while the preprocessing gives no size.
        """
        if batch_size < 1:
            raise UsageError(f"batch_size must be at least 1, got {batch_size}")
        if workers is not None and workers < 0:
            raise UsageError(f"workers must be 0 or more, got {workers}")
        chosen = self._checked_indices(indices)
        groups = [chosen[i : i + batch_size] for i in range(0, len(chosen), batch_size)]
        return decoded_batches(self.source, preprocessing, groups, workers=workers)

    def pixels(self, preprocessing: Preprocessing | None = None, *, indices: Sequence[int] | None = None) -> Pixels:
        """All images, or those at ``indices``, as one tensor (n, c, h, w): for sets that fit in memory.

        Without a preprocessing the images keep their size and have three channels.

        Raises:
            ImagesError: an image cannot be decoded, or sizes differ and the preprocessing gives none.
        """
        preprocessing = preprocessing or Preprocessing()
        batches = list(self.batches(preprocessing, batch_size=64, indices=indices))
        bad = [b for batch in batches for b in batch.bad]
        if bad:
            listed = "; ".join(f"{b.name}: {b.reason}" for b in bad[:3]) + ("; ..." if len(bad) > 3 else "")
            raise ImagesError(
                f"{len(bad)} of {len(self) if indices is None else len(indices)} images cannot be decoded "
                f"({listed}). Remove them, or use batches(), which leaves them out and reports them."
            )
        if not batches:
            raise ImagesError(f"{self.name} holds no images to make a tensor of; expected at least one")
        return torch.cat([batch.pixels for batch in batches])

    def subset(self, indices: Sequence[int] | NDArray[np.int64]) -> "Images":
        """The images at these indices, in this order, with their labels."""
        chosen = np.array(self._checked_indices(indices), dtype=np.int64)
        labels = None if self.labels is None else self.labels[chosen]
        if isinstance(self.source, Selected):
            source = Selected(self.source.source, self.source.indices[chosen])
        else:
            source = Selected(self.source, chosen)
        return replace(self, source=source, labels=labels)

    def with_labels(self, labels: NDArray[np.int64] | None, class_names: Sequence[str] | None = None) -> "Images":
        """The same pictures under other labels and class names."""
        return replace(self, labels=labels, class_names=None if class_names is None else tuple(class_names))

    def _checked_indices(self, indices: Sequence[int] | NDArray[np.int64] | None) -> list[int]:
        if indices is None:
            return list(range(len(self)))
        chosen = [int(i) for i in indices]
        wrong = [i for i in chosen if not 0 <= i < len(self)]
        if wrong:
            raise UsageError(f"indices must be from 0 to {len(self) - 1}, got {wrong[:5]}")
        return chosen

    def _checked_labels(self, labels: NDArray[np.generic]) -> NDArray[np.int64]:
        if labels.dtype.kind not in "iu" or labels.shape != (len(self),):
            raise ImagesError(
                f"labels must be one integer for each of the {len(self)} images, "
                f"got {labels.dtype} of shape {labels.shape}"
            )
        checked = labels.astype(np.int64)
        top = None if self.class_names is None else len(self.class_names)
        wrong = np.flatnonzero((checked < -1) | (checked >= (top if top is not None else np.inf)))
        if len(wrong):
            listed = ", ".join(f"{self.source.name(int(i))} has {checked[i]}" for i in wrong[:3])
            bound = "-1 (unknown) or more" if top is None else f"-1 (unknown) to {top - 1}, one of {top} classes"
            raise ImagesError(
                f"labels must be {bound}; {len(wrong)} are not: {listed}. "
                "Correct the labels, or give the class names they index (--classes)."
            )
        return checked
