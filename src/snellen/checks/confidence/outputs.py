"""Are the network's outputs scores, as everything downstream assumes?"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from snellen.checks._base import Check, Subject
from snellen.findings.finding import Finding


@dataclass(frozen=True)
class Outputs(Check):
    """Finds outputs that are probabilities or log-probabilities already, and outputs that do not vary.

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
        if len(logits) > 1 and bool((logits.std(dim=0) <= 1e-6 * logits.abs().amax().clamp(min=1e-12)).all()):
            return [
                Finding(
                    name,
                    "error",
                    "The output ignores the image",
                    f"The scores of all {len(logits)} images are the same.",
                    remedy="Look for dead units (a learning rate too high), weights of zero, or an input scaled away.",
                )
            ]
        answers = subject.predictions.predicted.unique()
        if len(answers) == 1 and len(logits) >= 20:
            only = subject.network.class_name(int(answers[0]))
            text = f"All {len(logits)} images are given one class, {only}."
            remedy = "If the images are of several classes: check the normalisation, and whether training collapsed."
            return [Finding(name, "warning", "One answer for everything", text, remedy=remedy)]
        low, high = float(logits.min()), float(logits.max())
        text = f"Outputs are unnormalised scores from {low:.1f} to {high:.1f}, different for different images."
        return [Finding(name, "ok", "Outputs are scores", text)]
