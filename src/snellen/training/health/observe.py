"""Watch one step of training, and undo it."""

import math
import random
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from snellen._errors import NetworkError, SnellenError
from snellen.subject.network import Network
from snellen.training.health.calls import Calls, LossCall, Losses
from snellen.training.health.ctc import CtcCalls
from snellen.training.health.facts import Asked, Observation, Parameter, Stranger
from snellen.training.health.flow import Flow, loose_tensors
from snellen.training.health.fresh import FEW, JUDGED, Fresh, confirmed, fresh_parameters, fresh_tensor, young
from snellen.training.health.functional import Functions, drops_in_evaluation
from snellen.training.health.gradients import Grad, alike, read_gradient
from snellen.training.health.kept import Buffers, Dice, kept
from snellen.training.health.linear_runs import linear_runs
from snellen.training.health.marks import marks_of, rewritten, unheld_of
from snellen.training.health.mixing import mixing
from snellen.training.health.registered import modules_of, parameters_of
from snellen.training.health.rules import places, pulls, rules, strangers
from snellen.training.health.setup import TrainingSetup, copied, tensors_in, training_setup
from snellen.training.health.severed import severed
from snellen.training.health.silenced import silenced
from snellen.training.health.trial import try_step


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
    stale = tuple(n for n, p in named.items() if p.grad is not None and read_gradient(p)[0] != "zero")
    names = {id(m): n for n, m in modules_of(setup.module).items()}
    calls = Calls(names)
    constants = [b for m in setup.modules for b in (*m.buffers(), *loose_tensors(m))]
    flow = Flow(list(named.values()), [b for b in constants if not b.is_meta], calls.where)
    flow.known = frozenset(id(p) for m in setup.modules for p in parameters_of(m).values())
    calls.mask, flow.outside = flow.mask, lambda: not calls.running
    losses, functions = Losses(flow.origin, flow.mask), Functions(calls.running, calls.where)
    ctc = CtcCalls()
    others, fresh = strangers(setup), _freshness(setup)
    with kept(setup.modules, setup.optimizers), torch.inference_mode(False), torch.enable_grad():
        for tensor, _ in others:
            tensor.grad = None
        _seed(seed)
        dice, buffers = Dice(), Buffers(setup.modules)
        batch = copied(setup.batch)
        versions = {name: p._version for name, p in named.items()}
        try:
            with calls.watched(), _uncompiled(), flow, losses, functions, ctc:
                value = setup.value(batch)
            written = frozenset(name for name, p in named.items() if p._version != versions[name])
            runs, terms = linear_runs(value, named), silenced(value, named)
            if value.requires_grad:
                value.backward()
        except SnellenError:
            raise
        except Exception as error:
            failure = StepFailed(_why(error))
            failure.losses = tuple(losses.found)
            raise failure from error
        grads = {name: read_gradient(p) for name, p in named.items()}
        same = frozenset(name for name, p in named.items() if alike(p))
        marks = marks_of(list(named), flow, calls, losses)
        foreign = tuple(Stranger(o, tuple(t.shape), t.grad is not None) for t, o in others)
        begun = float(value.detach())
        reached = flow.mask(value)
        del value
        with _uncompiled():
            mixed = mixing(setup, calls.given, names, dice)
            dropped = _dropped(setup, calls, functions, dice)
        ran = _ran(calls, setup)
        unheld = unheld_of(setup)
        lost = severed(setup, grads, flow, reached=reached, ran=ran, begun=begun, dice=dice, buffers=buffers)
        sizes = {name: _size(p) for name, p in named.items()}
        trial, changed = try_step(setup, begun, dice, buffers)
        parameters = _parameters(setup, flow, reached, grads, changed, ran, fresh, same, written, lost, sizes)
    return Observation(
        setup=setup,
        loss=begun,
        has_graph=any(state != "none" for state, _, _ in grads.values()) or any(s.grad for s in foreign),
        parameters=parameters,
        strangers=foreign,
        rules=rules(setup),
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
        mixing=mixed,
        functions=tuple(functions.found),
        drops_in_evaluation=dropped,
        outputs=calls.returned,
        given=tuple(calls.given),
        ctc=tuple(ctc.found),
        linear_runs=runs,
        silenced=terms,
        marks=marks,
        signs=tuple(losses.signs),
        spread=tuple(dict.fromkeys(flow.spread)),
        rewritten=tuple(rewritten(setup.batch, batch)),
        unheld=unheld,
    )


def _parameters(
    setup: TrainingSetup,
    flow: Flow,
    reached: int,
    grads: dict[str, tuple[Grad, float, float]],
    changed: dict[int, bool],
    ran: frozenset[str],
    fresh: dict[str, Fresh],
    same: frozenset[str],
    written: frozenset[str],
    lost: dict[str, str],
    sizes: dict[str, tuple[float, float]],
) -> tuple[Parameter, ...]:
    named = parameters_of(setup.module)
    listed = list(named)
    held, decays = places(setup.optimizers), pulls(setup.optimizers)
    aliases: dict[int, list[str]] = {}
    for name, parameter in setup.module.named_parameters(remove_duplicate=False):
        aliases.setdefault(id(parameter), []).append(name)
    found = []
    for number, (name, p) in enumerate(named.items()):
        owner = name.rpartition(".")[0]
        state, norm, largest = grads[name]
        groups, scheduled = held.get(id(p), ((), False))
        rate = max((abs(r) for _, _, r in groups if not math.isnan(r)), default=math.nan)
        length, top = sizes[name]
        finest = float(torch.finfo(p.dtype).eps) * top if p.is_floating_point() or p.is_complex() else 0.0
        found.append(
            Parameter(
                name=name,
                module=owner,
                aliases=tuple(a for a in aliases.get(id(p), ()) if a != name),
                registered=id(p) in aliases,
                plain=not isinstance(p, nn.Parameter),
                severed=lost.get(name, ""),
                alike=name in same,
                written=name in written,
                applied=bool(flow.applied >> (number + 1) & 1),
                decay_ratio=decays.get(id(p), 0.0) * length / norm if norm > 0 else 0.0,
                shape=tuple(p.shape),
                requires_grad=p.requires_grad,
                groups=groups,
                grad=state,
                grad_norm=norm,
                reaches=bool(reached >> (number + 1) & 1) or state != "none" or name in lost,
                called=owner in ran,
                consumes=frozenset(listed[i] for i in flow.bits(flow.consumed.get(number, 0))),
                fresh=fresh[name],
                changed=changed.get(id(p)),
                visible=rate * largest > 4 * finest,
                zeros=top == 0,
                scheduled=scheduled,
            )
        )
    return tuple(found)


def _size(parameter: Tensor) -> tuple[float, float]:
    """Length and largest entry, as they are before the step."""
    if parameter.is_meta or not parameter.numel():
        return 0.0, 0.0
    value = parameter.detach()
    value = value if value.is_complex() else value.float()
    return float(torch.linalg.vector_norm(value)), float(value.abs().max())


def _ran(calls: Calls, setup: TrainingSetup) -> frozenset[str]:
    """Names of the modules that ran; a module of several names has all of them."""
    every = [*setup.module.named_modules(remove_duplicate=False), *modules_of(setup.module).items()]
    return frozenset(n for n, m in every if id(m) in calls.ran)


def _dropped(setup: TrainingSetup, calls: Calls, functions: Functions, dice: Dice) -> bool | None:
    """Asked only where a dropout was called as a function, and what the network was given is known."""
    if not calls.given or not any(c.training and c.name != "batch_norm" for c in functions.found):
        return None
    return drops_in_evaluation(setup.module, setup.modules, calls.given[-1][0], dice)


def _freshness(setup: TrainingSetup) -> dict[str, Fresh]:
    """By name; those that no optimizer changes are judged together."""
    held = {id(p) for o in setup.optimizers for g in o.param_groups for p in g["params"]}
    named = parameters_of(setup.module)
    own = {id(p): fresh for m in modules_of(setup.module).values() for p, fresh in _of(m)}
    alone = {n: fresh_tensor(p) for n, p in named.items() if p.is_floating_point() and not isinstance(p, nn.Parameter)}
    strange = Fresh("unknown", "no numbers of its own")
    found = {n: own.get(id(p), alone.get(n, strange)) for n, p in named.items()}
    idle = {n: found[n] for n, p in named.items() if id(p) not in held or not p.requires_grad}
    counts = {n: p.numel() for n, p in named.items()}
    gone = {p.shape for p, _ in strangers(setup)}
    asked = {n: FEW if named[n].shape in gone else JUDGED for n in idle if named[n].requires_grad}
    return found | dict(confirmed(idle, counts, young=young(found, counts), asked=asked))


def _of(module: nn.Module) -> Iterator[tuple[Tensor, Fresh]]:
    verdicts = fresh_parameters(module)
    yield from ((p, verdicts[n]) for n, p in module.named_parameters(recurse=False) if n in verdicts)


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
