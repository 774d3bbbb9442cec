"""What the study of residual connections computes, as values."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


def decades(gradients: NDArray[np.float64]) -> NDArray[np.float64]:
    """(s,) decimal logarithm of the norm at the first map over that at the last, of norms (s, maps).

    >>> decades(np.array([[0.01, 0.5, 1.0]]))
    array([-2.])
    """
    found: NDArray[np.float64] = np.log10(gradients[:, 0] / gradients[:, -1])
    return found


@dataclass(frozen=True)
class Design:
    """One network of the study: so many layers, with or without connections, with or without BatchNorm.

    >>> Design(40, skip=True, norm=False).name
    'residual 40'
    >>> Design(10, skip=False, norm=True).key
    'plain_10_norm'
    """

    layers: int
    skip: bool
    norm: bool

    @property
    def name(self) -> str:
        """As the tables call it."""
        return f"{self._kind} {self.layers}{', BatchNorm' if self.norm else ''}"

    @property
    def key(self) -> str:
        """As its numbers are called."""
        return f"{self._kind}_{self.layers}{'_norm' if self.norm else ''}"

    @property
    def _kind(self) -> str:
        return "residual" if self.skip else "plain"


@dataclass(frozen=True, eq=False)
class Chain:
    """One design, over all seeds.

    Attributes:
        design: what was trained.
        parameters: of the network.
        gradients: (s, maps) norm of the gradient of the loss by each map before training, the first convolution's
            first.
        curve: (s, points) mean loss since the last point, in nats.
        held: (s,) accuracy on other images, in evaluation mode.
    """

    design: Design
    parameters: int
    gradients: NDArray[np.float64]
    curve: NDArray[np.float64]
    held: NDArray[np.float64]

    @property
    def loss(self) -> NDArray[np.float64]:
        """(s,) mean over the last two points, in nats."""
        found: NDArray[np.float64] = self.curve[:, -2:].mean(1)
        return found

    @property
    def decades(self) -> NDArray[np.float64]:
        """(s,) as :func:`decades` gives them."""
        return decades(self.gradients)


@dataclass(frozen=True, eq=False)
class Chains:
    """All designs, and the steps at which the loss was noted.

    ``he`` are the gradients (s, maps) of the deep plain network with He's initialisation, which is not trained.
    """

    chains: tuple[Chain, ...]
    steps: tuple[int, ...]
    he: NDArray[np.float64]

    def of(self, design: Design) -> Chain:
        """The one of this design."""
        return next(chain for chain in self.chains if chain.design == design)
