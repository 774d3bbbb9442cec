"""The settings of the training of a detector."""

import math
from dataclasses import KW_ONLY, asdict, dataclass
from typing import Any

from snellen._errors import UsageError, unknown
from snellen.training.schedule import Schedule

MODES = ("single", "many")
DECAY = 0.05


@dataclass(frozen=True)
class DetectionSettings:
    """What is trained, and how.

    Args:
        mode: ``single``, 5 + C numbers an image, for at most one object in each; ``many``, as many in every cell of a
            grid.
        epochs: times that the training scenes are gone through.
        batch: scenes a step.
        learning_rate: the peak of the cycle.
        weight_decay: of the weights, not of norms and biases.
        shift: scenes are moved by up to this part of their sides.
        zoom: they are enlarged or reduced by up to this part, in width and height apart.
        jitter: how far brightness, contrast and colours are changed, as a part.
        flip: mirror half of the scenes; not for letters and digits.
        average: decay of the averaged weights, a step.
        seed: of weights, order and augmentation.

    Raises:
        UsageError: an unknown mode, a number out of range.
    """

    mode: str
    _: KW_ONLY
    epochs: int = 16
    batch: int = 32
    learning_rate: float = 3e-3
    weight_decay: float = DECAY
    shift: float = 0.15
    zoom: float = 0.25
    jitter: float = 0.3
    flip: bool = False
    average: float = 0.998
    seed: int = 0

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise unknown("mode", self.mode, MODES)
        if min(self.epochs, self.batch) < 1:
            raise UsageError(f"epochs and batch must be at least 1, got {self.epochs} and {self.batch}")
        if not (0 <= self.shift <= 0.5 and 0 <= self.zoom < 1 and 0 <= self.jitter <= 1):
            raise UsageError(
                f"shift must be from 0 to 0.5, zoom from 0 to below 1 and jitter from 0 to 1, got {self.shift}, "
                f"{self.zoom} and {self.jitter}"
            )
        if not math.isfinite(self.learning_rate):
            raise UsageError(f"the learning rate must be a number, got {self.learning_rate}")
        self.schedule(1)

    @property
    def command(self) -> dict[str, Any]:
        """The settings as JSON can hold them."""
        return asdict(self)

    def schedule(self, steps: int) -> Schedule:
        """The schedule of so many steps."""
        return Schedule(
            steps,
            learning_rate=self.learning_rate,
            weight_decay=self.weight_decay,
            average=self.average,
            decay_all=False,
        )
