"""What the dispatcher shows of a forward: each operation becomes a node, each tensor is marked with what made it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from snellen.instruments.architecture.multiply_adds import Count, counting
from snellen.instruments.architecture.operations import WINDOWED, Node, windows_of
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
    """What was seen of one forward; ``names`` are those of its modules."""

    device: str
    names: Mapping[nn.Module, str]
    nodes: list[Node] = field(default_factory=list)
    calls: list[TracedCall] = field(default_factory=list)
    outputs: tuple[int, ...] = ()
    looked: str = ""


class _Tag(NamedTuple):
    """What a tensor was computed from: a node (-1: nothing of the image) and parameters; and where its numbers are."""

    node: int
    parameters: frozenset[str]
    memory: int


class _Form(NamedTuple):
    """What is known of an operation before it runs."""

    kind: str
    names: tuple[str, ...]
    written: tuple[int, ...]
    macs: Count | None
    windowed: bool
    pointwise: bool
    empty: bool
    looks: bool


_SEVERAL = (list, tuple)
_NONE: frozenset[str] = frozenset()


class OperationWatch(TorchDispatchMode):
    """Marks every tensor with the node that made it.

    Args:
        trace: what is filled.
        parameters: by name, as the forward will read them.
    """

    def __init__(self, trace: Trace, parameters: Mapping[str, Tensor]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.trace = trace
        self._tags: dict[int, _Tag] = {}
        self._owned = {_memory(p): frozenset([name]) for name, p in parameters.items()}
        self._alive: list[Tensor] = []  # an id means something only as long as its tensor lives
        self._writers: dict[int, int] = {}
        self._stack: list[int] = []
        self._times: dict[nn.Module, int] = {}

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Nothing is compiled in here, and PyTorch would load its compiler to make sure of it."""
        return False

    def begin(self, pixels: Tensor) -> None:
        """The image is the first node."""
        node = Node(index=0, module="", kind="input", inputs=(), operands=(), output_shape=tuple(pixels.shape))
        self.trace.nodes.append(node)
        self._mark(pixels, 0)

    def enter(self, module: nn.Module, inputs: Any, named: Any) -> None:
        """A hook: a module is called."""
        self._times[module] = number = self._times.get(module, 0) + 1
        parent = self._stack[-1] if self._stack else -1
        found = self.sources((inputs, named) if named else inputs)
        self._stack.append(len(self.trace.calls))
        self.trace.calls.append(TracedCall(module, parent, len(self.trace.nodes), number, found))

    def leave(self, _module: nn.Module, _inputs: object, output: object) -> None:
        """A hook: the module that was called last has returned."""
        call = self.trace.calls[self._stack.pop()]
        call.end = len(self.trace.nodes)
        returned = _tensors(output)
        call.outputs = self._makers(returned)
        call.output_shape = tuple(returned[0].shape) if returned else ()

    def sources(self, value: Any) -> tuple[int, ...]:
        """The nodes that made the tensors in a value."""
        return self._makers(_tensors(value))

    def __torch_dispatch__(self, func: Any, _types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        form = _form(func)
        result = None if kwargs else shape_alone(form.kind, args)
        if result is None:
            result = func(*args, **kwargs)
        self._note(form, args, kwargs, result)
        return result

    def _note(self, form: _Form, args: Any, kwargs: Any, result: Any) -> None:
        given = [*zip(form.names, args, strict=False), *kwargs.items()]
        operands: list[str] = []
        inputs: list[int] = []
        parameters = _NONE
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
                node, more, memory = self._tag(tensor)
                storages.add(memory)
                parameters = parameters | more if more else parameters
                if node >= 0:
                    operands.append(name)
                    inputs.append(node)
        made = [result] if isinstance(result, Tensor) else _flat(result)
        if not inputs or form.empty:
            for tensor in made if parameters else ():
                self._mark(tensor, -1, parameters)
            return
        module = self.trace.names.get(self.trace.calls[self._stack[-1]].module, "") if self._stack else ""
        if form.looks and not self.trace.looked:
            self.trace.looked = module or "its forward"
        several = isinstance(result, list)
        for place, tensor in enumerate(made):
            if place and not several:  # the indices of a pooling, the statistics of a normalisation
                self._mark(tensor, len(self.trace.nodes) - 1)
                continue
            fresh = self._mark(tensor, len(self.trace.nodes)) not in storages
            new = Node(
                index=len(self.trace.nodes),
                module=module,
                kind=form.kind,
                inputs=tuple(inputs),
                operands=tuple(operands),
                output_shape=tuple(tensor.shape),
                windows=windows_of(form.kind, settings, weight) if form.windowed else (),
                parameters=tuple(sorted(parameters)),
                macs=form.macs(args, kwargs, result) if form.macs and place == 0 else 0,
                activation_bytes=tensor.numel() * tensor.element_size() if fresh else 0,
                pointwise=form.pointwise,
                settings={**settings, "output": place} if several else settings,
            )
            self.trace.nodes.append(new)
        for place in form.written:
            self._wrote(args[place] if place < len(args) else None)

    def _wrote(self, value: Any) -> None:
        """All views of memory that was written into now depend on the last node."""
        if isinstance(value, Tensor):
            last = len(self.trace.nodes) - 1
            self._writers[self._mark(value, last)] = last

    def _mark(self, tensor: Tensor, node: int, parameters: frozenset[str] = _NONE) -> int:
        """Returns where its numbers are."""
        memory = _memory(tensor)
        self._tags[id(tensor)] = _Tag(node, parameters, memory)
        self._alive.append(tensor)
        return memory

    def _makers(self, tensors: list[Tensor]) -> tuple[int, ...]:
        nodes = [self._tag(t).node for t in tensors]
        return tuple(dict.fromkeys([n for n in nodes if n >= 0]))

    def _tag(self, tensor: Tensor) -> _Tag:
        tag = self._tags.get(id(tensor))
        if tag is None:
            memory = _memory(tensor)
            tag = _Tag(-1, self._owned.get(memory, _NONE), memory)
        writer = self._writers.get(tag.memory, -1)
        return tag if writer <= tag.node else _Tag(writer, tag.parameters, tag.memory)


@cache
def _form(operation: Any) -> _Form:
    arguments = operation._schema.arguments
    kind = operation._schema.name.partition("::")[2]
    return _Form(
        kind=kind,
        names=tuple(a.name for a in arguments),
        written=tuple(i for i, a in enumerate(arguments) if a.alias_info is not None and a.alias_info.is_write),
        macs=counting(operation),
        windowed=kind in WINDOWED,
        pointwise=torch.Tag.pointwise in operation.tags or kind in _POINTWISE,
        empty=kind.startswith("new_") or kind.endswith("_like"),
        looks=kind in _LOOKS,
    )


def _memory(tensor: Tensor) -> int:
    return tensor.untyped_storage()._cdata if tensor.layout == torch.strided else -id(tensor)


def _flat(value: Any) -> list[Tensor]:
    return [v for v in value if isinstance(v, Tensor)] if isinstance(value, _SEVERAL) else []


def _tensors(value: Any) -> list[Tensor]:
    """The tensors in a value, also in lists and mappings."""
    if isinstance(value, Tensor):
        return [value]
    if isinstance(value, _SEVERAL):
        return [tensor for inner in value for tensor in _tensors(inner)]
    if isinstance(value, Mapping):
        return [tensor for inner in value.values() for tensor in _tensors(inner)]
    return []
