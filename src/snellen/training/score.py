"""How well a network does on labelled images that are shown as they are."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from snellen.instruments._precision import fast_bfloat16
from snellen.training.dataset import Part
from snellen.training.small_maps import SmallMaps

BLOCK = 256


@dataclass(frozen=True)
class Score:
    """What was measured on some images.

    Attributes:
        loss: mean cross-entropy in nats, without smoothing or mixing.
        error: standard error of that mean.
        right: images whose highest score is that of their class.
        count: images.
    """

    loss: float
    error: float
    right: int
    count: int

    @property
    def accuracy(self) -> float:
        """The part that is right."""
        return self.right / self.count


def score(
    module: nn.Module,
    part: Part,
    *,
    mean: tuple[float, ...],
    std: tuple[float, ...],
    mirror: bool = False,
    exact: bool = False,
) -> Score:
    """Measure a module in evaluation mode; nothing of it changes.

    Args:
        module: images (n, 3, h, w), normalised, to scores (n, k).
        part: the images and their classes.
        mean: per channel, in units of [0, 1].
        std: likewise.
        mirror: take the mean probability of an image and its mirror image (test-time augmentation).
        exact: in float32, as an examination computes it, and not in bfloat16 where that is fast.
    """
    device = next(module.parameters()).device
    shift, scale = (torch.tensor(values, device=device).view(-1, 1, 1) for values in (mean, std))
    losses, right = [], 0
    fast = fast_bfloat16(device) and not exact
    for images, labels in zip(part.images.split(BLOCK), part.labels.split(BLOCK), strict=True):
        inputs = ((images.to(device).float() / 255 - shift) / scale).contiguous(memory_format=torch.channels_last)
        with torch.inference_mode(), torch.autocast(device.type, torch.bfloat16, enabled=fast), SmallMaps():
            likely = _log_probabilities(module, inputs)
            if mirror:
                both = torch.stack([likely, _log_probabilities(module, inputs.flip(3))])
                likely = both.logsumexp(dim=0) - math.log(2)
        losses.append(F.nll_loss(likely, labels.to(device), reduction="none").double())
        right += int((likely.argmax(dim=1).cpu() == labels).sum())
    loss = torch.cat(losses)
    return Score(loss.mean().item(), (loss.std(correction=0) / math.sqrt(len(loss))).item(), right, len(loss))


def _log_probabilities(module: nn.Module, inputs: Tensor) -> Tensor:
    scores: Tensor = module(inputs)
    return scores.float().log_softmax(dim=1)
