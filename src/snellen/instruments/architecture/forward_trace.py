"""One forward, watched: who was called, how often, what it returned and what it computed itself."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.utils.flop_counter import FlopCounterMode


@dataclass
class Record:
    """What was noted of one module: the shape of its first output, its own FLOPs, the number of its calls."""

    shape: tuple[int, ...] = ()
    flops: int = 0
    calls: int = 0


def trace_forward(module: nn.Module, shape: tuple[int, ...], *, meta: bool) -> dict[nn.Module, Record]:
    """Run a module on zeros and note what each submodule did, in the order of the first calls.

    FLOPs are those of ``torch.utils.flop_counter``, credited to the innermost module that was running, so
    that they add up to the whole. To be called inside :func:`snellen.subject.quiet.quiet`; hooks and
    attributes are put back.

    Args:
        module: what runs.
        shape: of the batch of zeros, (n, c, h, w).
        meta: run on the meta device with stand-ins for parameters and buffers, so that nothing is computed.

    Raises:
        Exception: whatever the forward raises.

    >>> net = nn.Sequential(nn.Flatten(), nn.Linear(12, 2))
    >>> [record.flops for record in trace_forward(net, (1, 3, 2, 2), meta=True).values()]
    [0, 0, 48]
    """
    tensors = {**dict(module.named_parameters()), **dict(module.named_buffers())}
    example = next((t for t in tensors.values() if t.is_floating_point()), torch.zeros(()))
    pixels = torch.zeros(shape, dtype=example.dtype, device="meta" if meta else example.device)
    trace = _Trace(FlopCounterMode(display=False))
    with ExitStack() as stack:
        stack.enter_context(torch.no_grad())
        stack.enter_context(_attributes_kept(module))
        stack.enter_context(_plain_attention())
        for submodule in module.modules():
            stack.callback(submodule.register_forward_pre_hook(trace.enter).remove)
            stack.callback(submodule.register_forward_hook(trace.leave).remove)
        stack.enter_context(trace.counter)
        if meta:
            stand_ins: dict[str, Tensor] = {k: torch.empty_like(t, device="meta") for k, t in tensors.items()}
            functional_call(module, stand_ins, (pixels,))
        else:
            module(pixels)
    return trace.records


@dataclass
class _Trace:
    """Hooks that split the running count of FLOPs among the modules on the stack."""

    counter: FlopCounterMode
    records: dict[nn.Module, Record] = field(default_factory=dict)
    stack: list[nn.Module] = field(default_factory=list)
    counted: int = 0

    def settle(self) -> None:
        """What was counted since the last time belongs to the innermost module that is running."""
        total = self.counter.get_total_flops()
        if self.stack:
            self.records[self.stack[-1]].flops += total - self.counted
        self.counted = total

    def enter(self, module: nn.Module, _inputs: object) -> None:
        self.settle()
        self.records.setdefault(module, Record()).calls += 1
        self.stack.append(module)

    def leave(self, module: nn.Module, _inputs: object, output: object) -> None:
        self.settle()
        self.stack.pop()
        if self.records[module].calls == 1:
            self.records[module].shape = _first_shape(output)


@contextmanager
def _attributes_kept(module: nn.Module) -> Iterator[None]:
    """A forward that caches a tensor in an attribute must not keep one from the meta device."""
    scripted = torch.jit.ScriptModule
    kept = [(m, dict(m.__dict__), dict(m._buffers)) for m in module.modules() if not isinstance(m, scripted)]
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
    """Transformers by their layers: the fused inference kernel would skip them and their counts."""
    enabled = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(enabled)


def _first_shape(output: Any) -> tuple[int, ...]:
    if isinstance(output, Tensor):
        return tuple(output.shape)
    if isinstance(output, dict):
        output = tuple(output.values())
    parts = output if isinstance(output, tuple | list) else ()
    return next((shape for part in parts if (shape := _first_shape(part))), ())
