"""Watch one step of training, and undo it."""

import math
import random
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from snellen._errors import NetworkError, SnellenError
from snellen.subject.network import Network
from snellen.training.health.calls import Calls, LossCall, Losses
from snellen.training.health.facts import Asked, Observation, Parameter, Rule, Stranger
from snellen.training.health.flow import Flow, loose_tensors
from snellen.training.health.fresh import FEW, JUDGED, Fresh, confirmed, fresh_parameters, young
from snellen.training.health.kept import Buffers, Dice, kept
from snellen.training.health.registered import modules_of, parameters_of
from snellen.training.health.setup import TrainingSetup, tensors_in, training_setup
from snellen.training.health.trial import try_step

Grad = Literal["none", "zero", "finite", "not finite"]


class StepFailed(NetworkError):  # noqa: N818  said of the step, read as a phrase
    """The step raised; ``losses`` are the loss functions that had been called."""

    losses: tuple[LossCall, ...] = ()


def observe(
    network: nn.Module | Network,
    optimizers: Optimizer | Sequence[Optimizer],
    batch: Any,
    loss: Callable[..., Any],
    *,
    seed: int = 0,
    asked: Asked | None = None,
) -> Observation:
    """One forward with every operation watched, one backward, one step of the optimizers, and all of it put back.

    Args:
        network: a module or a Network.
        optimizers: all that step in this training.
        batch: what one step is given.
        loss: ``(outputs, targets)`` or ``(network, batch)``.
        seed: of dropout and of what else is drawn during the step.
        asked: what else the checks may use.

    Raises:
        UsageError, NetworkError: see :func:`snellen.training.health.setup.training_setup`.
        StepFailed: the network, the loss or an optimizer raised.

    >>> net = nn.Linear(4, 2)
    >>> sgd = torch.optim.SGD([net.weight], lr=0.1)
    >>> seen = observe(net, sgd, (torch.rand(8, 4), torch.zeros(8).long()), nn.CrossEntropyLoss())
    >>> [(p.name, bool(p.groups), p.grad) for p in seen.parameters]
    [('weight', True, 'finite'), ('bias', False, 'finite')]
    """
    ways = training_setup(network, optimizers, batch, loss)
    failures: list[StepFailed] = []
    for way in ways:
        try:
            return _observe(way, seed, asked or Asked())
        except StepFailed as failure:
            failures.append(failure)
    raise failures[-1] if len(failures) > 1 and not failures[0].losses else failures[0]


def _observe(setup: TrainingSetup, seed: int, asked: Asked) -> Observation:
    named = parameters_of(setup.module)
    stale = tuple(n for n, p in named.items() if p.grad is not None and _grad(p)[0] != "zero")
    names = {id(m): n for n, m in modules_of(setup.module).items()}
    calls = Calls(names)
    constants = [b for m in setup.modules for b in (*m.buffers(), *loose_tensors(m))]
    flow = Flow(list(named.values()), [b for b in constants if not b.is_meta], calls.where)
    flow.known = frozenset(id(p) for m in setup.modules for p in parameters_of(m).values())
    losses = Losses(flow.origin)
    strangers, fresh = _strangers(setup), _freshness(setup)
    with kept(setup.modules, setup.optimizers), torch.inference_mode(False), torch.enable_grad():
        for tensor, _ in strangers:
            tensor.grad = None
        _seed(seed)
        dice, buffers = Dice(), Buffers(setup.modules)
        try:
            with calls.watched(), _uncompiled(), flow, losses:
                value = setup.value()
            if value.requires_grad:
                value.backward()
        except SnellenError:
            raise
        except Exception as error:
            failure = StepFailed(_why(error))
            failure.losses = tuple(losses.found)
            raise failure from error
        grads = {name: _grad(p) for name, p in named.items()}
        alike = frozenset(name for name, p in named.items() if _alike(p))
        foreign = tuple(Stranger(o, tuple(t.shape), t.grad is not None) for t, o in strangers)
        begun = float(value.detach())
        reached = flow.mask(value)
        del value
        trial, changed = try_step(setup, begun, dice, buffers)
        parameters = _parameters(setup, flow, reached, grads, changed, _ran(calls, setup), fresh, alike)
    return Observation(
        setup=setup,
        loss=begun,
        has_graph=any(state != "none" for state, _, _ in grads.values()) or any(s.grad for s in foreign),
        parameters=parameters,
        strangers=foreign,
        rules=_rules(setup, {id(p) for p in named.values()}),
        modules=tuple(calls.ran.values()),
        activations=tuple(flow.activations),
        used=_union(flow.consumed.values()),
        entries=tuple(flow.entries),
        made=flow.made,
        losses=tuple(losses.found),
        trial=trial,
        stale_grads=stale,
        inputs=tuple(tensors_in(setup.batch)),
        seed=seed,
        asked=asked,
    )


def _parameters(
    setup: TrainingSetup,
    flow: Flow,
    reached: int,
    grads: dict[str, tuple[Grad, float, float]],
    changed: dict[int, bool],
    ran: frozenset[str],
    fresh: dict[str, Fresh],
    alike: frozenset[str],
) -> tuple[Parameter, ...]:
    named = parameters_of(setup.module)
    listed = list(named)
    places, pulls = _places(setup.optimizers), _pulls(setup.optimizers)
    aliases: dict[int, list[str]] = {}
    for name, parameter in setup.module.named_parameters(remove_duplicate=False):
        aliases.setdefault(id(parameter), []).append(name)
    found = []
    for number, (name, p) in enumerate(named.items()):
        owner = name.rpartition(".")[0]
        state, norm, largest = grads[name]
        groups, scheduled = places.get(id(p), ((), False))
        rate = max((abs(r) for _, _, r in groups if not math.isnan(r)), default=math.nan)
        finest = float(torch.finfo(p.dtype).eps) * float(p.detach().abs().max()) if p.numel() and not p.is_meta else 0.0
        found.append(
            Parameter(
                name=name,
                module=owner,
                aliases=tuple(a for a in aliases.get(id(p), ()) if a != name),
                registered=id(p) in aliases,
                alike=name in alike,
                decay_ratio=pulls.get(id(p), 0.0) * float(p.detach().float().norm()) / norm if norm > 0 else 0.0,
                shape=tuple(p.shape),
                requires_grad=p.requires_grad,
                groups=groups,
                grad=state,
                grad_norm=norm,
                reaches=bool(reached >> (number + 1) & 1) or state != "none",
                called=owner in ran,
                consumes=frozenset(listed[i] for i in flow.bits(flow.consumed.get(number, 0))),
                fresh=fresh[name],
                changed=changed.get(id(p)),
                visible=rate * largest > 4 * finest,
                zeros=bool((p.detach() == 0).all()),
                scheduled=scheduled,
            )
        )
    return tuple(found)


def _ran(calls: Calls, setup: TrainingSetup) -> frozenset[str]:
    """Names of the modules that ran; a module of several names has all of them."""
    every = [*setup.module.named_modules(remove_duplicate=False), *modules_of(setup.module).items()]
    return frozenset(n for n, m in every if id(m) in calls.ran)


def _freshness(setup: TrainingSetup) -> dict[str, Fresh]:
    """By name; those that no optimizer changes are judged together."""
    held = {id(p) for o in setup.optimizers for g in o.param_groups for p in g["params"]}
    named = parameters_of(setup.module)
    own = {id(p): fresh for m in modules_of(setup.module).values() for p, fresh in _of(m)}
    found = {n: own.get(id(p), Fresh("unknown", "no numbers of its own")) for n, p in named.items()}
    idle = {n: found[n] for n, p in named.items() if id(p) not in held or not p.requires_grad}
    counts = {n: p.numel() for n, p in named.items()}
    gone = {p.shape for p, _ in _strangers(setup)}
    asked = {n: FEW if named[n].shape in gone else JUDGED for n in idle if named[n].requires_grad}
    return found | dict(confirmed(idle, counts, young=young(found, counts), asked=asked))


def _of(module: nn.Module) -> Iterator[tuple[Tensor, Fresh]]:
    verdicts = fresh_parameters(module)
    yield from ((p, verdicts[n]) for n, p in module.named_parameters(recurse=False) if n in verdicts)


def _places(optimizers: Sequence[Optimizer]) -> dict[int, tuple[tuple[tuple[int, int, float], ...], bool]]:
    """Where each parameter is stepped from, and whether a schedule moves its learning rate."""
    found: dict[int, tuple[tuple[tuple[int, int, float], ...], bool]] = {}
    for o, optimizer in enumerate(optimizers):
        for g, group in enumerate(optimizer.param_groups):
            for parameter in group["params"]:
                places, moves = found.get(id(parameter), ((), False))
                found[id(parameter)] = (*places, (o, g, _rate(group))), moves or _moves(optimizer, group)
    return found


def _moves(optimizer: Optimizer, group: dict[str, Any]) -> bool:
    """A schedule has the group, or its rate is not the one the optimizer was made with: it will not stay 0."""
    return "initial_lr" in group or (
        _rate(group) == 0 and _rate(optimizer.defaults) != 0 and len(optimizer.param_groups) == 1
    )


def _rate(group: dict[str, Any]) -> float:
    rate = group.get("lr")
    return float(rate) if isinstance(rate, int | float | Tensor) else math.nan


def _strangers(setup: TrainingSetup) -> list[tuple[Tensor, int]]:
    own = {id(p) for p in parameters_of(setup.module).values()}
    return [
        (p, number)
        for number, optimizer in enumerate(setup.optimizers)
        for group in optimizer.param_groups
        for p in group["params"]
        if id(p) not in own
    ]


def _rules(setup: TrainingSetup, own: set[int]) -> tuple[Rule, ...]:
    found = []
    for optimizer in setup.optimizers:
        held = [id(p) for g in optimizer.param_groups for p in g["params"]]
        settings = {k: v for k, v in optimizer.defaults.items() if isinstance(v, int | float | str | bool)}
        found.append(
            Rule(
                name=type(optimizer).__name__,
                settings=settings,
                rates=tuple(_rate(g) for g in optimizer.param_groups),
                stepped=any(len(s) > 0 for s in optimizer.state.values()),
                scheduled=any("initial_lr" in g for g in optimizer.param_groups),
                own=len(set(held) & own),
                duplicates=len(held) - len(set(held)),
                shrinks=max((_shrinks(optimizer, g) for g in optimizer.param_groups), default=0.0),
            )
        )
    return tuple(found)


def _decoupled(optimizer: Optimizer, group: dict[str, Any]) -> bool:
    return bool(group.get("decoupled_weight_decay")) or type(optimizer).__name__ in (
        "AdamW",
        "Lion",
        "Muon",
        "Adafactor",
    )


def _shrinks(optimizer: Optimizer, group: dict[str, Any]) -> float:
    """The share of a weight that decay takes a step; 0 where steps are adapted to its size."""
    decay, rate = group.get("weight_decay"), _rate(group)
    if not isinstance(decay, int | float) or not decay or math.isnan(rate):
        return 0.0
    if isinstance(optimizer, torch.optim.SGD):
        momentum = group.get("momentum", 0.0)
        return float(rate * decay / (1 - min(float(momentum), 0.999)))
    return float(rate * decay) if _decoupled(optimizer, group) else 0.0


def _pulls(optimizers: Sequence[Optimizer]) -> dict[int, float]:
    """The weight decay that is a part of the gradient, by parameter."""
    return {
        id(p): float(group["weight_decay"])
        for optimizer in optimizers
        for group in optimizer.param_groups
        for p in group["params"]
        if isinstance(group.get("weight_decay"), int | float) and not _decoupled(optimizer, group)
    }


def _grad(parameter: Tensor) -> tuple[Grad, float, float]:
    """Its state, its norm, its largest entry."""
    if parameter.grad is None:
        return "none", 0.0, 0.0
    grad = parameter.grad.detach()
    grad = grad.coalesce().values() if grad.is_sparse else grad
    if grad.numel() == 0:
        return "zero", 0.0, 0.0
    largest = float(grad.abs().max())
    if not math.isfinite(largest):
        return "not finite", math.nan, math.nan
    if largest == 0:
        return "zero", 0.0, 0.0
    return "finite", float(torch.linalg.vector_norm(grad.float())), largest


def _alike(parameter: Tensor) -> bool:
    """All rows the same, bit for bit, and all rows of the gradient up to rounding."""
    grad = parameter.grad
    if parameter.ndim < 2 or len(parameter) < 2 or grad is None or grad.is_sparse or parameter.is_meta:
        return False
    rows = parameter.detach().flatten(1)
    if rows.shape[1] < 2 or not torch.equal(rows, rows[:1].expand_as(rows)):
        return False
    slopes = grad.detach().flatten(1).float()
    largest = float(slopes.abs().max())
    if not largest > 0:
        return largest == 0 and bool((rows == rows[0, 0]).all()) and float(rows[0, 0]) != 0
    return float((slopes - slopes[:1]).abs().max()) <= 1e-4 * largest


def _uncompiled() -> AbstractContextManager[Any]:
    """Compiled modules run as written; to ask for it loads the compiler, so only if someone else has."""
    return torch.compiler.set_stance("force_eager") if "torch._dynamo" in sys.modules else nullcontext()


def _union(masks: Any) -> int:
    whole = 0
    for mask in masks:
        whole |= mask
    return whole


def _seed(seed: int) -> None:
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)


def _why(error: Exception) -> str:
    place = ""
    trace = error.__traceback__
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if "/torch/" not in file and "/snellen/" not in file:
            place = f" (file {file}, line {trace.tb_lineno})"
        trace = trace.tb_next
    return f"one step of this training raises {type(error).__name__}: {error}{place}. Mend that, then audit it."
