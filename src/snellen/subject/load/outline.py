"""A network without numbers: built on the meta device, where it takes no time and no memory."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from snellen._errors import UsageError
from snellen.subject.network import Network

_FILLS = ("normal_", "uniform_", "fill_", "zero_", "trunc_normal_", "kaiming_normal_", "kaiming_uniform_", "constant_")


def outlined(load: Callable[[], Network]) -> Network:
    """What ``load`` makes, without numbers; with them if it cannot be had so, as where code looks at its weights.

    Raises:
        UsageError: what ``load`` raises of a wrong call.

    >>> from torch import nn
    >>> outlined(lambda: Network(nn.Linear(10**6, 10**6))).device
    device(type='meta')
    """
    try:
        with without_numbers():
            network = load()
    except UsageError:
        raise
    except Exception:
        return load()
    tensors = [*network.module.parameters(), *network.module.buffers()]
    return network if all(t.is_meta for t in tensors) else load()


@contextmanager
def without_numbers() -> Iterator[None]:
    """Inside, new tensors are on the meta device, and filling them does nothing."""
    with torch.device("meta"), _Unfilled():
        yield


class _Unfilled(TorchFunctionMode):
    """On the meta device a fill changes nothing, but PyTorch loads half of its compiler to say so."""

    def __torch_function__(self, func: Any, _types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        target = args[0] if args else kwargs.get("tensor")
        if getattr(func, "__name__", "") in _FILLS and isinstance(target, Tensor) and target.is_meta:
            return target
        return func(*args, **kwargs)
