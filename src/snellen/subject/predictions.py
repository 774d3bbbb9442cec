"""What the network says of every image, in one pass."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from snellen._errors import ImagesError, NetworkError
from snellen._shapes import Labels, Logits
from snellen.subject.images import BadImage, Images
from snellen.subject.network import Network
from snellen.subject.quiet import quiet

Progress = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class Predictions:
    """The scores of every image that could be read.

    Attributes:
        logits: (n, k) float32.
        indices: (n,) each row's place in the images.
        labels: (n,) the true class, -1 where it is not known.
        names: (n,) where each image came from.
        bad: the images that could not be read.
    """

    logits: Logits
    indices: Int[Tensor, "n"]
    labels: Labels
    names: tuple[str, ...]
    bad: tuple[BadImage, ...] = ()

    @property
    def probabilities(self) -> Float[Tensor, "n k"]:
        """softmax(logits)."""
        return self.logits.softmax(dim=1)

    @property
    def predicted(self) -> Labels:
        """The class of the largest score."""
        return self.logits.argmax(dim=1)

    @property
    def labelled(self) -> Bool[Tensor, "n"]:
        """Which images have a known class."""
        return self.labels >= 0

    @property
    def correct(self) -> Bool[Tensor, "n"]:
        """Which images have a known class and were given it."""
        return self.predicted == self.labels

    @property
    def wrong(self) -> Bool[Tensor, "n"]:
        """Which images have a known class and were given another."""
        return self.labelled & ~self.correct

    def top(self, count: int) -> tuple[Float[Tensor, "n count"], Int[Tensor, "n count"]]:
        """The ``count`` most probable classes of every image: probabilities, classes."""
        found = self.probabilities.topk(min(count, self.logits.shape[1]), dim=1)
        return found.values, found.indices

    def rows(self, network: Network, count: int = 5) -> tuple[dict[str, Any], ...]:
        """One plain row an image, for tables and JSON."""
        values, classes = self.top(count)
        return tuple(
            {
                "image": name,
                "index": int(index),
                "label": int(label) if label >= 0 else None,
                "label_name": network.class_name(int(label)) if label >= 0 else None,
                "top": [
                    {"class": c, "name": network.class_name(c), "probability": p}
                    for c, p in zip(row_classes, row_values, strict=True)
                ],
            }
            for name, index, label, row_values, row_classes in zip(
                self.names, self.indices, self.labels, values.tolist(), classes.tolist(), strict=True
            )
        )


def predict(
    network: Network,
    images: Images,
    *,
    batch_size: int = 32,
    indices: Sequence[int] | None = None,
    progress: Progress | None = None,
    first: Callable[[Logits], object] | None = None,
) -> Predictions:
    """Run the network over the images once, on a quiet network, a batch at a time.

    ``first`` is called with the scores of the first batch, so that a mismatch ends the pass at its start.

    Raises:
        ImagesError: not one image could be read; the first reasons are named.
        NetworkError: the network raised or returned what is no row of scores.
    """
    logits: list[Tensor] = []
    good: list[int] = []
    bad: list[BadImage] = []
    total = len(images) if indices is None else len(indices)
    with torch.inference_mode(), quiet(network.module):
        for batch in images.batches(network.preprocessing, batch_size=batch_size, indices=indices):
            bad.extend(batch.bad)
            if batch.indices:
                logits.append(network.logits(batch.pixels.to(network.device)).float().cpu())
                if len(logits) == 1 and first is not None:
                    first(logits[0])
                if logits[-1].shape[1] != logits[0].shape[1]:
                    counts = f"{logits[0].shape[1]} and then {logits[-1].shape[1]}"
                    raise NetworkError(f"{network.name} must return as many scores for every batch, got {counts}")
                good.extend(batch.indices)
            if progress is not None:
                progress(len(good) + len(bad), total)
    if not good:
        reasons = "; ".join(f"{b.name}: {b.reason}" for b in bad[:3])
        raise ImagesError(f"none of the {total} images could be read ({reasons})")
    labels = torch.full((len(good),), -1) if images.labels is None else torch.from_numpy(images.labels[good])
    names = tuple(images.source.name(i) for i in good)
    return Predictions(torch.cat(logits), torch.tensor(good), labels.long(), names, tuple(bad))
