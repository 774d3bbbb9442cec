"""Are the samples of the class that was asked for?"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from snellen.checks.generation._base import Generated, GenerationCheck, Judged
from snellen.findings.evidence import Table
from snellen.findings.finding import Finding, Severity
from snellen.findings.interval import wilson

NAME = "generation/class_asked"
TITLES = {
    "ok": "Samples of the class asked for",
    "info": "Too few samples to tell whether the class is heeded",
    "warning": "Often not the class asked for",
    "error": "The class asked for makes no difference",
}


@dataclass(frozen=True)
class ClassAsked(GenerationCheck):
    """How often a classifier sees in a sample of a conditional generator the class that was asked for.

    If the class made had nothing to do with the class asked for, the accuracy would be sum_k p_k q_k, p_k the share of
    samples asked to be of class k and q_k the share seen to be: chance. A perfect generator would get the classifier's
    accuracy on real images. An error where Wilson's interval reaches down to chance and ends below ``part`` of the way
    from there to the accuracy on real images; a warning where it only ends below that. If the classes of the real
    images are not known nobody knows what the classifier is worth: a warning where the accuracy is no better than
    chance.

    Reference: Wilson 1927, JASA 22:209-212; Cohen 1960, Educ. Psychol. Meas. 20:37-46, on chance; Ravuri and Vinyals
    2019, arXiv:1905.10887, on classifiers as judges of conditional generators.
    """

    part: float = 0.5

    def __call__(self, seen: Generated) -> Sequence[Finding]:
        judged = seen.judged
        if judged is None or judged.asked is None:
            return []
        made, real = _compared(judged.samples, judged.asked), _compared(judged.real, judged.truth)
        if not made.count:
            text = f"{judged.network} knows none of the classes that were asked for; give one that does."
            return [Finding(NAME, "info", "Classes that the classifier does not know", text)]
        if real.count and real.low <= real.chance:
            text = f"{judged.network} is right on {real.said} of real images itself, no better than chance."
            return [Finding(NAME, "info", "A classifier that does not know the data", text)]
        severity = self._severity(made, real)
        text = f"{judged.network} sees the class asked for in {made.said}; by chance it would be {made.chance:.1%}"
        text += f", of real images {real.accuracy:.1%}." if real.count else "."
        measured = {"asked_class_accuracy": made.accuracy, "asked_class_chance": made.chance}
        return [
            Finding(
                NAME,
                severity,
                TITLES[severity],
                text,
                measured=measured | ({"real_class_accuracy": real.accuracy} if real.count else {}),
                headlines=("asked_class_accuracy",),
                remedy="Look whether the labels of the training belong to its images, whether they reach both networks "
                "and whether their order is the same when asking; else train longer, or give the class more weight "
                "(projection in the discriminator, an auxiliary classifier)."
                if severity in ("warning", "error")
                else "",
                evidence=(_table(judged, judged.asked),),
            )
        ]

    def _severity(self, made: "_Compared", real: "_Compared") -> Severity:
        best = real.accuracy if real.count else 1.0
        short = made.high < made.chance + self.part * (best - made.chance)
        if made.low <= made.chance:
            return "info" if not short else "error" if real.count else "warning"
        return "warning" if short and real.count else "ok"


@dataclass(frozen=True)
class _Compared:
    """Answers that are right, of so many, and how many would be right by chance."""

    right: int
    count: int
    chance: float

    @property
    def accuracy(self) -> float:
        return self.right / max(self.count, 1)

    @property
    def low(self) -> float:
        return wilson(self.right, self.count)[0]

    @property
    def high(self) -> float:
        return wilson(self.right, self.count)[1]

    @property
    def said(self) -> str:
        return f"{self.right:,} of {self.count:,} ({self.accuracy:.1%}, {self.low:.1%} to {self.high:.1%})"


def _compared(probabilities: Tensor, classes: Tensor) -> _Compared:
    known = classes >= 0
    told, wanted, k = probabilities[known].argmax(dim=1), classes[known], probabilities.shape[1]
    shares = [labels.bincount(minlength=k).double() / max(len(wanted), 1) for labels in (told, wanted)]
    return _Compared(int((told == wanted).sum()), len(wanted), float(torch.dot(*shares)))


def _table(judged: Judged, asked: Tensor) -> Table:
    told, rows = judged.samples.argmax(dim=1), []
    for i, name in enumerate(judged.names):
        answers = told[asked == i]
        if len(answers):
            right = int((answers == i).sum())
            most = judged.names[int(answers.bincount().argmax())]
            rows.append((name, len(answers), right / len(answers), *wilson(right, len(answers)), most))
    columns = ("class asked for", "samples", "seen as it", "low", "high", "most often seen as")
    note = f"As {judged.network} sees them, with 95 % Wilson intervals."
    return Table("The classes asked for", columns, tuple(rows), note=note)
