"""Do layers follow each other with no activation between them?"""

from collections.abc import Sequence
from dataclasses import dataclass

from snellen.checks.training._base import TrainingCheck, blocks, listed
from snellen.findings.finding import Finding
from snellen.training.health.facts import Observation
from snellen.training.health.linear_runs import LinearRun

NAME = "training/linear_run"


@dataclass(frozen=True)
class LinearRuns(TrainingCheck):
    """Matrices or filters in a row with nothing between them but linear operations: one could do what all of them do.

    A warning for ``most`` weights or more of which each two that follow each other are as wide in between as at one of
    their ends, and for a whole network of two or more. A narrow place is a factorisation and is meant (low rank, the
    code of an autoencoder, a bottleneck), as are filters in groups before 1 x 1 ones; a single projection before a head
    is usual. Batch normalisation counts as linear, which it is in evaluation mode.

    What would refute it: deep linear networks as a subject of study.

    Reference: Saxe et al. 2014, Exact solutions to the nonlinear dynamics of learning in deep linear neural networks,
    arXiv:1312.6120: such a product has dynamics of its own, and the functions of one matrix.
    """

    most: int = 3

    def __call__(self, seen: Observation) -> Sequence[Finding]:
        found = []
        for run in seen.linear_runs:
            names = _wide(run)
            if not (run.whole and names) and len(names) < self.most:
                continue
            shown = run.names if run.whole else names
            text = f"{listed(blocks(shown), 6)} follow each other with nothing between them but linear operations: "
            text += "together they can do what one such layer can"
            text += ", and there is no other layer in the network." if run.whole else "."
            remedy = "Put an activation (ReLU, GELU) behind each of them but the last."
            measured = {"layers_without_activation": len(shown)}
            title = "The network is linear" if run.whole else "Layers without an activation between them"
            found.append(Finding(NAME, "warning", title, text, measured=measured, remedy=remedy))
        return found


def _wide(run: LinearRun) -> tuple[str, ...]:
    """The longest part of a run without a narrow place."""
    best: tuple[str, ...] = ()
    start = 0
    for end, wide in enumerate((*run.wide, False)):
        if not wide:
            best = max(best, run.names[start : end + 1] if end > start else (), key=len)
            start = end + 1
    return best
