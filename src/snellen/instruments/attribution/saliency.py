"""Class saliency: the gradient of the class score with respect to the image."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from snellen._shapes import Maps
from snellen.instruments.attribution._base import AttributionMethod, TargetScores, gradient


@dataclass(frozen=True)
class Saliency(AttributionMethod):
    """The gradient of the unnormalised class score with respect to every pixel.

    To first order the score is linear in the image, S_c(I) ~ w^T I + b with w = dS_c/dI, so |w| says which pixels
    need to change least to change the score most. The maps are w itself, signed, per channel; ``.heat`` is the
    paper's map, the largest |w| over the colour channels. The score is the logit, not the probability: a softmax
    output can be raised by lowering the other classes, and its gradient vanishes where the network is sure.

    >>> import torch
    >>> from snellen import Network
    >>> net = Network(torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(12, 2)))
    >>> Saliency()(net, torch.rand(4, 3, 2, 2), target=1).maps.shape
    torch.Size([4, 3, 2, 2])

    Raises:
        NotApplicable: no gradient reaches the pixels.

    Reference: Simonyan, Vedaldi, Zisserman 2013, Deep Inside Convolutional Networks, section 3.1 (arXiv:1312.6034).
    """

    def attribute(self, scores: TargetScores, pixels: Tensor) -> tuple[Maps, Mapping[str, Any]]:
        return gradient(scores(pixels), pixels), {}
