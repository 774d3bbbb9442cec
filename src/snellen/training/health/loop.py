"""A step of the user's own loop, made twice and undone."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from snellen.training.health.facts import Observation
from snellen.training.health.kept import Buffers, Dice, kept

MOST = 32  # calls, for a loop that steps every so many


@dataclass(frozen=True)
class LoopStep:
    """What a step of the loop did.

    Attributes:
        calls: how often it was called until a parameter changed; 0 if none did.
        moved: names of the parameters that changed.
        doubled: names of those whose gradient after a second step, from the same state, was exactly twice the first.
        travelled: length of the change.
        gradient: length of the gradient that the first call left; 0 if it left none.
    """

    calls: int
    moved: tuple[str, ...]
    doubled: tuple[str, ...]
    travelled: float
    gradient: float


def watch_loop(seen: Observation) -> LoopStep:
    """Call ``asked.step`` twice from the same parameters, buffers and random numbers, but not the same gradients.

    Where the first two calls change nothing it is called on, up to 32 times, for gradients may be gathered. All is put
    back.

    >>> from torch import nn, optim
    >>> from snellen.training.health.facts import Asked
    >>> from snellen.training.health.observe import observe
    >>> net = nn.Linear(2, 2)
    >>> sgd = optim.SGD(net.parameters(), lr=0.1)
    >>> batch = torch.rand(4, 2), torch.zeros(4).long()
    >>> def step():
    ...     nn.functional.cross_entropy(net(batch[0]), batch[1]).backward()
    ...     sgd.step()
    >>> watch_loop(observe(net, sgd, batch, nn.CrossEntropyLoss(), asked=Asked(step))).doubled
    ('weight', 'bias')
    """
    step = seen.asked.step
    if step is None:
        raise ValueError("there is no loop to watch")
    held = {p.name for p in seen.parameters if p.groups}
    parameters: dict[str, Tensor] = {n: p for n, p in seen.named.items() if n in held}
    with kept(seen.setup.modules, seen.setup.optimizers), torch.enable_grad():
        dice, buffers = Dice(), Buffers(seen.setup.modules)
        start = {n: p.detach().clone() for n, p in parameters.items()}
        step()
        first = _gradients(parameters)
        moved = _moved(parameters, start)
        travelled = _distance(parameters, start)
        for name, parameter in parameters.items():
            parameter.data.copy_(start[name])
        dice.throw_again()
        buffers.put_back()
        step()
        second = _gradients(parameters)
        calls = 1
        if not moved:
            calls = 2
            while calls < MOST and not _moved(parameters, start):
                step()
                calls += 1
            moved = _moved(parameters, start)
            travelled = _distance(parameters, start)
    doubled = [n for n, g in first.items() if n in second and bool(g.any()) and torch.equal(second[n], 2 * g)]
    left = math.sqrt(sum(float(g.float().square().sum()) for g in first.values()))
    return LoopStep(calls if moved else 0, tuple(moved), tuple(doubled), travelled, left)


def _moved(parameters: dict[str, Tensor], start: dict[str, Tensor]) -> list[str]:
    return [n for n, p in parameters.items() if not torch.equal(p.detach(), start[n])]


def _distance(parameters: dict[str, Tensor], start: dict[str, Tensor]) -> float:
    return math.sqrt(sum(float((p.detach() - start[n]).float().square().sum()) for n, p in parameters.items()))


def _gradients(parameters: dict[str, Tensor]) -> dict[str, Tensor]:
    return {n: p.grad.detach().clone() for n, p in parameters.items() if p.grad is not None and not p.grad.is_sparse}
