"""Does training begin from ignorance?"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch.nn.functional as F

from snellen.checks.training._base import TrainingCheck
from snellen.checks.training._scales import proves_weights
from snellen.findings.finding import Finding
from snellen.training.health.facts import Observation

NAME = "training/initial_loss"


@dataclass(frozen=True)
class InitialLoss(TrainingCheck):
    """The cross-entropy of the first batch beside ln k, that of saying 1/k for each of k classes.

    A warning above ``factor`` ln k + ``margin`` before the first step: the network begins sure and wrong, because of
    inputs or a last layer of a wrong scale, or classes in another order than its weights know. Below it
    nothing is wrong:
    pretrained networks begin low. Once an optimizer has stepped, nothing is said.

    For the cross-entropy of yes and no (``binary_cross_entropy_with_logits``, targets of 0 and 1) k is 2.

    A squared error of a whole output: a warning where the outputs are ``large`` times as large as the targets (root of
    the mean square), before the first step; or the targets 100 times as large as the outputs and their mean ``aside``
    times their deviation, or ``vast`` times as large as the outputs and as 1.

    Either is an error if weights of a usual scale would begin at a third of it: see
    :func:`snellen.checks.training._scales.proves_weights`.

    Reference: Karpathy 2019, A recipe for training neural networks ("verify loss @ init").
    """

    factor: float = 2.0
    margin: float = 2.0
    large: float = 10.0
    aside: float = 30.0
    vast: float = 1e4

    def __call__(self, seen: Observation) -> Sequence[Finding]:
        calls = [
            c
            for c in seen.losses
            if c.name == "cross_entropy"
            and c.input.ndim == 2
            and c.input.shape[1] > 1
            and not c.target.is_floating_point()
        ]
        if not seen.first_step:
            return []
        if not calls:
            return self._binary(seen) or self._squared(seen)
        call = calls[0]
        k = call.input.shape[1]
        loss = float(
            F.cross_entropy(call.input.float(), call.target, ignore_index=call.options.get("ignore_index", -100))
        )
        return [self._judged(seen, loss, k)]

    def _binary(self, seen: Observation) -> Sequence[Finding]:
        name = "binary_cross_entropy_with_logits"
        calls = [c for c in seen.losses if c.name == name and c.input.shape == c.target.shape and c.input.numel()]
        if len(calls) != 1 or not bool(((calls[0].target == 0) | (calls[0].target == 1)).all()):
            return []
        loss = float(F.binary_cross_entropy_with_logits(calls[0].input.float(), calls[0].target.float()))
        return [self._judged(seen, loss, 2)]

    def _judged(self, seen: Observation, loss: float, k: int) -> Finding:
        guess = math.log(k)
        text = f"Cross-entropy before the first step is {loss:.3f}; saying 1/{k} for "
        text += f"every class would be ln {k} = {guess:.3f}."
        measured = {"initial_cross_entropy": loss, "guessing_cross_entropy": guess} if math.isfinite(loss) else {}
        if not math.isfinite(loss):
            return Finding(NAME, "info", "Initial loss", text)
        if loss <= self.factor * guess + self.margin:
            return Finding(NAME, "ok", "Initial loss", text, measured=measured)
        largest = max((float(t.abs().max()) for t in seen.inputs if t.is_floating_point() and t.numel()), default=0.0)
        text += f" The inputs reach {largest:.3g}." if largest > 10 else ""
        remedy = "Bring the inputs to mean 0 and deviation 1" if largest > 10 else "Look at the scale of the last layer"
        remedy += "; with pretrained weights, at the order of the classes."
        return _proved(seen, "Begins sure and wrong", text, remedy, measured)

    def _squared(self, seen: Observation) -> Sequence[Finding]:
        calls = [
            c for c in seen.losses if c.name == "mse_loss" and c.input.shape == c.target.shape and c.input.numel() > 1
        ]
        if len(calls) != 1 or float(calls[0].target.float().std()) == 0:
            return []
        said, wanted = (float(t.float().square().mean().sqrt()) for t in (calls[0].input, calls[0].target))
        text = f"Before the first step the outputs are of size {said:.3g} and the targets of size {wanted:.3g}."
        mean, spread = (float(t) for t in (calls[0].target.float().mean(), calls[0].target.float().std()))
        aside = abs(mean) > self.aside * spread and wanted > self.large**2 * said
        if aside or wanted > self.vast * max(said, 1.0):
            text += f" These are {mean:.4g} with a deviation of {spread:.3g}: most of the training goes into "
            text += f"{'the mean' if aside else 'their scale'}."
            remedy = "Subtract the mean of the training targets and divide by their deviation."
            return [Finding(NAME, "warning", "Targets far from 0", text, remedy=remedy)]
        if not said > self.large * wanted:
            return [Finding(NAME, "ok", "Initial loss", text)]
        remedy = "Look at the scale of the inputs and of the weights."
        return [_proved(seen, "Outputs begin too large", text, remedy, {})]


def _proved(seen: Observation, title: str, text: str, remedy: str, measured: dict[str, float]) -> Finding:
    proof = proves_weights(seen)
    remedy = "Use He's or Xavier's initialisation." if proof else remedy
    return Finding(
        NAME, "error" if proof else "warning", title, f"{text} {proof}".rstrip(), measured=measured, remedy=remedy
    )
