"""In-place ReLUs on views, taken apart so that autograd shows them."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode

ASIDE: Mapping[Callable[..., Any], Callable[..., Any]] = {
    torch.relu_: torch.relu,
    Tensor.relu_: torch.relu,
    torch.clamp_: torch.clamp,
    Tensor.clamp_: torch.clamp,
    torch.clip_: torch.clamp,
    Tensor.clip_: torch.clamp,
    torch.clamp_min_: torch.clamp_min,
    Tensor.clamp_min_: torch.clamp_min,
    torch.threshold_: torch.threshold,
    F.hardtanh_: F.hardtanh,
}
WITH_FLAG = {F.relu, F.relu6, F.hardtanh, F.threshold}


class RectifyAside(TorchFunctionMode):
    """While active, ``view.relu_()`` runs as ``view.copy_(relu(view))``, with the same values.

    What is written into a view of other memory is put into one node of the graph, CopySlices, whose inside cannot be
    hooked: ``F.relu(x.flatten(1), inplace=True)`` would pass back the plain gradient.

    Attributes:
        count: how often that was done.
    """

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        inplace = func in ASIDE or (func in WITH_FLAG and kwargs.get("inplace", False))
        if not inplace or not args or not args[0]._is_view():
            return func(*args, **kwargs)
        self.count += 1
        view = args[0]
        kwargs = {name: value for name, value in kwargs.items() if name != "inplace"}
        return view.copy_(ASIDE.get(func, func)(view.clone(), *args[1:], **kwargs))
