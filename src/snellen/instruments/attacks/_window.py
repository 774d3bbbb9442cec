"""The budget of a patch: a square window of the image in which everything may change, and nothing outside it."""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from snellen._errors import UsageError
from snellen.instruments.attacks._draws import Draws
from snellen.instruments.attacks._norms import Delta, Norm


@dataclass(frozen=True)
class Window(Norm):
    """The part of the image that the smallest square around all changes covers.

    >>> delta = torch.zeros(1, 3, 10, 10)
    >>> delta[0, 0, 2, 3] = delta[0, 1, 4, 3] = 1
    >>> float(Window(0.1).size(delta)), Window(0.1).side(10, 10)
    (0.09, 3)
    """

    name: ClassVar[str] = "window"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.bounded and self.eps > 1:
            raise UsageError(f"eps of a window is a part of the image, at most 1, got {self.eps}")

    def side(self, height: int, width: int) -> int:
        """The side of the largest square within the budget, in pixels.

        Raises:
            UsageError: not one pixel is within the budget.
        """
        if self.eps * height * width < 1:
            raise UsageError(
                f"a window of {self.eps:g} of {height} x {width} pixels holds no pixel; give at least "
                f"{1 / (height * width):.4g}"
            )
        return min(height, width, math.floor(math.sqrt(min(self.eps, 1) * height * width) + 1e-9))

    def size(self, delta: Delta) -> Float[Tensor, "n"]:
        changed = (delta != 0).any(dim=1)
        height, width = changed.shape[1:]
        extents = torch.stack([_extent(changed.any(dim=2)), _extent(changed.any(dim=1))])
        return extents.amax(dim=0).double().square() / (height * width)

    def project(self, delta: Delta) -> Delta:
        """What lies in the square that holds most of the change, in the Euclidean sense."""
        height, width = delta.shape[2:]
        side = self.side(height, width)
        held = F.avg_pool2d(delta.double().square().sum(dim=1, keepdim=True), side, stride=1)
        best = held.flatten(1).argmax(dim=1)
        top, left = best // held.shape[3], best % held.shape[3]
        rows = torch.arange(height, device=delta.device) - top[:, None]
        columns = torch.arange(width, device=delta.device) - left[:, None]
        inner = ((rows >= 0) & (rows < side))[:, None, :, None] & ((columns >= 0) & (columns < side))[:, None, None]
        return delta * inner

    def steepest(self, gradient: Delta) -> Delta:
        return gradient.sign()

    def drawn(self, shape: torch.Size, draws: Draws) -> Delta:
        return self.project(2 * draws.uniform(shape) - 1)


def _extent(touched: Tensor) -> Tensor:
    """From the first to the last that is touched, both included: (n, length) bool -> (n,)."""
    places = torch.arange(touched.shape[1], device=touched.device)
    last = torch.where(touched, places, -1).amax(dim=1)
    first = torch.where(touched, places, touched.shape[1]).amin(dim=1)
    return (last - first + 1).clamp_min(0)
