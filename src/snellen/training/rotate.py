"""The other pretext: train a network to tell by which quarter turn an image was rotated.

The same encoder, images, augmentation and steps as :mod:`snellen.training.deshuffle`, so that what the two have learned
can be compared. Reference: Gidaris, Singh & Komodakis 2018, arXiv 1803.07728.
"""

from dataclasses import KW_ONLY, asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import UInt8
from torch import Tensor
from torch.nn import functional as F

from snellen._errors import ImagesError, UsageError, unknown
from snellen.nets.deshuffler import ENCODERS
from snellen.nets.saved import Saved
from snellen.nets.staged_classifier import StagedClassifier
from snellen.training.augment import Views
from snellen.training.fit import Progress, fit, generator_of, rows_of, seed_of
from snellen.training.schedule import Schedule

TURNS = 4
STD = 0.25


@dataclass(frozen=True)
class Settings:
    """What is trained, and how.

    Args:
        encoder: ``small``, ``large`` or ``vgg11_bn``.
        jitter: how far brightness, contrast and colours of an image are changed, as a part.
        grey: part of the images that lose their colours.
        steps: of the optimizer.
        batch: images a step; each is seen in one of the four turns.
        learning_rate: its peak.
        seed: of weights, order and augmentation.
    """

    _: KW_ONLY
    encoder: str = "small"
    jitter: float = 0.2
    grey: float = 0.0
    steps: int = 2_400
    batch: int = 64
    learning_rate: float = 2e-3
    seed: int = 0

    def __post_init__(self) -> None:
        if self.encoder not in ENCODERS:
            raise unknown("encoder", self.encoder, ENCODERS)
        if self.batch < 1:
            raise UsageError(f"batch must be at least 1, got {self.batch}")

    @property
    def command(self) -> dict[str, Any]:
        """The settings as JSON can hold them."""
        return asdict(self)


def train(
    views: Views,
    settings: Settings,
    *,
    checkpoint: Path | None = None,
    checkpoint_every: int = 50,
    progress: Progress = lambda _stage, _done, _total: None,
) -> Saved:
    """A network that tells turns of 0, 90, 180 and 270 degrees (anticlockwise) apart; a function of its arguments.

    Raises:
        ImagesError: fewer than 2 images, or images that are not square.
        UsageError: a checkpoint of another command.
    """
    if len(views) < 2 or views.side[0] != views.side[1]:
        raise ImagesError(
            f"telling rotations apart needs at least 2 square images, got {len(views)} of {views.side[0]} x "
            f"{views.side[1]} pixels (height x width); give a --side to crop squares from them"
        )
    batch = min(settings.batch, len(views))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_of(settings.seed, 0))
        built: dict[str, Any] = {"encoder": settings.encoder, "classes": TURNS}
        module = StagedClassifier(**built)
    module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stubs lack it
    scale = torch.tensor(views.mean).view(-1, 1, 1)

    def loss_of(step: int) -> Tensor:
        generator = generator_of(settings.seed, step)
        rows = rows_of(step, batch=batch, count=len(views), seed=settings.seed)
        images = (views.augmented(rows, generator, jitter=settings.jitter, grey=settings.grey) - scale) / STD
        turns = torch.randint(TURNS, (len(images),), generator=generator)
        return F.cross_entropy(module(turned(images, turns)), turns)

    command = command_of(views, settings)
    fitted = fit(
        module,
        loss_of,
        Schedule(settings.steps, learning_rate=settings.learning_rate),
        seed=settings.seed,
        checkpoint=checkpoint,
        command=command,
        checkpoint_every=checkpoint_every,
        progress=progress,
    )
    return Saved(
        module,
        kind="staged_classifier",
        settings=built,
        task="rotate",
        mean=views.mean,
        std=(STD,) * 3,
        about={"side": list(views.side), "class_names": [f"{90 * turn}°" for turn in range(TURNS)]},
        story=fitted.story("snellen.training.rotate", command, len(views)),
    )


def command_of(views: Views, settings: Settings) -> dict[str, Any]:
    """All that the weights depend on, as JSON can hold it."""
    return {"task": "rotate", **settings.command, "data": views.fingerprint}


def told_apart(saved: Saved, images: UInt8[Tensor, "n 3 s s"]) -> tuple[int, int]:
    """Of every image in each of the four turns: how many turns were told right, and how many were asked."""
    mean, std = (torch.tensor(values).view(-1, 1, 1) for values in (saved.mean, saved.std))
    right = 0
    for block in images.split(256):
        pixels = (block.float() / 255 - mean) / std
        for turn in range(TURNS):
            turns = torch.full((len(block),), turn)
            with torch.inference_mode():
                right += int((saved.module(turned(pixels, turns)).argmax(dim=1) == turns).sum())
    return right, TURNS * len(images)


def turned(images: Tensor, turns: Tensor) -> Tensor:
    """Each square image (n, c, s, s) turned by its number of quarter turns, anticlockwise, in channels-last memory.

    >>> turned(torch.arange(4.0).view(1, 1, 2, 2), torch.tensor([1])).flatten().tolist()
    [1.0, 3.0, 0.0, 2.0]
    """
    whole = torch.stack([torch.rot90(images, turn, (2, 3)) for turn in range(TURNS)])
    return whole[turns, torch.arange(len(images))].contiguous(memory_format=torch.channels_last)
