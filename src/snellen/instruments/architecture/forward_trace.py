"""One forward, watched: every operation that the dispatcher sees, and the modules around it."""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager

import torch
from torch import nn
from torch.func import functional_call
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.hooks import RemovableHandle

from snellen.instruments.architecture.operation_watch import OperationWatch, Trace


def trace_forward(module: nn.Module, shape: tuple[int, ...], *, meta: bool) -> Trace:
    """Run a module on zeros and note every operation on what was computed from them.

    To be called inside :func:`snellen.subject.quiet.quiet`; hooks and attributes are put back.

    Args:
        module: what runs.
        shape: of the batch of zeros, (n, c, h, w).
        meta: run on the meta device with stand-ins for parameters and buffers, so that nothing is computed.

    Raises:
        ValueError: nothing that the module returns was computed from its input.
        Exception: whatever the forward raises.

    >>> net = nn.Sequential(nn.Flatten(), nn.Linear(12, 2))
    >>> [node.macs for node in trace_forward(net, (1, 3, 2, 2), meta=True).nodes]
    [0, 0, 24]
    """
    parameters = dict(module.named_parameters())
    tensors = {**parameters, **dict(module.named_buffers())}
    example = next((t for t in tensors.values() if t.is_floating_point()), torch.zeros(()))
    device = torch.device("meta") if meta else example.device
    pixels = torch.zeros(shape, dtype=example.dtype, device=device)
    real = [name for name, t in tensors.items() if not t.is_meta] if meta else []
    stand_ins = {name: torch.empty_like(tensors[name], device="meta") for name in real}
    watch = OperationWatch(
        Trace(device.type, {m: name for name, m in module.named_modules()}),
        {name: stand_ins.get(name, p) for name, p in parameters.items()},
    )
    watch.begin(pixels)
    with ExitStack() as stack:
        stack.enter_context(torch.no_grad())
        stack.enter_context(_attributes_kept(watch.trace.names))
        stack.enter_context(_plain_attention())
        stack.enter_context(_watched(watch))
        result = functional_call(module, stand_ins, (pixels,)) if stand_ins else module(pixels)
    watch.trace.outputs = watch.sources(result)
    if not watch.trace.outputs:
        raise ValueError("what it returns does not depend on its input")
    return watch.trace


@contextmanager
def _watched(watch: OperationWatch) -> Iterator[None]:
    handles: list[RemovableHandle] = []
    try:
        for module in watch.trace.names:
            handles.append(module.register_forward_pre_hook(watch.enter, with_kwargs=True))
            handles.append(module.register_forward_hook(watch.leave))
        with watch:
            yield
    finally:
        for handle in handles:
            handle.remove()


@contextmanager
def _attributes_kept(modules: Iterable[nn.Module]) -> Iterator[None]:
    """A forward that caches a tensor in an attribute must not keep one from the meta device."""
    scripted = torch.jit.ScriptModule
    kept = [(m, dict(m.__dict__), dict(m._buffers)) for m in modules if not isinstance(m, scripted)]
    try:
        yield
    finally:
        for submodule, attributes, buffers in kept:
            for name in set(submodule.__dict__) - set(attributes):
                del submodule.__dict__[name]
            submodule.__dict__.update(attributes)
            submodule._buffers.clear()
            submodule._buffers.update(buffers)


@contextmanager
def _plain_attention() -> Iterator[None]:
    """Attention by its matrix products: a fused kernel would hide who looks at whom, and what it costs."""
    enabled = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with sdpa_kernel(SDPBackend.MATH):
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(enabled)
