"""Dropout that stays on in evaluation mode, found by running the network and not by looking at its modules."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import FrameType
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode


@dataclass(frozen=True)
class Switch:
    """Where a dropout function keeps its probability and its on switch, and what kind of mask it draws."""

    on: str = "train"
    p: str = "p"
    p_place: int = 1
    on_place: int = 2
    features: bool = False
    alpha: bool = False
    axes: int | None = None
    sharable: bool = True


SWITCHES: Mapping[Callable[..., Any], Switch] = {
    F.dropout: Switch("training"),
    F.dropout1d: Switch("training", features=True, axes=3),
    F.dropout2d: Switch("training", features=True, axes=4),
    F.dropout3d: Switch("training", features=True, axes=5),
    F.alpha_dropout: Switch("training", alpha=True),
    F.feature_alpha_dropout: Switch("training", features=True, alpha=True),
    torch.dropout: Switch(),
    torch.dropout_: Switch(),
    torch.feature_dropout: Switch(features=True),
    torch.feature_dropout_: Switch(features=True),
    torch.alpha_dropout: Switch(alpha=True),
    torch.alpha_dropout_: Switch(alpha=True),
    torch.feature_alpha_dropout: Switch(features=True, alpha=True),
    torch.feature_alpha_dropout_: Switch(features=True, alpha=True),
    torch.native_dropout: Switch(sharable=False),
    F.multi_head_attention_forward: Switch("training", "dropout_p", 10, 13, sharable=False),
}
LEAKS = {Tensor.numpy, Tensor.tolist, Tensor.__array__, Tensor.item}
TORCH = torch.__path__[0]


class DropoutOn(TorchFunctionMode):
    """While active, every dropout with p > 0 draws, whether it is a module or a function, in-place or not.

    The mask of an image depends on the seed and not on the image's place in the batch: each image of a batch is
    dropped with the mask it would get alone, so that differences between images are not differences of luck.
    Where the batch is not the first axis of the dropped tensor, and inside attention, masks are drawn for the whole
    tensor; ``independent`` names those places.

    Attributes:
        sites: place -> p, in the order of the forward; a place is a module's name, and for a dropout called as a
            function the module it is called in and the line.
        independent: places whose images have masks of their own.
        leaked: a tensor was turned into plain Python or NumPy numbers during the forward.
    """

    def __init__(self, module: nn.Module, images: int) -> None:
        super().__init__()
        self.sites: dict[str, float] = {}
        self.independent: set[str] = set()
        self.leaked = False
        self._names = {id(m): name for name, m in module.named_modules()}
        self._images = images

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        kwargs = dict(kwargs or {})
        self.leaked |= func in LEAKS
        switch = SWITCHES.get(func)
        if switch is None:
            return func(*args, **kwargs)
        p = args[switch.p_place] if len(args) > switch.p_place else kwargs.get(switch.p, 0.5)
        if p == 0:
            return func(*args, **kwargs)
        site = self._site()
        self.sites[site] = float(p)
        data = args[0] if args else kwargs["input"]
        # on a GPU torch draws by a fused kernel of its own: a batch of one must not get another mask for that
        if (self._images > 1 or data.is_cuda) and 0 < p < 1 and self._can_share(switch, data):
            inplace = kwargs.get("inplace", False) or func.__name__.endswith("_")
            return shared_dropout(data, p, switch, inplace=inplace)
        if self._images > 1:
            self.independent.add(site)
        if len(args) > switch.on_place:
            args = (*args[: switch.on_place], True, *args[switch.on_place + 1 :])
        else:
            kwargs[switch.on] = True
        return func(*args, **kwargs)

    def _can_share(self, switch: Switch, data: Tensor) -> bool:
        axes = switch.axes is None or data.ndim == switch.axes
        return switch.sharable and axes and data.ndim >= 2 and data.shape[0] == self._images

    def _site(self) -> str:
        """Where in the network the forward is: the innermost module on the call stack, and the line if need be."""
        frame: FrameType | None = sys._getframe(2)
        line = 0
        while frame is not None:
            owner = frame.f_locals.get("self")
            if isinstance(owner, nn.Module) and id(owner) in self._names:
                name = self._names[id(owner)] or type(owner).__name__
                own_code = type(owner).__module__.startswith("torch.nn.modules")
                return name if own_code else f"{name}, line {line or frame.f_lineno}"
            if not line and not frame.f_code.co_filename.startswith(TORCH):
                line = frame.f_lineno
            frame = frame.f_back
        return "outside the network"


def shared_dropout(data: Tensor, p: float, switch: Switch, *, inplace: bool) -> Tensor:
    """Dropout with one mask for all images: the mask that torch would draw for the first image alone.

    For a batch of one the result is bit for bit that of torch; the arithmetic follows ATen's ``_dropout_impl``.
    """
    if switch.features:
        noise = data.new_empty((1, data.shape[1], *(1 for _ in data.shape[2:])))
    else:
        noise = torch.empty_like(data[:1])
    noise.bernoulli_(1 - p)
    if not switch.alpha:
        noise.div_(1 - p)
        return data.mul_(noise) if inplace else data * noise
    alpha = 1.7580993408473766
    scale = 1 / ((alpha * alpha * p + 1) * (1 - p)) ** 0.5
    shift = noise.add(-1).mul_(alpha * scale).add_(alpha * scale * p)
    noise.mul_(scale)
    return data.mul_(noise).add_(shift) if inplace else (data * noise).add_(shift)
