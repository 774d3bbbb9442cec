"""Two networks that drive each other out of all bounds, noticed before their losses are no numbers any more."""

import math

from snellen.training.fit import DivergedError
from snellen.training.gan_settings import Settings

WINDOW = 20
"""Steps over which the scores are smoothed, and for which they must stay too far apart."""
FAR = 1_000.0
"""Scores that mean something on a scale of 1 have no excuse so far apart."""


class GanDivergence:
    """Watches how far apart the scores of real and of generated images are, and raises when that cannot be.

    A critic that is punished for any slope but 1 cannot tell two images apart by more than their distance: images in
    [-1, 1] of d values are at most 2√d apart. All other losses are at rest with scores of a few units. Scores that,
    smoothed over 20 steps, stay further apart than that for 20 steps are beyond their loss, and what they teach the
    generator is noise. A single spike is no alarm.

    Args:
        settings: of the training.
        values: of one image.

    Raises:
        DivergedError: says at which step, how far apart, and what to try.

    >>> watch = GanDivergence(Settings(), 1024)
    >>> for step in range(100):
    ...     watch(step, loss=1.0, apart=3.0 if step != 50 else 2000.0)
    """

    def __init__(self, settings: Settings, values: int) -> None:
        self._settings = settings
        self._lipschitz = settings.adversarial.restraint == "gradient penalty"
        self._most = 2 * math.sqrt(values) if self._lipschitz else FAR
        self._smooth, self._above = 0.0, 0

    @property
    def sound(self) -> bool:
        """Whether the last step gave no cause for alarm: what is kept now may be gone back to."""
        return self._above == 0

    def __call__(self, step: int, *, loss: float, apart: float) -> None:
        """Take note of a step: the sum of its losses, the mean score of real images less that of generated ones."""
        rate = self._settings.rate(step)
        advice = f"try a smaller learning rate, such as --lr {rate / 3:.2g}"
        if not math.isfinite(loss) or not math.isfinite(apart):
            raise DivergedError(f"the losses became {loss} at step {step} of {self._settings.steps}; {advice}")
        size = min(abs(apart), 4 * self._most)
        self._smooth += (size - self._smooth) / WINDOW
        self._above = self._above + 1 if self._smooth > self._most else 0
        if self._above >= WINDOW:
            bound = (
                f"no two images differ by more than {self._most:.3g}, so its slope is not 1 any more"
                if self._lipschitz
                else f"a difference of a few units says all, and one above {self._most:g} has no excuse"
            )
            raise DivergedError(
                f"the training has diverged: at step {step}, at a learning rate of {rate:.3g}, the discriminator holds "
                f"real and generated images {abs(apart):.3g} apart and stays there; {bound}. {advice[0].upper()}"
                f"{advice[1:]}"
            )
