"""How far the answer for one image depends on the images that share its batch."""

import copy

import torch
from torch import Tensor, nn

from snellen._errors import UsageError


@torch.no_grad()
def change_with_mates(layer: nn.Module, batch: Tensor, mates: Tensor, *, training: bool = True) -> float:
    """The largest change of the first sample's output when the rest of its batch is replaced.

    0 for a layer that treats every sample by itself. BatchNorm in training normalises by the statistics of the whole
    batch, so there it is not 0; in evaluation it uses those it has kept, and it is 0.

    Args:
        layer: a copy of it runs; it is left as it is.
        batch: (n, ...), n at least 2.
        mates: (m, ...) other samples, m at least 1, that take the place of ``batch[1:]``.
        training: run the copy in training mode. What is random in it draws the same numbers both times.

    Raises:
        UsageError: no mates to replace, or none to replace them by.

    Reference: Ioffe and Szegedy 2015, arXiv:1502.03167, section 3.1.

    >>> x = torch.arange(8.0).view(2, 1, 2, 2)
    >>> change_with_mates(nn.InstanceNorm2d(1), x, -x[:1])
    0.0
    >>> change_with_mates(nn.BatchNorm2d(1), x, -x[:1]) > 0.1
    True
    """
    if len(batch) < 2 or len(mates) < 1:
        raise UsageError(f"needs a batch of at least 2 and at least 1 other mate, got {len(batch)} and {len(mates)}")
    outputs: list[Tensor] = []
    for others in (batch[1:], mates):
        twin = copy.deepcopy(layer).train(training)
        with torch.random.fork_rng(devices=[]):
            outputs.append(twin(torch.cat([batch[:1], others]))[0])
    return (outputs[0] - outputs[1]).abs().max().item()
