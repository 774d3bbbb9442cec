"""What each number of a forward was computed from: every operation is watched, with gradients or without."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode

from snellen.training.health.operations import (
    APPLIES,
    CHOICES,
    CLAMPS,
    DRAWS,
    FLOORED,
    PAIRS,
    PASSES_ON,
    RANDOM,
    RELU,
    ROUNDS,
    SQUASH,
    TWICE,
)

DATA = 1


@dataclass
class Activation:
    """What one activation did in this forward.

    Attributes:
        module: the innermost module that was running.
        kind: ``relu``, ``tanh``, ``sigmoid`` or ``hardsigmoid``.
        bit: its mark in the masks.
        units: channels or units.
        samples: values seen of each.
        silent: units that were 0 for all of them (a ReLU).
        flat: share of values where the slope is below a hundredth of its largest.
        mask: the marks of all that it was computed from.
    """

    module: str
    kind: str
    bit: int
    units: int
    samples: int
    silent: int = 0
    flat: float = 0.0
    mask: int = 0


@dataclass(frozen=True)
class Entry:
    """What the images are where the first weights meet them: lowest and highest value, root of the mean square.

    ``numbers`` are those of the parameters they meet.
    """

    numbers: frozenset[int]
    low: float
    high: float
    size: float


@dataclass
class _Mark:
    """What is known of the memory behind a tensor."""

    mask: int
    origin: str
    alive: StorageWeakRef | None = None


@dataclass
class Flow(TorchDispatchMode):
    """Marks every tensor with the parameters, the data and the activations it was computed from.

    A mark is an integer with one bit a parameter, one for what comes from outside the network, one an activation;
    an operation's result has the bits of all its inputs. Where an operation joins data with an expression of
    parameters alone (a weight, a normalised weight, a cast one), those parameters *consume* what the data was computed
    from: ``consumed[bit of the parameter]`` collects it. This sees through ``no_grad``, ``detach`` and
    checkpoints, which
    the graph of the gradients does not.

    Args:
        parameters: whose bits are 2, 4, 8 ... in this order.
        constants: tensors of the network that are neither data nor parameters (buffers).
        known: identities of all parameters that were there before; others were ``made`` meanwhile.
        where: names the module that is running.

    ``rounded``: by operation, the marks of all that was rounded. ``applied``: those of the parameters alone that were
    multiplied with data as matrices or filters. ``drawn``: the marks of what the parameters of a
    distribution were computed from, where a draw from it was made; draws have the mark ``drawn_bit``. ``chosen``: the
    marks of what choices were made of. ``spread``: shapes of outputs and targets that were joined all with all while
    ``outside`` said that no module was running.
    """

    parameters: Sequence[Tensor]
    constants: Iterable[Tensor]
    where: Any
    consumed: dict[int, int] = field(default_factory=dict)
    activations: list[Activation] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    made: dict[str, int] = field(default_factory=dict)
    known: frozenset[int] = frozenset()
    rounded: dict[str, int] = field(default_factory=dict)
    applied: int = 0
    drawn: int = 0
    chosen: int = 0
    drawn_bit: int = 0
    spread: list[tuple[tuple[int, ...], tuple[int, ...]]] = field(default_factory=list)
    outside: Callable[[], bool] = lambda: False

    def __post_init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._marks: dict[int, _Mark] = {}
        self._next = 2 << len(self.parameters)
        for tensor in self.constants:
            self._put(tensor, 0, "")
        for number, parameter in enumerate(self.parameters):
            self._put(parameter, 2 << number, "")

    def bits(self, mask: int) -> Iterator[int]:
        """The indices of the parameters in a mask."""
        mask >>= 1
        for number in range(len(self.parameters)):
            if mask >> number & 1:
                yield number

    def mask(self, tensor: Tensor) -> int:
        """What a tensor was computed from."""
        key = _key(tensor)
        mark = self._marks.get(key) if key is not None else None
        return mark.mask if mark is not None else (DATA if tensor.numel() > 1 else 0)

    def origin(self, tensor: Tensor) -> str:
        """The operation that made the values of a tensor, seen through views and copies."""
        key = _key(tensor)
        mark = self._marks.get(key) if key is not None else None
        return mark.origin if mark is not None else ""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        inputs = list(_tensors(args)) + list(_tensors(kwargs.values()))
        masks = [self.mask(t) for t in inputs]
        name = func.overloadpacket.__name__
        origin = self.origin(inputs[0]) if inputs and name in PASSES_ON else name
        if name == "_log_softmax" and self.origin(inputs[0]) == "_softmax":
            origin = TWICE
        if name in CLAMPS and len(args) > 1:
            origin = f"clamp {args[1:3]}"
        keys = {_key(t) for t in inputs}
        result = func(*args, **kwargs)
        mask = DATA if name in RANDOM else 0
        pure = mixed = 0
        for one in masks:
            mask |= one
            if one & DATA:
                mixed |= one
            else:
                pure |= one
        if pure and mixed:
            for number in self.bits(pure):
                self.consumed[number] = self.consumed.get(number, 0) | mixed
            self.applied |= pure if name in APPLIES else 0
            self._enters(name, inputs, masks, pure)
        if mask & DATA:
            self._note_made(inputs)
        if name in PAIRS and len(inputs) == 2 and self.outside():
            self._note_spread(inputs, masks)
        if name in CHOICES:
            self.chosen |= mask
        if name in DRAWS and mask >> 1:
            self.drawn |= mask
            if not self.drawn_bit:
                self._next <<= 1
                self.drawn_bit = self._next
            mask |= self.drawn_bit
        if name in ROUNDS:
            self.rounded[ROUNDS[name]] = self.rounded.get(ROUNDS[name], 0) | mask
        outputs = list(_tensors((result,)))
        if outputs and mask & DATA:
            mask |= self._activation(name, args, outputs[0], mask)
        for output in outputs:
            self._put(output, mask | (self.mask(output) if _key(output) in keys else 0), origin)
        return result

    def _enters(self, name: str, inputs: list[Tensor], masks: list[int], pure: int) -> None:
        """Note what data look like that no parameter has touched, where weights are applied to them."""
        for tensor, mask in zip(inputs, masks, strict=True):
            fed = tensor.is_floating_point() and tensor.ndim > 1 and tensor.numel() > 1
            if mask == DATA and fed and name in APPLIES:
                low, high = (float(x) for x in tensor.aminmax())
                size = float(torch.linalg.vector_norm(tensor.float())) / tensor.numel() ** 0.5
                self.entries.append(Entry(frozenset(self.bits(pure)), low, high, size))

    def _note_spread(self, inputs: list[Tensor], masks: list[int]) -> None:
        """Outputs and targets of one batch that are joined all with all, for one has an axis more than the other."""
        (a, b), (one, two) = inputs, masks
        if a.ndim == b.ndim or not a.ndim or not b.ndim or (one > DATA) == (two > DATA):
            return
        shape = torch.broadcast_shapes(a.shape, b.shape)
        rows = max(len(a), len(b))
        if rows > 1 and len(a) == len(b) and shape.numel() > max(a.numel(), b.numel()) and shape[:2] == (rows, rows):
            self.spread.append((tuple(a.shape), tuple(b.shape)))

    def _note_made(self, inputs: list[Tensor]) -> None:
        """Parameters that came to be while the network ran."""
        for tensor in inputs:
            if isinstance(tensor, nn.Parameter) and id(tensor) not in self.known:
                key = _key(tensor)
                if key in self._marks and self._marks[key].mask & DATA:
                    self.made[self.where()] = self.made.get(self.where(), 0) + 1

    def _put(self, tensor: Tensor, mask: int, origin: str) -> None:
        key = _key(tensor)
        if key is not None:
            known = self._marks.get(key)
            alive = known.alive if known is not None else StorageWeakRef(tensor.untyped_storage())
            self._marks[key] = _Mark(mask, origin, alive)

    def _activation(self, name: str, args: Any, output: Tensor, mask: int) -> int:
        """Note what an activation did; its bit, or 0."""
        kind = "relu" if name in RELU or (name in FLOORED and _floor(name, args) == 0) else SQUASH.get(name, "")
        if not kind or not output.is_floating_point() or output.ndim < 2 or output.numel() == 0:
            return 0
        self._next <<= 1
        with torch.no_grad():
            seen = _measure(self.where(), kind, self._next, output, from_conv(self.origin(args[0])))
            self.activations.append(replace(seen, mask=mask))
        return self._next


def from_conv(origin: str) -> bool:
    """Whether values are laid out as (n, channels, ...) although they have three axes."""
    return "conv" in origin or "batch_norm" in origin


def _measure(module: str, kind: str, bit: int, output: Tensor, channels_first: bool) -> Activation:
    axis = 1 if output.ndim != 3 or channels_first else 2
    units = output.shape[axis]
    seen = Activation(module, kind, bit, units, output.numel() // units)
    if kind == "relu":
        others = [d for d in range(output.ndim) if d != axis]
        seen.silent = int((output.amax(dim=others) <= 0).sum())
    elif kind == "tanh":
        seen.flat = float((output.abs() > 0.995).float().mean())
    else:
        seen.flat = float(((output - 0.5).abs() > 0.4975).float().mean())
    return seen


def _floor(name: str, args: Any) -> float | None:
    place = 2 if name.startswith("threshold") else 1
    value = args[place] if len(args) > place else None
    if name.startswith("threshold") and args[1] != 0:
        return None
    return value if isinstance(value, int | float) else None


def _key(tensor: Tensor) -> int | None:
    if tensor.layout != torch.strided:
        return id(tensor)
    try:
        return int(tensor.untyped_storage()._cdata)
    except (RuntimeError, NotImplementedError):
        return None


def _tensors(values: Iterable[Any]) -> Iterator[Tensor]:
    for value in values:
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, list | tuple):
            yield from _tensors(value)


def loose_tensors(module: nn.Module) -> Iterator[Tensor]:
    """Tensors that a network holds as plain attributes: masks, coordinates."""
    for submodule in module.modules():
        yield from (v for v in submodule.__dict__.values() if isinstance(v, Tensor))
