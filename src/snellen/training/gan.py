"""Train a generator against a discriminator: two networks, two optimizers, one loop that survives being killed."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from snellen.instruments._precision import fast_bfloat16
from snellen.instruments.losses.gradient_penalty import gradient_penalty, zero_centred_penalty
from snellen.nets.saved import Saved
from snellen.training.fit import CHEAP, SPARING, Fitted, Progress
from snellen.training.gan_divergence import GanDivergence
from snellen.training.gan_lesson import Draw, GanLesson
from snellen.training.gan_state import GanState
from snellen.training.interrupt import patient
from snellen.training.memory import enough_memory
from snellen.training.small_maps import SmallMaps
from snellen.training.watch import Row, wearing

LOOKS = 50
"""Times that the samples are looked at."""
SHOWN = 64
"""Samples of a look."""
LAZY = 4
"""The zero-centred penalty is computed every so many steps, with so many times its strength (Karras et al. 2020)."""
Told = Callable[[Sequence[Row], Tensor], None]
"""Given all rows so far and the samples of the last look, (n, c, side, side) in [-1, 1]."""


@dataclass(frozen=True, eq=False)
class TrainedGan:
    """A trained generator, the discriminator that taught it, and how they came to be.

    Attributes:
        generator: with the averaged weights, as it is written.
        discriminator: with its last weights, as it is written.
        fitted: rows of all looks; its losses are the generator's.
        samples: of the last look, (n, c, side, side) in [-1, 1].
    """

    generator: Saved
    discriminator: Saved
    fitted: Fitted
    samples: Float[Tensor, "n c side side"]


def train(
    lesson: GanLesson,
    *,
    checkpoint: Path | None = None,
    checkpoint_every: int = 50,
    told: Told = lambda _rows, _samples: None,
    progress: Progress = lambda _stage, _done, _total: None,
) -> TrainedGan:
    """Train the two networks of a lesson, which are changed in place.

    A step is one step of the generator, after so many of the discriminator as the settings say. Killed at any moment
    and called again with the same arguments, it goes on from the last checkpoint and ends with the weights of an
    uninterrupted run, bit for bit on the same machine with the same number of threads. Ctrl-C waits for the end of a
    step and leaves a checkpoint of that. Forward passes run in bfloat16 where the hardware is fast at it; penalties,
    which are made of gradients, in float32. torch's generators are neither read nor moved.

    Args:
        lesson: from :func:`~snellen.training.gan_lesson.prepare`.
        checkpoint: where the file of the checkpoint lies while the training runs; none is kept if not given.
        checkpoint_every: steps between two of them.
        told: given the rows and samples after each look and when a killed run goes on.
        progress: called with a stage, steps done and steps in all.

    Raises:
        DivergedError: a loss that is not finite, or scores beyond all bounds; the last checkpoint that gave no cause
            for alarm is still there.
        UsageError: a checkpoint of another command.
        InputError: too little memory; a checkpoint that cannot be written.
    """
    with enough_memory(lesson.settings.batch, lambda images: _attempt(lesson, images)):
        return _train(lesson, checkpoint, checkpoint_every, told, progress)


def _train(
    lesson: GanLesson, checkpoint: Path | None, checkpoint_every: int, told: Told, progress: Progress
) -> TrainedGan:
    settings, command = lesson.settings, lesson.command
    state = GanState(lesson.generator, lesson.discriminator, settings)
    first = step = 0 if checkpoint is None else state.restore(checkpoint, command)
    guard = GanDivergence(settings, lesson.data.images[0].numel())
    stretch = max(settings.steps // LOOKS, 1)
    began = written = time.perf_counter()
    spent, cost = state.seconds, 0.0
    samples = _samples(lesson, state)
    if first:
        told(state.rows, samples)
    with patient() as interrupted:
        while step < settings.steps:
            state.at(settings.rate(step))
            seen: dict[str, float] = {}
            for turn in range(settings.each):
                seen = discriminator_step(lesson, state, lesson.draw(step, turn), penalised=step % LAZY == 0)
            seen |= generator_step(lesson, state, lesson.draw(step, settings.each))
            guard(step, loss=seen["discriminator_loss"] + seen["generator_loss"], apart=seen["real"] - seen["fake"])
            state.average(min(settings.average, (step + 1) / (step + 10)))
            step += 1
            state.add(seen)
            if step % stretch == 0 or step == settings.steps:
                samples = _samples(lesson, state)
                row = {"step": step, "learning_rate": settings.rate(step - 1), "spread": _spread(lesson, samples)}
                state.look(row, spent + time.perf_counter() - began)
                told(state.rows, samples)
            now, stop = time.perf_counter(), interrupted()
            due = step % checkpoint_every == 0 and step < settings.steps and now - written >= SPARING * cost
            if checkpoint is not None and (due or stop) and guard.sound:
                state.seconds = spent + now - began
                state.keep(checkpoint, step, command)
                written = time.perf_counter()
                cost = written - now if written - now > CHEAP else 0.0
            if stop:
                raise KeyboardInterrupt
            progress("training", step, settings.steps)
    lesson.generator.load_state_dict(state.averaged)
    lesson.generator.eval()
    lesson.discriminator.eval()
    losses = tuple(row["generator_loss"] for row in state.rows)
    fitted = Fitted(losses, spent + time.perf_counter() - began, first, rows=tuple(state.rows), steps=step)
    return TrainedGan(*_saved(lesson, fitted), fitted, samples)


def discriminator_step(lesson: GanLesson, state: GanState, draw: Draw, *, penalised: bool) -> dict[str, float]:
    """One step of the discriminator: real images against generated ones that it cannot change."""
    settings, judge = lesson.settings, lesson.discriminator
    loss, strength = settings.adversarial, settings.usual.strength
    judge.requires_grad_(True)
    with _precision(), SmallMaps():
        with torch.no_grad():
            fake = lesson.generator(draw.latent, draw.classes).float()
        both = torch.cat([draw.real, fake])
        real_scores, fake_scores = judge(both, None if draw.classes is None else draw.classes.repeat(2)).chunk(2)
        value = loss.discriminator(real_scores, fake_scores)
    penalty = torch.zeros(())

    def critic(images: Tensor) -> Tensor:
        scores: Tensor = judge(images, draw.classes)
        return scores

    if loss.restraint == "gradient penalty":
        penalty = strength * gradient_penalty(critic, draw.real, fake, draw.mix)
    elif loss.restraint == "r1" and penalised:
        penalty = LAZY * strength * zero_centred_penalty(critic, draw.real)
    state.step(state.judging, value + penalty)
    means = loss.probability or (lambda scores: scores)
    return {
        "discriminator_loss": value.item(),
        "penalty": penalty.item(),
        "real": real_scores.mean().item(),
        "fake": fake_scores.mean().item(),
        "says_real": means(real_scores).mean().item(),
        "says_fake": means(fake_scores).mean().item(),
    }


def generator_step(lesson: GanLesson, state: GanState, draw: Draw) -> dict[str, float]:
    """One step of the generator, against a discriminator that stands still."""
    lesson.discriminator.requires_grad_(False)
    with _precision(), SmallMaps():
        scores = lesson.discriminator(lesson.generator(draw.latent, draw.classes), draw.classes)
        value = lesson.settings.adversarial.generator(scores)
    state.step(state.making, value)
    return {"generator_loss": value.item()}


def _precision() -> torch.autocast:
    return torch.autocast("cpu", torch.bfloat16, enabled=fast_bfloat16(torch.device("cpu")))


def _samples(lesson: GanLesson, state: GanState) -> Tensor:
    """Images of the generator as it would be kept now, of the same latent vectors at every look."""
    with wearing(lesson.generator, state.averaged), torch.no_grad():
        made: Tensor = lesson.generator(*lesson.shown(SHOWN))
    return made


def _spread(lesson: GanLesson, samples: Tensor) -> float:
    """The mean squared distance of two generated images over that of two real ones."""
    count = min(len(samples), len(lesson.data))
    real = lesson.data.pixels(torch.linspace(0, len(lesson.data) - 1, count).long())
    return float(_varied(samples) / _varied(real).clamp_min(1e-12))


def _varied(images: Tensor) -> Tensor:
    return images.var(dim=0, unbiased=True).mean()


def _attempt(lesson: GanLesson, images: int) -> None:
    """The larger of the two steps with fewer images; leaves nothing behind."""
    draw = lesson.draw(0, 0)
    classes = None if draw.classes is None else draw.classes[:images]
    with _precision():
        lesson.discriminator(lesson.generator(draw.latent[:images], classes), classes).sum().backward()
    lesson.generator.zero_grad()
    lesson.discriminator.zero_grad()


def _saved(lesson: GanLesson, fitted: Fitted) -> tuple[Saved, Saved]:
    data, settings = lesson.data, lesson.settings
    half = (0.5,) * data.channels
    about: dict[str, Any] = {
        "side": [data.side, data.side],
        "channels": data.channels,
        "class_names": list(data.class_names or ()) if settings.conditional else None,
        "class_counts": _counts(lesson),
        "loss": settings.called,
        "approach": settings.discriminator,
    }
    story = fitted.story("snellen.training.gan", lesson.command, len(data))
    first, second = lesson.built
    return (
        Saved(
            lesson.generator,
            kind="generator",
            settings=first,
            task="generate",
            mean=half,
            std=half,
            about=about,
            story=story,
        ),
        Saved(
            lesson.discriminator,
            kind="discriminator",
            settings=second,
            task="discriminate",
            mean=half,
            std=half,
            about=about,
            story=story,
        ),
    )


def _counts(lesson: GanLesson) -> list[int] | None:
    if not lesson.settings.conditional or lesson.data.labels is None:
        return None
    counted: list[int] = lesson.data.labels.bincount(minlength=lesson.generator.classes).tolist()
    return counted
