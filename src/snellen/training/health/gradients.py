"""What can be read off the gradient of one parameter."""

import math
from typing import Literal

import torch
from torch import Tensor

Grad = Literal["none", "zero", "finite", "not finite"]


def read_gradient(parameter: Tensor) -> tuple[Grad, float, float]:
    """Its state, its norm, its largest entry.

    >>> weight = torch.ones(2, requires_grad=True)
    >>> read_gradient(weight)
    ('none', 0.0, 0.0)
    >>> (3 * weight[0] + 4 * weight[1]).backward()
    >>> read_gradient(weight)
    ('finite', 5.0, 4.0)
    """
    if parameter.grad is None:
        return "none", 0.0, 0.0
    grad = parameter.grad.detach()
    grad = grad.coalesce().values() if grad.is_sparse else grad
    if grad.numel() == 0:
        return "zero", 0.0, 0.0
    largest = float(grad.abs().max())
    if not math.isfinite(largest):
        return "not finite", math.nan, math.nan
    if largest == 0:
        return "zero", 0.0, 0.0
    return "finite", float(torch.linalg.vector_norm(grad.float())), largest


def alike(parameter: Tensor) -> bool:
    """All rows the same, bit for bit, and all rows of the gradient up to rounding."""
    grad = parameter.grad
    if grad is None or grad.is_sparse or parameter.is_meta:
        return False
    rows, slopes = _without_first_axes_of_one(parameter.detach()), _without_first_axes_of_one(grad.detach())
    if rows.ndim < 2 or len(rows) < 2:
        return False
    rows = rows.flatten(1)
    if rows.shape[1] < 2 or not torch.equal(rows, rows[:1].expand_as(rows)):
        return False
    slopes = slopes.flatten(1).float()
    largest = float(slopes.abs().max())
    if not largest > 0:
        return largest == 0 and bool((rows == rows[0, 0]).all()) and float(rows[0, 0]) != 0
    return float((slopes - slopes[:1]).abs().max()) <= 1e-4 * largest


def _without_first_axes_of_one(tensor: Tensor) -> Tensor:
    """Learned queries are often held as (1, n, d)."""
    while tensor.ndim > 2 and len(tensor) == 1:
        tensor = tensor[0]
    return tensor
