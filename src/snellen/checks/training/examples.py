"""Has every image of the batch a part of its own in the loss?"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from snellen.checks.training._base import TrainingCheck
from snellen.checks.training._slopes import cost, near, slope, targets_of
from snellen.findings.finding import Finding
from snellen.training.health.facts import Observation

NAME = "training/examples"


@dataclass(frozen=True)
class Examples(TrainingCheck):
    """The gradient of ``loss(outputs, targets)`` by the outputs, an image a row, for batches of ``few`` or more.

    - One row alone has a gradient, the same one for the network's outputs and for made-up ones, with the targets in
      this order and turned by one: error, the loss sees one image.
    - All rows have the same gradient for made-up outputs that differ, the loss changes with the targets and not with
      their order: error, the loss compares the mean of the outputs with that of the targets, and not one with the
      other.
    - An operation outside of all modules joins what the network computed and what it did not, of n rows both, and one
      has an axis more than the other, so that (n, n) comes of it: error. So (n, 1) and (n,) do.

    The network is not run. What would refute it: outputs that are one answer of the whole batch.
    """

    few: int = 4

    def __call__(self, seen: Observation) -> Sequence[Finding]:
        if seen.spread:
            return [_spread(seen)]
        targets = targets_of(seen)
        outputs = seen.outputs
        if targets is None or outputs is None or not outputs.ndim or not len(outputs) == len(targets) >= self.few:
            return []
        among = near(outputs, targets)
        rows = slope(seen, among, targets)
        if rows is None or not bool(rows[1].isfinite().all()) or not bool(rows[1].any()):
            return []
        return [*self._one(seen, outputs, among, targets, rows[1]), *self._means(seen, among, targets, rows)]

    def _one(
        self, seen: Observation, outputs: Tensor, among: Tensor, targets: Tensor, gradient: Tensor
    ) -> Iterator[Finding]:
        moved = _rows(gradient)
        if len(moved) != 1:
            return
        others = (slope(seen, at, t) for at, t in ((outputs, targets), (among, targets.roll(1, 0))))
        if all(other is not None and _rows(other[1]) == moved for other in others):
            text = f"Of {len(outputs)} images in the batch image {moved[0]} alone has a gradient."
            remedy = "Look for an index, a return inside a loop, and a mean that is taken before the loss."
            yield Finding(NAME, "error", "The loss sees one image", text, remedy=remedy)

    def _means(
        self, seen: Observation, among: Tensor, targets: Tensor, rows: tuple[float, Tensor]
    ) -> Iterator[Finding]:
        value, gradient = rows
        if not torch.allclose(gradient, gradient[:1].expand_as(gradient), rtol=1e-5, atol=0):
            return
        turned, others = cost(seen, among, targets.roll(1, 0)), cost(seen, among, targets[:1].expand_as(targets))
        close = 1e-5 * max(abs(value), 1e-12)
        if abs(turned - value) <= close < abs(others - value):
            text = "The loss changes with the targets and not with their order, and its gradient is the same for every "
            text += "image: it compares a mean over the batch with a mean over the batch."
            remedy = "Take the mean of the loss, after it was computed for each image."
            yield Finding(NAME, "error", "The loss compares means", text, remedy=remedy)


def _spread(seen: Observation) -> Finding:
    one, other = seen.spread[0]
    shape = tuple(torch.broadcast_shapes(one, other))
    text = f"The loss joins numbers of shape {one} and {other}, outputs and targets, to {shape}: each image is given "
    text += "the targets of all, and the best answer is the same for every image."
    remedy = "Give both one shape: outputs.squeeze(1), or targets.unsqueeze(1)."
    return Finding(NAME, "error", "Outputs are spread against targets", text, remedy=remedy)


def _rows(gradient: Tensor) -> list[int]:
    flat = gradient.reshape(len(gradient), -1).any(dim=1)
    return [int(i) for i in flat.nonzero().flatten()]
