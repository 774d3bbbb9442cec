"""A residual connection put into a network that was built without: from one module's input to another's output."""

import copy
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import count

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from snellen._errors import NetworkError, NotApplicable, UsageError, unknown
from snellen.instruments.architecture._skip import Skip, Watch
from snellen.nets.shortcut import SequentialWithShortcut, projection
from snellen.subject.network import Network
from snellen.subject.quiet import quiet

CONTAINERS = (nn.Sequential, nn.ModuleList, nn.ModuleDict)
"""They may call all their children in turn, so nothing is registered in one."""


@dataclass(frozen=True, eq=False)
class Residual:
    """A changed copy of a network, and what was put into it.

    Attributes:
        network: the copy; its old parameters and buffers have their old names.
        start: the module from whose input the connection comes.
        end: the module to whose output it is added.
        projection: the qualified name of the layer on the connection; "" where the input itself is added.
        layer: that layer in words, or "identity".
        before: shape of the input that is kept, without the batch.
        after: shape of the output that it is added to.
        parameters: that the connection adds.
        calls: how often ``start`` and ``end`` were called in one forward.
        in_place: something between the two writes into the kept input; a copy of it is kept.
        notes: what to know, one sentence each.
    """

    network: nn.Module
    start: str
    end: str
    projection: str
    layer: str
    before: tuple[int, ...]
    after: tuple[int, ...]
    parameters: int
    calls: tuple[int, int]
    in_place: bool
    notes: tuple[str, ...] = ()


def add_residual(
    network: nn.Module | Network,
    *,
    start: str,
    end: str,
    input_shape: Sequence[int] | None = None,
    zero: bool = False,
    seed: int = 0,
) -> Residual:
    """Add the input of one submodule to the output of another, in a copy of the network.

    out = end(...) + x, or + W x where the shapes differ: W is a linear layer for vectors and a 1 x 1 convolution,
    strided where the map became smaller, for maps. The forward is neither read nor traced: hooks on the two modules
    keep a clone of x and add it, whatever stands between them (branches, loops, in-place operations, functions).
    One forward on noise finds the shapes. Where ``start`` is called again before ``end``, the newest input counts;
    every call of ``end`` behind it is added to.

    With gradient checkpointing put both modules into one checkpoint, or set ``use_reentrant=False``: then a backward
    must follow its own forward.

    Args:
        network: a module, or a Network whose module is meant; nothing of it changes.
        start: name of a submodule, as in ``named_modules``.
        end: likewise; the same as ``start`` is allowed.
        input_shape: of what the network is given, without the batch: (c, h, w). A Network may know its own.
        zero: put a projection there in any case, with weights of 0: the copy begins as the network was.
        seed: of the projection's weights.

    Raises:
        UsageError: a name that no submodule has, or no input shape.
        NetworkError: the network cannot be copied, or cannot run on the shape.
        NotApplicable: ``start`` or ``end`` is not called, ``end`` is never called after ``start``, they take or give
            no single tensor, or no projection joins the shapes.

    Reference: He, Zhang, Ren and Sun 2016, Deep residual learning for image recognition, arXiv:1512.03385.

    >>> net = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 8, 3, padding=1, stride=2))
    >>> added = add_residual(net, start="1", end="2", input_shape=(3, 8, 8))
    >>> added.layer, added.before, added.after, added.parameters
    ('Conv2d(4, 8, kernel_size=(1, 1), stride=(2, 2), bias=False)', (4, 8, 8), (8, 4, 4), 32)
    """
    module = network.module if isinstance(network, Network) else network
    shape = _shape(network, input_shape)
    names = [name for name, _ in module.named_modules(remove_duplicate=False) if name]
    for name in (start, end):
        if name not in names:
            raise unknown("submodule", name, names)
    twin = _copy(module)
    seen = Watch(twin.get_submodule(start), twin.get_submodule(end))
    tensor = _run(twin, shape, seen)
    before, after = seen.shapes(start, end)
    layer = None if before == after and not zero else projection(before, after, zero=zero, seed=seed)
    if before != after and layer is None:
        raise NotApplicable(
            f"no 1 x 1 projection brings {before}, the input of {start}, to {after}, the output of {end}: a stride s "
            "makes ceil(size / s) of each size, and nothing makes a map larger. Name modules with the same height and "
            "width, or pad the convolutions between them."
        )
    skip, where = Skip(), ""
    if layer is not None:
        where = _register(twin, start, end, layer.to(tensor))
        skip.layer = layer
    skip.attach(twin, twin.get_submodule(start), twin.get_submodule(end))
    result = Residual(
        twin,
        start,
        end,
        where,
        "identity" if layer is None else str(layer),
        before,
        after,
        0 if layer is None else layer.weight.numel(),
        (seen.started, seen.ended),
        seen.in_place,
        _notes(seen, start, end),
    )
    _check(result, skip, shape)
    return result


def owner_of(network: nn.Module, start: str, end: str) -> str:
    """The nearest module around both that is no container, "" for the network itself: the connection is its own."""
    parents = [name.split(".")[:-1] for name in (start, end)]
    shared = []
    for one, other in zip(*parents, strict=False):
        if one != other:
            break
        shared.append(one)
    while shared and isinstance(network.get_submodule(".".join(shared)), CONTAINERS):
        shared.pop()
    return ".".join(shared)


def noise(network: nn.Module, shape: tuple[int, ...]) -> Tensor:
    """Two random inputs of this shape, as the network's parameters are; to be called where generators are kept."""
    like = next((p for p in network.parameters() if p.is_floating_point()), torch.zeros(()))
    return torch.randn(2, *shape, dtype=like.dtype, device=like.device)


def _shape(network: nn.Module | Network, given: Sequence[int] | None) -> tuple[int, ...]:
    if given is None and isinstance(network, Network) and network.preprocessing.size is not None:
        return network.preprocessing.count, *network.preprocessing.size
    if given is None:
        raise UsageError("the shape of the network's input is not known; give input_shape=(channels, height, width)")
    shape = tuple(int(size) for size in given)
    if not shape or min(shape) < 1:
        raise UsageError(f"input_shape must hold sizes of at least 1, such as (3, 64, 64), got {shape}")
    return shape


def _copy(module: nn.Module) -> nn.Module:
    if any(isinstance(m, torch.jit.ScriptModule) for m in module.modules()):
        raise NotApplicable("a scripted network keeps its forward to itself; add the connection before scripting it")
    lazy = [name for name, p in module.named_parameters() if is_lazy(p)]
    if lazy:
        raise NetworkError(f"the network has parameters of unknown shape ({', '.join(lazy[:3])}): run it once first")
    try:
        return copy.deepcopy(module)
    except Exception as error:
        raise NetworkError(
            f"the network cannot be copied ({type(error).__name__}: {error}); it may keep the result of a forward in "
            "an attribute"
        ) from error


def _run(twin: nn.Module, shape: tuple[int, ...], seen: Watch) -> Tensor:
    with quiet(twin, seed=0), torch.no_grad(), seen.on(twin):
        inputs = noise(twin, shape)
        try:
            twin(inputs)
        except Exception as error:
            raise NetworkError(
                f"the network raised on an input of shape {tuple(inputs.shape)}: {type(error).__name__}: {error}. "
                "Check the input's channels and size."
            ) from error
    return inputs


def _register(twin: nn.Module, start: str, end: str, layer: nn.Module) -> str:
    """Put the projection into the network under a name that is free, where nobody calls it in turn."""
    path = owner_of(twin, start, end)
    owner = twin.get_submodule(path)
    name = next(n for i in count(1) if not hasattr(owner, n := "shortcut" if i == 1 else f"shortcut_{i}"))
    owner.add_module(name, layer)
    if isinstance(owner, SequentialWithShortcut) or type(owner).forward is nn.Sequential.forward:
        left_out = getattr(owner, "left_out", frozenset()) | {name}
        owner.__class__ = type(type(owner).__name__, (_bases(owner)), {"left_out": left_out})
    return f"{path}.{name}" if path else name


def _bases(owner: nn.Module) -> tuple[type, ...]:
    kind = type(owner)
    return (kind,) if issubclass(kind, SequentialWithShortcut) else (SequentialWithShortcut, kind)


def _check(result: Residual, skip: Skip, shape: tuple[int, ...]) -> None:
    """Run it once: a network that calls all its children in turn would call the projection, too."""
    calls: list[object] = []
    with ExitStack() as stack:
        stack.enter_context(quiet(result.network, seed=0))
        stack.enter_context(torch.no_grad())
        if skip.layer is not None:
            stack.callback(skip.layer.register_forward_pre_hook(lambda *_: calls.append(_)).remove)
        failed = None
        try:
            result.network(noise(result.network, shape))
        except Exception as error:
            failed = error
    skip.kept = None
    if failed is not None or (skip.layer is not None and len(calls) > result.calls[1]):
        raise NotApplicable(
            f"with a connection from {result.start} to {result.end} the network does not run"
            + (f": {type(failed).__name__}: {failed}" if failed else " as before: it calls all its children in turn")
        ) from failed


def _notes(seen: Watch, start: str, end: str) -> tuple[str, ...]:
    notes = []
    if (seen.started, seen.ended) != (1, 1):
        notes.append(
            f"in one forward {start} is called {seen.started} times and {end} {seen.ended}: each call of {end} gets "
            f"the newest input of {start}"
        )
    if seen.early:
        notes.append(f"{seen.early} of these calls of {end} come before {start} and stay as they were")
    if seen.in_place:
        notes.append("something between the two writes into the kept input (in place), so a copy of it is kept")
    return tuple(notes)
