"""A copy of a training set-up that shares nothing with it, to be trained for a while and thrown away."""

import copy
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from snellen._errors import NotApplicable
from snellen.training.health.kept import kept
from snellen.training.health.registered import parameters_of
from snellen.training.health.setup import TrainingSetup, inputs_and_targets


def twin(setup: TrainingSetup) -> TrainingSetup:
    """Network, optimizers and loss copied together, so that the copied optimizers hold the copied parameters.

    Raises:
        NotApplicable: something in it cannot be copied.

    >>> net = nn.Linear(2, 2)
    >>> sgd = torch.optim.SGD(net.parameters(), lr=0.1)
    >>> copied = twin(TrainingSetup(net, (sgd,), None, nn.MSELoss(), False))
    >>> copied.optimizers[0].param_groups[0]["params"][0] is copied.module.weight
    True
    """
    try:
        module, optimizers, loss = copy.deepcopy((setup.module, setup.optimizers, setup.loss))
    except Exception as error:
        raise NotApplicable(f"the set-up cannot be copied: {type(error).__name__}: {error}") from error
    own = set(map(id, parameters_of(setup.module).values()))
    for name, parameter in parameters_of(module).items():
        if id(parameter) in own:
            raise NotApplicable(f"the set-up cannot be copied: a function holds {name}, and copies share it")
        parameter.grad = None
    return replace(setup, module=module, optimizers=optimizers, loss=loss)


def train(setup: TrainingSetup, batches: list[Any], *, steps: int, seed: int) -> list[float]:
    """The losses of some steps, with the random generators and the original left alone.

    Raises:
        NotApplicable: the loss does not use the network it is given, so a copy cannot be trained.
    """
    losses = []
    with kept([], []), torch.enable_grad():
        torch.manual_seed(seed)
        for number in range(steps):
            now = replace(setup, batch=batches[number % len(batches)])
            for optimizer in setup.optimizers:
                optimizer.zero_grad()

            def closure(now: TrainingSetup = now) -> Tensor:
                loss = now.value()
                loss.backward()
                return loss

            loss = closure()
            if number == 0 and all(p.grad is None for p in parameters_of(setup.module).values()):
                raise NotApplicable("the loss does not use the network that it is given, so a copy cannot be trained")
            losses.append(float(loss.detach()))
            for optimizer in setup.optimizers:
                optimizer.step(closure if _wants_closure(optimizer) else None)  # type: ignore[arg-type]  # LBFGS takes tensors
    return losses


def accuracy(setup: TrainingSetup, batches: list[Any]) -> float | None:
    """Share of right answers in eval mode; None where outputs and targets are no scores and classes."""
    right = total = 0
    modes = [(m, m.training) for m in setup.module.modules()]
    try:
        setup.module.eval()
        with torch.no_grad():
            for batch in batches:
                inputs, targets = inputs_and_targets(batch)
                scores = setup.outputs(inputs)
                if not isinstance(scores, Tensor) or scores.ndim != 2 or targets.is_floating_point():
                    return None
                right += int((scores.argmax(dim=1) == targets).sum())
                total += len(targets)
    except Exception:
        return None
    finally:
        for module, mode in modes:
            module.training = mode
    return right / total if total else None


def batches_of(source: Any, *, most: int) -> list[Any]:
    """The first batches of a loader or a list; a single batch is a list of one."""
    if isinstance(source, Tensor | Mapping) or (isinstance(source, tuple) and source and isinstance(source[0], Tensor)):
        return [source]
    return list(_first(source, most))


def _first(source: Any, most: int) -> Iterator[Any]:
    with kept([], []):
        for number, batch in enumerate(source):
            if number >= most:
                return
            yield batch


def _wants_closure(optimizer: torch.optim.Optimizer) -> bool:
    return isinstance(optimizer, torch.optim.LBFGS)


def plain_optimizer(module: nn.Module, names: frozenset[str]) -> torch.optim.Optimizer:
    """Adam with its usual settings on the named parameters."""
    return torch.optim.Adam([p for n, p in parameters_of(module).items() if n in names], lr=1e-3)
