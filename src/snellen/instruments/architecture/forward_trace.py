"""One forward, watched: every operation that the dispatcher sees, and the modules around it."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from snellen.instruments.architecture.operations import Node, windows_of
from snellen.instruments.architecture.shape_alone import shape_alone

_LOOKS = ("_local_scalar_dense", "nonzero", "is_nonzero", "equal")
_POINTWISE = ("copy_", "_to_copy", "alias", "detach", "contiguous", "lift_fresh")


@dataclass
class TracedCall:
    """One call of a module: what went in and came out, as nodes."""

    module: nn.Module
    parent: int
    begin: int
    number: int
    inputs: tuple[int, ...]
    end: int = 0
    outputs: tuple[int, ...] = ()
    output_shape: tuple[int, ...] = ()


@dataclass
class Trace:
    """What was seen of one forward."""

    device: str
    nodes: list[Node] = field(default_factory=list)
    calls: list[TracedCall] = field(default_factory=list)
    outputs: tuple[int, ...] = ()
    looked: str = ""


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
    tensors = {**dict(module.named_parameters()), **dict(module.named_buffers())}
    example = next((t for t in tensors.values() if t.is_floating_point()), torch.zeros(()))
    device = torch.device("meta") if meta else example.device
    pixels = torch.zeros(shape, dtype=example.dtype, device=device)
    stand_ins = {k: t if t.is_meta else torch.empty_like(t, device="meta") for k, t in tensors.items()} if meta else {}
    used = {name: stand_ins.get(name, p) for name, p in module.named_parameters()}
    watch = _Watch(Trace(device.type), {m: name for name, m in module.named_modules()}, used)
    watch.begin(pixels)
    with ExitStack() as stack:
        stack.enter_context(torch.no_grad())
        stack.enter_context(_attributes_kept(module))
        stack.enter_context(_plain_attention())
        for submodule in module.modules():
            stack.callback(submodule.register_forward_pre_hook(watch.enter, with_kwargs=True).remove)
            stack.callback(submodule.register_forward_hook(watch.leave).remove)
        stack.enter_context(watch)
        result = functional_call(module, stand_ins, (pixels,)) if meta else module(pixels)
    watch.trace.outputs = watch.sources(result)
    if not watch.trace.outputs:
        raise ValueError("what it returns does not depend on its input")
    return watch.trace


class _Tag(NamedTuple):
    """What a tensor was computed from: a node (-1: nothing of the image) and parameters."""

    node: int
    parameters: frozenset[str]


class _Form(NamedTuple):
    """What is known of an operation before it runs."""

    kind: str
    names: tuple[str, ...]
    written: tuple[bool, ...]
    flops: Callable[..., int] | None
    pointwise: bool


_NOTHING = _Tag(-1, frozenset())


class _Watch(TorchDispatchMode):
    """Marks every tensor with the node that made it."""

    def __init__(self, trace: Trace, names: Mapping[nn.Module, str], parameters: Mapping[str, Tensor]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.trace = trace
        self.names = names
        self.tags: dict[int, _Tag] = {}
        self.owned = {_memory(p): _Tag(-1, frozenset([name])) for name, p in parameters.items()}
        self.alive: list[Tensor] = []  # an id means something only as long as its tensor lives
        self.writers: dict[int, int] = {}
        self.stack: list[int] = []
        self.times: dict[nn.Module, int] = {}
        self.forms: dict[Any, _Form] = {}

    def begin(self, pixels: Tensor) -> None:
        node = Node(index=0, module="", kind="input", inputs=(), operands=(), output_shape=tuple(pixels.shape))
        self.trace.nodes.append(node)
        self._mark(pixels, _Tag(0, frozenset()))

    def enter(self, module: nn.Module, inputs: Any, named: Any) -> None:
        self.times[module] = number = self.times.get(module, 0) + 1
        parent = self.stack[-1] if self.stack else -1
        found = self.sources((inputs, named))
        self.stack.append(len(self.trace.calls))
        self.trace.calls.append(TracedCall(module, parent, len(self.trace.nodes), number, found))

    def leave(self, _module: nn.Module, _inputs: object, output: object) -> None:
        call = self.trace.calls[self.stack.pop()]
        call.end = len(self.trace.nodes)
        call.outputs = self.sources(output)
        call.output_shape = _first_shape(output)

    def sources(self, value: Any) -> tuple[int, ...]:
        """The nodes that made the tensors in a value."""
        nodes = [self._tag(t)[0] for t in _tensors(value)]
        return tuple(dict.fromkeys(n for n in nodes if n >= 0))

    def __torch_dispatch__(self, func: Any, _types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        form = self.forms.get(func) or self._form(func)
        result = shape_alone(form.kind, args, kwargs)
        if result is None:
            result = func(*args, **kwargs)
        self._note(form, args, kwargs, result)
        return result

    def _form(self, func: Any) -> _Form:
        arguments = func._schema.arguments
        kind = func._schema.name.partition("::")[2]
        self.forms[func] = form = _Form(
            kind,
            tuple(a.name for a in arguments),
            tuple(a.alias_info is not None and a.alias_info.is_write for a in arguments),
            flop_registry.get(func._overloadpacket),
            torch.Tag.pointwise in func.tags or kind in _POINTWISE,
        )
        return form

    def _note(self, form: _Form, args: Any, kwargs: Any, result: Any) -> None:
        given = [*zip(form.names, args, strict=False), *kwargs.items()]
        operands: list[str] = []
        inputs: list[int] = []
        parameters: frozenset[str] = frozenset()
        settings: dict[str, Any] = {}
        weight: tuple[int, ...] = ()
        storages = set()
        for name, value in given:
            tensors = [value] if isinstance(value, Tensor) else _flat(value)
            if not tensors:
                settings[name] = tuple(value) if isinstance(value, list) else value
                continue
            if name == "weight":
                weight = tuple(tensors[0].shape)
            for tensor in tensors:
                node, more = self._tag(tensor)
                storages.add(_memory(tensor))
                parameters = parameters | more if more else parameters
                if node >= 0:
                    operands.append(name)
                    inputs.append(node)
        made = [result] if isinstance(result, Tensor) else _flat(result)
        if not inputs or form.kind.startswith("new_") or form.kind.endswith("_like"):
            for tensor in made if parameters else ():
                self._mark(tensor, _Tag(-1, parameters))
            return
        module = self._module()
        if form.kind in _LOOKS and not self.trace.looked:
            self.trace.looked = module or "its forward"
        several = isinstance(result, list)
        macs = form.flops(*args, **kwargs, out_val=result) // 2 if form.flops else 0
        windows = windows_of(form.kind, settings, weight)
        for place, tensor in enumerate(made):
            if place and not several:  # the indices of a pooling, the statistics of a normalisation
                self._mark(tensor, _Tag(len(self.trace.nodes) - 1, frozenset()))
                continue
            fresh = _memory(tensor) not in storages
            new = Node(
                index=len(self.trace.nodes),
                module=module,
                kind=form.kind,
                inputs=tuple(inputs),
                operands=tuple(operands),
                output_shape=tuple(tensor.shape),
                windows=windows,
                parameters=tuple(sorted(parameters)),
                macs=macs if place == 0 else 0,
                activation_bytes=tensor.numel() * tensor.element_size() if fresh else 0,
                pointwise=form.pointwise,
                settings={**settings, "output": place} if several else settings,
            )
            self.trace.nodes.append(new)
            self._mark(tensor, _Tag(new.index, frozenset()))
        if any(form.written):
            self._wrote(form, args)

    def _wrote(self, form: _Form, args: Any) -> None:
        """All views of memory that was written into now depend on the last node."""
        for written, value in zip(form.written, args, strict=False):
            if written and isinstance(value, Tensor):
                self.writers[_memory(value)] = len(self.trace.nodes) - 1
                self._mark(value, _Tag(len(self.trace.nodes) - 1, frozenset()))

    def _module(self) -> str:
        return self.names.get(self.trace.calls[self.stack[-1]].module, "") if self.stack else ""

    def _mark(self, tensor: Tensor, tag: _Tag) -> None:
        self.tags[id(tensor)] = tag
        self.alive.append(tensor)

    def _tag(self, tensor: Tensor) -> _Tag:
        tag = self.tags.get(id(tensor)) or self.owned.get(_memory(tensor), _NOTHING)
        if self.writers:
            writer = self.writers.get(_memory(tensor), -1)
            if writer > tag.node:
                return _Tag(writer, tag.parameters)
        return tag


def _memory(tensor: Tensor) -> int:
    return tensor.untyped_storage()._cdata if tensor.layout == torch.strided else -id(tensor)


def _flat(value: Any) -> list[Tensor]:
    return [v for v in value if isinstance(v, Tensor)] if isinstance(value, list | tuple) else []


def _tensors(value: Any) -> Iterator[Tensor]:
    """The tensors in a value, also in lists and mappings."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _tensors(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _tensors(inner)


def _first_shape(output: Any) -> tuple[int, ...]:
    return next((tuple(tensor.shape) for tensor in _tensors(output)), ())


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
    """Attention by its matrix products: a fused kernel would hide who looks at whom, and what it costs."""
    enabled = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with sdpa_kernel(SDPBackend.MATH):
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(enabled)
