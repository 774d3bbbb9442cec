"""Find the activation that ends a network, while its forward runs, and the scores that go into it."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

ACTIVATIONS: Mapping[str, frozenset[Callable[..., Any]]] = {
    "tanh": frozenset({torch.tanh, Tensor.tanh, F.tanh, torch.tanh_, Tensor.tanh_}),
    "sigmoid": frozenset(
        {torch.sigmoid, Tensor.sigmoid, F.sigmoid, torch.sigmoid_, Tensor.sigmoid_, torch.special.expit}
    ),
    "softmax": frozenset({torch.softmax, Tensor.softmax, F.softmax, torch.special.softmax}),
    "log_softmax": frozenset({torch.log_softmax, Tensor.log_softmax, F.log_softmax}),
    "hardtanh": frozenset({F.hardtanh, F.hardtanh_}),
    "hardsigmoid": frozenset({F.hardsigmoid}),
    "clamp": frozenset({torch.clamp, Tensor.clamp, torch.clip, Tensor.clip, torch.clamp_, Tensor.clamp_}),
}
"""What squeezes scores without changing their order, by name; each output depends on its own score, or all alike."""
SAME_ORDER: frozenset[Callable[..., Any]] = frozenset(
    {
        *(Tensor.view, Tensor.reshape, torch.reshape, Tensor.flatten, torch.flatten, Tensor.squeeze, torch.squeeze),
        *(Tensor.clone, torch.clone, Tensor.contiguous, Tensor.float, Tensor.double, Tensor.to),
        *(Tensor.log, torch.log, Tensor.exp, torch.exp),
    }
)
SCALES: frozenset[Callable[..., Any]] = frozenset(
    {Tensor.mul, torch.mul, Tensor.__mul__, Tensor.__rmul__, Tensor.div, torch.div, Tensor.__truediv__}
)
SHIFTS: frozenset[Callable[..., Any]] = frozenset(
    {Tensor.add, torch.add, Tensor.__add__, Tensor.__radd__, Tensor.sub, torch.sub, Tensor.__sub__}
)


@dataclass
class Seen:
    """Outputs of activations and what was made of them without changing the order of the scores."""

    found: dict[int, tuple[Tensor, str, Tensor]] = field(default_factory=dict)

    def before(self, output: Tensor) -> tuple[str, Tensor] | None:
        """The name of the activation that ``output`` comes from, and the scores that went into it."""
        entry = self.found.get(id(output))
        if entry is None or entry[2].numel() != output.numel():
            return None
        return entry[1], entry[2].reshape(output.shape)


class _Watching(TorchFunctionMode):
    def __init__(self, seen: Seen) -> None:
        super().__init__()
        self._seen = seen
        self._names = {function: name for name, functions in ACTIVATIONS.items() for function in functions}

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        name = self._names.get(func)
        given = args[0] if args and isinstance(args[0], Tensor) else kwargs.get("input")
        in_place = name is not None and (getattr(func, "__name__", "").endswith("_") or kwargs.get("inplace", False))
        before = given.clone() if in_place and isinstance(given, Tensor) else given
        result = func(*args, **kwargs)
        if isinstance(result, Tensor) and isinstance(before, Tensor):
            known = self._seen.found.get(id(given))
            if name is not None:
                # of softmax(tanh(z)) the innermost scores are wanted
                origin = known[2] if known is not None and not in_place else before
                self._seen.found[id(result)] = (result, name, origin)
            elif known is not None and _keeps_order(func, args):
                self._seen.found[id(result)] = (result, known[1], known[2])
        return result


def _keeps_order(func: Callable[..., Any], args: tuple[Any, ...]) -> bool:
    if func in SAME_ORDER:
        return True
    by = args[1] if len(args) > 1 else None
    if not isinstance(by, int | float):
        return False
    return func in SHIFTS or (func in SCALES and by > 0)


@contextmanager
def watching() -> Iterator[Seen]:
    """Inside, the activations of a forward are noted; ask :meth:`Seen.before` with the output.

    Sees what is called through torch's Python functions; what runs inside TorchScript or a compiled graph is not seen.

    >>> scores = torch.tensor([[1.0, 40.0]])
    >>> with watching() as seen:
    ...     output = 2 * torch.tanh(scores)
    >>> seen.before(output)
    ('tanh', tensor([[ 1., 40.]]))
    """
    seen = Seen()
    with _Watching(seen):
        yield seen
