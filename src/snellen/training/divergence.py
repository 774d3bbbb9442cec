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


class Divergence:
    """Watches the loss of every step and raises when it has left the ground that it began on.

    The ground is the first loss or ln k, whichever is larger: ln k is what a network pays that knows nothing of its k
    classes, with mixed and smoothed targets too. Sharpness and single spikes are no alarm: networks are trained at the
    edge of stability, and spikes pass. Only a smoothed loss above 1.2 grounds for 20 steps on end raises.

    Args:
        classes: k.
        rate: the learning rate of a step.

    Raises:
        DivergedError: says at which step and rate, and at which rate the loss was lowest.

    Reference: Cohen et al. 2021, arXiv 2103.00065, on why sharpness alone says nothing.

    >>> guard = Divergence(10, lambda step: 0.1)
    >>> for step in range(100):
    ...     guard(step, 2.3 if step != 50 else 1e6)
    """

    def __init__(self, classes: int, rate: Callable[[int], float]) -> None:
        self._blind, self._rate = math.log(classes), rate
        self._ground = self._smooth = self._lowest = math.nan
        self._best, self._above = rate(0), 0

    def __call__(self, step: int, loss: float) -> None:
        """Take note of the loss of a step."""
        if math.isnan(self._ground):
            self._ground = max(self._blind, loss)
            self._smooth = self._lowest = loss
        self._smooth += (min(loss, MOST * self._ground) - self._smooth) / WINDOW
        if self._smooth < self._lowest:
            self._lowest, self._best = self._smooth, self._rate(step)
        self._above = self._above + 1 if self._smooth > WORSE * self._ground else 0
        if self._above >= WINDOW:
            raise DivergedError(
                f"the training has diverged: at step {step}, at a learning rate of {self._rate(step):.3g}, the loss "
                f"is {loss:.3g} and stays above {WORSE} times the {self._ground:.3g} that it began with; knowing "
                f"nothing costs {self._blind:.3g}. It was lowest at a rate of {self._best:.3g}: try a smaller peak, "
                f"such as --lr {self._best / 3:.1g}, or --lr auto."
            )
