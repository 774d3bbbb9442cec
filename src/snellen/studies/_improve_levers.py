"""The levers that are left when architecture, first weights, batch size, data and splits are fixed."""

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field, replace
from typing import Any

from snellen.training.settings import DECAY, Settings

LONGER = 3
"""How many times as long a longer training is."""
MOVED = 1
"""Pixels that test images are moved by, four ways, to answer them five times."""


@dataclass(frozen=True)
class Recipe:
    """All of a training that a lever may change.

    Attributes:
        settings: rate, epochs, augmentation, regularisation.
        cycle: the learning rate makes one cycle; if not, it stays where it is.
        stochastic: the weights are the mean of those after each epoch of the last half (SWA).
        views: images to be judged are answered five times, moved, and mirrored where training images have colours.
    """

    settings: Settings
    _: KW_ONLY
    cycle: bool = False
    stochastic: bool = False
    views: bool = False


@dataclass(frozen=True)
class Lever:
    """One thing that may be changed.

    Attributes:
        key: of its numbers.
        name: in a few words.
        why: the reason that it can help.
        option: of ``snellen train classify``, to do the same.
        settings: what it changes of :class:`Settings`.
        more: what it changes of the rest of a recipe.
    """

    key: str
    name: str
    why: str
    option: str
    _: KW_ONLY
    settings: Mapping[str, Any] = field(default_factory=dict)
    more: Mapping[str, Any] = field(default_factory=dict)

    def on(self, recipe: Recipe) -> Recipe:
        """The recipe with this lever pulled."""
        return replace(recipe, settings=replace(recipe.settings, **self.settings), **self.more)


def levers(base: Settings, *, rate: float, side: int) -> tuple[Lever, ...]:
    """All levers, beginning with those that are tried first by hand.

    Dropout is not among them: its layers belong to the architecture. Early stopping is not either: it chooses by the
    validation images, by which the levers are judged here.

    Args:
        base: the settings to improve upon.
        rate: the learning rate that a range test found.
        side: the shorter side of the images, in pixels.
    """
    square = max(side // 4, 1)
    return (
        Lever(
            "range_test",
            "learning rate by a range test",
            "The given rate is nobody's measurement. Too small a one stops short of what the epochs could reach, too "
            "large a one undoes what was learned.",
            "--lr auto",
            settings={"learning_rate": rate},
        ),
        Lever(
            "cycle",
            "one cycle, its peak by a range test",
            "Large steps cross flat ground early, small ones at the end settle into a minimum instead of jumping about "
            "it.",
            "--lr auto",
            settings={"learning_rate": rate},
            more={"cycle": True},
        ),
        Lever(
            "longer",
            f"{LONGER} times as long",
            "A network that was still learning learns on. One that was not learns what is true of its training images "
            "alone.",
            f"--epochs {LONGER * base.epochs}",
            settings={"epochs": LONGER * base.epochs},
        ),
        Lever(
            "moved",
            "moved, and mirrored if in colour",
            "A moved image is of the same class. The network sees more different images, and learns to leave out of "
            "account where they stand.",
            "--shift, --flip: on by default",
            settings={"shift": None, "flip": None},
        ),
        Lever(
            "cutout",
            "cutout",
            "With a part of each image blanked, the network cannot rely on one detail.",
            f"--cutout {square}",
            settings={"cutout": square},
        ),
        Lever(
            "jitter",
            "brightness and contrast changed",
            "Light and camera do not change the class either.",
            "--jitter 0.2",
            settings={"jitter": 0.2},
        ),
        Lever(
            "mixup",
            "mixup",
            "Blends of two images with blended labels ask for answers that change evenly from one class to the other.",
            "--mixup 0.2",
            settings={"mixup": 0.2},
        ),
        Lever(
            "cutmix",
            "cutmix",
            "As cutout, but with a box of another image in the hole, and its class in the label.",
            "--cutmix 1",
            settings={"cutmix": 1.0},
        ),
        Lever(
            "weight_decay",
            "weight decay",
            "Smaller weights make smoother answers, which depend less on the accidents of the training images.",
            f"--weight-decay {DECAY[base.optimizer]:g}",
            settings={"weight_decay": DECAY[base.optimizer]},
        ),
        Lever(
            "smoothing",
            "label smoothing",
            "The loss has its minimum at a finite score, so that no training image is worth ever larger weights.",
            "--smoothing 0.1",
            settings={"smoothing": 0.1},
        ),
        Lever(
            "ema",
            "averaged weights (EMA)",
            "Steps of small batches jump about a minimum; the mean of many steps lies nearer to its middle.",
            "--average 0.99",
            settings={"average": 0.99},
        ),
        Lever(
            "swa",
            "averaged weights (SWA)",
            "The same, over whole epochs: the mean of the weights after each epoch of the last half, BatchNorm's "
            "statistics taken anew.",
            "--average 0.999 is its like",
            more={"stochastic": True},
        ),
        Lever(
            "views",
            "test-time augmentation",
            "The mean of answers to several views of an image errs less than one answer. The training stays as it is.",
            "the page shows the gain of mirroring",
            more={"views": True},
        ),
    )
