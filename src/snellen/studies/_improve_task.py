"""What is to be improved: data, a network with its first weights, and one training of it."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim.swa_utils import AveragedModel, update_bn

from snellen.nets.small_vgg import SmallVGG
from snellen.studies._improve_levers import MOVED, Recipe
from snellen.subject.load.digits import CLASS_NAMES, digit_pixels
from snellen.subject.preprocessing import Preprocessing
from snellen.training.augment import Views
from snellen.training.dataset import Dataset, Part
from snellen.training.divergence import Divergence
from snellen.training.fit import fit, seed_of
from snellen.training.initial import Initial, begin_with
from snellen.training.lesson import Lesson, prepare
from snellen.training.score import Score
from snellen.training.settings import Settings
from snellen.training.watch import Row, Watch

SIDE, WIDTHS, HIDDEN = 16, (8, 16, 32), 32
"""The small network that learns digits."""
FIRST, SECOND = range(4), range(4, 10)
"""Digits that the first network was trained on, and digits that are to be learned."""
EACH = 20
"""Images of each digit to learn from; the others of the training part are the validation part."""


@dataclass(frozen=True, eq=False)
class Task:
    """What stays fixed.

    Attributes:
        data: images, classes and parts.
        lesson: settings -> the network with its first weights, before the first step.
        network: its name.
        begins: with which weights, in words.
    """

    data: Dataset
    lesson: Callable[[Settings], Lesson]
    network: str
    begins: str


def own(data: Dataset, network: str, initial: Initial | None) -> Task:
    """A user's images; training images that differ in size are resized once, and their middle is taken."""
    fixed = replace(data, views=Views(_still(data.views), data.views.side))
    begins = "random weights, the same for all levers" if initial is None else f"the weights of {initial.source}"
    return Task(fixed, lambda settings: prepare(fixed, settings, initial), network, begins)


def digits(seed: int) -> Task:
    """Digits 4 to 9 for a small VGG that was first trained on 0 to 3: other images, other classes.

    Of each digit 20 images are there to learn from, drawn by the seed, and the rest of the 1,297 are the validation
    part; the test part are those of the 500 held-out digits. The last layer is new, as it has another size.
    """
    data = _second(seed)
    first = _first(seed)
    initial = Initial(dict(first.module.state_dict()), "the first network", first.mean, first.std)
    right = first.score(first.data.val, module=first.module)

    def lesson(settings: Settings) -> Lesson:
        return _small(data, settings, initial)

    begins = (
        f"the weights of a network trained on the digits {FIRST[0]} to {FIRST[-1]} ({right.right} of {right.count} "
        "held back are right), with a new last layer"
    )
    return Task(data, lesson, f"small VGG of widths {'-'.join(map(str, WIDTHS))}", begins)


def course(task: Task, recipe: Recipe, seed: int) -> Lesson:
    """Train the network of a task once; the lesson that comes back holds it.

    Raises:
        DivergedError: the loss grows and grows, or is not finite.
    """
    lesson = task.lesson(replace(recipe.settings, seed=seed))
    schedule = replace(lesson.schedule, cycle=recipe.cycle)
    mean = AveragedModel(lesson.module) if recipe.stochastic else None
    looks = iter(range(1, recipe.settings.epochs + 1))

    def look() -> Row:
        if mean is not None and 2 * next(looks) > recipe.settings.epochs:
            mean.update_parameters(lesson.module)
        return {"val_loss": 0.0}

    fit(
        lesson.module,
        lesson.losses(lesson.module),
        schedule,
        seed=seed,
        watch=None if mean is None else Watch(lesson.epoch, look),
        guard=Divergence(len(task.data.class_names), schedule.rate),
    )
    if mean is not None:
        lesson.module.load_state_dict(mean.module.state_dict())
        update_bn((lesson.seen(step)[0] for step in range(lesson.epoch)), lesson.module)
    lesson.module.eval()
    return lesson


def answered(lesson: Lesson, recipe: Recipe, part: Part) -> Score:
    """The answers of a trained network to a part, as the recipe has them given."""
    mirror, shift = recipe.views and not lesson.data.grey, MOVED if recipe.views else 0
    return lesson.score(part, mirror=mirror, shift=shift, module=lesson.module)


def _small(data: Dataset, settings: Settings, initial: Initial | None) -> Lesson:
    """A lesson for a network of a hundredth of the size of the usual small VGG."""
    built = {"channels": 3, "classes": len(data.class_names), "side": SIDE, "widths": [*WIDTHS], "hidden": HIDDEN}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_of(settings.seed, 0))
        module: nn.Module = SmallVGG(**built)  # type: ignore[arg-type]
    if initial is not None:
        begin_with(module, initial)
    lesson = prepare(data, settings)
    if initial is not None and initial.mean is not None and initial.std is not None:
        lesson = replace(lesson, mean=initial.mean, std=initial.std)
    module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stubs lack it
    return replace(lesson, module=module.train(), built=built)


def _first(seed: int) -> Lesson:
    images, labels = _digits("train", FIRST)
    held = torch.arange(len(labels)) % 10 == 0
    data = _dataset(Part(images[~held], labels[~held]), Part(images[held], labels[held]), None, FIRST)
    settings = Settings(network="small_vgg", epochs=8, batch=32, flip=False, average=0.9, learning_rate=0.01, seed=seed)
    lesson = _small(data, settings, None)
    fit(lesson.module, lesson.losses(lesson.module), lesson.schedule, seed=seed)
    return lesson


def _second(seed: int) -> Dataset:
    images, labels = _digits("train", SECOND)
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(seed))
    taught = torch.cat([order[labels[order] == k][:EACH] for k in range(len(SECOND))]).sort().values
    rest = torch.ones(len(labels), dtype=torch.bool)
    rest[taught] = False
    held = Part(*_digits("test", SECOND))
    return _dataset(Part(images[taught], labels[taught]), Part(images[rest], labels[rest]), held, SECOND)


def _digits(part: str, wanted: range) -> tuple[Tensor, Tensor]:
    """The digits of a part that are wanted: (n, 3, 16, 16) uint8, and their classes from 0."""
    pixels, labels = digit_pixels(part)  # type: ignore[arg-type]  # train or test
    rows = (labels >= wanted[0]) & (labels <= wanted[-1])
    small = F.avg_pool2d(pixels[rows], pixels.shape[-1] // SIDE)
    return (255 * small).round().to(torch.uint8).expand(-1, 3, -1, -1).contiguous(), labels[rows] - wanted[0]


def _dataset(train: Part, val: Part, test: Part | None, wanted: range) -> Dataset:
    return Dataset(
        Views(train.images, (SIDE, SIDE)),
        train.labels,
        shown=train,
        val=val,
        test=test,
        class_names=tuple(CLASS_NAMES[k] for k in wanted),
        preprocessing=Preprocessing(size=(SIDE, SIDE)),
        name="scikit-learn digits",
    )


def _still(views: Views) -> Tensor:
    """The training images as a data loader gives them that resizes and crops nothing at random, (n, 3, h, w) uint8."""
    height, width = views.side
    kept = []
    for image in views.images:
        scale = max(height / image.shape[1], width / image.shape[2])
        tall, wide = (
            max(round(length * scale), least) for length, least in zip(image.shape[1:], views.side, strict=True)
        )
        if (tall, wide) != tuple(image.shape[1:]):
            pixels = F.interpolate(image[None].float(), (tall, wide), mode="bicubic", antialias=True)[0]
            image = pixels.round().clamp(0, 255).to(torch.uint8)
        top, left = (tall - height) // 2, (wide - width) // 2
        kept.append(image[:, top : top + height, left : left + width])
    return torch.stack(kept)
