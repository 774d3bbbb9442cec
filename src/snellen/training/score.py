"""How well a network does on labelled images that are shown as they are."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
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
        answers: (n,) whether each image is right, in their order; empty where only the counts are known.
    """

    loss: float
    error: float
    right: int
    count: int
    answers: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, bool), repr=False, compare=False)

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
    shift: int = 0,
    exact: bool = False,
) -> Score:
    """Measure a module in evaluation mode; nothing of it changes.

    Args:
        module: images (n, 3, h, w), normalised, to scores (n, k).
        part: the images and their classes.
        mean: per channel, in units of [0, 1].
        std: likewise.
        mirror: take the mean probability of an image and its mirror image (test-time augmentation).
        shift: take it over the image and the image moved by so many pixels up, down, left and right.
        exact: in float32, as an examination computes it, and not in bfloat16 where that is fast.
    """
    device = next(module.parameters()).device
    middle, scale = (torch.tensor(values, device=device).view(-1, 1, 1) for values in (mean, std))
    losses, answers = [], []
    fast = fast_bfloat16(device) and not exact
    for images, labels in zip(part.images.split(BLOCK), part.labels.split(BLOCK), strict=True):
        inputs = ((images.to(device).float() / 255 - middle) / scale).contiguous(memory_format=torch.channels_last)
        with torch.inference_mode(), torch.autocast(device.type, torch.bfloat16, enabled=fast), SmallMaps():
            each = torch.stack([_log_probabilities(module, view) for view in _views(inputs, mirror, shift)])
            likely = each.logsumexp(dim=0) - math.log(len(each)) if len(each) > 1 else each[0]
        losses.append(F.nll_loss(likely, labels.to(device), reduction="none").double())
        answers.append(likely.argmax(dim=1).cpu() == labels)
    loss, right = torch.cat(losses), torch.cat(answers)
    error = (loss.std(correction=0) / math.sqrt(len(loss))).item()
    return Score(loss.mean().item(), error, int(right.sum()), len(loss), right.numpy())


def _views(inputs: Tensor, mirror: bool, shift: int) -> Iterator[Tensor]:
    """The images, then moved, and each of these mirrored; what comes in is the mirror image of what is there."""
    height, width = inputs.shape[2:]
    views = [inputs]
    if shift:
        around = F.pad(inputs, (shift,) * 4, mode="reflect")
        ways = ((-shift, 0), (shift, 0), (0, -shift), (0, shift))
        views += [around[:, :, shift - down :, shift - right :][:, :, :height, :width] for down, right in ways]
    for view in views:
        yield view.contiguous(memory_format=torch.channels_last)
        if mirror:
            yield view.flip(3)


def _log_probabilities(module: nn.Module, inputs: Tensor) -> Tensor:
    scores: Tensor = module(inputs)
    return scores.float().log_softmax(dim=1)
