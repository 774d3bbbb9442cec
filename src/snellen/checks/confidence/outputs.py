"""Are the network's outputs scores, as everything downstream assumes?"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from snellen.checks._base import Check, Subject
from snellen.findings.finding import Finding


@dataclass(frozen=True)
class Outputs(Check):
    """Finds outputs that do not vary, and outputs that are probabilities or log-probabilities already.

    Probabilities: every row is at least 0 and sums to 1. Log-probabilities: every row's exponentials sum to 1. A
    softmax applied a second time flattens every probability on this page, and gradients through the first one
    vanish where the network is sure.

    Args:
        tolerance: how far a sum may be from 1.
    """

    tolerance: float = 1e-3

    def __call__(self, subject: Subject) -> Sequence[Finding]:
        logits = subject.predictions.logits.double()
        name = "confidence/outputs"
        one = torch.ones(len(logits), dtype=torch.float64)
        if self._constant(subject):
            return [
                Finding(
                    name,
                    "error",
                    "The output ignores the image",
                    f"The scores of all {len(logits)} images are the same.",
                    remedy="Look for dead units (a learning rate too high), weights of zero, or an input scaled away.",
                )
            ]
        if bool((logits >= 0).all()) and torch.allclose(logits.sum(dim=1), one, atol=self.tolerance):
            return [
                Finding(
                    name,
                    "warning",
                    "Outputs are probabilities",
                    "Every row of the output is non-negative and sums to 1: the network ends in a softmax. "
                    "Probabilities on this page are a softmax of probabilities, hence far too flat.",
                    remedy="Examine the network without its last softmax; train it with a loss that takes logits.",
                )
            ]
        if torch.allclose(logits.exp().sum(dim=1), one, atol=self.tolerance):
            text = "The outputs are log-probabilities; a softmax of them is right, so nothing on this page changes."
            return [Finding(name, "info", "Outputs are log-probabilities", text)]
        answers, labels = subject.predictions.predicted.unique(), subject.predictions.labels.unique()
        expected = len(labels) == 1 and bool((labels == answers[0]).all())
        if len(answers) == 1 and len(logits) >= 20 and not expected:
            only = subject.network.class_name(int(answers[0]))
            text = f"All {len(logits)} images are given one class, {only}."
            remedy = "If the images are of several classes: check the normalisation, and whether training collapsed."
            return [Finding(name, "warning", "One answer for everything", text, remedy=remedy)]
        low, high = float(logits.min()), float(logits.max())
        text = f"Outputs are unnormalised scores from {low:.1f} to {high:.1f}."
        return [Finding(name, "ok", "Outputs are scores", text)]

    @staticmethod
    def _constant(subject: Subject) -> bool:
        """Whether all scores are the same up to rounding although the images (a few of them at least) are not."""
        logits = subject.predictions.logits.double()
        if len(logits) < 2 or not bool((logits.std(dim=0) <= 1e-6 * logits.abs().amax().clamp(min=1e-12)).all()):
            return False
        pixels = subject.pixels(subject.choose(8))
        return not bool((pixels == pixels[:1]).all())
