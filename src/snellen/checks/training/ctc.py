"""Is the CTC loss given log-probabilities, and targets that fit into the time there is?"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch

from snellen.checks.training._base import TrainingCheck
from snellen.findings.finding import Finding, Severity
from snellen.training.health.ctc import CtcCall
from snellen.training.health.facts import Observation

NAME = "training/ctc"


@dataclass(frozen=True)
class Ctc(TrainingCheck):
    """What ``F.ctc_loss`` and ``nn.CTCLoss`` were given, against their definition.

    - Rows whose exponentials do not sum to 1 (by more than ``rounding``): warning. PyTorch's gradient is that of scores
      behind a ``log_softmax``, so something is learnt, but the loss is no likelihood.
    - A target that needs more moments than its image has, one each and one between two equal ones, has no path: its
      loss is infinite. ``zero_infinity`` makes it 0, with no gradient. Error if no target of the batch fits, or without
      ``zero_infinity``; else a warning where more than ``most`` do not, for some are dropped on purpose.
    - The blank among the targets: warning; it says "nothing", so it can never be read.
    - An output (images, time, classes) where (time, images, classes) is asked: error. Both have one size, and an
      experiment shows that the first axis is the images: row i stays when all images but i are exchanged.

    Reference: Graves et al. 2006, Connectionist temporal classification; ``torch.nn.CTCLoss``.
    """

    rounding: float = 0.01
    most: float = 0.1

    def __call__(self, seen: Observation) -> Sequence[Finding]:
        if not seen.ctc:
            return []
        found = [f for call in seen.ctc for f in (*self._rows(call), *self._paths(call), *_blank(call))]
        found += [f for call in seen.ctc for f in _turned(call, seen)]
        text = f"CTC was given log-probabilities, and all {sum(len(c.words) for c in seen.ctc)} targets fit."
        return list({f.title: f for f in found}.values()) or [Finding(NAME, "ok", "CTC", text)]

    def _rows(self, call: CtcCall) -> Iterator[Finding]:
        scores, coarse = call.scores.float(), 16 * torch.finfo(call.scores.dtype).eps
        away = float((scores.exp().sum(-1) - 1).abs().max())
        if not away > max(self.rounding, coarse):
            return
        sums = scores.sum(-1)
        axis = next((a for a in range(scores.ndim - 1) if _ones(scores.exp().sum(a), self.rounding)), None)
        text = f"The exponentials of a row of scores should sum to 1, and are away from it by up to {away:.2g}: "
        if bool((scores >= 0).all()) and _ones(sums, self.rounding):
            text += "these are probabilities, not their logarithms."
        elif axis is not None:
            text += f"they do sum to 1 along axis {axis}, so log_softmax was taken along that."
        else:
            text += "these are raw scores, and the loss is no likelihood."
        remedy = "Give it outputs.log_softmax(-1), the classes last."
        yield Finding(NAME, "warning", "Scores into CTC", text, measured={"away_from_1": away}, remedy=remedy)

    def _paths(self, call: CtcCall) -> Iterator[Finding]:
        short = [i for i, time in enumerate(call.times) if call.needs(i) > time]
        if not short:
            return
        worst = max(short, key=lambda i: call.needs(i) - call.times[i])
        text = f"{len(short)} of {len(call.words)} targets do not fit: one needs {call.needs(worst)} moments (one "
        text += f"each, and a blank between equal ones) and has {call.times[worst]}. "
        text += "zero_infinity makes their loss 0: they teach nothing." if call.hides else "Their loss is infinite."
        every = len(short) == len(call.words)
        severity: Severity = "error" if every or not call.hides else "warning"
        if severity == "warning" and len(short) <= self.most * len(call.words):
            severity = "info"
        remedy = "Keep more columns (less stride in width), see the input lengths, or leave such images out."
        yield Finding(NAME, severity, "Targets longer than CTC can read", text, remedy=remedy)


def _blank(call: CtcCall) -> Iterator[Finding]:
    of = sum(bool((word == call.blank).any()) for word in call.words)
    if of:
        text = f"{of} of {len(call.words)} targets hold class {call.blank}, which is the blank: what means nothing "
        text += "cannot be read, and these targets are not learnt."
        remedy = "Count the classes from 1 and keep 0 for the blank, or give blank=; and see the target lengths."
        yield Finding(NAME, "warning", "The blank is among the targets", text, remedy=remedy)


def _turned(call: CtcCall, seen: Observation) -> Iterator[Finding]:
    mixed, outputs = seen.mixing, seen.outputs
    if mixed is None or mixed.axis != 0 or mixed.moved or outputs is None or outputs.shape != call.scores.shape:
        return
    same = any(torch.allclose(o, call.scores, atol=1e-4) for o in (outputs, outputs.log_softmax(-1)))
    if call.scores.ndim == 3 and call.scores.shape[:2] == (mixed.rows, mixed.rows) and same:
        text = f"The output {tuple(outputs.shape)} goes into the CTC loss as it is, whose first axis is time. Here it "
        text += "is the images: in evaluation mode rows of this axis stay when the other images are exchanged."
        remedy = "Give it outputs.transpose(0, 1)."
        yield Finding(NAME, "error", "Images where CTC reads time", text, remedy=remedy)


def _ones(sums: torch.Tensor, rounding: float) -> bool:
    return bool(((sums - 1).abs() < rounding).all())
