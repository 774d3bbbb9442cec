"""Hooks that keep the input of one module and add it to the output of another, and hooks that only look."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn

from snellen._errors import NetworkError, NotApplicable


@dataclass(eq=False)
class Skip:
    """What one residual connection does at each call. A copy of the network has a copy of it.

    ``layer`` is registered in the network, too. What was kept loses its graph when the forward ends, so that no
    activation is held by it; the numbers stay for a checkpoint that computes a part again.
    """

    layer: nn.Module | None = None
    kept: Tensor | None = None

    def attach(self, root: nn.Module, start: nn.Module, end: nn.Module) -> None:
        """Begin to watch these modules."""
        root.register_forward_pre_hook(self.forget)
        start.register_forward_pre_hook(self.keep, with_kwargs=True)
        end.register_forward_hook(self.add)
        root.register_forward_hook(self.release)

    def forget(self, _module: nn.Module, _args: Any) -> None:
        """A new forward begins."""
        self.kept = None

    def keep(self, _module: nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        """A clone, for whatever comes may write into the input."""
        found = first_tensor(args, kwargs)
        self.kept = None if found is None else found.clone()

    def add(self, _module: nn.Module, _args: Any, output: Any) -> Any:
        """The output with the connection, if the start was called before."""
        if self.kept is None:
            return output
        added = self.kept if self.layer is None else self.layer(self.kept)
        if not isinstance(output, Tensor) or added.shape != output.shape:
            got = tuple(output.shape) if isinstance(output, Tensor) else type(output).__name__
            raise NetworkError(f"the residual connection brings {tuple(added.shape)} to an output of {got}")
        return output + added

    def release(self, _module: nn.Module, _args: Any, _output: Any) -> None:
        """The forward has ended."""
        if self.kept is not None:
            self.kept = self.kept.detach()


@dataclass(eq=False)
class Watch:
    """What one forward shows of a connection from the input of ``start`` to the output of ``end``."""

    start: nn.Module
    end: nn.Module
    started: int = 0
    ended: int = 0
    early: int = 0
    in_place: bool = False
    kept: Tensor | None = None
    version: int = 0
    pairs: set[tuple[tuple[int, ...], tuple[int, ...]]] = field(default_factory=set)
    odd: str = ""

    @contextmanager
    def on(self, root: nn.Module) -> Iterator[None]:
        """Look while the block runs."""
        with ExitStack() as stack:
            stack.callback(self.start.register_forward_pre_hook(self._enters, with_kwargs=True).remove)
            stack.callback(self.end.register_forward_hook(self._leaves).remove)
            for module in root.modules():
                if getattr(module, "inplace", False):
                    stack.callback(module.register_forward_pre_hook(self._writes).remove)
            yield
        self.kept = None

    def _enters(self, _module: nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        self.started += 1
        self.kept = first_tensor(args, kwargs)
        if self.kept is None:
            self.odd = f"start is given no tensor but {', '.join(type(a).__name__ for a in args) or 'nothing'}"
        elif self.kept.is_inference():
            self.in_place = True
        else:
            self.version = self.kept._version

    def _writes(self, _module: nn.Module, args: tuple[Any, ...]) -> None:
        """A dropout that works in place does so in training only, and this is evaluation."""
        found = first_tensor(args, {})
        if self.kept is not None and found is not None and _storage(found) == _storage(self.kept):
            self.in_place = True

    def _leaves(self, _module: nn.Module, _args: Any, output: Any) -> None:
        self.ended += 1
        if self.kept is None:
            self.early += 1
        elif not isinstance(output, Tensor):
            self.odd = f"end returns a {type(output).__name__} and no tensor"
        else:
            self.pairs.add((tuple(self.kept.shape), tuple(output.shape)))
            if not self.kept.is_inference() and self.kept._version != self.version:
                self.in_place = True

    def shapes(self, start: str, end: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Of the input and of the output, without the batch; what cannot be joined is refused."""
        for name, calls in ((start, self.started), (end, self.ended)):
            if not calls:
                raise NotApplicable(
                    f"{name} is never called in a forward in evaluation mode (or past its hooks, by .forward): name a "
                    "module that is"
                )
        if self.odd:
            raise NotApplicable(f"{self.odd}; name modules that take and return one tensor")
        if self.early == self.ended:
            raise NotApplicable(f"{end} has ended before {start} begins: swap them, or name a later end")
        if len(self.pairs) > 1:
            raise NotApplicable(
                f"{start} and {end} are called with several shapes in one forward: {sorted(self.pairs)}; one "
                "projection cannot join them"
            )
        ((before, after),) = self.pairs
        if not before or not after or before[0] != after[0]:
            raise NotApplicable(
                f"the batch should be the first axis of both, got {before} at {start} and {after} at {end}"
            )
        return before[1:], after[1:]


def first_tensor(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Tensor | None:
    """The first argument that is a tensor."""
    return next((value for value in (*args, *kwargs.values()) if isinstance(value, Tensor)), None)


def _storage(tensor: Tensor) -> int:
    return int(tensor.untyped_storage().data_ptr())
