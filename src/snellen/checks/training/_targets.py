"""Why a loss raised, where what it was given is to blame."""

from collections.abc import Sequence

from snellen.findings.finding import Finding
from snellen.training.health.calls import LossCall

NAME = "training/loss_input"


def unusable(calls: Sequence[LossCall]) -> Finding | None:
    """An error that says what the last loss was given and cannot take; None if that is not the reason."""
    call = calls[-1] if calls else None
    if call is None:
        return None
    if call.name == "binary_cross_entropy":
        return _scores(call)
    if call.name not in ("cross_entropy", "nll_loss") or call.target.is_floating_point() or call.input.ndim < 2:
        return None
    return _one_hot(call) or _out_of_range(call)


def _scores(call: LossCall) -> Finding | None:
    low, high = float(call.input.min()), float(call.input.max())
    if low >= 0 and high <= 1:
        return None
    text = f"binary_cross_entropy is given values from {low:.3g} to {high:.3g} where it wants probabilities: the "
    text += "logarithm of a negative number does not exist."
    remedy = "Use binary_cross_entropy_with_logits (BCEWithLogitsLoss), or a sigmoid before it."
    return Finding(NAME, "error", "Scores into BCE", text, remedy=remedy)


def _one_hot(call: LossCall) -> Finding | None:
    if call.target.shape != call.input.shape or call.target.dtype.is_complex:
        return None
    text = f"{call.name} is given targets of the shape of the scores, {tuple(call.target.shape)}, as integers "
    text += f"({call.target.dtype}). Rows of probabilities must be floating point; classes are one number an example."
    remedy = "Give targets.argmax(dim=1), or targets.float()."
    return Finding(NAME, "error", "One-hot integers as targets", text, remedy=remedy)


def _out_of_range(call: LossCall) -> Finding | None:
    k = call.input.shape[1]
    ignored = call.options.get("ignore_index", -100)
    wrong = call.target[((call.target < 0) | (call.target >= k)) & (call.target != ignored)]
    if not wrong.numel():
        return None
    text = (
        f"{call.name} is given {k} scores an example, so classes 0 to {k - 1}, and {wrong.numel()} of "
        f"{call.target.numel()} targets lie outside: {', '.join(map(str, wrong.unique().tolist()[:5]))}."
    )
    remedy = "Count classes from 0, give the network one output a class, or name what to skip as ignore_index."
    return Finding(NAME, "error", "Targets out of range", text, remedy=remedy)
