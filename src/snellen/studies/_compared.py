"""What the comparison of layers computes, as values."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Connected:
    """A convolution and a fully-connected layer.

    Attributes:
        matrix: (outputs, inputs) of the convolution.
        weights: that the convolution learns, without its bias.
        connections: entries of the matrix that a weight stands in.
        uses: in how many of them each weight stands.
        error: largest difference between the convolution's outputs and the matrix's.
        pointwise_error: of a Conv1d with a kernel of 1 and a linear layer at every position.
        lengths: positions of the input, and of a longer one.
        longer: positions of the convolution's output for the longer one.
        head_error: largest difference of a classifier's scores and those of its convolutional form, at its own size.
        sides: of the classifier's images, and of larger ones.
        maps: height and width of the class maps for the larger ones.
        window_error: largest difference of a place's scores and those of the old head on that window.
    """

    matrix: NDArray[np.float64]
    weights: int
    connections: int
    uses: tuple[int, ...]
    error: float
    pointwise_error: float
    lengths: tuple[int, int]
    longer: int
    head_error: float
    sides: tuple[int, int]
    maps: tuple[int, int]
    window_error: float


@dataclass(frozen=True)
class Normalised:
    """What a layer does to a batch of ``samples`` with ``channels``.

    Attributes:
        name: of the layer.
        mates: largest change of the first sample's output when the others are replaced, in training.
        mates_evaluation: likewise in evaluation.
        modes: largest difference between the outputs of training and of evaluation.
        means: means that it computes of a batch in training.
        learned: parameters.
        kept: numbers that it keeps from batch to batch.
        sample_spread: mean over the channels of the standard deviation of the samples' means.
    """

    name: str
    mates: float
    mates_evaluation: float
    modes: float
    means: int
    learned: int
    kept: int
    sample_spread: float


@dataclass(frozen=True)
class Compared:
    """Both comparisons.

    Attributes:
        connected: of exercise 4a.
        normalised: of exercise 4b, BatchNorm first, then AdaIN.
        identity_error: largest difference of AdaIN(x, x) and x.
        style_error: largest difference of a sample's mean and standard deviation after AdaIN and those of its style.
        samples: in the batch.
        channels: of its maps.
    """

    connected: Connected
    normalised: tuple[Normalised, ...]
    identity_error: float
    style_error: float
    samples: int
    channels: int
