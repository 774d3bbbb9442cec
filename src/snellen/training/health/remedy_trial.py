"""Try the remedies for forgotten layers on copies: the same steps as set up, with "
"the layers trained, and pretrained."""

from collections.abc import Sequence
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
    """Copies trained on the same batches for the same steps: as set up, all trained, early layers pretrained.

    Pretrained weights are not at hand. Those of a fourth copy, all of it trained by Adam for as many steps, stand in
    for them: its early layers are put into the third copy, whose other layers begin where the set-up begins. Batches
    come from ``splits["train"]`` if it was given, else all steps are on the one batch; accuracy is measured on these,
    and on ``splits["test"]`` or ``["validation"]``.

    Args:
        seen: whose ``asked.splits`` may hold the data.
        forgotten: names of all parameters that are given to the optimizer in the second copy.
        early: names of those that are pretrained in the third.
        steps: optimizer steps of each.

    Raises:
        NotApplicable: the set-up cannot be copied.
    """
    setup, names = seen.setup, set(forgotten)
    batches = batches_of(seen.asked.splits.get("train", [setup.batch]), most=steps)
    held = next((seen.asked.splits[k] for k in ("test", "validation", "val") if k in seen.asked.splits), None)
    test = batches_of(held, most=64) if held is not None else []

    def run(way: str, copied: TrainingSetup) -> Tried:
        losses = train(copied, batches, steps=steps, seed=seen.seed)
        tail = losses[-LAST:]
        shown: list[Any] = batches[:16]
        return Tried(way, steps, losses[0], sum(tail) / len(tail), accuracy(copied, shown), accuracy(copied, test))

    as_is = run("as set up", twin(setup))
    whole = twin(setup)
    given = [p for n, p in parameters_of(whole.module).items() if n in names]
    for parameter in given:
        parameter.requires_grad_(True)
    _release(whole, {id(p) for p in given})
    whole.optimizers[0].add_param_group({"params": given})
    trained = run("all layers in the optimizer", whole)
    return as_is, trained, run("early layers pretrained (stand-in)", _pretrained(seen, early, batches, steps))


def _pretrained(seen: Observation, early: Sequence[str], batches: list[Any], steps: int) -> TrainingSetup:
    other, copied = twin(seen.setup), twin(seen.setup)
    for parameter in parameters_of(other.module).values():
        parameter.requires_grad_(True)
    learnt = parameters_of(other.module)
    train(
        replace(other, optimizers=(plain_optimizer(other.module, frozenset(learnt)),)),
        batches,
        steps=steps,
        seed=seen.seed,
    )
    for name, parameter in parameters_of(copied.module).items():
        if name in early:
            parameter.data.copy_(learnt[name].detach())
    return copied


def _release(setup: TrainingSetup, ids: set[int]) -> None:
    """Frozen parameters that an optimizer holds already are taken out, so that they can be added."""
    for optimizer in setup.optimizers:
        for group in optimizer.param_groups:
            group["params"] = [p for p in group["params"] if id(p) not in ids]
