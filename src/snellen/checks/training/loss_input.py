"""Is the loss fed with what its formula is for?"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from snellen.checks.training._base import TrainingCheck
from snellen.checks.training._rates import from_scratch
from snellen.checks.training._reach import squared
from snellen.findings.finding import Finding, Severity
from snellen.training.health.calls import LossCall
from snellen.training.health.facts import Observation
from snellen.training.health.operations import RELU, TWICE

NAME = "training/loss_input"
GREAT = 10.0  # a class or sample weight that was put into the targets stays below
NEAR = 0.03  # of a sum of probabilities from 1, wide enough for bfloat16


@dataclass(frozen=True)
class LossInput(TrainingCheck):
    """What each loss of ``torch.nn.functional`` was given, by its values and by the operation that made them.

    Errors, each by a closed form:

    - ``cross_entropy`` of probabilities (made by softmax, or every row at least 0 with the sum 1): softmax is applied
      twice, the score of k classes cannot fall below ln(1 + (k - 1)/e), and gradients are flat.
    - ``nll_loss`` or ``kl_div`` of what are no log-probabilities: -z_y has no lower bound, so the loss falls for ever
      without learning. The sum of exp over a row must be 1.
    - ``binary_cross_entropy_with_logits`` of probabilities (made by sigmoid or softmax), of their logarithms, or behind
      a ReLU: the probabilities of one side of 0.5 cannot be said.
    - ``nll_loss`` of a log-softmax of a softmax.
    - Targets outside [0, 1] for the binary losses, negative ones for ``cross_entropy``: unbounded below as well. Rows
      for ``cross_entropy`` with one number above ``GREAT`` (255 for 1). Targets of the binary losses that are one and
      the same for 16 images or more and three outputs or more, where one optimizer trains random weights. A label
      smoothing of 1.
    - ``cross_entropy`` of all pairs, (n, n), whose targets are all the same.
    - The negative of such a loss, or of their mean or sum, before the first step of a network of random weights whose
      last layers are trained, with no frozen weights behind: nobody unlearns what is random.
    - More than half of the images of a batch in classes that weigh 0; more than half of the targets of a regression
      where the last activation cannot reach.
    - Targets other than -1 and 1 for ``cosine_embedding_loss``, ``margin_ranking_loss``, ``hinge_embedding_loss`` and
      ``soft_margin_loss``.
    - ``cross_entropy`` over one class: always 0. ``mse_loss`` and its kin of shapes that are spread against each other.

    Warnings: the negative of such a loss otherwise; a class of the batch that weighs 0, or is ignored, in a
    ``cross_entropy`` of one score row an image; ``cross_entropy`` behind a ReLU or a sigmoid; target rows that do not
    sum to 1; a regression behind a ReLU, sigmoid or tanh with more than 5 % of its targets where no output can be; a
    label smoothing of a half or more. A log-softmax before ``cross_entropy`` changes nothing and is mentioned.

    Reference: IN5400/FYS3033 home exam 2022, problem 1b: a cross-entropy needs stochastic vectors.
    """

    def __call__(self, seen: Observation) -> Sequence[Finding]:
        found: list[Finding] = []
        for call in seen.losses:
            judge = _JUDGES.get(call.name)
            fault = judge(call) if judge is not None and call.input.numel() else None
            fault = fault or _left_out(seen, call) or _nothing_to_tell(seen, call)
            if fault is not None and fault.title not in {f.title for f in found}:
                found.append(fault)
        found += [*_upside_down(seen), *_unsigned(seen)]
        if found:
            return found
        names = sorted({c.name for c in seen.losses})
        text = f"{', '.join(names)} is given what it is for." if names else "No loss of torch.nn.functional was called."
        return [Finding(NAME, "ok" if names else "info", "What the loss is given", text)]


def _finding(severity: Severity, title: str, text: str, remedy: str) -> Finding:
    return Finding(NAME, severity, title, text, remedy=remedy)


def _upside_down(seen: Observation) -> list[Finding]:
    """The loss is the negative of the loss functions in it: of one, or of the mean or sum of several of a kind."""
    values = [c.value for c in seen.losses]
    if seen.rules and all(rule.climbs for rule in seen.rules):
        return []
    if len({c.name for c in seen.losses}) != 1 or seen.losses[0].name.startswith("binary") or not min(values) > 0:
        return []
    name = seen.losses[0].name
    if not any(abs(seen.loss + whole) <= 1e-4 * whole for whole in (sum(values), sum(values) / len(values))):
        return []
    text = f"The loss is {seen.loss:.4g}, the negative of what {name} gave: training makes {name} grow, without end."
    severity: Severity = "error" if from_scratch(seen) else "warning"
    return [_finding(severity, "The loss is upside down", text, "Remove the minus sign.")]


def _unsigned(seen: Observation) -> list[Finding]:
    """Targets of a loss that wants -1 and 1 and knows nothing else."""
    for name, target in seen.signs:
        other = target[(target != 1) & (target != -1)]
        if other.numel():
            text = f"{name} wants targets of -1 and 1; {other.numel()} of {target.numel()} are others: "
            text += f"{', '.join(f'{v:g}' for v in other.unique().tolist()[:4])}. They are not told what is wrong."
            return [_finding("error", "Targets that are neither -1 nor 1", text, "Use 2 * targets - 1.")]
    return []


def _left_out(seen: Observation, call: LossCall) -> Finding | None:
    """A class of the batch that the loss does not count, where every image has one class."""
    if call.name not in ("cross_entropy", "nll_loss") or call.input.ndim != 2 or call.target.ndim != 1:
        return None
    if not any(t.is_floating_point() and t.ndim == 4 and len(t) == len(call.target) for t in seen.inputs):
        return None
    labels = call.target.unique().tolist()
    weight, ignored = call.options.get("weight"), call.options.get("ignore_index", -100)
    lost = [k for k in labels if 0 <= k < call.input.shape[1] and weight is not None and float(weight[k]) == 0]
    how = "weigh 0"
    if not lost and 0 <= ignored < call.input.shape[1] and ignored in labels:
        lost, how = [ignored], "are ignored"
    if not lost:
        return None
    share = float(torch.isin(call.target, torch.tensor(lost, device=call.target.device)).float().mean())
    text = f"{share:.0%} of the images of this batch {how} in {call.name}: those of "
    text += f"class{'es' if len(lost) > 1 else ''} {', '.join(map(str, lost))}. Nothing teaches the network to say so."
    remedy = "If the class is real, give it a weight, or another ignore_index."
    severity: Severity = "error" if share > 0.5 and how == "weigh 0" else "warning"
    return _finding(severity, "A class that does not count", text, remedy)


def _nothing_to_tell(seen: Observation, call: LossCall) -> Finding | None:
    """Yes and no for several outputs an image, and the answer is always the same; not in a game of two networks."""
    low, high = call.target.min(), call.target.max()
    outputs = call.target.shape[1] if call.target.ndim == 2 and len(call.target) >= 16 else 0
    alone = len(seen.losses) == 1 and len(seen.rules) == 1 and from_scratch(seen)
    if not call.name.startswith("binary") or outputs < 3 or low != high or not alone:
        return None
    text = (
        f"All {call.target.numel()} targets of {call.name} are {float(low):g}, for {len(call.target)} images: there is "
    )
    text += "nothing to tell apart."
    return _finding("error", "Targets that are all the same", text, "Look at how targets are made of labels.")


def _cross_entropy(call: LossCall) -> Finding | None:
    if call.input.ndim < 2:
        return None
    k = call.input.shape[1]
    ignored = call.options.get("ignore_index", -100)
    if not call.target.is_floating_point() and call.target.numel() and bool((call.target == ignored).all()):
        text = (
            f"All {call.target.numel()} targets of cross_entropy are {ignored}, its ignore_index: a mean over nothing, "
        )
        text += "which is NaN."
        return _finding("error", "No target counts", text, "Look at how the targets of this batch were made.")
    if k == 1:
        text = "cross_entropy is given one score an example; the softmax over one class is 1 and the loss always 0."
        return _finding(
            "error", "Cross-entropy over one class", text, "Use binary_cross_entropy_with_logits, or two outputs."
        )
    smoothing = call.options.get("label_smoothing", 0.0)
    if smoothing >= 0.5:
        text = f"cross_entropy smooths labels by {smoothing:g}: the right class is to have "
        text += f"{1 - smoothing + smoothing / k:.3g}, every other {smoothing / k:.3g}."
        text += " They are the same, so no label says anything." if smoothing >= 1 else ""
        severity: Severity = "error" if smoothing >= 1 else "warning"
        return _finding(severity, "Labels smoothed away", text, "Usual is 0.1.")
    same = not call.target.is_floating_point() and bool((call.target == call.target.flatten()[:1]).all())
    if call.input.shape == (k, k) and call.target.shape == (k,) and k >= 16 and same:
        text = f"cross_entropy is given the scores of {k} x {k} pairs, and for every row the match is number "
        text += f"{int(call.target[0])}: all are drawn to one, whatever they show."
        return _finding("error", "All pairs match one", text, "The match of row i is i: torch.arange(n).")
    rows = _rows(call.input)
    if call.origin == "_softmax" or _probabilities(rows):
        text = (
            "cross_entropy is given "
            f"probabilities{' (the output of softmax)' if call.origin == '_softmax' else ''} and "
            f"applies softmax again: with {k} classes the loss cannot fall below ln(1 + {k - 1}/e) = "
            f"{math.log(1 + (k - 1) / math.e):.3f}, however sure the network is, and its gradient is small everywhere."
        )
        return _finding("error", "Softmax before cross-entropy", text, "Give it the scores before the softmax.")
    if call.origin in RELU or call.origin == "sigmoid":
        name = "ReLU" if call.origin in RELU else "sigmoid"
        text = f"cross_entropy is given the output of a {name}: no score can be "
        text += f"{'negative' if name == 'ReLU' else 'above 1'}."
        return _finding("warning", f"{name} before cross-entropy", text, f"Remove the {name} behind the last layer.")
    if call.origin == "_log_softmax" and not bool((torch.logsumexp(rows, dim=1).abs() > NEAR).any()):
        text = (
            "cross_entropy is given log-probabilities and takes the log-softmax again, which leaves them as they are."
        )
        return _finding("info", "Log-softmax twice", text, "Leave one of the two away.")
    return _soft_targets(call)


def _soft_targets(call: LossCall) -> Finding | None:
    if not call.target.is_floating_point() or call.target.shape != call.input.shape:
        return None
    targets = _rows(call.target)
    if bool((targets < -1e-4).any()):
        text = f"Targets of cross_entropy go down to {float(targets.min()):.3g}; with "
        text += "a negative one the loss has no lower bound."
        return _finding("error", "Negative targets", text, "Give class indices, or rows of probabilities.")
    if float(targets.max()) > GREAT:
        text = f"Target rows of cross_entropy hold {float(targets.max()):.4g}, and no probability is above 1: the loss "
        text += "and its gradient are so many times as large as the learning rate was made for."
        return _finding("error", "Targets far above 1", text, "Divide the targets, or give class indices.")
    sums = targets.sum(dim=1)
    off = (sums - 1).abs() > NEAR
    if bool(off.any()):
        text = f"{int(off.sum())} of {len(sums)} target rows do not sum to 1 (from {float(sums.min()):.3g} to "
        text += f"{float(sums.max()):.3g}): they are no distribution over classes."
        remedy = "For several labels an image use binary_cross_entropy_with_logits; else normalise the rows."
        return _finding("warning", "Target rows are no probabilities", text, remedy)
    return None


def _log_probabilities(call: LossCall) -> Finding | None:
    if call.input.ndim < 2:
        return None
    if call.origin == TWICE:
        k = call.input.shape[1]
        text = f"{call.name} is given the log-softmax of a softmax: with {k} classes the loss cannot fall below "
        text += f"ln(1 + {k - 1}/e) = {math.log(1 + (k - 1) / math.e):.3f}, and its gradient is small everywhere."
        return _finding("error", "Softmax twice", text, "Leave the softmax away and keep the log-softmax.")
    rows = _rows(call.input)
    if call.name == "kl_div" and not bool((rows > 1e-3).any()):
        return None
    sums = torch.logsumexp(rows, dim=1)
    if not bool((sums.abs() > NEAR).any()):
        return None
    if call.origin == "_softmax" or _probabilities(rows):
        text = (
            f"{call.name} is given probabilities where it wants their logarithms: it is -z_y, which is never below -1."
        )
        return _finding("error", "Probabilities into NLL", text, "Use log_softmax, not softmax, before it.")
    text = (
        f"{call.name} is given rows that are no log-probabilities: the sum of exp over a row "
        f"is {float(sums.exp().min()):.3g} "
        f"to {float(sums.exp().max()):.3g} and should be 1. It is -z_y, so without the "
        "normalisation it has no lower bound: "
        "it can fall for ever by scaling up, without learning."
    )
    return _finding("error", "Scores into NLL", text, "Use cross_entropy, or log_softmax over the classes before it.")


def _binary(call: LossCall) -> Finding | None:
    low, high = float(call.target.min()), float(call.target.max())
    if low < -1e-4 or high > 1 + 1e-4:
        text = f"Targets of {call.name} go from {low:.3g} to {high:.3g}; outside [0, 1] the loss has no lower bound."
        return _finding(
            "error", "Targets outside [0, 1]", text, "Scale the targets to [0, 1]; divide masks of 255 by 255."
        )
    if call.name.endswith("logits") and call.origin in ("sigmoid", "_softmax"):
        made = call.origin.strip("_")
        text = f"binary_cross_entropy_with_logits is given the output of {made} and applies sigmoid again."
        text += " Its probabilities can only lie between 0.5 and 0.731."
        return _finding("error", f"{made.capitalize()} before BCE with logits", text, f"Remove the {made}.")
    side = _ONE_SIDED.get(call.origin) if call.name.endswith("logits") else None
    if side is not None and low < 0.5 < high:
        text = (
            f"binary_cross_entropy_with_logits is given the output of a {side[0]}: no probability can be {side[1]} 0.5."
        )
        return _finding(
            "error",
            f"{side[0][0].upper()}{side[0][1:]} before BCE with logits",
            text,
            f"Remove the {side[0]} behind the last layer.",
        )
    return None


_ONE_SIDED = {**dict.fromkeys(RELU, ("ReLU", "below")), "log_sigmoid_forward": ("log-sigmoid", "above")}


def _rows(values: Tensor) -> Tensor:
    """(n, k) float32: the classes are the second axis."""
    return values.detach().movedim(1, -1).reshape(-1, values.shape[1]).float()


def _probabilities(rows: Tensor) -> bool:
    return len(rows) >= 2 and bool((rows >= 0).all()) and bool(((rows.sum(dim=1) - 1).abs() < 1e-4).all())


_JUDGES: dict[str, Callable[[LossCall], Finding | None]] = {
    "cross_entropy": _cross_entropy,
    "nll_loss": _log_probabilities,
    "kl_div": _log_probabilities,
    "binary_cross_entropy": _binary,
    "binary_cross_entropy_with_logits": _binary,
    **dict.fromkeys(("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss"), squared),
}
