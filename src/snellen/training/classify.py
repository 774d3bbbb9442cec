"""Train a classifier: images seen a little differently every time, one cycle of the learning rate, averaged weights.

The validation images are looked at after every epoch and never trained on; the test images are looked at when all is
done.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor, nn

from snellen.nets.compact_vgg import restored
from snellen.nets.saved import Saved
from snellen.nets.vgg import VGG
from snellen.training.adversarial import robust_score
from snellen.training.divergence import Divergence
from snellen.training.fit import Fitted, Progress, fit
from snellen.training.lesson import Lesson
from snellen.training.memory import enough_memory
from snellen.training.ranks import ALONE, Ranks
from snellen.training.score import Score
from snellen.training.watch import Row, Watch


@dataclass(frozen=True, eq=False)
class Trained:
    """A trained classifier and how it came to be.

    Attributes:
        saved: the network, as it is written.
        fitted: losses and looks.
        scores: ``train`` (some training images, as they are), ``val`` and, where there is such a part, ``test``; where
            images are mirrored in training, ``val_mirrored`` and ``test_mirrored`` too. In float32.
        robust: validation images attacked as in training, but longer; None after a training without an adversary.
        seen: which validation images were right at the look after each epoch, (n,) bool by ``1``, ``2`` ...
    """

    saved: Saved
    fitted: Fitted
    scores: dict[str, Score]
    seen: dict[str, Tensor]
    robust: Score | None = None


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
    right: dict[str, Tensor] = {}

    def look() -> Row:
        seen, val = lesson.score(data.shown), lesson.score(data.val)
        right[str(len(right) + 1)] = torch.from_numpy(val.answers)
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
            watch=Watch(lesson.epoch, look, told, patience=lesson.settings.patience, kept=right),
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
    adversary, robust = lesson.settings.adversary, None
    if adversary is not None and ranks.first:
        robust = robust_score(saved, data.val, adversary, seed=lesson.settings.seed)
    measured = scores | ({} if robust is None else {"val_attacked": robust})
    counts = {name: {"right": found.right, "asked": found.count} for name, found in measured.items()}
    return Trained(replace(saved, story={**saved.story, "measured": counts}), fitted, scores, right, robust)


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
