"""Does a gradient reach what is to be trained?"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from snellen.checks.training._base import TrainingCheck, blocks, listed
from snellen.checks.training._rates import from_scratch
from snellen.checks.training._scales import proves_still, proves_weights
from snellen.findings.finding import Finding, Severity
from snellen.training.health.facts import Observation, Parameter
from snellen.training.health.severed import OUTSIDE
from snellen.training.health.verdicts import verdicts

NAME = "training/gradient"
MOST = 2 / 3  # adapters and residual branches begin with half of their weights at 0


@dataclass(frozen=True)
class Gradient(TrainingCheck):
    """Gradients that are not finite, cut off, zero or not there.

    The forward is watched operation by operation, with gradients and without, so it is known which parameters the loss
    was computed from. *Cut*: the loss was, an optimizer holds it, and no gradient came back (``detach``, ``no_grad``,
    ``argmax``, ``.data``): an error where the numbers are random and trained layers work on what comes of them, a
    warning where they are not random, and only mentioned where nothing trained stands behind (a teacher) or where the
    whole optimizer gets no gradient (the other phase of two). Random weights that choose, by argmax or a comparison,
    and get no gradient: a warning. *No path*: the loss was not computed from it, such as an
    unused head: mentioned. Where parameters get no gradient, or zeros alone before a rounding, and the loss still
    changes when they are moved by 2 %, the graph is cut by NumPy, ``item`` or the rounding: the severity of a cut, and
    an error for a rounding. *Zero*: exact zeros in all gradients with a loss that is not 0, or of a network of random
    numbers, are an error; in some, they are mentioned, with the zeros behind them that explain it.

    *Most weights are 0* (error): three or more, and more than two thirds. *Stuck at 0* (error): two layers in a row are
    all zeros, and so are their gradients. *Never differ* (error): the rows of a weight are the same, and so are those
    of its gradient. *Vanishes* (warning): before the first step, the gradient of every weight that sees the images is
    less than ``faint`` of the largest (root of the mean square); an error if weights of a usual scale learn and these
    do not, or if 16 steps move those that see the images by less than 1/100,000 of their length and hardly lower the
    loss.
    """

    faint: float = 1e-6

    def __call__(self, seen: Observation) -> Sequence[Finding]:
        found = [*self._not_finite(seen), *self._none_at_all(seen)]
        if not found:
            found = [*self._cut(seen), *self._zero(seen), *self._alike(seen), *self._faint(seen), *self._no_path(seen)]
        got = [p for p in seen.parameters if p.grad == "finite"]
        text = f"A finite gradient reaches {len(got)} of {len(seen.parameters)} parameter tensors."
        return found or [Finding(NAME, "ok", "Gradients", text)]

    def _not_finite(self, seen: Observation) -> Iterator[Finding]:
        bad = [p.name for p in seen.parameters if p.grad == "not finite"]
        if not math.isfinite(seen.loss):
            fed = [t for t in seen.inputs if t.is_floating_point() and not bool(t.isfinite().all())]
            text = f"The loss of this batch is {seen.loss}."
            text += " The batch itself holds NaN or infinity." if fed else ""
            remedy = "Clean the images." if fed else "Look for a logarithm or a root of 0, a division, or an overflow."
            yield Finding(NAME, "error", "The loss is not finite", text, remedy=remedy)
        elif bad:
            text = f"The loss is {seen.loss:.4g}, and the gradient of {listed(bad)} holds NaN or infinity."
            remedy = "Look for a root or a norm at 0, or an overflow in half precision without a gradient scaler."
            yield Finding(NAME, "error", "Gradients are not finite", text, remedy=remedy)

    def _none_at_all(self, seen: Observation) -> Iterator[Finding]:
        held = [p for p in seen.parameters if p.groups]
        if seen.has_graph or not (held or seen.strangers):
            return
        reached = [p for p in held if p.reaches]
        frozen = [p for p in held if not p.requires_grad]
        text = "No gradient reaches any parameter. "
        if reached and len(frozen) == len(held):
            text += "All that the optimizers hold has requires_grad = False."
        elif reached:
            text += "The loss is computed from "
            text += f"{listed(blocks([p.name for p in reached]))}, but the graph is cut on the way."
        else:
            text += "The loss is computed from none of the parameters that the optimizers hold."
        remedy = "Look for detach, no_grad, item, argmax, numpy or .data between the network and the loss."
        yield Finding(NAME, "error", "Nothing can learn", text, remedy=remedy)

    def _cut(self, seen: Observation) -> Iterator[Finding]:
        found = verdicts(seen)
        alive = {o for p in seen.parameters if p.grad in ("finite", "zero") for o, _, _ in p.groups}
        cut = [p for p in seen.parameters if found[p.name] == "graph cut" or p.severed]
        other = [p for p in cut if not {o for o, _, _ in p.groups} & alive]
        lost = [p for p in cut if p.severed and p not in other]
        here = [p for p in cut if p not in other and p not in lost and seen.feeds(p.name)]
        teacher = [p for p in cut if p not in other and p not in lost and p not in here]
        if lost:
            yield _severed(lost)
        if here:
            random = any(p.fresh.random for p in here)
            behind = blocks(sorted({q for p in here for q in seen.feeds(p.name)}))
            text = (
                f"An optimizer holds {listed(blocks([p.name for p in here]))}, and {listed(behind)} "
                "work on what comes of "
                f"{'it' if len(here) == 1 else 'them'}, but no gradient comes back: the graph is cut between the two."
            )
            text += " The numbers are still those of the initialisation." if random else ""
            remedy = "Remove the detach, no_grad, numpy or .data between them; if the layers are meant to stay as they "
            remedy += "are, take them out of the optimizer."
            yield Finding(NAME, "error" if random else "warning", "The graph is cut", text, remedy=remedy)
        if other:
            text = (
                f"{listed(blocks([p.name for p in other]))} get no gradient from this loss, nor does anything else in "
            )
            yield Finding(
                NAME, "info", "Not trained by this loss", f"{text}their optimizer: another phase trains them."
            )
        gates = [p for p in teacher if p.name in seen.marks.chosen and p.fresh.random and len(p.shape) > 1]
        gates = [p for p in gates if not p.written and seen.first_step]
        if gates:
            text = f"{listed(blocks([p.name for p in gates]))} choose (by argmax, a comparison or an order) and do "
            text += "nothing else: the loss depends on the choice, no gradient comes back, and the weights stay random."
            remedy = "Multiply what is chosen by its probability, or draw by gumbel_softmax(hard=True)."
            yield Finding(NAME, "warning", "What chooses is not trained", text, remedy=remedy)
        elif teacher:
            text = (
                f"{listed(blocks([p.name for p in teacher]))} get no gradient and nothing trained stands behind them."
            )
            yield Finding(NAME, "info", "Without a gradient", text)

    def _zero(self, seen: Observation) -> Iterator[Finding]:
        zero = [p for p in seen.parameters if p.grad == "zero" and p.groups and not p.severed]
        if not zero:
            return
        if not any(p.grad == "finite" for p in seen.parameters):
            part = next((c for c in seen.losses if math.isfinite(c.value) and c.value != 0), None)
            if seen.loss == 0 and part is None and from_scratch(seen):
                text = "The loss of a network that has learnt nothing is exactly 0, and so are all gradients: this "
                text += "batch asks for nothing."
                remedy = "Look for targets that do not fit (zero_infinity hides that), masks, and a product with 0."
                yield Finding(NAME, "error", "All gradients are 0", text, remedy=remedy)
                return
            if seen.loss != 0 or part is not None:
                text = f"All gradients are exactly 0 although the loss is {seen.loss:.4g}"
                text += f" and {part.name} in it gave {part.value:.4g}" if part is not None and seen.loss == 0 else ""
                remedy = "Look for units that are shut for every image, a constant output, or a product with 0."
                yield Finding(
                    NAME, "error", "All gradients are 0", f"{text}: this batch teaches nothing.", remedy=remedy
                )
                return
        stuck = [p.name for p in zero if _stuck(p, seen)]
        if stuck:
            text = f"{listed(stuck)} are all 0, and so are their gradients, for each waits for the other to change: "
            text += "a product of two zeros has no gradient in either."
            remedy = "Initialise at least one of two layers that follow each other with random numbers."
            yield Finding(NAME, "error", "Layers are stuck at 0", text, remedy=remedy)
            return
        weights = [p for p in seen.parameters if p.reaches and len(p.shape) > 1]
        empty = [p.name for p in weights if p.zeros]
        if len(empty) >= 3 and len(empty) > MOST * len(weights):
            text = (
                f"{len(empty)} of {len(weights)} weights are all 0: {listed(empty)}. What passes them is the biases, "
            )
            text += "the same for every image, and no gradient comes back through them."
            remedy = "Initialise weights with random numbers; the last of a branch alone may begin at 0."
            yield Finding(NAME, "error", "Most weights are 0", text, remedy=remedy)
            return
        explained = [p for p in zero if any(_shuts(q, p) for q in seen.parameters)]
        names = listed(blocks([p.name for p in zero]))
        text = f"The gradient of {names} is exactly 0 on this batch"
        text += ": a weight behind it is still all zeros, as low-rank and residual branches begin" if explained else ""
        yield Finding(NAME, "info", "Zero gradient", f"{text}.")

    def _alike(self, seen: Observation) -> Iterator[Finding]:
        waits = {p.name for p in seen.parameters if p.grad == "zero" and any(_shuts(q, p) for q in seen.parameters)}
        same = [p.name for p in seen.parameters if p.alike and p.trains and p.name not in waits]
        if same:
            text = (
                f"All units of {listed(blocks(same))} have the same weights, and they get the same gradient: they stay "
            )
            text += "copies of one unit for ever."
            remedy = "Initialise weights with random numbers; only biases and gains may be constants."
            yield Finding(NAME, "error", "Units that can never differ", text, remedy=remedy)

    def _faint(self, seen: Observation) -> Iterator[Finding]:
        norms = {p.name: p.grad_norm / p.count**0.5 for p in seen.parameters if p.grad == "finite" and len(p.shape) > 1}
        first = [p for p in seen.parameters if p.name in norms and p.trains and not p.consumes]
        if not first or len(norms) < 3:
            return
        best = max(first, key=lambda p: norms[p.name])
        top = max(norms.values())
        if norms[best.name] < self.faint * top and seen.first_step:
            text = (
                f"The gradient of {best.module or best.name}, which sees the images, is {norms[best.name] / top:.1g} "
            )
            text += "of the largest: it vanishes on its way back."
            remedy = "Use ReLU or GELU, normalisation or skip connections, and weights of He's or Xavier's variance."
            proof = proves_weights(seen) or proves_still(seen, [p.name for p in first])
            severity: Severity = "error" if proof else "warning"
            yield Finding(NAME, severity, "The gradient vanishes", f"{text} {proof}".rstrip(), remedy=remedy)

    def _no_path(self, seen: Observation) -> Iterator[Finding]:
        found = verdicts(seen)
        lost = [p for p in seen.parameters if found[p.name] == "no path to the loss"]
        if lost:
            idle = [p.name for p in lost if not p.called]
            text = f"The loss is not computed from {listed(blocks([p.name for p in lost]))}"
            text += f"; {listed(blocks(idle))} did not run." if idle else "."
            yield Finding(NAME, "info", "No path to the loss", text)


def _severed(lost: Sequence[Parameter]) -> Finding:
    names = blocks([p.name for p in lost])
    rounds = sorted({p.severed for p in lost} - {OUTSIDE})
    error = bool(rounds) or any(p.fresh.random for p in lost)
    one = len(names) == 1
    text = f"An optimizer holds {listed(names)}, and the loss changes when {'its' if one else 'their'} numbers are "
    text += "moved by 2 %, but no gradient comes back: "
    if rounds:
        text += f"what {'it' if one else 'they'} compute{'s' * one} goes through {listed(rounds)}, whose gradient is 0 "
        text += "everywhere."
    else:
        text += "on the way to the loss the numbers leave PyTorch and come back as new ones."
    remedy = "Pass the gradient through the rounding as if it were not there (x + (x.round() - x).detach()), or leave "
    remedy += "the rounding out of training."
    if not rounds:
        remedy = "Compute in PyTorch what is computed with numpy(), item(), tolist() or torch.tensor(...) between "
        remedy += "them; if the layers are meant to stay as they are, take them out of the optimizer."
    return Finding(NAME, "error" if error else "warning", "The graph is cut", text, remedy=remedy)


def _stuck(p: Parameter, seen: Observation) -> bool:
    """All 0 with a gradient of 0, beside another such weight, with no zero behind it that moves and would open it."""
    if not p.zeros or len(p.shape) < 2:
        return False
    behind = [q for q in seen.parameters if q.zeros and p.name in q.consumes and not q.name.endswith("bias")]
    if any(q.grad == "finite" for q in behind):
        return False
    before = [q for q in seen.parameters if q.zeros and q.name in p.consumes and not q.name.endswith("bias")]
    return any(q.grad == "zero" and q.groups and len(q.shape) > 1 for q in (*behind, *before))


def _shuts(q: Parameter, p: Parameter) -> bool:
    return q.zeros and p.name in q.consumes
