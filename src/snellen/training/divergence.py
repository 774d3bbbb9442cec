"""A training that gets worse and worse, noticed long before its last epoch."""

import math
from collections.abc import Callable

from snellen.training.fit import DivergedError

WINDOW = 20
"""Steps over which the loss is smoothed, and for which it must stay too high."""
WORSE = 1.2
"""A loss above so many times its ground has no excuse."""
MOST = 4.0
"""What a single spike counts at most, in grounds."""


class Ground:
    """What a loss began on, and whether it has left it for good.

    The ground is the first loss or what knowing nothing costs, whichever is larger. Sharpness and single spikes are no
    alarm: networks are trained at the edge of stability, and spikes pass. Only a smoothed loss above 1.2 grounds for 20
    steps on end has left it.

    Args:
        blind: what knowing nothing costs; ln k for the cross-entropy of k classes, with mixed and smoothed targets too.

    Reference: Cohen et al. 2021, arXiv 2103.00065, on why sharpness alone says nothing.

    >>> ground = Ground(math.log(10))
    >>> any(ground.left_by(2.3) for _ in range(50)), any(ground.left_by(9.0) for _ in range(50))
    (False, True)
    """

    def __init__(self, blind: float) -> None:
        self.blind = blind
        self.level = self.smooth = math.nan
        self._above = 0

    def left_by(self, loss: float) -> bool:
        """Take note of the loss of a step; whether the ground is left by now."""
        if math.isnan(self.level):
            self.level, self.smooth = max(self.blind, loss), loss
        self.smooth += (min(loss, MOST * self.level) - self.smooth) / WINDOW
        self._above = self._above + 1 if self.smooth > WORSE * self.level else 0
        return self._above >= WINDOW


class Divergence:
    """Watches the loss of every step and raises when it has left the ground that it began on.

    Args:
        classes: k.
        rate: the learning rate of a step.

    Raises:
        DivergedError: says at which step and rate, and at which rate the loss was lowest.

    >>> guard = Divergence(10, lambda step: 0.1)
    >>> for step in range(100):
    ...     guard(step, 2.3 if step != 50 else 1e6)
    """

    def __init__(self, classes: int, rate: Callable[[int], float]) -> None:
        self._ground, self._rate = Ground(math.log(classes)), rate
        self._lowest, self._best = math.inf, rate(0)

    def __call__(self, step: int, loss: float) -> None:
        """Take note of the loss of a step."""
        left, ground = self._ground.left_by(loss), self._ground
        if ground.smooth < self._lowest:
            self._lowest, self._best = ground.smooth, self._rate(step)
        if left:
            raise DivergedError(
                f"the training has diverged: at step {step}, at a learning rate of {self._rate(step):.3g}, the loss "
                f"is {loss:.3g} and stays above {WORSE} times the {ground.level:.3g} that it began with; knowing "
                f"nothing costs {ground.blind:.3g}. It was lowest at a rate of {self._best:.3g}: try a smaller peak, "
                f"such as --lr {self._best / 3:.1g}, or --lr auto."
            )
