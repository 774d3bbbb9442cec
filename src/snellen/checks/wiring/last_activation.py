"""Is there an activation behind the scores?"""

from collections.abc import Sequence
from dataclasses import dataclass

from snellen.checks.wiring._base import Inspected, WiringCheck
from snellen.findings.finding import Finding
from snellen.instruments.architecture.following import VIEWS

NAME = "wiring/last_activation"
SHUT = ("relu", "relu6", "hardtanh", "tanh", "clamp", "clamp_min", "hardsigmoid", "threshold")
PROBABILITIES = ("sigmoid", "_softmax", "_safe_softmax")


@dataclass(frozen=True)
class LastActivation(WiringCheck):
    """What the last operation of a classifier, (n, k) scores, does to them.

    A warning for ReLU and tanh: where they are flat, an answer that is wrong gets no gradient. For information for
    softmax and sigmoid: right before a loss of probabilities, wrong before one that takes scores, and Snellen's own
    methods expect scores. Images and maps are not meant: tanh and sigmoid belong there. Refuted by a target that lives
    in the range of the activation.
    """

    def __call__(self, seen: Inspected) -> Sequence[Finding]:
        node = seen.wired.nodes[seen.wired.outputs[0]]
        if len(node.output_shape) != 2:
            return []
        while node.kind in VIEWS and len(node.inputs) == 1:
            node = seen.wired.nodes[node.inputs[0]]
        kind = node.kind.removesuffix("_") if node.kind not in PROBABILITIES else node.kind
        name, place = kind.strip("_").removeprefix("safe_"), node.module or "the forward"
        if kind in SHUT:
            return [
                Finding(
                    NAME,
                    "warning",
                    "An activation behind the scores",
                    f"The last operation is {name} (in {place}): where it is flat, no gradient comes back.",
                    remedy="Return the scores of the last linear layer, and leave the rest to the loss.",
                )
            ]
        if kind in PROBABILITIES:
            return [
                Finding(
                    NAME,
                    "info",
                    "It returns probabilities",
                    f"The last operation is {name} (in {place}): a loss that expects scores would apply it twice.",
                    remedy="Return scores, and use cross-entropy or BCE with logits, which are also more exact.",
                )
            ]
        return [Finding(NAME, "ok", "It returns scores", "No saturating activation stands behind the last layer.")]
