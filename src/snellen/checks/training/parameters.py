"""What becomes of each parameter?"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from snellen.checks.training._base import TrainingCheck, blocks, listed
from snellen.checks.training._remedies import remedies, verified
from snellen.findings.evidence import Table
from snellen.findings.finding import Finding, Severity
from snellen.training.health.facts import Observation, Parameter, Verdict
from snellen.training.health.verdicts import ORDER, verdicts

NAME = "training/parameters"
MISSED = "in no optimizer"


@dataclass(frozen=True)
class Parameters(TrainingCheck):
    """One verdict a parameter, and an error where random numbers that nobody trains stand in the way.

    Forgotten random: the numbers are those of the initialisation (see ``snellen.training.health.fresh``), no optimizer
    changes them, and trained layers are applied to what they make of the images, or they ask for a gradient that is
    computed and thrown away. An error if ``requires_grad`` says that they were to be trained and the numbers are
    exact, or if an optimizer holds a tensor of that shape which is gone; a warning if they are only like an
    initialisation. If they are frozen, an error only if at least two layers of exact random numbers stand before
    trained ones and no frozen weight is anything but random, else a warning: one random projection, random adapters
    beside pretrained weights, or normalisations and one head that alone are trained, between random layers (Frankle et
    al. 2021, arXiv:2003.00152) may be meant. Only mentioned if the trained layers see the images themselves too, as a
    critic does.

    A last layer that is frozen at exact random numbers behind trained ones is an error where those are pretrained, for
    it is new; else a warning: it may be fixed on purpose (Hoffer et al. 2018, arXiv:1801.04540).

    Parameters of a loss of one's own (centres, proxies, weights of tasks) that get a gradient and are in no optimizer
    are an error.

    Parameters that are created while the network runs are an error; those that are trained but sit where
    ``state_dict`` does not find them, a warning.

    What would refute it: an optimizer that steps them and was not given to the audit; a paper that wants them random.

    Reference: pytorch/pytorch issue 14467, which asks for it; Rahimi and Recht 2007 on what random features can do.
    """

    def __call__(self, seen: Observation) -> Sequence[Finding]:
        found = verdicts(seen)
        table = self._table(seen, found)
        forgotten = [p for p in seen.parameters if found[p.name] == "forgotten random"]
        before = [p for p in forgotten if seen.feeds(p.name)]
        behind = [p for p in forgotten if not seen.feeds(p.name)]
        findings: list[Finding] = [*self._made_anew(seen), *self._unregistered(seen)]
        if before:
            findings.append(self._before(seen, before, found))
        if behind:
            findings.append(self._behind(seen, behind))
        findings += [*self._still_head(seen, found), *self._of_the_loss(seen)]
        return [*findings, self._summary(seen, found, table)]

    def _made_anew(self, seen: Observation) -> Iterator[Finding]:
        if seen.made:
            where = listed([name or "the network" for name in seen.made], 8)
            text = f"{sum(seen.made.values())} parameters were created while {where} ran and used at once. They are "
            text += "random numbers, new at every call: no optimizer can hold them, and what is behind them sees noise."
            remedy = "Make the layers in __init__ and only call them in forward."
            yield Finding(NAME, "error", "Layers are made anew in forward", text, remedy=remedy)

    def _unregistered(self, seen: Observation) -> Iterator[Finding]:
        loose = [p.name for p in seen.parameters if not p.registered and not p.plain and p.trains]
        if loose:
            text = f"{listed(blocks(loose), 8)} are trained, but sit in a Python list, dict, object or function: "
            text += "state_dict() does not save them, and to(), train() and eval() do not reach them."
            remedy = "Hold them in nn.ModuleList, nn.ModuleDict or nn.ParameterList."
            yield Finding(NAME, "warning", "Trained but not registered", text, remedy=remedy)

    def _before(self, seen: Observation, before: Sequence[Parameter], found: Mapping[str, Verdict]) -> Finding:
        names = blocks([p.name for p in before])
        trained = blocks([q.name for q in seen.parameters if q.trains and q.consumes & {p.name for p in before}])
        numbers = sum(p.count for p in before)
        total = sum(p.count for p in seen.parameters)
        why = _reason(before)
        brought, tables = verified(seen, _names(found), [p.name for p in before])
        text = (
            f"{listed(names, 8)} keep{'s' if len(names) == 1 else ''} the random numbers of the initialisation "
            f"({numbers:,} of {total:,} parameters): {why}. Only {listed(trained)} "
            f"learn{'s' if len(trained) == 1 else ''}, and only from what these random filters let through. What they "
            "lose of an image no later layer can bring back, so accuracy on a test set will be poor on anything but "
            f"simple images such as MNIST.{brought}"
        )
        return Finding(
            NAME,
            _severity_before(seen, before, found),
            f"Forgotten: {listed(names)} {'is' if len(names) == 1 else 'are'} random and never trained",
            text,
            measured={"forgotten_parameters": numbers, "forgotten_layers": len(names)},
            remedy="Either give all parameters to the optimizer, so that these layers learn filters for these images; "
            "or load pretrained weights for them, so that they compute features that served other images. The code "
            "is below.",
            evidence=(
                remedies(seen, names),
                *tables,
                _evidence(seen, before),
            ),
        )

    def _behind(self, seen: Observation, behind: Sequence[Parameter]) -> Finding:
        names = blocks([p.name for p in behind])
        heavy = any(p.fresh.verdict == "exact" for p in behind)
        text = (
            f"{listed(names, 8)} keep{'s' if len(names) == 1 else ''} the numbers of the initialisation: "
            f"{_reason(behind)}. The trained layers come before; they learn to suit a random "
            f"{'layer' if len(names) == 1 else 'rest'} behind them."
        )
        return Finding(
            NAME,
            "error" if heavy else "warning",
            f"Forgotten: {listed(names)} {'is' if len(names) == 1 else 'are'} never trained",
            text,
            remedy="Give these parameters to the optimizer, or set requires_grad = False if they are meant to stay. If "
            "another optimizer steps them, give it to the audit too.",
            evidence=(_evidence(seen, behind),),
        )

    def _of_the_loss(self, seen: Observation) -> Iterator[Finding]:
        if seen.unheld:
            one = len(seen.unheld) == 1
            text = f"{listed(seen.unheld)} {'is' if one else 'are'} held by the loss, get{'s' * one} a gradient, and "
            text += f"{'is' if one else 'are'} in no optimizer: the numbers stay as they were made."
            remedy = "Give the optimizer the parameters of the loss too."
            yield Finding(NAME, "error", "Parameters of the loss are not trained", text, remedy=remedy)

    def _still_head(self, seen: Observation, found: Mapping[str, Verdict]) -> Iterator[Finding]:
        """The last layer, frozen and random, behind layers that are trained; not that of a teacher."""
        alive = {o for p in seen.parameters if p.trains for o, _, _ in p.groups}
        heads = [
            p
            for p in seen.parameters
            if found[p.name] == "frozen on purpose" and not p.requires_grad and p.reaches and p.applied
            if all(o in alive for o, _, _ in p.groups)
            if len(p.shape) == 2 and p.fresh.verdict == "exact" and p.consumes & seen.trained
        ]
        used = {name for p in seen.parameters for name in p.consumes} | {p.name for p in heads if p.written}
        twins = {p.shape for p in seen.parameters if p.trains}
        names = [p.name for p in heads if p.name not in used and p.shape not in twins]
        if names:
            text = f"{listed(blocks(names))}, the last of the network, {'is' if len(names) == 1 else 'are'} frozen at "
            text += "the random numbers of the initialisation; the trained layers learn to suit them."
            remedy = "If it is a new head for other classes, set requires_grad = True and give it to the optimizer."
            title = f"The last layer is random and frozen: {listed(blocks(names))}"
            learnt = [p for p in seen.parameters if p.trains and len(p.shape) > 1]
            new = bool(learnt) and all(p.fresh.verdict == "no" for p in learnt)
            yield Finding(NAME, "error" if new else "warning", title, text, remedy=remedy)

    def _summary(self, seen: Observation, found: Mapping[str, Verdict], table: Table) -> Finding:
        counts = Counter(found.values())
        lost = not counts["trained"] and bool(seen.parameters)
        excused = counts["learning rate 0"] > 0 or counts["zero gradient"] > 0 or not seen.rules
        if lost and not excused and seen.has_graph:
            forgot = {p.name for p in seen.parameters if p.requires_grad and not p.groups}
            text = (
                f"No parameter of the network is trained: {_counted(seen, {**found, **dict.fromkeys(forgot, MISSED)})}."
            )
            remedy = "Make the optimizer from the parameters of the network that is trained."
            return Finding(NAME, "error", "Nothing is trained", text, remedy=remedy, evidence=(table,))
        wasted = [p.name for p in seen.parameters if found[p.name] == "frozen on purpose" and p.grad == "finite"]
        text = f"{len(seen.parameters)} parameter tensors: {_counted(seen, found) or 'none'}."
        if wasted:
            text += (
                f" {listed(blocks(wasted))} {'is' if len(blocks(wasted)) == 1 else 'are'} in no optimizer and not "
                "random; requires_grad = False would save computing the gradient."
            )
        severity: Severity = "info" if set(counts) - {"trained", "frozen on purpose"} or wasted else "ok"
        return Finding(NAME, severity, "What becomes of each parameter", text, evidence=(table,))

    @staticmethod
    def _table(seen: Observation, found: Mapping[str, Verdict]) -> Table:
        rows = tuple(
            (
                p.name,
                "×".join(map(str, p.shape)) or "1",
                found[p.name],
                ", ".join(_place(seen, o, g, rate) for o, g, rate in p.groups) or "none",
                "off" if not p.requires_grad else p.grad if p.grad != "finite" else f"{p.grad_norm:.2g}",
                {None: "–", True: "changed", False: "same"}[p.changed],
                p.fresh.verdict,
                p.fresh.why,
            )
            for p in seen.parameters
        )
        columns = ("parameter", "shape", "verdict", "optimizer", "gradient", "step", "as initialised", "because")
        note = "Gradient: its norm on this batch. Step: what one step of the "
        note += "optimizers did to its bits (it was undone)."
        return Table("Every parameter", columns, rows, shown=60, note=note)


def _counted(seen: Observation, found: Mapping[str, str]) -> str:
    """How many tensors and numbers have each verdict: ``2 trained (30 numbers)``."""
    counts, numbers = Counter(found.values()), Counter[str]()
    for p in seen.parameters:
        numbers[found[p.name]] += p.count
    return ", ".join(f"{counts[v]} {v} ({numbers[v]:,} numbers)" for v in (MISSED, *ORDER) if counts[v])


def _severity_before(seen: Observation, before: Sequence[Parameter], found: Mapping[str, Verdict]) -> Severity:
    heavy = [p for p in before if p.fresh.random]
    gone = {s.shape for s in seen.strangers if not s.grad}
    if any(p.requires_grad and (p.fresh.verdict == "exact" or p.shape in gone) for p in heavy):
        return "error"
    if any(p.requires_grad for p in heavy):
        return "warning"
    names = {p.name for p in before}
    meets = {seen.parameters[number].name for entry in seen.entries for number in entry.numbers}
    behind = [q for q in seen.parameters if q.trains and len(q.shape) > 1 and q.consumes & names]
    if any(q.name in meets for q in behind):
        return "info"
    between = [q for q in seen.parameters if q.trains and len(q.shape) == 1 and q.consumes & names]
    alone = len({q.module for q in seen.parameters if q.trains and len(q.shape) > 1}) <= 1
    if alone and sum(any(q.name in p.consumes for p in heavy) for q in between) >= 2:
        return "warning"
    layers = {p.module for p in heavy if p.fresh.verdict == "exact" and len(p.shape) >= 2}
    pretrained = any(
        found[p.name] == "frozen on purpose"
        and len(p.shape) >= 2
        and p.fresh.verdict in ("no", "unknown")
        and p.reaches
        for p in seen.parameters
    )
    return "error" if len(layers) >= 2 and not pretrained else "warning"


def _names(found: Mapping[str, Verdict]) -> list[str]:
    return [name for name, verdict in found.items() if verdict == "forgotten random"]


def _reason(parameters: Sequence[Parameter]) -> str:
    asks = any(p.requires_grad and p.grad != "none" and not p.groups for p in parameters)
    cut = any(p.requires_grad and p.grad == "none" for p in parameters)
    frozen = any(not p.requires_grad for p in parameters)
    held = any(p.groups for p in parameters if not p.requires_grad)
    hidden = any(not p.registered and not p.plain for p in parameters)
    plain = any(p.plain for p in parameters)
    reasons = ["they are in no optimizer, and their gradient is computed and thrown away"] * asks
    reasons += ["no optimizer holds them and no gradient reaches them"] * cut
    where = "where network.parameters() does not see them"
    reasons += [f"they sit in a Python list, dict, object or function, {where}"] * hidden
    reasons += ["they are plain tensors, no nn.Parameter, so network.parameters() does not see them"] * plain
    reasons += [f"requires_grad is False{' although an optimizer holds them' if held else ''}"] * frozen
    return "; ".join(reasons)


def _place(seen: Observation, optimizer: int, group: int, rate: float) -> str:
    several = len(seen.rules) > 1
    return f"{seen.rules[optimizer].name}{f' {optimizer}' if several else ''}, group {group}, lr {rate:g}"


def _evidence(seen: Observation, parameters: Sequence[Parameter]) -> Table:
    """Why these; where none of them feeds a trained layer, without a column of what they feed."""
    feeding = any(seen.feeds(p.name) for p in parameters)
    rows = tuple(
        (p.name, p.fresh.verdict, p.fresh.why, p.grad, *[listed(blocks(sorted(seen.feeds(p.name))))] * feeding)
        for p in parameters
    )
    columns = ("parameter", "as initialised", "because", "gradient", *["trained layers behind"] * feeding)
    return Table("Why these", columns, rows)
