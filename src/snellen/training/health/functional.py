"""Dropout and BatchNorm called as functions: no module's mode rules them, only what they are told."""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from snellen.training.health.kept import Dice, modules_kept

DROPOUTS: dict[Callable[..., Any], str] = {
    function: function.__name__
    for function in (
        F.dropout,
        F.dropout1d,
        F.dropout2d,
        F.dropout3d,
        F.alpha_dropout,
        F.feature_alpha_dropout,
    )
}


@dataclass(frozen=True, eq=False)
class FunctionCall:
    """``F.dropout`` or ``F.batch_norm`` as the network's own forward called it, not a module of PyTorch.

    Attributes:
        name: of the function.
        where: the module that called it, by name; empty for the network itself.
        training: what it was told.
        share: that a dropout drops; 0 for BatchNorm.
        untouched: the statistics that a BatchNorm was given are those of the initialisation, 0 and 1.
    """

    name: str
    where: str
    training: bool
    share: float = 0.0
    untouched: bool = False


class Functions(TorchFunctionMode):
    """Notes every such call. ``running``: the modules that run now, the innermost last."""

    def __init__(self, running: Sequence[nn.Module], where: Callable[[], str]) -> None:
        super().__init__()
        self.found: list[FunctionCall] = []
        self._running, self._where = running, where

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if (func is F.batch_norm or (callable(func) and _is_dropout(func))) and not _own_layer(self._running):
            self._note(func, args, kwargs)
        return func(*args, **kwargs)

    def _note(self, func: Any, args: Any, kwargs: Any) -> None:
        try:
            given = inspect.signature(func).bind(*args, **kwargs)
        except TypeError:  # a wrong call, which says so itself
            return
        given.apply_defaults()
        told, training = given.arguments, bool(given.arguments["training"])
        if func is F.batch_norm:
            mean, var = told["running_mean"], told["running_var"]
            fresh = isinstance(mean, Tensor) and isinstance(var, Tensor)
            fresh = fresh and not bool(mean.any()) and bool((var == 1).all())
            self.found.append(FunctionCall("batch_norm", self._where(), training, untouched=fresh))
        elif told["p"] > 0:
            self.found.append(FunctionCall(DROPOUTS[func], self._where(), training, share=float(told["p"])))


def drops_in_evaluation(module: nn.Module, modules: Sequence[nn.Module], inputs: Any, dice: Dice) -> bool | None:
    """Whether a dropout that is called as a function drops while the network is in evaluation mode.

    Args:
        module: the network.
        modules: all that belong to it; afterwards they are as they were.
        inputs: what it is called with, by position.
        dice: thrown again afterwards.

    Returns:
        None if the network cannot be called so.
    """
    running: list[nn.Module] = []
    hooks = [torch.nn.modules.module.register_module_forward_pre_hook(lambda m, _: running.append(m))]
    hooks.append(
        torch.nn.modules.module.register_module_forward_hook(lambda m, _i, _o: _pop(running, m), always_call=True)
    )
    functions = Functions(running, str)
    try:
        with modules_kept(modules), torch.no_grad(), functions:
            for submodule in (inner for outer in modules for inner in outer.modules()):
                submodule.training = False
            module(*inputs)
    except Exception:  # a forward that has no evaluation, or wants more than was noted
        return None
    finally:
        for hook in hooks:
            hook.remove()
        dice.throw_again()
    return any(call.training for call in functions.found if call.name != "batch_norm")


def _is_dropout(func: Any) -> bool:
    return getattr(func, "__hash__", None) is not None and func in DROPOUTS


def _own_layer(running: Sequence[nn.Module]) -> bool:
    """Whether the innermost module is one of PyTorch's, which tells the function its own mode."""
    return bool(running) and type(running[-1]).__module__.startswith("torch.nn.modules")


def _pop(running: list[nn.Module], module: nn.Module) -> None:
    if running and running[-1] is module:
        running.pop()
