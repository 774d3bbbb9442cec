"""What a loop does from step to step, noted without changing it."""

from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy
from torch.optim import Optimizer

from snellen.training.checkpoint import fingerprint
from snellen.training.health.registered import parameters_of

RECENT = 1000
"""Losses that are kept beside the first."""


@dataclass(frozen=True, eq=False)
class Past:
    """What a loop has done so far.

    Attributes:
        rounds: how often it was noted.
        steps: of each optimizer.
        moved: names of the parameters of which a bit has changed since the beginning.
        reused: names of parameters whose gradient was used by one step, still there when the next backward added to it,
            and used again by the next step.
        losses: (round, loss) of the first round and of the last 1,000, where they were given.
    """

    rounds: int
    steps: tuple[int, ...]
    moved: frozenset[str] = frozenset()
    reused: tuple[str, ...] = ()
    losses: tuple[tuple[int, float], ...] = ()


class Recorder:
    """Notes the rounds of a loop: hooks on the optimizers' steps, and on one parameter each until the second step.

    Nothing that is computed changes by it. Parameters are known by the SHA-256 of their bits, so that no copy of
    them is held; a parameter that has moved is not looked at again.

    Args:
        module: the network.
        optimizers: those that step in this loop.

    >>> net = nn.Linear(2, 1)
    >>> sgd = torch.optim.SGD(net.parameters(), lr=0.1)
    >>> recorder = Recorder(net, [sgd])
    >>> for number in range(2):
    ...     net(torch.ones(1, 2)).sum().backward()
    ...     sgd.step()
    ...     recorder.note(1.0)
    >>> recorder.past().reused, sorted(recorder.past().moved)
    (('bias',), ['bias', 'weight'])
    """

    def __init__(self, module: nn.Module, optimizers: Sequence[Optimizer]) -> None:
        named = {n: p for n, p in parameters_of(module).items() if not is_lazy(p) and not p.is_meta}
        names = {id(p): name for name, p in named.items()}
        self._still = {name: (p, fingerprint(p)) for name, p in named.items()}
        self._moved: set[str] = set()
        self._clearings = [_Clearing(optimizer, names) for optimizer in optimizers]
        self._rounds = 0
        self._losses: tuple[list[tuple[int, float]], deque[tuple[int, float]]] = [], deque(maxlen=RECENT)

    @property
    def reused(self) -> tuple[str, ...]:
        """Names of the parameters whose gradient two steps have used."""
        return tuple(c.reused for c in self._clearings if c.reused)

    def note(self, loss: float | None) -> None:
        """A round of the loop, and its loss if it is at hand."""
        self._rounds += 1
        if loss is not None:
            first, recent = self._losses
            (recent if first else first).append((self._rounds, loss))

    def past(self) -> Past:
        """All of it until now."""
        for name, (parameter, begun) in list(self._still.items()):
            if fingerprint(parameter) != begun:
                self._moved.add(name)
                del self._still[name]
        first, recent = self._losses
        steps = tuple(clearing.steps for clearing in self._clearings)
        return Past(self._rounds, steps, frozenset(self._moved), self.reused, (*first, *recent))

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Inside, a backward is not the loop's."""
        for clearing in self._clearings:
            clearing.paused = True
        try:
            yield
        finally:
            for clearing in self._clearings:
                clearing.paused = False

    def close(self) -> None:
        """Take all hooks away."""
        for clearing in self._clearings:
            clearing.close()


@dataclass
class _Clearing:
    """Counts the steps of an optimizer, and sees at the second whether the gradient of the first was cleared.

    One parameter is looked at, the smallest with a gradient. What is still there when a backward arrives may yet be
    cleared before the next step, as in the two phases of a GAN; only what that step uses counts.
    """

    optimizer: Optimizer
    names: dict[int, str]
    steps: int = 0
    reused: str = ""
    paused: bool = False
    _probe: Tensor | None = None
    _used: Tensor | None = None
    _arrived: bool = False
    _again: bool = False
    _hook: Any = None
    _handles: list[Any] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._handles = [
            self.optimizer.register_step_pre_hook(self._before),
            self.optimizer.register_step_post_hook(self._after),
        ]

    def close(self) -> None:
        self._forget()
        for handle in self._handles:
            handle.remove()

    def _before(self, *_: Any) -> None:
        if self._arrived and self._probe is not None:
            if self._again:
                self.reused = self.names.get(id(self._probe), "a parameter")
            self._forget()

    def _after(self, *_: Any) -> None:
        self.steps += 1
        if self._probe is None and not self._arrived:
            held = [p for g in self.optimizer.param_groups for p in g["params"] if _lit(p)]
            if held:
                self._probe = min(held, key=Tensor.numel)
                self._used = self._probe.grad.detach().clone()  # type: ignore[union-attr]  # lit ones have one
                self._hook = self._probe.register_hook(self._arrives)

    def _arrives(self, _gradient: Tensor) -> None:
        """Before the gradient is added to what is there."""
        if self.paused or self._probe is None or self._used is None:
            return
        self._arrived, there = True, self._probe.grad
        if there is None or not bool(there.any()):
            self._again = False
        elif torch.equal(there.detach(), self._used):
            self._again = True

    def _forget(self) -> None:
        if self._hook is not None:
            self._hook.remove()
        self._probe = self._used = self._hook = None


def _lit(parameter: Tensor) -> bool:
    grad = parameter.grad
    return parameter.requires_grad and grad is not None and not grad.is_sparse and bool(grad.any())
