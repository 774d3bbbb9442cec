"""Small labelled sets that a small network can learn, for the tests of training."""

from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from snellen.studies._improve_task import Task, digits
from snellen.training.dataset import Dataset, load_dataset
from snellen.training.lesson import Lesson, prepare
from snellen.training.settings import Settings

NAMES = np.array(["dark", "light", "striped"])


def pictures(count: int, *, side: int = 16, seed: int = 0) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Noisy images that are dark, light or striped, (n, side, side, 3), and which of these they are, in turn."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 3
    level = np.array([70, 170, 120])[labels]
    stripes = np.where(np.arange(side) % 4 < 2, 60, -60)
    whole = level[:, None, None, None] + rng.normal(0, 20, (count, side, side, 3))
    whole += np.where((labels == 2)[:, None, None, None], stripes[None, None, :, None], 0)
    return whole.clip(0, 255).astype(np.uint8), labels


def archive(path: Path, count: int = 60, **more: NDArray[np.generic]) -> Path:
    """An ``.npz`` of such pictures, with other members or in place of these."""
    images, labels = pictures(count)
    np.savez(path, **{"images": images, "labels": labels, "class_names": NAMES, **more})  # type: ignore[arg-type]
    return path


def small_lesson(folder: Path, **settings: object) -> Lesson:
    """54 of 60 pictures to train a small VGG on in batches of 8, for 2 epochs."""
    return prepare(small_set(folder), quick(**settings))


def small_set(folder: Path) -> Dataset:
    return load_dataset(str(archive(folder / "pictures.npz")))


def quick(**settings: object) -> Settings:
    usual: dict[str, object] = {"network": "small_vgg", "epochs": 2, "batch": 8, "learning_rate": 1e-3}
    return Settings(**(usual | settings))  # type: ignore[arg-type]


@cache
def digits_to_learn() -> Task:
    """The task of exercise 3a: a network that knows the digits 0 to 3 is to learn 4 to 9."""
    return digits(0)
