"""Does the loss ask each pixel for its own class?"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from snellen.checks.training._base import TrainingCheck
from snellen.checks.training._slopes import cost, targets_of
from snellen.findings.finding import Finding
from snellen.training.health.calls import LossCall, Losses
from snellen.training.health.facts import Observation

NAME = "training/maps"


@dataclass(frozen=True)
class Maps(TrainingCheck):
    """Outputs of several places an image, and what the loss makes of them.

    - The outputs, (n, k, h, w), are the same at every place of an image and differ between images, and the targets
      differ from place to place: error.
    - ``loss(outputs, targets)`` is asked with numbered outputs of three axes or more. If ``cross_entropy`` is given
      these numbers in another order and nothing else, the k scores of each row must be those along one axis of the
      outputs, all others equal. If they are not, a ``view`` stands where a ``permute`` was meant: error.

    Reference: Long et al. 2015, arXiv:1411.4038, on classes for every pixel.
    """

    def __call__(self, seen: Observation) -> Sequence[Finding]:
        return [*self._flat(seen), *self._torn(seen)]

    def _torn(self, seen: Observation) -> Iterator[Finding]:
        targets, outputs = targets_of(seen), seen.outputs
        calls = [c for c in seen.losses if c.name == "cross_entropy" and not c.target.is_floating_point()]
        if targets is None or outputs is None or outputs.ndim < 3 or len(calls) != 1:
            return
        numbers = torch.arange(outputs.numel(), dtype=torch.float64)
        call = _asked(seen, numbers.reshape(outputs.shape), targets)
        if call is None or call.input.numel() != len(numbers) or call.input.ndim < 2 or call.input.shape[1] < 2:
            return
        if not torch.equal(call.input.double().flatten().sort().values, numbers):
            return
        rows = call.input.movedim(1, -1).reshape(-1, call.input.shape[1]).long()
        places = torch.stack(torch.unravel_index(rows, outputs.shape), dim=-1)
        axes = (places != places[:, :1]).flatten(0, 1).any(dim=0).nonzero().flatten().tolist()
        if len(axes) != 1 or outputs.shape[axes[0]] != rows.shape[1]:
            first = ", ".join(str(tuple(map(int, place))) for place in places[0, :3])
            text = f"cross_entropy is given the outputs, {tuple(outputs.shape)}, in rows of {rows.shape[1]} scores; "
            text += f"the first holds those of the places {first} ...: of several places or images, and not "
            text += "the classes of one."
            remedy = "Use permute before view or reshape: outputs.movedim(1, -1).reshape(-1, k)."
            yield Finding(NAME, "error", "Scores of one row are of several places", text, remedy=remedy)

    def _flat(self, seen: Observation) -> Iterator[Finding]:
        outputs = seen.outputs
        if outputs is None or outputs.ndim != 4 or outputs.shape[2:].numel() < 4 or len(outputs) < 2:
            return
        size = 4 * torch.finfo(outputs.dtype).eps * outputs.abs().max() if outputs.is_floating_point() else 0
        flat = not bool(((outputs - outputs[:, :, :1, :1]).abs() > size).any())
        places = (len(outputs), *outputs.shape[2:])
        maps = [t for c in seen.losses if (t := c.target).numel() in (outputs.numel(), torch.Size(places).numel())]
        asks = any(t.ndim > 2 and len(t) == len(outputs) and bool((t != t[..., :1, :1]).any()) for t in maps)
        if flat and asks and bool(((outputs - outputs[:1]).abs() > size).any()):
            text = f"The outputs of this batch, {tuple(outputs.shape)}, are the same at every place of an image; the "
            text += "targets are not."
            remedy = "Look for a global pooling, and for values that are spread over all places."
            yield Finding(NAME, "error", "Every pixel gets one answer", text, remedy=remedy)


def _asked(seen: Observation, outputs: Tensor, targets: Tensor) -> LossCall | None:
    """The one call of a loss function of PyTorch that these outputs lead to."""
    with Losses(lambda _: "") as losses:
        cost(seen, outputs, targets)
    return losses.found[0] if len(losses.found) == 1 else None
