"""What a check of a generator is: a question about its pictures beside real ones."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn

from snellen.findings.finding import Finding

SIDE = 16  # pixels are averaged to at most so many a side before distances are taken


@dataclass(frozen=True, eq=False)
class Space:
    """Vectors of equally many samples, real images, and other real images in the samples' place.

    Args:
        name: ``pixels``, or of which network the features are.
        fake: (n, d) of samples.
        reference: (n, d) of real images.
        null: (n, d) of other real images: what a perfect generator would give.
    """

    name: str
    fake: Tensor
    reference: Tensor
    null: Tensor


@dataclass(frozen=True, eq=False)
class Judged:
    """What a classifier says: of all samples, and of the real images of a :class:`Space`.

    Args:
        network: its name.
        names: of the classes.
        samples: (n, k) probabilities.
        real: (m, k).
        asked: (n,) the class that the generator was asked for, -1 if the classifier does not know it; None if it was
            asked for none.
        truth: (m,) the class of each real image, -1 if it is not known.
    """

    network: str
    names: tuple[str, ...]
    samples: Tensor
    real: Tensor
    asked: Tensor | None
    truth: Tensor


@dataclass(frozen=True, eq=False)
class Scored:
    """What a discriminator says before any sigmoid, with the slope that it gives the generator.

    Args:
        name: of the network.
        loss: that it was trained with, one of :data:`~snellen.instruments.losses.adversarial.LOSSES`.
        real: (m,) scores of images that it was trained on.
        fake: (n,) of samples.
        held_out: (k,) of real images that it was not trained on, if there are any.
        slopes: (n,) the length of the gradient of the score by the inputs of a sample.
        kinds: names of the classes, (m,) of the real images and (n,) of the samples, if it was told them.
    """

    name: str
    loss: str
    real: Tensor
    fake: Tensor
    held_out: Tensor | None
    slopes: Tensor
    kinds: tuple[tuple[str, ...], Tensor, Tensor] | None = None


@dataclass(frozen=True, eq=False)
class Generated:
    """Pictures that a generator made, and real ones.

    Args:
        samples: (n, c, h, w) in [0, 1].
        real: (m, c, h, w), those that it was trained on.
        held_out: real ones that it was not trained on.
        fake: rows of ``samples`` that are compared.
        reference: rows of ``real`` that they are compared with, as many.
        null: rows of ``others``, as many.
        others: (m, c, h, w), the real images of ``null``.
        spaces: pixels first, then features, if there is a classifier.
        judged: what the classifier says.
        scored: what the discriminator says.
        generator: the network itself, for its layers.
        seed: of what is drawn.
    """

    samples: Tensor
    real: Tensor
    held_out: Tensor | None
    fake: Tensor
    reference: Tensor
    null: Tensor
    others: Tensor
    spaces: tuple[Space, ...]
    judged: Judged | None
    scored: Scored | None
    generator: nn.Module | None
    seed: int

    @property
    def count(self) -> int:
        """Samples that are compared with as many real images."""
        return len(self.fake)


@dataclass(frozen=True)
class GenerationCheck(ABC):
    """One question. Its settings are its fields.

    A warning is said only where real images in the place of the samples would not bring it about.
    """

    @abstractmethod
    def __call__(self, seen: Generated) -> Sequence[Finding]:
        """Look, and say what was seen."""


def small(pixels: Tensor) -> Tensor:
    """(n, d) pixels averaged to at most 16 x 16: the space in which pictures are compared.

    >>> import torch
    >>> small(torch.rand(2, 3, 64, 48)).shape
    torch.Size([2, 768])
    """
    height, width = (min(SIDE, side) for side in pixels.shape[2:])
    return F.adaptive_avg_pool2d(pixels.float(), (height, width)).flatten(1)
