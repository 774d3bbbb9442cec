"""Which classes does the network see well, and which does it confuse?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from snellen.checks._base import Check, Subject
from snellen.findings.evidence import Matrix, Table
from snellen.findings.finding import Finding
from snellen.findings.interval import wilson


@dataclass(frozen=True)
class Classes(Check):
    """Accuracy per class, worst first, and the confusion matrix, most confused pairs first.

    A warning for classes that are certainly far below the rest: the whole 95 % interval of the class lies below
    half of the overall accuracy.

    Args:
        enough: images of a class from which it is judged.
    """

    enough: int = 5

    metrics: ClassVar[Mapping[str, str]] = {
        "worst_class_accuracy": "accuracy of the worst class that has enough images"
    }

    def __call__(self, subject: Subject) -> Sequence[Finding]:
        p, name = subject.predictions, subject.network.class_name
        labels, predicted = p.labels[p.labelled], p.predicted[p.labelled]
        if len(labels) == 0:
            text = "The images have no labels, so no class can be judged."
            return [Finding("accuracy/classes", "info", "Per class", text)]
        confusion = confusion_matrix(labels, predicted, p.logits.shape[1])
        counts, right = confusion.sum(dim=1), confusion.diagonal()
        present = counts.nonzero()[:, 0].tolist()
        rows = sorted(
            (_row(name(c), int(counts[c]), int(right[c])) for c in present),
            key=lambda row: (row[3], -row[1], row[0]),
        )
        judged = [row for row in rows if row[1] >= self.enough]
        overall = int(right.sum()) / len(labels)
        weak = [row[0] for row in judged if row[5] < overall / 2]
        pairs = confused_pairs(confusion)
        per_class = Table(
            "Accuracy per class, worst first",
            ("class", "images", "right", "accuracy", "low", "high"),
            tuple(rows),
        )
        confused = Table(
            "Most confused pairs",
            ("true class", "answered", "times", "share of the class"),
            tuple((name(a), name(b), n, n / int(counts[a])) for a, b, n in pairs),
        )
        sentence = f"{len(present)} {'class has' if len(present) == 1 else 'classes have'} images"
        if not judged:
            sentence += f", at most {int(counts.max())} each: too few to judge a single class"
        else:
            worst = judged[0]
            sentence += f"; the worst is {worst[0]} with {worst[2]} of {worst[1]} right"
            sentence += f", and {name(pairs[0][0])} is most often taken for {name(pairs[0][1])}" if pairs else ""
        if weak:
            sentence += f". Far below the rest: {', '.join(weak[:5])}{' ...' if len(weak) > 5 else ''}"
        matrix = Matrix(
            "Confusion",
            "true class",
            "answered",
            tuple(name(c) for c in range(confusion.shape[0])),
            confusion.numpy(),
            note="Rows are true classes, columns answers.",
        )
        return [
            Finding(
                "accuracy/classes",
                "warning" if weak else "ok",
                "Weak classes" if weak else "Per class",
                sentence + ".",
                measured={"worst_class_accuracy": judged[0][3]} if judged else {},
                remedy="Look at the images of these classes: labels first, then how many there were to learn from."
                if weak
                else "",
                evidence=(per_class, confused, matrix),
            )
        ]


def _row(name: str, count: int, right: int) -> tuple[str, int, int, float, float, float]:
    return name, count, right, right / count, *wilson(right, count)


def confusion_matrix(labels: Tensor, predicted: Tensor, classes: int) -> Tensor:
    """(k, k) counts; row the true class, column the answer."""
    return torch.bincount(labels * classes + predicted, minlength=classes * classes).view(classes, classes)


def confused_pairs(confusion: Tensor) -> list[tuple[int, int, int]]:
    """(true, answered, times) of every mistake made, most frequent first; ties in class order."""
    off = confusion.clone().fill_diagonal_(0)
    found = off.nonzero().tolist()
    return sorted(((a, b, int(off[a, b])) for a, b in found), key=lambda row: (-row[2], row[0], row[1]))
