"""One verdict for every parameter of a training set-up."""

from collections.abc import Mapping

from snellen.training.health.facts import Observation, Parameter, Verdict

ORDER: tuple[Verdict, ...] = (
    "forgotten random",
    "graph cut",
    "stepped but unchanged",
    "learning rate 0",
    "zero gradient",
    "no path to the loss",
    "frozen on purpose",
    "trained",
)


def verdicts(seen: Observation) -> Mapping[str, Verdict]:
    """What becomes of each parameter in this training.

    In no optimizer, or with ``requires_grad=False``: *forgotten random* if its numbers are those of its
    initialisation and trained parameters are applied to data computed from it, or it asks for a gradient, gets one,
    and nobody uses it, unless the forward itself writes to it (an average); *no path to the loss* if the loss was not
    computed from it; else *frozen on purpose*. A frozen tensor that is only added to data or scales them (fixed
    positions) loses nothing of an image and is *frozen on purpose* too.
    In an optimizer: *no path to the loss*; *graph cut* if the loss was computed from it but no gradient came back, nor
    to others of its module (the bias of an energy whose slope is the loss is no part of that slope);
    *learning rate 0*; *zero gradient*; *stepped but unchanged*; else *trained*.

    >>> from torch import nn, optim, rand, zeros
    >>> from snellen.training.health.observe import observe
    >>> net = nn.Sequential(nn.Linear(9, 9), nn.Linear(9, 3))
    >>> batch = rand(8, 9), zeros(8).long()
    >>> verdicts(observe(net, optim.SGD(net[1].parameters(), lr=0.1), batch, nn.CrossEntropyLoss()))["0.weight"]
    'forgotten random'
    """
    fed = {name for p in seen.parameters if p.trains for name in p.consumes}
    found = {p.name: _verdict(p, consumed=p.name in fed, any_trained=bool(seen.trained)) for p in seen.parameters}
    reached = {p.module for p in seen.parameters if p.grad == "finite" and len(p.shape) > 1}
    lone = {
        p.name for p in seen.parameters if found[p.name] == "graph cut" and p.module in reached and len(p.shape) < 2
    }
    return _companions(seen, found | dict.fromkeys(lone, "no path to the loss"))


def _verdict(p: Parameter, *, consumed: bool, any_trained: bool) -> Verdict:
    if not p.groups or not p.requires_grad:
        if not p.reaches:
            return "no path to the loss" if p.requires_grad else "frozen on purpose"
        thrown_away = p.requires_grad and p.grad != "none" and any_trained
        idle = p.fresh.random and not p.written and (p.applied or p.requires_grad)
        return "forgotten random" if idle and (consumed or thrown_away) else "frozen on purpose"
    if p.grad == "none":
        return "graph cut" if p.reaches else "no path to the loss"
    if all(rate == 0 for _, _, rate in p.groups):
        return "learning rate 0"
    if p.grad == "zero":
        return "zero gradient"
    if p.changed is False:
        return "stepped but unchanged"
    return "trained"


def _companions(seen: Observation, found: dict[str, Verdict]) -> dict[str, Verdict]:
    """Zeros, ones and small tensors beside a forgotten weight, and the normalisation behind it, are forgotten too."""
    forgotten = [p for p in seen.parameters if found[p.name] == "forgotten random"]
    owners = {p.module for p in forgotten}
    parents = {(p.module.rpartition(".")[0], p.requires_grad) for p in forgotten}
    for p in seen.parameters:
        idle = found[p.name] == "frozen on purpose"
        beside = p.module in owners and p.fresh.verdict in ("constant", "unknown")
        behind = (p.module.rpartition(".")[0], p.requires_grad) in parents and p.fresh.verdict == "constant"
        if idle and (beside or behind):
            found[p.name] = "forgotten random"
    return found
