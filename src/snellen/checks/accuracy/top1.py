"""How often is the network right?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch.nn.functional as F

from snellen.checks._base import Check, Subject
from snellen.findings.evidence import Table
from snellen.findings.finding import Finding
from snellen.findings.interval import wilson


@dataclass(frozen=True)
class Top1(Check):
    """Top-1 and top-5 accuracy with 95 % Wilson intervals, and the cross-entropy.

    Held against what always answering the commonest class would reach: an error when the accuracy is not above it, or
    its interval not above chance; a warning when only the interval reaches down to it. After an error the wiring (class
    order, normalisation, channel order, weights) is the first suspect, not the network's skill. Images of one class are
    held against chance alone, and a network without a mistake is never accused.
    """

    metrics: ClassVar[Mapping[str, str]] = {
        "accuracy": "top-1 accuracy",
        "accuracy_low": "lower end of its 95 % interval",
        "accuracy_high": "upper end of its 95 % interval",
        "top5_accuracy": "top-5 accuracy (only with more than 5 classes)",
        "top5_accuracy_low": "lower end of its 95 % interval",
        "top5_accuracy_high": "upper end of its 95 % interval",
        "loss": "mean cross-entropy in nats",
    }

    def __call__(self, subject: Subject) -> Sequence[Finding]:
        p = subject.predictions
        known = p.labelled
        count = int(known.sum())
        if count == 0:
            text = "The images have no labels, so nothing is said about accuracy."
            return [Finding("accuracy/top1", "info", "No labels", text)]
        labels, logits = p.labels[known], p.logits[known]
        right = int(p.correct[known].sum())
        low, high = wilson(right, count)
        accuracy = right / count
        loss = float(F.cross_entropy(logits, labels))
        measured = {"accuracy": accuracy, "accuracy_low": low, "accuracy_high": high}
        rows: list[tuple[str | float, ...]] = [("top-1", right, count, accuracy, low, high)]
        sentence = f"Top-1 accuracy is {accuracy:.1%} ({low:.1%} to {high:.1%}; {right} of {count})"
        if logits.shape[1] > 5:
            hits = int((logits.topk(5, dim=1).indices == labels[:, None]).any(dim=1).sum())
            low5, high5 = wilson(hits, count)
            measured |= {"top5_accuracy": hits / count, "top5_accuracy_low": low5, "top5_accuracy_high": high5}
            rows.append(("top-5", hits, count, hits / count, low5, high5))
            sentence += f", top-5 {hits / count:.1%} ({low5:.1%} to {high5:.1%})"
        measured["loss"] = loss
        commonest = int(labels.bincount().max()) / count
        guessing = max(commonest if commonest < 1 else 0.0, 1 / logits.shape[1])
        sentence += f". Mean cross-entropy {loss:.3f} nats. Always answering the commonest class: {commonest:.1%}."
        doubtful = low <= guessing and right < count and count >= 20
        blind = doubtful and (accuracy <= guessing or low <= 1 / logits.shape[1])
        title = "No better than guessing" if blind else "Not shown to be better than guessing"
        return [
            Finding(
                "accuracy/top1",
                "error" if blind else "warning" if doubtful else "ok",
                title if doubtful else "Accuracy",
                sentence,
                measured=measured,
                headlines=("accuracy", "top5_accuracy", "loss"),
                remedy=(
                    "Check the order of the classes, the normalisation, the channel order and that the weights were "
                    "loaded, in this order."
                    if blind
                    else "Examine more images of the rarer classes; these cannot tell."
                    if doubtful
                    else ""
                ),
                evidence=(
                    Table(
                        "Accuracy with 95 % Wilson intervals",
                        ("measure", "right", "of", "accuracy", "low", "high"),
                        tuple(rows),
                    ),
                ),
                reference="Wilson 1927, JASA 22:209",
            )
        ]
