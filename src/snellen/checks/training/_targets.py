"""Why a loss raised, where its targets are to blame."""

from collections.abc import Sequence

from snellen.findings.finding import Finding
from snellen.training.health.calls import LossCall


def out_of_range(calls: Sequence[LossCall]) -> Finding | None:
    """An error that names the targets which are no class of the scores; None if that is not the reason."""
    for call in calls[-1:]:
        if call.name not in ("cross_entropy", "nll_loss") or call.target.is_floating_point() or call.input.ndim < 2:
            continue
        k = call.input.shape[1]
        ignored = call.options.get("ignore_index", -100)
        wrong = call.target[((call.target < 0) | (call.target >= k)) & (call.target != ignored)]
        if wrong.numel():
            text = (
                f"{call.name} is given {k} scores an example, so classes 0 to {k - 1}, and {wrong.numel()} of "
                f"{call.target.numel()} targets lie outside: {', '.join(map(str, wrong.unique().tolist()[:5]))}."
            )
            remedy = "Count classes from 0, give the network one output a class, or name what to skip as ignore_index."
            return Finding("training/loss_input", "error", "Targets out of range", text, remedy=remedy)
    return None
