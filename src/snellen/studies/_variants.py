"""What the study of capacity computes, as values."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Variant:
    """One number of fully-connected layers, over all seeds.

    Attributes:
        layers: fully-connected ones.
        parameters: of the small network.
        vgg16: parameters of VGG-16 with so many.
        taught: (s,) accuracy on the training images.
        taught_loss: (s,) their mean cross-entropy, in nats.
        held: (s,) accuracy on others.
        held_loss: (s,) their mean cross-entropy.
    """

    layers: int
    parameters: int
    vgg16: int
    taught: NDArray[np.float64]
    taught_loss: NDArray[np.float64]
    held: NDArray[np.float64]
    held_loss: NDArray[np.float64]

    @property
    def gap(self) -> NDArray[np.float64]:
        """(s,) accuracy on the training images less that on others."""
        return self.taught - self.held

    @property
    def loss_gap(self) -> NDArray[np.float64]:
        """(s,) loss on others less that on the training images, in nats."""
        return self.held_loss - self.taught_loss


@dataclass(frozen=True)
class Capacities:
    """The variants, fewest layers first."""

    variants: tuple[Variant, ...]
