"""Does a network that has learned something answer with the labels it is given?"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from scipy.optimize import linear_sum_assignment

from snellen.checks.training._base import TrainingCheck
from snellen.findings.finding import Finding
from snellen.findings.interval import wilson
from snellen.training.health.facts import Observation

NAME = "training/answers"


@dataclass(frozen=True)
class Answers(TrainingCheck):
    """Answers of a network in training beside the labels of the batch, where it is sure of them.

    Looked at once an optimizer has stepped, in the cross-entropy of at least ``few`` rows of 3 classes or more whose
    mean largest probability is ``sure`` or more. If the upper end of the 95 % interval of the share of right answers is
    below half of that confidence, or below two thirds of it while guessing lies in the interval:

    - and one renaming of the classes makes at least half of the answers right, and ``renamed`` of what the confidence
      promises: error, the classes are numbered otherwise than when the weights were trained (an offset of one, another
      order of folders);
    - else a warning: the labels are not those of these images, or the weights are not of this data.

    Refuted by a loss that lowers the score of the right class on purpose (a margin), or by a new head that was made
    sure by something else.

    Reference: Guo et al. 2017, On Calibration of Modern Neural Networks, arXiv:1706.04599: networks are too sure, but
    not twice as sure as right on images they learn from.
    """

    few: int = 32
    sure: float = 0.5
    renamed: float = 0.8

    def __call__(self, seen: Observation) -> Sequence[Finding]:
        calls = [
            c
            for c in seen.losses
            if c.name == "cross_entropy"
            and c.input.ndim == 2
            and c.input.shape[1] >= 3
            and not c.target.is_floating_point()
        ]
        if seen.first_step or len(calls) != 1:
            return []
        scores, labels = calls[0].input.detach().float(), calls[0].target
        known = (labels >= 0) & (labels < scores.shape[1]) & scores.isfinite().all(dim=1)
        scores, labels = scores[known], labels[known]
        if len(labels) < self.few:
            return []
        confidence, answers = scores.softmax(dim=1).max(dim=1)
        sure, right = float(confidence.mean()), int((answers == labels).sum())
        low, high = wilson(right, len(labels))
        text = (
            f"{right} of {len(labels)} answers are those of the labels ({low:.0%} to {high:.0%}), and the network is "
        )
        text += f"sure of them by {sure:.0%}."
        measured = {"right_answers": right / len(labels), "mean_confidence": sure}
        guessing = low <= 1 / scores.shape[1] <= high
        if sure < self.sure or high >= sure * (2 / 3 if guessing else 1 / 2):
            return [Finding(NAME, "ok", "Answers and labels", text, measured=measured)]
        renamed = _best_renaming(answers, labels, scores.shape[1])
        if renamed >= max(0.5, self.renamed * sure) * len(labels):
            text += f" With the classes renumbered {renamed} of {len(labels)} would be right."
            remedy = "Number the classes as they were when these weights were trained."
            return [
                Finding(NAME, "error", "The classes are numbered otherwise", text, measured=measured, remedy=remedy)
            ]
        remedy = "Look at some images with their labels; see that both are shuffled by the same order, and that these "
        remedy += "weights were trained on this data."
        return [Finding(NAME, "warning", "Sure answers, other labels", text, measured=measured, remedy=remedy)]


def _best_renaming(answers: torch.Tensor, labels: torch.Tensor, classes: int) -> int:
    """Right answers under the best one-to-one renaming of the classes."""
    counts = torch.bincount(labels * classes + answers, minlength=classes**2).view(classes, classes).numpy()
    rows, columns = linear_sum_assignment(counts, maximize=True)
    return int(counts[rows, columns].sum())
