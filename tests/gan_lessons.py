"""A small set that a small generator can learn, for the tests of its training."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from lessons import NAMES, pictures
from snellen.subject.load.arrays import array_images
from snellen.training.gan import train
from snellen.training.gan_data import GanData
from snellen.training.gan_lesson import GanLesson, prepare
from snellen.training.gan_settings import Settings


def small_data(count: int = 40, *, grey: bool = True) -> GanData:
    """Pictures of 8 x 8 pixels that are dark, light or striped, in turn."""
    levels, labels = pictures(count, side=8)
    images = torch.from_numpy(levels).permute(0, 3, 1, 2)
    images = images[:, :1] if grey else images
    source = array_images(images.expand(-1, 3, -1, -1).float() / 255, labels=labels)
    names = tuple(NAMES.tolist())
    return GanData(
        images.contiguous(), labels=torch.from_numpy(labels), class_names=names, source=source, name="pictures"
    )


def small_lesson(**settings: object) -> GanLesson:
    """Networks of a few channels, 6 steps of 8 images."""
    usual: dict[str, object] = {"steps": 6, "batch": 8, "latent": 16, "width": 2}
    return prepare(small_data(), Settings(**(usual | settings)))  # type: ignore[arg-type]


def archive(path: Path, count: int = 40) -> Path:
    """The pictures as an ``.npz``."""
    levels, labels = pictures(count, side=8)
    np.savez(path, images=levels[..., :1], labels=labels, class_names=NAMES)
    return path


def weights(lesson: GanLesson, checkpoint: Path | None = None) -> dict[str, Tensor]:
    """Of both networks after a training with a checkpoint after every second step."""
    trained = train(lesson, checkpoint=checkpoint, checkpoint_every=2)
    first, second = trained.generator.module.state_dict(), trained.discriminator.module.state_dict()
    return {f"generator.{k}": v for k, v in first.items()} | {f"discriminator.{k}": v for k, v in second.items()}


def long_game(checkpoint: Path | None = None) -> dict[str, Tensor]:
    """A conditional game of two critics' steps each, with everything that is drawn at random."""
    settings = {"discriminator": "critic", "conditional": True, "style": True, "flip": True, "steps": 8}
    return weights(small_lesson(**settings), checkpoint)
