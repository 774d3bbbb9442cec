"""Try the remedies for forgotten layers on copies: the same steps as now, with the layers trained, and pretrained."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from snellen.training.health.facts import Observation
from snellen.training.health.registered import parameters_of
from snellen.training.health.setup import TrainingSetup
from snellen.training.health.twin import accuracy, batches_of, plain_optimizer, train, twin

LAST = 5  # steps whose losses are averaged


@dataclass(frozen=True)
class Tried:
    """One way, after the same number of steps: the mean loss of the last ones, and accuracies where there are any."""

    way: str
    steps: int
    first: float
    last: float
    accuracy: float | None
    held_out: float | None


def try_remedies(seen: Observation, forgotten: Sequence[str], early: Sequence[str], *, steps: int) -> tuple[Tried, ...]:
    """Copies trained on the same batches for the same steps: what is trained now, all, and early layers pretrained.

    All by Adam at 0.001: it is the layers that are compared, and at the set-up's own rate so few steps may show
    nothing. Pretrained weights are not at hand. Those of a fourth copy, all of it trained for as many steps, stand in
    for them: its early layers are put into the third copy, whose other layers begin where the set-up begins. Batches
    come from ``splits["train"]`` if it was given, else all steps are on the one batch; accuracy is measured on these,
    and on ``splits["test"]`` or ``["validation"]``.

    Args:
        seen: whose ``asked.splits`` may hold the data.
        forgotten: names of all parameters that the second copy trains beside those that are trained now.
        early: names of those that are pretrained in the third.
        steps: of each.

    Raises:
        NotApplicable: the set-up cannot be copied.
    """
    setup = seen.setup
    batches = batches_of(seen.asked.splits.get("train", [setup.batch]), most=steps)
    held = next((seen.asked.splits[k] for k in ("test", "validation", "val") if k in seen.asked.splits), None)
    test = batches_of(held, most=64) if held is not None else []

    def run(way: str, copied: TrainingSetup) -> Tried:
        losses = train(copied, batches, steps=steps, seed=seen.seed)
        tail = losses[-LAST:]
        shown: list[Any] = batches[:16]
        return Tried(way, steps, losses[0], sum(tail) / len(tail), accuracy(copied, shown), accuracy(copied, test))

    pretrained = _training(setup, seen.trained)
    learnt = _training(setup, parameters_of(setup.module))
    train(learnt, batches, steps=steps, seed=seen.seed)
    weights = parameters_of(learnt.module)
    for name, parameter in parameters_of(pretrained.module).items():
        if name in early:
            parameter.data.copy_(weights[name].detach())
    return (
        run("trained as now", _training(setup, seen.trained)),
        run("all layers trained", _training(setup, {*seen.trained, *forgotten})),
        run("early layers pretrained (stand-in)", pretrained),
    )


def _training(setup: TrainingSetup, names: Iterable[str]) -> TrainingSetup:
    """A copy in which these parameters are trained, and no others."""
    copied, chosen = twin(setup), frozenset(names)
    for name, parameter in parameters_of(copied.module).items():
        if name in chosen:
            parameter.requires_grad_(True)
    return replace(copied, optimizers=(plain_optimizer(copied.module, chosen),))
