"""Are the two views of a batch one and the same?"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import torch
from torch import Tensor

from snellen.checks.training._base import TrainingCheck
from snellen.findings.finding import Finding
from snellen.training.health.facts import Observation
from snellen.training.health.setup import tensors_in

NAME = "training/same_views"


@dataclass(frozen=True)
class SameViews(TrainingCheck):
    """Two image tensors of the batch that are equal bit for bit and that the network is given both.

    Warning: two views teach something by what differs between them; of equal ones, an invariance is learnt that holds
    already. Seen where the network takes both in one call, in two calls, or joined in one tensor. A target that equals
    the input (autoencoder), and one image that is sent through twice on purpose, are no two views.

    What would refute it: views that are made to differ by dropout alone.
    """

    def __call__(self, seen: Observation) -> Sequence[Finding]:
        pictures = [t for t in tensors_in(seen.setup.batch) if t.is_floating_point() and t.ndim >= 3 and len(t) > 1]
        twins = [a for a, b in combinations(pictures, 2) if _is(a, b)]
        fed = [t for inputs, _ in seen.given for t in inputs if isinstance(t, Tensor)]
        for a in twins:
            if sum(_is(part, a) for t in fed for part in _parts(t, len(a))) >= 2 and bool((a != a[:1]).any()):
                text = f"The batch holds the same {len(a)} images twice, {tuple(a.shape)}, equal bit for bit, and the "
                text += "network is given both: there is nothing to tell the two views apart."
                remedy = "Draw the augmentation anew for each view; see that it is not drawn once for both."
                return [Finding(NAME, "warning", "The two views are equal", text, remedy=remedy)]
        return []


def _is(part: Tensor, image: Tensor) -> bool:
    return part.shape == image.shape and torch.equal(part, image)


def _parts(tensor: Tensor, rows: int) -> Iterator[Tensor]:
    """The tensor, or the views that were joined in it."""
    if tensor.ndim and len(tensor) and len(tensor) % rows == 0:
        yield from tensor.detach().split(rows)
