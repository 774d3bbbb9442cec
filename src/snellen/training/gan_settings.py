"""The settings of the training of a generator and its discriminator, and the values that are usual for each loss."""

import math
from collections.abc import Mapping
from dataclasses import KW_ONLY, asdict, dataclass, replace
from types import MappingProxyType
from typing import Any

from snellen._errors import UsageError, unknown
from snellen.instruments.losses.adversarial import APPROACHES, AdversarialLoss, adversarial_loss
from snellen.nets.upsampling import UPSAMPLINGS

STEPS = 3_000
FIRST: Mapping[str, str] = MappingProxyType({"probability": "nonsaturating", "critic": "wasserstein-gp"})
"""The loss of each approach to the discriminator, if none is named."""


@dataclass(frozen=True)
class Usual:
    """What is usual for a loss: learning rate, Adam's first beta, steps of the discriminator for one of the generator.

    ``strength`` is the factor of the penalty.
    """

    rate: float
    beta: float
    turns: int
    strength: float


USUAL: Mapping[str, Usual] = MappingProxyType(
    {
        "nonsaturating": Usual(1e-3, 0.0, 1, 1.0),
        "saturating": Usual(1e-3, 0.0, 1, 1.0),
        "lsgan": Usual(1e-3, 0.0, 1, 0.1),
        "hinge": Usual(1e-3, 0.0, 1, 0.0),
        "wasserstein-gp": Usual(1e-3, 0.0, 2, 10.0),
    }
)
BETA = 0.99
"""Adam's second beta."""
HOLD = 0.5
"""Part of the steps at the full learning rate; then it falls, in a straight line, to a tenth of it."""
LAST = 0.1


@dataclass(frozen=True)
class Settings:
    """What is trained, and how.

    Args:
        discriminator: ``probability`` or ``critic``.
        loss: one that goes with it; the approach's first if not given.
        upsample: ``nearest``, ``bilinear``, ``transposed`` or ``pixelshuffle``.
        conditional: generator and discriminator are told the class.
        style: the generator has a style path.
        latent: numbers of a latent vector.
        width: channels of the generator's last maps; the discriminator's first have twice as many.
        steps: of the generator.
        epochs: in place of steps: times that the generator's batches go through the images.
        batch: images a step.
        learning_rate: of both; the loss's usual one if not given.
        turns: steps of the discriminator for one of the generator; the loss's usual number if not given.
        average: decay of the averaged weights, a step, shorter at the beginning; they are what is kept.
        flip: mirror half of the real images; if not given, where any has colours.
        seed: of weights, order, latent vectors and mixing.

    Raises:
        UsageError: a number out of range, an unknown name, a loss that does not go with the discriminator.
    """

    _: KW_ONLY
    discriminator: str = "probability"
    loss: str | None = None
    upsample: str = "nearest"
    conditional: bool = False
    style: bool = False
    latent: int = 64
    width: int = 16
    steps: int = STEPS
    epochs: int | None = None
    batch: int = 64
    learning_rate: float | None = None
    turns: int | None = None
    average: float = 0.999
    flip: bool | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if self.discriminator not in APPROACHES:
            raise unknown("approach to the discriminator", self.discriminator, APPROACHES)
        _ = self.adversarial
        if self.upsample not in UPSAMPLINGS:
            raise unknown("upsampling", self.upsample, UPSAMPLINGS)
        if min(self.latent, self.width, self.steps, self.each, self.epochs or 1) < 1 or self.batch < 2:
            raise UsageError(
                "latent, width, steps and turns must be at least 1 and batch at least 2, got "
                f"latent={self.latent}, width={self.width}, steps={self.steps}, turns={self.each}, batch={self.batch}"
            )
        if not 0 < self.peak < math.inf or not 0 <= self.average < 1:
            raise UsageError(
                f"learning_rate must be above 0 and average in [0, 1), got learning_rate={self.peak}, "
                f"average={self.average}"
            )

    @property
    def called(self) -> str:
        """The name of the loss."""
        return FIRST[self.discriminator] if self.loss is None else self.loss

    @property
    def adversarial(self) -> AdversarialLoss:
        """The pair of losses."""
        return adversarial_loss(self.called, self.discriminator)

    @property
    def usual(self) -> Usual:
        """What is usual for the loss."""
        return USUAL[self.called]

    @property
    def peak(self) -> float:
        """The learning rate that the training begins with."""
        return self.usual.rate if self.learning_rate is None else self.learning_rate

    @property
    def each(self) -> int:
        """Steps of the discriminator for one of the generator."""
        return self.usual.turns if self.turns is None else self.turns

    @property
    def command(self) -> dict[str, Any]:
        """All that the weights depend on but the data, as JSON can hold it."""
        return {**asdict(self), "loss": self.called, "learning_rate": self.peak, "turns": self.each}

    def on(self, images: int) -> "Settings":
        """The same with steps in place of epochs, for so many images.

        >>> Settings(epochs=3, batch=64).on(1297).steps
        60
        """
        if self.epochs is None:
            return self
        return replace(self, steps=self.epochs * max(images // self.batch, 1), epochs=None)

    def rate(self, step: int) -> float:
        """The learning rate of a step, counted from 0.

        >>> settings = Settings(steps=101, learning_rate=1.0)
        >>> [round(settings.rate(step), 2) for step in (0, 50, 100)]
        [1.0, 1.0, 0.1]
        """
        part = step / max(self.steps - 1, 1)
        return self.peak * (1 - (1 - LAST) * max(part - HOLD, 0) / (1 - HOLD))

    @property
    def betas(self) -> tuple[float, float]:
        """Of both Adams."""
        return self.usual.beta, BETA
