"""Does an image's output depend on the other images of its batch?"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from snellen.checks.training._base import TrainingCheck
from snellen.findings.finding import Finding, Severity
from snellen.training.health.calls import LossCall
from snellen.training.health.facts import Observation
from snellen.training.health.mixing import Mixing
from snellen.training.health.setup import inputs_and_targets

NAME = "training/batch_mates"


@dataclass(frozen=True)
class BatchMates(TrainingCheck):
    """The outputs for up to four images of the batch, in evaluation mode, with two sets of other images beside them.

    There nothing may change beyond rounding (1e-4 of the largest output, and ten times what a repeat changes): each
    image is answered from itself. An error where the loss compares each output with a target of its own (classes,
    a number, a map, or a word by CTC, whose outputs are (time, images, classes)); a warning where the batch has a
    target an image and the loss is none that is known.
    A ``view`` where ``permute`` was meant, a mean or a softmax over the batch, and an LSTM or attention that takes the
    batch for time do this.

    An error too if all outputs are the same, bit for bit up to rounding, for images and targets that differ.

    Nothing is said where it may be meant: outputs that are not one an image or compare all with all, (n, n); variances
    or normalisations over the batch, also in evaluation; a loss without one target an image, such as contrast; several
    inputs; sequences, whose first axis may be time, unless there is a class or a number for each row.

    What would refute it: a method whose outputs are meant for a whole batch (routing that fills experts by a batch).
    """

    def __call__(self, seen: Observation) -> Sequence[Finding]:
        mixed = seen.mixing
        if mixed is None:
            return []
        if mixed.same and mixed.moved == 0:
            return self._blind(seen, mixed)
        measured = {"change_with_batch_mates": mixed.change}
        if mixed.moved == 0:
            text = f"In evaluation mode the outputs of {mixed.kept} images stay when the others are exchanged."
            return [Finding(NAME, "ok", "Images of a batch", text, measured=measured)]
        sure = bool([c for c in seen.losses if _one_each(c, mixed)] if mixed.axis == 0 else _one_word_each(seen, mixed))
        if not sure and (mixed.axis or seen.losses or seen.setup.whole or not _paired(seen, mixed)):
            return []
        text = (
            f"In evaluation mode the outputs of {mixed.moved} of {mixed.kept} images change, by up to "
            f"{mixed.change:.2g} of the largest output, when only the other images of their batch are exchanged"
            f"{_place(mixed)}. Each has a target of its own, so its answer is partly that to other images."
        )
        remedy = "Look for view or reshape where permute was meant, a mean or softmax over axis 0, and an LSTM or "
        remedy += "attention whose batch_first is not that of its inputs."
        severity: Severity = "error" if sure else "warning"
        return [Finding(NAME, severity, "Images of a batch are mixed", text, measured=measured, remedy=remedy)]

    def _blind(self, seen: Observation, mixed: Mixing) -> Sequence[Finding]:
        """The outputs are one and the same, and the targets are not."""
        calls = [c for c in seen.losses if _one_each(c, mixed) and bool((c.target != c.target[:1]).any())]
        if not calls or mixed.axis:
            return []
        text = f"In evaluation mode the outputs are the same for {2 * mixed.kept} images that differ, and their "
        text += f"targets in {calls[0].name} are not; so too with small random numbers in weights that are all 0."
        remedy = "Look for a token or a place that never meets the others, units that are all shut, an axis that was "
        remedy += "normalised or averaged away, and for what the forward does with its input."
        return [Finding(NAME, "error", "The images do not reach the outputs", text, remedy=remedy)]


def _one_each(call: LossCall, mixed: Mixing) -> bool:
    """Whether a loss was given one target for each image of the batch."""
    output, target = call.input, call.target
    if not target.ndim or len(target) != mixed.rows or not output.ndim or len(output) != mixed.rows:
        return False
    if output.shape == (mixed.rows, mixed.rows) and _pairs(target):
        return False
    return mixed.axes >= 4 or target.ndim == 1 or (target.ndim == 2 and output.ndim == 2)


def _one_word_each(seen: Observation, mixed: Mixing) -> bool:
    """Whether CTC was given one word for each image, whatever becomes of them on the way there."""
    return any(c.scores.ndim == 3 and c.scores.shape[1] == len(c.words) == mixed.rows for c in seen.ctc)


def _pairs(target: Tensor) -> bool:
    """The first with the first, the second with the second."""
    n = len(target)
    if target.ndim == 1:
        return bool((target == torch.arange(n, device=target.device)).all())
    return bool((target == torch.eye(n, device=target.device)).all())


def _paired(seen: Observation, mixed: Mixing) -> bool:
    _, targets = inputs_and_targets(seen.setup.batch)
    return mixed.axes >= 4 and isinstance(targets, Tensor) and targets.ndim > 0 and len(targets) == mixed.rows


def _place(mixed: Mixing) -> str:
    if not mixed.where:
        return ", within its own forward"
    return f", first {'before' if mixed.before else 'in'} {mixed.where}"
