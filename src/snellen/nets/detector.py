"""Object detectors on the trunk of a classifier: one object an image, or many."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from snellen._errors import UsageError
from snellen.nets.trunk import Trunk

BEFORE = 5
"""Numbers before the class logits: objectness logit, cx, cy, w, h."""
WIDEST = 128
"""Channels of a head, at most, where they are not given."""
HEADS = 8
"""Maps of weights by which a detector of one object looks."""
RARE = 0.01
"""What a grid detector believes of every cell before it has seen an image; Lin et al. 2017, section 3.3."""
LARGEST = 4.0
"""Sides of boxes are at most e ** 4 times the usual one."""
REACH = 2.0
"""Cells that the centre of a box may lie away from the middle of the cell that says it."""


class SingleDetector(nn.Module):
    """A classifier made to produce 5 + C numbers an image: is there an object, where, and of which class.

    y = (objectness logit, cx, cy, w, h, C class logits). Centre, width and height are parts of the width and height
    of the image, in (0, 1): a logistic function ends them.

    The head keeps *where* a feature was seen, which the pooling of a classifier forgets: a learned map of weights,
    softmax over the cells, says where the object is; the features there, and the mean position, are what the last two
    layers see.

    Args:
        trunk: kind of network, one of :data:`snellen.nets.trunk.TRUNKS`.
        built: what the kind is built with.
        classes: C.
        cell: pixels of the image to one of the trunk's map, at most; the whole trunk if None.
        hidden: units of the head; if not given as many as the trunk has channels, at most 128.

    Raises:
        UsageError: no class.

    >>> SingleDetector("strided", {"widths": [8, 16]}, classes=3)(torch.rand(2, 3, 32, 32)).shape
    torch.Size([2, 8])
    """

    def __init__(
        self, trunk: str, built: Mapping[str, Any], *, classes: int, cell: int | None = None, hidden: int = 0
    ) -> None:
        super().__init__()
        _check(classes)
        self.trunk = Trunk(trunk, built, cell=cell)
        hidden = hidden or min(self.trunk.width, WIDEST)
        self.mixed = _convolution(self.trunk.width, hidden)
        self.heads = nn.Conv2d(hidden, HEADS, 1)
        self.hidden = nn.Sequential(nn.Linear(HEADS * (hidden + 2), hidden), nn.ReLU())
        self.head = nn.Linear(hidden + HEADS * 2, BEFORE + classes)

    def forward(self, images: Tensor) -> Tensor:
        """(n, 5 + C) of normalised images (n, c, h, w)."""
        maps = self.mixed(self.trunk(images)).float()
        n, _, height, width = maps.shape
        weights = self.heads(maps).float().flatten(2).softmax(dim=2)
        y = ((torch.arange(height, device=maps.device) + 0.5) / height - 0.5)[:, None].expand(height, width)
        x = ((torch.arange(width, device=maps.device) + 0.5) / width - 0.5).expand(height, width)
        seen = torch.cat([maps, torch.stack([x, y]).expand(n, 2, -1, -1)], dim=1).flatten(2)
        found = weights @ seen.transpose(1, 2)
        places = found[..., -2:].flatten(1)
        numbers = self.head(torch.cat([self.hidden(found.flatten(1)), places], dim=1)).float()
        parts = [numbers[:, :1], 0.5 + numbers[:, 1:3], numbers[:, 3:BEFORE].sigmoid(), numbers[:, BEFORE:]]
        return torch.cat(parts, dim=1)


class GridDetector(nn.Module):
    """The same 5 + C numbers in every cell of a grid: a detector of one stage, without anchors.

    Every cell says whether it lies at the middle of an object, and of which one: its centre within two cells of the
    middle of the cell, its sides as multiples of the usual ones. All are given as parts of the image, as
    :class:`SingleDetector` does.

    Args:
        trunk: kind of network, one of :data:`snellen.nets.trunk.TRUNKS`.
        built: what the kind is built with.
        classes: C.
        cell: pixels of a cell, at most.
        usual: width and height that boxes usually have, in pixels; what training begins with.
        hidden: channels of the head; if not given as many as the trunk has, at most 128.

    Raises:
        UsageError: no class, a usual size below 1 pixel.

    Reference: Redmon et al. 2016, arXiv 1506.02640 (a grid of cells); Tian et al. 2019, arXiv 1904.01355 (no anchors).

    >>> GridDetector("strided", {"widths": [8, 16]}, classes=3)(torch.rand(2, 3, 32, 32)).shape
    torch.Size([2, 8, 8, 8])
    """

    def __init__(
        self,
        trunk: str,
        built: Mapping[str, Any],
        *,
        classes: int,
        cell: int = 8,
        usual: Sequence[float] = (32.0, 32.0),
        hidden: int = 0,
    ) -> None:
        super().__init__()
        _check(classes)
        if min(usual) < 1:
            raise UsageError(f"usual sides of boxes must be at least 1 pixel, got {tuple(usual)}")
        self.trunk = Trunk(trunk, built, cell=cell)
        hidden = hidden or min(self.trunk.width, WIDEST)
        self.usual = float(usual[0]), float(usual[1])
        self.mixed = nn.Sequential(_convolution(self.trunk.width, hidden), _convolution(hidden, hidden))
        self.head = nn.Conv2d(hidden, BEFORE + classes, 1)
        nn.init.normal_(self.head.weight, std=0.01)
        nn.init.zeros_(self.head.bias)  # type: ignore[arg-type]
        with torch.no_grad():
            self.head.bias[0] = -math.log(1 / RARE - 1)  # type: ignore[index]

    def forward(self, images: Tensor) -> Tensor:
        """(n, rows, columns, 5 + C) of normalised images (n, c, h, w)."""
        numbers = self.head(self.mixed(self.trunk(images))).float().permute(0, 2, 3, 1)
        rows, columns = numbers.shape[1:3]
        cells, sides = numbers.new_tensor([columns, rows]), numbers.new_tensor([images.shape[3], images.shape[2]])
        y, x = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
        middles = (torch.stack([x, y], dim=2) + 0.5).to(numbers) / cells
        centres = middles + REACH * numbers[..., 1:3].tanh() / cells
        lengths = numbers[..., 3:BEFORE].clamp(-LARGEST, LARGEST).exp() * numbers.new_tensor(self.usual) / sides
        return torch.cat([numbers[..., :1], centres, lengths, numbers[..., BEFORE:]], dim=3)


def _check(classes: int) -> None:
    if classes < 1:
        raise UsageError(f"a detector needs at least 1 class, got {classes}")


def _convolution(inside: int, outside: int) -> nn.Sequential:
    convolution = nn.Conv2d(inside, outside, 3, padding=1, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(outside), nn.ReLU())
