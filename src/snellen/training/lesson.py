"""A lesson: a network, what it is to learn, and how; prepared before its first step.

Everything that a step draws is a function of the seed and the number of the step.
"""

from dataclasses import KW_ONLY, asdict, dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from snellen._errors import UsageError
from snellen.nets.airbench import Airbench
from snellen.nets.classifiers import classifier
from snellen.nets.compact_vgg import compact
from snellen.nets.vgg import VGG
from snellen.training.adversarial import worst
from snellen.training.dataset import Dataset, Part
from snellen.training.fit import LossOf, generator_of, rows_of, seed_of
from snellen.training.initial import Initial, begin_with
from snellen.training.mixing import cutout, mixed
from snellen.training.ranks import ALONE, Ranks
from snellen.training.schedule import Schedule
from snellen.training.score import Score, score
from snellen.training.settings import Settings

STD = 0.25
"""What pixels are divided by, after their mean is taken off: about the spread of natural images."""
SHIFT_PART = 8
"""Images are moved by up to their shorter side divided by this."""
WHITENED_BY = 2000
"""Training images that set the first layer of a network that whitens its patches, at most."""
ATTACK = 0xAD5E
"""Tells the seeds of what an adversary draws from those of the augmentation."""
MIRROR = 0xF11B
"""Tells the seed of which images are mirrored first."""
NORMS = (nn.modules.batchnorm._BatchNorm,)


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
        flip = self.mirrored(rows, step // max(self.epoch, 1)) if self.flips else False
        pixels = self.data.views.augmented(rows, generator, jitter=settings.jitter, flip=flip, shift=self.shift)
        images = cutout(self.normalised(pixels), settings.cutout, generator)
        targets = self.data.labels[rows]
        if settings.mixup or settings.cutmix:
            soft = F.one_hot(targets, len(self.data.class_names)).float()
            images, targets = mixed(images, soft, generator, mixup=settings.mixup, cutmix=settings.cutmix)
        return images.contiguous(memory_format=torch.channels_last), targets

    def mirrored(self, rows: Tensor, epoch: int) -> Tensor:
        """(b,) whether each image is mirrored: every other epoch, half of them in the first (Jordan 2024)."""
        return (self._sides[rows] + epoch) % 2 == 1

    @cached_property
    def _sides(self) -> Tensor:
        generator = generator_of(self.settings.seed ^ MIRROR, 0)
        return torch.randint(2, (len(self.data.labels),), generator=generator)

    def normalised(self, pixels: Tensor) -> Tensor:
        """Pixels in [0, 1] as the network is given them."""
        return _normalised(pixels, self.mean, self.std)

    def loss(self, scores: Tensor, targets: Tensor) -> Tensor:
        """What is minimised."""
        return F.cross_entropy(scores.float(), targets, label_smoothing=self.settings.smoothing)

    def losses(self, module: nn.Module, *, most: int | None = None, ranks: Ranks = ALONE) -> LossOf:
        """The loss of each step of this module, on this process's share of the batch."""

        def loss_of(step: int) -> Tensor:
            images, targets = self.seen(step, most=most)
            start = self._start(images, step)
            images, targets, start = (ranks.share(part) for part in (images, targets, start))
            if self.settings.adversary is not None:
                images = self._attacked(module, images, targets, start)
            return self.loss(module(images.contiguous(memory_format=torch.channels_last)), targets)

        return loss_of

    def _start(self, images: Tensor, step: int) -> Tensor:
        """Where the attack on each image begins, in parts of its budget: drawn for the whole batch, as its order is."""
        if self.settings.adversary is None:
            return images
        return 2 * torch.rand(images.shape, generator=generator_of(self.settings.seed ^ ATTACK, step)) - 1

    def _attacked(self, module: nn.Module, images: Tensor, targets: Tensor, start: Tensor) -> Tensor:
        assert self.settings.adversary is not None
        return worst(
            module,
            images,
            targets,
            self.loss,
            adversary=self.settings.adversary,
            start=start,
            mean=self.mean,
            std=self.std,
        )

    def score(self, part: Part, *, mirror: bool = False, shift: int = 0, module: nn.Module | None = None) -> Score:
        """How well the module does on images as they are; exactly if another module is given."""
        exact, judged = module is not None, self.module if module is None else module
        return score(judged, part, mean=self.mean, std=self.std, mirror=mirror, shift=shift, exact=exact)


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
            "cannot learn from batches of one; give a --batch-size of at least 2, better 32"
        )
    notes: tuple[str, ...] = () if initial is None else begin_with(module, initial)
    mean: tuple[float, ...] = data.views.mean
    std: tuple[float, ...] = (STD,) * 3
    if initial is not None and initial.mean is not None and initial.std is not None:
        mean, std = (tuple(v[i % len(v)] for i in range(3)) for v in (initial.mean, initial.std))
    if isinstance(module, Airbench) and initial is None:
        rows = torch.arange(min(WHITENED_BY, len(data.views)))
        pixels = data.views.augmented(rows, generator_of(settings.seed, 0), flip=False, shift=0)
        module.whiten(_normalised(pixels, mean, std))
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


def _normalised(pixels: Tensor, *by: tuple[float, ...]) -> Tensor:
    mean, std = (torch.tensor(values).view(-1, 1, 1) for values in by)
    return (pixels - mean) / std
