"""Evaluate a module without leaving a trace: whatever was changed is put back on every exit."""

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from snellen._errors import NetworkError


@contextmanager
def quiet(module: nn.Module, *, seed: int | None = None) -> Iterator[None]:
    """Inside: every submodule in evaluation mode, no parameter asks for a gradient, RNGs seeded if asked for.

    Outside, on success and on failure: training flags, ``requires_grad``, buffers and the state of every random
    generator (Python's, NumPy's, torch's on CPU and on the devices in use) are bit for bit what they were. A forward
    that puts other memory under a parameter or a buffer is undone. Parameters are watched: a forward that writes
    into one is an error, because it could not be undone (a write through ``p.data`` hides from the watch).

    >>> net = nn.Sequential(nn.BatchNorm2d(3), nn.Dropout())
    >>> with quiet(net):
    ...     net.training, net[0].weight.requires_grad
    (False, False)
    >>> net.training, net[0].weight.requires_grad
    (True, True)
    """
    modes = [(m, m.training) for m in module.modules()]
    parameters = dict(module.named_parameters())
    named = [(name, p) for name, p in parameters.items() if not is_lazy(p) and not p.is_inference()]
    wanted = [(p, p.requires_grad, p.data) for _, p in named]
    versions = [(name, p, p._version) for name, p in named]
    owners = [(m, dict(m._buffers)) for m, _ in modes if not isinstance(m, torch.jit.ScriptModule)]
    tensors = [*parameters.values(), *module.buffers()]
    buffers = [(b, b.detach().clone()) for b in tensors[len(parameters) :] if not is_lazy(b) and not b.is_meta]
    devices = sorted({t.device.index or 0 for t in tensors if t.device.type == "cuda"})
    with _generators_kept(devices):
        if seed is not None:
            _seed(seed, devices)
        try:
            for submodule, mode in modes:
                if mode:
                    submodule.training = False
            for parameter, _, _ in wanted:
                parameter.requires_grad_(False)
            yield
        finally:
            for parameter, flag, data in wanted:
                if _memory(parameter) != _memory(data):
                    parameter.data = data
                parameter.requires_grad_(flag)
            for submodule, mode in modes:
                if submodule.training is not mode:
                    submodule.training = mode
            for submodule, bound in owners:
                _rebind(submodule, bound)
            _restore_buffers(buffers)
    changed = [name for name, p, version in versions if p._version != version]
    if changed:
        raise NetworkError(
            f"the network's forward wrote into its own parameters ({', '.join(changed[:3])}) although it is in "
            "evaluation mode; an examination must not change what it examines. Make the forward free of writes."
        )


@contextmanager
def _generators_kept(devices: list[int]) -> Iterator[None]:
    python, numpy = random.getstate(), np.random.get_state()
    try:
        with torch.random.fork_rng(devices=devices):
            yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)


def _seed(seed: int, devices: list[int]) -> None:
    """Not ``torch.manual_seed``: it seeds every device there is, and only those in use are put back."""
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.default_generator.manual_seed(seed)
    for device in devices:
        torch.cuda.default_generators[device].manual_seed(seed)


def _memory(tensor: Tensor) -> tuple[object, ...]:
    if tensor.layout != torch.strided:
        return ()
    return tensor.untyped_storage()._cdata, tensor.storage_offset(), tensor.shape, tensor.stride()


def _rebind(module: nn.Module, bound: dict[str, Tensor | None]) -> None:
    """The same buffers under the same names: ``self.count = self.count + 1`` puts another tensor there."""
    now = module._buffers
    if list(now) != list(bound) or any(now[name] is not tensor for name, tensor in bound.items()):
        now.clear()
        now.update(bound)


def _restore_buffers(buffers: list[tuple[Tensor, Tensor]]) -> None:
    for buffer, kept in buffers:
        if not torch.equal(buffer, kept):
            with torch.inference_mode(buffer.is_inference()), torch.no_grad():
                buffer.copy_(kept)
