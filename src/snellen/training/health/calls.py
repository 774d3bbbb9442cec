"""Which modules ran, in which mode, and which losses were computed of what."""

import math
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook
from torch.overrides import TorchFunctionMode

from snellen.training.health.setup import tensors_in

LOSSES: dict[Callable[..., Any], str] = {
    F.cross_entropy: "cross_entropy",
    F.nll_loss: "nll_loss",
    F.binary_cross_entropy: "binary_cross_entropy",
    F.binary_cross_entropy_with_logits: "binary_cross_entropy_with_logits",
    F.kl_div: "kl_div",
    F.mse_loss: "mse_loss",
    F.l1_loss: "l1_loss",
    F.smooth_l1_loss: "smooth_l1_loss",
    F.huber_loss: "huber_loss",
}


SIGNS: dict[Callable[..., Any], int] = {
    F.cosine_embedding_loss: 2,
    F.margin_ranking_loss: 2,
    F.hinge_embedding_loss: 1,
    F.soft_margin_loss: 1,
}
"""Losses whose targets are -1 and 1, and where they stand among the arguments."""


@dataclass
class ModuleCall:
    """A module that ran: its mode then, how often, and how many values a channel a normalisation saw at least.

    ``variance``: the median over the channels of a BatchNorm of that of its first batch.
    """

    module: nn.Module
    name: str
    training: bool
    calls: int = 0
    values: int | None = None
    drift: float = 0.0
    variance: float = 0.0


@dataclass(frozen=True, eq=False)
class LossCall:
    """A loss function that was called: its input and target, and the operation that made the input.

    ``value`` is what it returned; NaN if that was no single number, or it raised. ``masks``: the marks of what input
    and target were computed from (see :class:`snellen.training.health.flow.Flow`), of a target with a gradient alone.
    ``one_sided``: the target has a gradient and the input has none.
    """

    name: str
    input: Tensor
    target: Tensor
    origin: str
    options: dict[str, Any]
    value: float = math.nan
    masks: tuple[int, int] = (0, 0)
    one_sided: bool = False


class Losses(TorchFunctionMode):
    """Notes every call of a loss of ``torch.nn.functional``, whatever it was called through."""

    def __init__(self, origin: Callable[[Tensor], str], mask: Callable[[Tensor], int] = lambda _: 0) -> None:
        super().__init__()
        self.found: list[LossCall] = []
        self.signs: list[tuple[str, Tensor]] = []
        self._origin, self._mask = origin, mask

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        name = LOSSES.get(func) if callable(func) and getattr(func, "__hash__", None) else None
        place = SIGNS.get(func) if callable(func) and getattr(func, "__hash__", None) else None
        if place is not None:
            target = args[place] if len(args) > place else kwargs.get("target")
            self.signs += [(func.__name__, target.detach())] if isinstance(target, Tensor) else []
        if name is not None:
            fed = [*args[:2], *(kwargs[k] for k in ("input", "target") if k in kwargs)]
            if len(fed) == 2 and all(isinstance(t, Tensor) for t in fed):
                options = {k: v for k, v in kwargs.items() if k not in ("input", "target")}
                call = LossCall(name, fed[0].detach(), fed[1].detach(), self._origin(fed[0]), options)
                masks = self._mask(fed[0]), self._mask(fed[1]) if fed[1].requires_grad else 0
                turned = fed[1].requires_grad and not fed[0].requires_grad
                self.found.append(replace(call, masks=masks, one_sided=turned))
                value = func(*args, **kwargs)
                if isinstance(value, Tensor) and value.numel() == 1:
                    self.found[-1] = replace(self.found[-1], value=float(value.detach()))
                return value
        return func(*args, **kwargs)


@dataclass
class Calls:
    """The modules that are running now, and those that ran.

    ``given``: of each call of the whole network, what it was given by position, and the shapes of what it returned.
    ``returned``: what the last call returned, if it is one tensor; ``returned_mask``: the marks, by ``mask``, of all
    that calls returned.
    """

    names: dict[int, str]
    running: list[nn.Module] = field(default_factory=list)
    ran: dict[int, ModuleCall] = field(default_factory=dict)
    given: list[tuple[tuple[Any, ...], tuple[torch.Size, ...]]] = field(default_factory=list)
    returned: Tensor | None = None
    mask: Callable[[Tensor], int] = lambda _: 0
    returned_mask: int = 0

    def where(self) -> str:
        """The innermost running module that belongs to the network."""
        return next((self.names[id(m)] for m in reversed(self.running) if id(m) in self.names), "")

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Hooks for all modules, put on none of them."""
        with ExitStack() as stack:
            stack.callback(register_module_forward_pre_hook(self._enter).remove)
            stack.callback(register_module_forward_hook(self._leave, always_call=True).remove)
            yield

    def _enter(self, module: nn.Module, inputs: Any) -> None:
        self.running.append(module)
        if id(module) not in self.names:
            return
        call = self.ran.setdefault(id(module), ModuleCall(module, self.names[id(module)], module.training))
        call.calls += 1
        if isinstance(module, nn.modules.batchnorm._BatchNorm) and inputs and isinstance(inputs[0], Tensor):
            _note_statistics(call, module, inputs[0])
        if isinstance(module, nn.GroupNorm) and inputs and isinstance(inputs[0], Tensor) and inputs[0].ndim > 1:
            call.values = inputs[0][0].numel() // module.num_groups

    def _leave(self, module: nn.Module, inputs: Any, output: Any) -> None:
        if self.running and self.running[-1] is module:
            self.running.pop()
        if self.names.get(id(module)) == "":
            self.returned = output.detach() if isinstance(output, Tensor) else None
            for tensor in tensors_in(output):
                self.returned_mask |= self.mask(tensor)
            self.given.append((tuple(inputs), tuple(t.shape for t in tensors_in(output))))


def _note_statistics(call: ModuleCall, module: nn.modules.batchnorm._BatchNorm, x: Tensor) -> None:
    """How many values a channel, and how far this batch is from the running statistics, in their deviations."""
    values = x.numel() // max(1, x.shape[1]) if x.ndim > 1 else x.numel()
    call.values = values if call.values is None else min(call.values, values)
    if x.ndim < 2 or values < 2:
        return
    axes = [d for d in range(x.ndim) if d != 1]
    seen = x.detach().float()
    mean, var = seen.mean(dim=axes), seen.var(dim=axes, unbiased=False)
    call.variance = call.variance or float(var.median())
    if module.running_mean is None or module.running_var is None:
        return
    scale = (module.running_var.float() + module.eps).sqrt()
    shift = (mean - module.running_mean.float()).abs() / scale
    stretch = ((var + module.eps).sqrt() / scale).log().abs()
    call.drift = max(call.drift, float(shift.maximum(stretch).median()))
