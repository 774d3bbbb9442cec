"""Does a step write to the batch that it is given?"""

from collections.abc import Sequence
from dataclasses import dataclass

from snellen.checks.training._base import TrainingCheck
from snellen.findings.finding import Finding
from snellen.training.health.facts import Observation

NAME = "training/written_batch"


@dataclass(frozen=True)
class WrittenBatch(TrainingCheck):
    """Tensors of the batch that are other numbers after the forward and the loss: an operation in place.

    A warning: what is normalised or renumbered in place is so twice in the second epoch, where the images or targets
    are held in one tensor, and in whatever looks at the batch after the step.

    What would refute it: a loader that makes each batch anew, and nobody else that looks at it.
    """

    def __call__(self, seen: Observation) -> Sequence[Finding]:
        shapes = [f"{tuple(t.shape)} of {str(t.dtype).removeprefix('torch.')}" for t in seen.rewritten]
        if not shapes:
            return []
        text = f"The step writes to {'a tensor' if len(shapes) == 1 else f'{len(shapes)} tensors'} of its batch: "
        text += f"{', '.join(shapes)}. Given the same batch again it sees other numbers."
        remedy = "Write x = x - mean in place of x -= mean, and no names that end in an underscore."
        return [Finding(NAME, "warning", "The step writes to its batch", text, remedy=remedy)]
