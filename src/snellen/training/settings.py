"""The settings of the training of a classifier, and the rates that are usual."""

import math
from dataclasses import KW_ONLY, dataclass

from snellen._errors import UsageError, unknown
from snellen.nets.classifiers import NETWORKS
from snellen.training.adversarial import Adversary
from snellen.training.schedule import OPTIMIZERS, Schedule

SGD_RATE = 30
"""SGD's usual learning rate is so many times that of AdamW."""
DECAY = {"adamw": 0.05, "sgd": 5e-4}
"""Weight decay that is usual for each optimizer."""


@dataclass(frozen=True)
class Settings:
    """What is trained, and how.

    Args:
        network: one of :data:`snellen.nets.classifiers.NETWORKS`.
        epochs: times that the training images are gone through.
        batch: images a step.
        learning_rate: the peak of the cycle; the network's usual one if not given.
        optimizer: ``adamw`` or ``sgd``.
        weight_decay: of the weights, not of norms and biases; the optimizer's usual one if not given.
        smoothing: of the labels: this part of each target is spread over all classes (Szegedy et al. 2016).
        dropout: its rate; the network's own if not given.
        flip: mirror half of the images, the other half in the next epoch, and so on (Jordan 2024, arXiv:2404.00498);
            if not given, where any has colours: letters and X-rays are not mirrored.
        shift: pixels that images of one size are moved at most; an eighth of the shorter side if not given. Images
            larger than what is trained on are cropped at random instead.
        cutout: side of the square that is blanked, in pixels.
        jitter: how far brightness, contrast and colours are changed, as a part.
        mixup: a of Beta(a, a); 0 leaves it out.
        cutmix: likewise.
        average: decay of the averaged weights, a step.
        patience: epochs without a smaller validation loss after which the training ends; the weights of the best epoch
            are kept then. 0: all epochs are made, and the last weights are kept.
        adversary: replaces the images of every step by the worst near them; None trains on images as they are.
        seed: of weights, order and augmentation.
    """

    _: KW_ONLY
    network: str = "resnet9_half"
    epochs: int = 20
    batch: int = 128
    learning_rate: float | None = None
    optimizer: str = "adamw"
    weight_decay: float | None = None
    smoothing: float = 0.0
    dropout: float | None = None
    flip: bool | None = None
    shift: int | None = None
    cutout: int = 0
    jitter: float = 0.0
    mixup: float = 0.0
    cutmix: float = 0.0
    average: float = 0.999
    patience: int = 0
    adversary: Adversary | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if self.network not in NETWORKS:
            raise unknown("network", self.network, NETWORKS)
        if self.optimizer not in OPTIMIZERS:
            raise unknown("optimizer", self.optimizer, OPTIMIZERS)
        if min(self.epochs, self.batch) < 1 or min(self.patience, self.cutout) < 0 or (self.shift or 0) < 0:
            raise UsageError(
                "epochs and batch must be at least 1, patience, cutout and shift at least 0, got "
                f"epochs={self.epochs}, batch={self.batch}, patience={self.patience}, cutout={self.cutout}, "
                f"shift={self.shift}"
            )
        if not 0 <= self.smoothing < 1 or not 0 <= self.jitter <= 1:
            raise UsageError(
                f"smoothing must be in [0, 1) and jitter in [0, 1], got {self.smoothing} and {self.jitter}"
            )
        if not (0 <= self.mixup < math.inf and 0 <= self.cutmix < math.inf):
            raise UsageError(f"mixup and cutmix must be 0 or more, got {self.mixup} and {self.cutmix}")

    def schedule(self, steps: int) -> Schedule:
        """The schedule of so many steps."""
        usual = NETWORKS[self.network].rate * (SGD_RATE if self.optimizer == "sgd" else 1)
        return Schedule(
            steps,
            learning_rate=usual if self.learning_rate is None else self.learning_rate,
            weight_decay=DECAY[self.optimizer] if self.weight_decay is None else self.weight_decay,
            average=self.average,
            optimizer=self.optimizer,
            decay_all=False,
        )
