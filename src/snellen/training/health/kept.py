"""Take a training set-up apart and put it back: whatever a trial step changes is undone on every exit."""

import random
from collections import OrderedDict, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.autograd.grad_mode import _unsafe_preserve_version_counter
from torch.nn.parameter import is_lazy
from torch.optim import Optimizer

from snellen.training.health.registered import parameters_of

HOOKS = ("_optimizer_step_pre_hooks", "_optimizer_step_post_hooks")


@contextmanager
def kept(modules: Sequence[nn.Module], optimizers: Sequence[Optimizer]) -> Iterator[None]:
    """Inside, gradients are None, and the optimizers work on copies of their state, without their hooks.

    Outside, on success and on failure, all is bit for bit and object for object what it was: values of parameters and
    buffers, gradients, ``requires_grad``, training flags, attributes of the modules, the state, groups and
    attributes of the optimizers, and the state of every random generator.

    >>> net = nn.Linear(2, 1)
    >>> sgd = torch.optim.SGD(net.parameters(), lr=1.0, momentum=0.9)
    >>> before = net.weight.detach().clone()
    >>> with kept([net], [sgd]):
    ...     net(torch.ones(1, 2)).sum().backward()
    ...     sgd.step()
    >>> bool((net.weight == before).all()), net.weight.grad, len(sgd.state)
    (True, None, 0)
    """
    with ExitStack() as stack:
        stack.enter_context(random_kept())
        seen: set[int] = set()
        parameters: list[Tensor] = [p for m in modules for p in parameters_of(m).values()]
        parameters += [p for o in optimizers for g in o.param_groups for p in g["params"]]
        for parameter in parameters:
            if id(parameter) not in seen and not is_lazy(parameter):
                seen.add(id(parameter))
                stack.enter_context(_parameter_kept(parameter))
        stack.enter_context(modules_kept(modules))
        for optimizer in with_inner(optimizers):
            stack.enter_context(_optimizer_kept(optimizer))
        yield


@contextmanager
def modules_kept(modules: Sequence[nn.Module]) -> Iterator[None]:
    """Attributes, training flags, buffers and children of the modules and of all below are afterwards what they were.

    >>> net = nn.BatchNorm1d(2)
    >>> with modules_kept([net]):
    ...     net.eval().running_mean.add_(1)
    tensor([1., 1.])
    >>> net.training, net.running_mean
    (True, tensor([0., 0.]))
    """
    with ExitStack() as stack:
        for submodule in {id(s): s for m in modules for s in m.modules()}.values():
            stack.enter_context(_module_kept(submodule))
        yield


@contextmanager
def opened(module: nn.Module) -> Iterator[None]:
    """Weights that are all 0, as last layers and branches begin, are small random numbers inside: what they hide shows.

    >>> net = nn.Linear(2, 1)
    >>> _ = nn.init.zeros_(net.weight)
    >>> with opened(net):
    ...     bool(net.weight.any())
    True
    >>> bool(net.weight.any())
    False
    """
    shut = [p for p in module.parameters() if p.ndim > 1 and p.numel() and not p.is_meta and not bool(p.any())]
    generator = torch.Generator().manual_seed(0)
    with ExitStack() as stack:
        for p in shut:
            stack.enter_context(_parameter_kept(p))
        with torch.no_grad():
            for p in shut:
                p.copy_(torch.randn(p.shape, generator=generator) / (p.numel() / len(p)) ** 0.5)
        yield


def with_inner(optimizers: Sequence[Optimizer]) -> list[Optimizer]:
    """The optimizers and those they wrap, each once."""
    found: dict[int, Optimizer] = {}
    waiting = list(optimizers)
    while waiting:
        optimizer = waiting.pop(0)
        if id(optimizer) not in found:
            found[id(optimizer)] = optimizer
            waiting.extend(v for v in vars(optimizer).values() if isinstance(v, Optimizer))
    return list(found.values())


@contextmanager
def random_kept() -> Iterator[None]:
    """The random generators of Python, NumPy and torch (on every device in use) are afterwards where they were."""
    python, numpy = random.getstate(), np.random.get_state()
    devices = list(range(torch.cuda.device_count())) if torch.cuda.is_initialized() else []
    try:
        with torch.random.fork_rng(devices=devices):
            yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)


class Dice:
    """The random generators as they are now, to be thrown again in the same way."""

    def __init__(self) -> None:
        self._torch = torch.get_rng_state()
        self._cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else []
        self._python, self._numpy = random.getstate(), np.random.get_state()

    def throw_again(self) -> None:
        """Back to the moment this was made."""
        torch.set_rng_state(self._torch)
        if self._cuda:
            torch.cuda.set_rng_state_all(self._cuda)
        random.setstate(self._python)
        np.random.set_state(self._numpy)


class Buffers:
    """The buffers of some modules as they are now."""

    def __init__(self, modules: Sequence[nn.Module]) -> None:
        buffers = {id(b): b for m in modules for b in m.buffers() if not is_lazy(b) and not b.is_meta}
        self._kept = [(b, b.detach().clone()) for b in buffers.values()]

    def put_back(self) -> None:
        """Their values, into the same tensors."""
        for buffer, value in self._kept:
            if not _same_bits(buffer, value):
                with torch.no_grad(), _version_kept(buffer):
                    buffer.copy_(value)


@contextmanager
def _parameter_kept(parameter: Tensor) -> Iterator[None]:
    grad, flag, data = parameter.grad, parameter.requires_grad, parameter.data
    value = None if parameter.is_meta else data.clone()
    with _version_kept(parameter):
        parameter.grad = None
        try:
            yield
        finally:
            if parameter.data_ptr() != data.data_ptr() or parameter.shape != data.shape:
                parameter.data = data
            if value is not None and not _same_bits(data, value):
                data.copy_(value)
            if parameter.requires_grad != flag:
                parameter.requires_grad_(flag)
            parameter.grad = grad


@contextmanager
def _module_kept(module: nn.Module) -> Iterator[None]:
    if isinstance(module, torch.jit.ScriptModule):
        mode, buffers = module.training, Buffers([module])
        try:
            yield
        finally:
            module.train(mode)
            buffers.put_back()
        return
    attributes, bound = dict(module.__dict__), dict(module._buffers)
    names, children = dict(module._parameters), dict(module._modules)
    values = Buffers([_Bare(module)])
    try:
        yield
    finally:
        module.__dict__.clear()
        module.__dict__.update(attributes)
        for now, before in ((module._buffers, bound), (module._parameters, names), (module._modules, children)):
            if list(now) != list(before) or any(now[n] is not before[n] for n in before):
                now.clear()
                now.update(before)  # type: ignore[arg-type]  # each was read from the same dictionary
        values.put_back()


class _Bare(nn.Module):
    """The buffers of one module without those of its children."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self._buffers = dict(module._buffers)


@contextmanager
def _optimizer_kept(optimizer: Optimizer) -> Iterator[None]:
    attributes = dict(optimizer.__dict__)
    groups = [(g, dict(g), list(g["params"])) for g in optimizer.param_groups]
    optimizer.state = defaultdict(dict, {p: {k: _copy(v) for k, v in s.items()} for p, s in optimizer.state.items()})
    for name in HOOKS:
        if name in attributes:
            setattr(optimizer, name, OrderedDict())
    optimizer.param_groups = [{k: v if k == "params" else _copy(v) for k, v in g.items()} for g, _, _ in groups]
    try:
        yield
    finally:
        optimizer.__dict__.clear()
        optimizer.__dict__.update(attributes)
        for group, values, parameters in groups:
            if list(map(id, group["params"])) != list(map(id, parameters)):
                group["params"][:] = parameters
            group.clear()
            group.update(values)


def _copy(value: Any) -> Any:
    if isinstance(value, Tensor):
        return value.detach().clone()
    if isinstance(value, list):
        return [_copy(v) for v in value]
    if isinstance(value, dict):
        return {k: _copy(v) for k, v in value.items()}
    return value


def _same_bits(one: Tensor, other: Tensor) -> bool:
    if one.layout != torch.strided or not one.is_floating_point():
        return torch.equal(one, other)
    return torch.equal(one, other) and not bool((torch.signbit(one) != torch.signbit(other)).any())


@contextmanager
def _version_kept(tensor: Tensor) -> Iterator[None]:
    """A graph of the user's that waits for its backward must not find its tensors marked as changed."""
    if tensor.is_inference():
        yield
        return
    with _unsafe_preserve_version_counter(tensor):
        yield
