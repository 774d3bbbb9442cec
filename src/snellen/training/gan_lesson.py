"""A generator, a discriminator and what they learn from, prepared before the first step.

Everything that a step draws is a function of the seed, the number of the step and the turn within it.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from snellen.nets.discriminator import Discriminator
from snellen.nets.generator import Generator
from snellen.training.fit import generator_of, rows_of, seed_of
from snellen.training.gan_data import GanData, needs
from snellen.training.gan_settings import Settings

STYLE = 64
"""Numbers of a style."""
DRAWN = 0x6A4
"""Tells the seeds of the latent vectors from those of the order."""


@dataclass(frozen=True, eq=False)
class Draw:
    """What one step of one of the two networks is made of.

    Attributes:
        real: (b, c, side, side) in [-1, 1].
        latent: (b, latent).
        classes: (b,) of both, or None.
        mix: (b,) in [0, 1].
    """

    real: Tensor
    latent: Tensor
    classes: Tensor | None
    mix: Tensor


@dataclass(frozen=True, eq=False)
class GanLesson:
    """All that a training of a generator needs.

    Attributes:
        data: what is learned from.
        settings: how.
        generator: with its first weights.
        discriminator: likewise.
        built: what each of them is built with.
    """

    data: GanData
    settings: Settings
    generator: Generator
    discriminator: Discriminator
    built: tuple[dict[str, Any], dict[str, Any]]

    @property
    def command(self) -> dict[str, Any]:
        """All that the weights depend on, as JSON can hold it."""
        return {"task": "gan", **self.settings.command, "data": self.data.fingerprint}

    @property
    def flips(self) -> bool:
        """Whether real images are mirrored."""
        return self.data.channels == 3 if self.settings.flip is None else self.settings.flip

    def draw(self, step: int, turn: int) -> Draw:
        """What a turn of a step is made of: turns 0, 1 ... are the discriminator's, the last one the generator's."""
        asked, data = self.settings, self.data
        number = step * (asked.each + 1) + turn
        generator = generator_of(asked.seed ^ DRAWN, number)
        rows = rows_of(number, batch=asked.batch, count=len(data), seed=asked.seed)
        mirrored = torch.rand(len(rows), generator=generator) < 0.5 if self.flips else None
        return Draw(
            data.pixels(rows, mirrored=mirrored),
            torch.randn(len(rows), asked.latent, generator=generator),
            data.labels[rows] if asked.conditional and data.labels is not None else None,
            torch.rand(len(rows), generator=generator),
        )

    def shown(self, count: int) -> tuple[Tensor, Tensor | None]:
        """Latent vectors and classes of the samples that are looked at, the same at every look."""
        latent = torch.randn(count, self.settings.latent, generator=generator_of(self.settings.seed, 0))
        classes = torch.arange(count) % max(self.generator.classes, 1)
        return latent, classes if self.settings.conditional else None


def prepare(data: GanData, settings: Settings) -> GanLesson:
    """Build both networks with random weights; a function of its arguments.

    Raises:
        ImagesError: fewer images than a batch; no labels for a conditional training.
    """
    data = needs(data, batch=settings.batch, conditional=settings.conditional)
    settings = settings.on(len(data))
    shape = {"side": data.side, "channels": data.channels}
    classes = len(data.class_names or ()) if settings.conditional else 0
    spectral = settings.adversarial.restraint == "spectral"
    first: dict[str, Any] = {
        **shape,
        "latent": settings.latent,
        "width": settings.width,
        "upsample": settings.upsample,
        "classes": classes,
        "style": STYLE if settings.style else 0,
    }
    second: dict[str, Any] = {**shape, "width": 2 * settings.width, "classes": classes, "spectral": spectral}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_of(settings.seed, 0))
        generator, discriminator = Generator(**first), Discriminator(**second)
    for module in (generator, discriminator):
        _channels_last(module)
    return GanLesson(data, settings, generator.train(), discriminator.train(), (first, second))


def _channels_last(module: nn.Module) -> None:
    module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stubs lack it
