"""Train a classifier: images seen a little differently every time, one cycle of the learning rate, averaged weights.

Everything that a step draws is a function of the seed and the number of the step. The validation images are looked at
after every epoch and never trained on; the test images are looked at once, when all is done.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from snellen._errors import UsageError, unknown
from snellen.nets.classifiers import NETWORKS, classifier
from snellen.nets.compact_vgg import compact, restored
from snellen.nets.saved import Saved
from snellen.nets.vgg import VGG
from snellen.training.dataset import Dataset, Part
from snellen.training.divergence import Divergence
from snellen.training.fit import Fitted, LossOf, Progress, fit, generator_of, rows_of, seed_of
from snellen.training.initial import Initial, begin_with
from snellen.training.memory import enough_memory
from snellen.training.mixing import cutout, mixed
from snellen.training.ranks import ALONE, Ranks
from snellen.training.schedule import OPTIMIZERS, Schedule
from snellen.training.score import Score, score
from snellen.training.watch import Row, Watch

STD = 0.25
"""What pixels are divided by, after their mean is taken off: about the spread of natural images."""
SGD_RATE = 30
"""SGD's usual learning rate is so many times that of AdamW."""
DECAY = {"adamw": 0.05, "sgd": 5e-4}
"""Weight decay that is usual for each optimizer."""
SHIFT_PART = 8
"""Images are moved by up to their shorter side divided by this."""
NORMS = (nn.modules.batchnorm._BatchNorm,)


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
        flip: mirror half of the images; if not given, where any has colours: letters and X-rays are not mirrored.
        shift: pixels that images of one size are moved at most; an eighth of the shorter side if not given. Images
            larger than what is trained on are cropped at random instead.
        cutout: side of the square that is blanked, in pixels.
        jitter: how far brightness, contrast and colours are changed, as a part.
        mixup: a of Beta(a, a); 0 leaves it out.
        cutmix: likewise.
        average: decay of the averaged weights, a step.
        patience: epochs without a smaller validation loss after which the training ends; the weights of the best epoch
            are kept then. 0: all epochs are made, and the last weights are kept.
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


@dataclass(frozen=True, eq=False)
class Lesson:
    """A network, what it is to learn, and how: all that a training needs, before its first step.

    Attributes:
        data: what it learns from.
        settings: how.
        module: with its first weights, in training mode; a VGG without its copies of pixels.
        kind: of network, as its file will say.
        built: what the kind is built with.
        mean: per channel, in units of [0, 1].
        std: likewise.
        begun: the fingerprint of the weights it begins with; None if they are random.
        notes: what preparing had to do, one sentence each.
    """

    data: Dataset
    settings: Settings
    module: nn.Module
    _: KW_ONLY
    kind: str
    built: dict[str, Any]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    begun: str | None
    notes: tuple[str, ...]

    @property
    def command(self) -> dict[str, Any]:
        """All that the weights depend on, as JSON can hold it."""
        return {"task": "classify", **asdict(self.settings), "data": self.data.fingerprint, "start": self.begun}

    @property
    def batch(self) -> int:
        """Images a step."""
        return min(self.settings.batch, len(self.data.labels))

    @property
    def epoch(self) -> int:
        """Steps an epoch; the images of a last, smaller batch are left out of it."""
        return len(self.data.labels) // self.batch

    @property
    def schedule(self) -> Schedule:
        """Steps and rates."""
        return self.settings.schedule(self.settings.epochs * self.epoch)

    @property
    def flips(self) -> bool:
        """Whether images are mirrored."""
        return not self.data.grey if self.settings.flip is None else self.settings.flip

    @cached_property
    def shift(self) -> int:
        """Pixels that images are moved at most."""
        return min(self.data.views.side) // SHIFT_PART if self.settings.shift is None else self.settings.shift

    def seen(self, step: int, *, most: int | None = None) -> tuple[Tensor, Tensor]:
        """The images of a step, normalised and augmented, and their targets: classes, or parts of them if mixed."""
        settings, generator = self.settings, generator_of(self.settings.seed, step)
        rows = rows_of(step, batch=self.batch, count=len(self.data.labels), seed=settings.seed)[:most]
        pixels = self.data.views.augmented(rows, generator, jitter=settings.jitter, flip=self.flips, shift=self.shift)
        images = cutout(self.normalised(pixels), settings.cutout, generator)
        targets = self.data.labels[rows]
        if settings.mixup or settings.cutmix:
            soft = F.one_hot(targets, len(self.data.class_names)).float()
            images, targets = mixed(images, soft, generator, mixup=settings.mixup, cutmix=settings.cutmix)
        return images.contiguous(memory_format=torch.channels_last), targets

    def normalised(self, pixels: Tensor) -> Tensor:
        """Pixels in [0, 1] as the network is given them."""
        mean, std = (torch.tensor(values).view(-1, 1, 1) for values in (self.mean, self.std))
        return (pixels - mean) / std

    def loss(self, scores: Tensor, targets: Tensor) -> Tensor:
        """What is minimised."""
        return F.cross_entropy(scores.float(), targets, label_smoothing=self.settings.smoothing)

    def losses(self, module: nn.Module, *, most: int | None = None, ranks: Ranks = ALONE) -> LossOf:
        """The loss of each step of this module, on this process's share of the batch."""

        def loss_of(step: int) -> Tensor:
            images, targets = (ranks.share(part) for part in self.seen(step, most=most))
            return self.loss(module(images.contiguous(memory_format=torch.channels_last)), targets)

        return loss_of

    def score(self, part: Part, *, mirror: bool = False, module: nn.Module | None = None) -> Score:
        """How well the module does on images as they are; exactly if another module is given."""
        exact, judged = module is not None, self.module if module is None else module
        return score(judged, part, mean=self.mean, std=self.std, mirror=mirror, exact=exact)


def prepare(data: Dataset, settings: Settings, initial: Initial | None = None) -> Lesson:
    """Build the network, with random weights or those given; a function of its arguments.

    Raises:
        UsageError: one image a batch and BatchNorm.
        ImagesError: images that the network does not take.
        NetworkError: initial weights that do not fit.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_of(settings.seed, 0))
        module, kind, built = classifier(
            settings.network, classes=len(data.class_names), side=data.views.side, dropout=settings.dropout
        )
    norms = [name for name, inner in module.named_modules() if isinstance(inner, NORMS)]
    if norms and min(settings.batch, len(data.labels)) < 2:
        raise UsageError(
            f"BatchNorm ({norms[0]} of {settings.network}) takes mean and deviation over the images of a batch and "
            "cannot learn from batches of one; give a --batch of at least 2, better 32"
        )
    notes: tuple[str, ...] = () if initial is None else begin_with(module, initial)
    mean: tuple[float, ...] = data.views.mean
    std: tuple[float, ...] = (STD,) * 3
    if initial is not None and initial.mean is not None and initial.std is not None:
        mean, std = (tuple(v[i % len(v)] for i in range(3)) for v in (initial.mean, initial.std))
    if isinstance(module, VGG):
        module = compact(module, data.views.side)
    module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stubs lack it
    return Lesson(
        data,
        settings,
        module.train(),
        kind=kind,
        built=built,
        mean=mean,
        std=std,
        begun=None if initial is None else initial.fingerprint,
        notes=notes,
    )


@dataclass(frozen=True, eq=False)
class Trained:
    """A trained classifier and how it came to be.

    Attributes:
        saved: the network, as it is written.
        fitted: losses and looks.
        scores: ``train`` (some training images, as they are), ``val`` and, where there is such a part, ``test``; where
            images are mirrored in training, ``val_mirrored`` and ``test_mirrored`` too. In float32.
    """

    saved: Saved
    fitted: Fitted
    scores: dict[str, Score]


def train(
    lesson: Lesson,
    *,
    checkpoint: Path | None = None,
    checkpoint_every: int = 50,
    told: Callable[[Sequence[Row]], None] = lambda _rows: None,
    ranks: Ranks = ALONE,
    progress: Progress = lambda _stage, _done, _total: None,
) -> Trained:
    """Train the network of a lesson, which is changed in place, and measure it.

    Args:
        lesson: from :func:`prepare`.
        checkpoint: where the file of the checkpoint lies while the training runs.
        checkpoint_every: steps between two of them.
        told: given the rows of all epochs so far, after each and when a killed run goes on.
        ranks: this process among those that train together, each on its share of every batch.
        progress: called with a stage, steps done and steps in all.

    Raises:
        DivergedError: the loss grows and grows, or is not finite.
        InputError: too little memory; a checkpoint that cannot be written.
        UsageError: a checkpoint of another command; a batch that the processes cannot share alike.
    """
    ranks.check(lesson.batch)
    data, schedule = lesson.data, lesson.schedule

    def look() -> Row:
        seen, val = lesson.score(data.shown), lesson.score(data.val)
        return {
            "train_loss": seen.loss,
            "train_accuracy": seen.accuracy,
            "train_count": seen.count,
            "val_loss": val.loss,
            "val_loss_error": val.error,
            "val_accuracy": val.accuracy,
            "val_count": val.count,
        }

    def attempt(images: int) -> None:
        lesson.losses(lesson.module, most=images)(0).backward()
        lesson.module.zero_grad()

    with enough_memory(lesson.batch, attempt):
        fitted = fit(
            lesson.module,
            lesson.losses(lesson.module, ranks=ranks),
            schedule,
            seed=lesson.settings.seed,
            checkpoint=checkpoint,
            command=lesson.command,
            checkpoint_every=checkpoint_every,
            watch=Watch(lesson.epoch, look, told, patience=lesson.settings.patience),
            guard=Divergence(len(data.class_names), schedule.rate),
            ranks=ranks,
            progress=progress,
        )
    module = restored(lesson.module, data.views.side) if isinstance(lesson.module, VGG) else lesson.module
    saved = Saved(
        module.eval(),
        kind=lesson.kind,
        settings=lesson.built,
        task="classify",
        mean=lesson.mean,
        std=lesson.std,
        about={
            "side": list(data.views.side),
            "resize": data.preprocessing.resize,
            "interpolation": data.preprocessing.interpolation,
            "class_names": list(data.class_names),
        },
        story=fitted.story("snellen.training.classify", lesson.command, len(data.labels)),
    )
    scores = _measured(lesson, module)
    counts = {name: {"right": found.right, "asked": found.count} for name, found in scores.items()}
    return Trained(replace(saved, story={**saved.story, "measured": counts}), fitted, scores)


def _measured(lesson: Lesson, module: nn.Module) -> dict[str, Score]:
    data = lesson.data
    parts = {"train": data.shown, "val": data.val} | ({} if data.test is None else {"test": data.test})
    scores = {name: lesson.score(part, module=module) for name, part in parts.items()}
    if lesson.flips:
        scores |= {
            f"{name}_mirrored": lesson.score(part, mirror=True, module=module)
            for name, part in parts.items()
            if name != "train"
        }
    return scores
