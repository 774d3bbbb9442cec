"""One forward, recorded: what does not depend on chance is computed once, the rest goes on a tape."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import TreeSpec, tree_flatten, tree_unflatten
from torch.utils.flop_counter import flop_registry
from torch.utils.weak import WeakTensorKeyDictionary


@dataclass(frozen=True)
class Slot:
    """The place of a tensor on the tape."""

    index: int


@dataclass(frozen=True, eq=False)
class Step:
    """One operation that depends on chance: its arguments with slots for tensors, and the slots of its results.

    ``plain`` says that the arguments are one flat row, positional; ``draws`` that the generator is read. ``layout`` is
    set for a draw: an empty tensor with the shape, strides and type of what it fills. ``nbytes`` the results take.
    """

    func: Any
    arguments: list[Any]
    spec: TreeSpec
    results: list[int | None]
    draws: bool
    layout: Tensor | None
    plain: bool
    nbytes: int

    def call(self, values: dict[int, Tensor]) -> Any:
        """Run the operation on the tensors that stand in its slots."""
        flat = [values[a.index] if isinstance(a, Slot) else a for a in self.arguments]
        if self.plain:
            return self.func(*flat)
        args, kwargs = tree_unflatten(flat, self.spec)
        return self.func(*args, **kwargs)


@dataclass(eq=False)
class Tape:
    """What is needed to draw another sample without running the network again.

    Attributes:
        steps: the operations downstream of the first draw, in order.
        constants: slot -> a tensor computed before (or beside) every draw; the trunk's results.
        overwritten: the constants that a step writes into: each sample needs a copy of its own.
        output: the slot of the scores; None when they do not depend on chance.
        trunk_macs, rest_macs: multiply-adds before, and after, the first draw.
        unsafe: why the tape must not be used; empty when it may.
    """

    steps: list[Step] = field(default_factory=list)
    constants: dict[int, Tensor] = field(default_factory=dict)
    overwritten: set[int] = field(default_factory=set)
    output: int | None = None
    trunk_macs: int = 0
    rest_macs: int = 0
    unsafe: str = ""

    def sample(self) -> Tensor:
        """One more sample, drawn from the generator as it stands."""
        assert self.output is not None
        values = self.start()
        for step, dead in zip(self.steps, self._last_uses, strict=True):
            self.store(step, step.call(values), values)
            for slot in dead:
                values.pop(slot, None)
        return values[self.output]

    def start(self) -> dict[int, Tensor]:
        """The constants, with fresh copies of those that will be written into."""
        return {s: t.clone() if s in self.overwritten else t for s, t in self.constants.items()}

    @staticmethod
    def store(step: Step, result: Any, values: dict[int, Tensor]) -> None:
        """Put a step's results into their slots."""
        flat = [result] if isinstance(result, Tensor) else tree_flatten(result)[0]
        found = zip(step.results, flat, strict=True)
        values.update((slot, value) for slot, value in found if slot is not None)

    @property
    def _last_uses(self) -> list[list[int]]:
        last: dict[int, int] = {}
        for place, step in enumerate(self.steps):
            used = [a.index for a in step.arguments if isinstance(a, Slot)]
            last.update(dict.fromkeys([*used, *(s for s in step.results if s is not None)], place))
        dead: list[list[int]] = [[] for _ in self.steps]
        for slot, place in last.items():
            if slot != self.output and slot not in self.constants:
                dead[place].append(slot)
        return dead


class Recorder(TorchDispatchMode):
    """Runs every operation as it is, and writes a :class:`Tape` of those that depend on chance.

    Chance spreads by storage: an operation that draws, reads something random or writes into it is on the tape, all
    else is trunk. What a tape cannot hold (a random number read into Python, a write through another view of the
    same memory, a write into the network's own tensors) marks it unsafe, with the reason.
    """

    def __init__(self, fixed: Iterable[Tensor]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # torch's own
        self.tape = Tape()
        self._fixed = {_storage(t) for t in fixed}
        self._slots = WeakTensorKeyDictionary()
        self._random: dict[int, StorageWeakRef] = {}
        self._constant_storages: dict[int, set[int]] = {}
        self._next = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        written = _written(func, args, kwargs)
        draws = _draws(func, args, kwargs)
        if draws or any(self._is_random(t) for t in _tensors((args, *kwargs.values()))):
            return self._on_tape(func, *tree_flatten((args, kwargs)), written, draws)
        for tensor in written:
            if _storage(tensor) in self._fixed:
                self._refuse("it writes into its own parameters, buffers or input")
            self._keep_old_value(tensor)
        result = func(*args, **kwargs)
        self.tape.trunk_macs += _macs(func, args, kwargs, result)
        return result

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        # The guard that torch puts around every call of a mode costs more than this recorder; nothing is compiled here.
        return False

    def finish(self, output: Tensor) -> Tape:
        """The tape, once the forward has returned its scores."""
        if self._is_random(output):
            self.tape.output = self._slot(output)
        return self.tape

    def _on_tape(self, func: Any, flat: list[Any], spec: TreeSpec, written: list[Tensor], draws: bool) -> Any:
        if torch.Tag.data_dependent_output in func.tags or torch.Tag.dynamic_output_shape in func.tags:
            self._refuse(f"its forward reads a random value into Python ({func})")
        layout = _layout(flat[0]) if draws and isinstance(flat[0], Tensor) else None
        arguments = [Slot(self._slot(a)) if isinstance(a, Tensor) else a for a in flat]
        for tensor in written:
            self._overwrite(tensor)
        args, kwargs = tree_unflatten(flat, spec)
        result = func(*args, **kwargs)
        results: list[int | None] = []
        nbytes = 0
        for value in tree_flatten(result)[0]:
            if isinstance(value, Tensor):
                nbytes += value.nbytes
                self._mark_random(value)
                results.append(self._slots.setdefault(value, self._new_slot()))
            else:
                results.append(None)
        plain = not kwargs and len(args) == len(flat) and all(a is f for a, f in zip(args, flat, strict=True))
        self.tape.steps.append(Step(func, arguments, spec, results, draws, layout, plain, nbytes))
        self.tape.rest_macs += _macs(func, args, kwargs, result)
        return result

    def _slot(self, tensor: Tensor) -> int:
        slot = self._slots.get(tensor)
        storage = _storage(tensor)
        if self._is_random(tensor):
            stale = slot is not None and slot in self.tape.constants and slot not in self.tape.overwritten
            if slot is None or stale:
                self._refuse("it writes random values into memory that is also read through another view")
        if slot is None:
            slot = self._slots[tensor] = self._new_slot()
            self.tape.constants[slot] = tensor
            self._constant_storages.setdefault(storage, set()).add(slot)
        return int(slot)

    def _overwrite(self, tensor: Tensor) -> None:
        """A step is about to write into ``tensor``: keep the value it starts from."""
        slot = self._slot(tensor)
        if slot in self.tape.constants and slot not in self.tape.overwritten:
            if _storage(tensor) in self._fixed:
                self._refuse("it writes random values into its own parameters, buffers or input")
            self.tape.constants[slot] = tensor.clone()
            self.tape.overwritten.add(slot)
        self._mark_random(tensor)

    def _keep_old_value(self, tensor: Tensor) -> None:
        """The trunk is about to write into memory that earlier steps have read: those keep the old value."""
        for slot in self._constant_storages.pop(_storage(tensor), ()):
            kept = self.tape.constants[slot]
            self._slots.pop(kept, None)
            self.tape.constants[slot] = kept.clone()

    def _new_slot(self) -> int:
        self._next += 1
        return self._next

    def _is_random(self, tensor: Tensor) -> bool:
        key = _storage(tensor)
        reference = self._random.get(key)
        if reference is not None and reference.expired():
            del self._random[key]
            return False
        return reference is not None

    def _mark_random(self, tensor: Tensor) -> None:
        self._random[_storage(tensor)] = StorageWeakRef(tensor.untyped_storage())

    def _refuse(self, reason: str) -> None:
        self.tape.unsafe = self.tape.unsafe or reason


def _layout(tensor: Tensor) -> Tensor:
    return torch.empty_strided(tensor.shape, tensor.stride(), dtype=tensor.dtype, device="meta")


def _storage(tensor: Tensor) -> int:
    return int(tensor.untyped_storage()._cdata)


def _written(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Tensor]:
    """The tensors that the operation writes into, by its schema."""
    written: list[Tensor] = []
    for place, name in _writes(func):
        value = args[place] if place < len(args) else kwargs.get(name)
        written.extend(_tensors((value,)))
    return written


def _tensors(values: Iterable[Any]) -> Iterator[Tensor]:
    """The tensors among arguments: an operation takes tensors and lists of them, nothing deeper nested."""
    for value in values:
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, list | tuple):
            yield from _tensors(value)


@cache
def _writes(func: Any) -> tuple[tuple[int, str], ...]:
    arguments = enumerate(func._schema.arguments)
    return tuple((place, a.name) for place, a in arguments if a.alias_info is not None and a.alias_info.is_write)


@cache
def _may_draw(func: Any) -> tuple[tuple[int, str, Any], ...] | None:
    """The arguments that switch a drawing operation on, with their defaults; None for one that never draws."""
    if torch.Tag.nondeterministic_seeded not in func.tags:
        return None
    arguments = enumerate(func._schema.arguments)
    return tuple((p, a.name, a.default_value) for p, a in arguments if a.name in ("train", "training", "dropout_p"))


def _draws(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Whether the operation reads the generator: marked so by torch, and not switched off by its arguments.

    Attention in evaluation mode is marked, and draws nothing.
    """
    switches = _may_draw(func)
    if switches is None:
        return False
    values = (args[place] if place < len(args) else kwargs.get(name, default) for place, name, default in switches)
    return all(value is None or bool(value) for value in values)


def _macs(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> int:
    count = flop_registry.get(func._overloadpacket)
    return 0 if count is None else int(count(*args, **kwargs, out_val=result)) // 2
