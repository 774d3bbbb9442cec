"""Guided backpropagation, on the autograd graph."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor
from torch.autograd.graph import Node

from snellen._errors import NotApplicable
from snellen._shapes import Maps
from snellen.instruments.attribution._base import AttributionMethod, TargetScores, gradient
from snellen.instruments.attribution._rectify import RectifyAside

RECTIFIERS = "relu (module, function, method, in-place), clamp(min=0), threshold(0, 0), relu6"
FLOOR = {
    "Threshold": "_saved_threshold",
    "ClampMin": "_saved_min",
    "Clamp": "_saved_min",
    "Hardtanh": "_saved_min_val",
}
NAMES = """
    LeakyRelu Elu Celu Gelu Silu Mish Sigmoid Tanh Softplus Hardswish Hardsigmoid Hardtanh PreluKernel
    RreluWithNoise LogSigmoid Softshrink Hardshrink Glu Maximum Minimum Where Clamp ClampMin ClampMax Threshold Abs
    CopySlices
"""
OTHERS = frozenset(NAMES.split())


@dataclass(frozen=True)
class GuidedBackprop(AttributionMethod):
    """The gradient of the class score, with every ReLU passing back only what is positive.

    On the way back through a ReLU with input x and incoming gradient g the plain gradient is g [x > 0]; guided
    backpropagation passes g [x > 0] [g > 0]. The override acts on the nodes of the autograd graph and not on
    modules, so it holds for ``nn.ReLU``, ``F.relu``, ``x.relu()``, ``torch.relu`` and ``clamp(min=0)``, in-place or
    not, reused, and beside skip connections; nothing is hooked into the network. ``details["guided"]`` counts the
    ReLUs it guided, ``details["unguided"]`` counts the other nonlinearities it left alone, by name.

    Read the maps with care: guided backpropagation hardly depends on the class or on the trained weights (it fails
    the sanity checks of Adebayo et al. 2018, arXiv:1810.03292). It shows edges that the network can see.

    >>> import torch
    >>> from snellen import Network
    >>> layers = torch.nn.Conv2d(1, 2, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(8, 4)
    >>> result = GuidedBackprop()(Network(torch.nn.Sequential(*layers)), torch.rand(5, 1, 4, 4))
    >>> result.maps.shape, result.details["guided"]
    (torch.Size([5, 1, 4, 4]), 1)

    Raises:
        NotApplicable: no ReLU was found, so the maps would silently be the plain gradient.

    Reference: Springenberg et al. 2014, Striving for Simplicity (arXiv:1412.6806).
    """

    def attribute(self, scores: TargetScores, pixels: Tensor) -> tuple[Maps, Mapping[str, Any]]:
        with RectifyAside() as aside:
            values = scores(pixels)
        guided, unguided = 0, Counter[str](CopySlices=-aside.count)
        for node in _nodes(values.grad_fn):
            if _is_relu(node):
                node.register_hook(_keep_positive)
                guided += 1
            elif (kind := _kind(node)) in OTHERS or not _is_builtin(node):
                unguided[kind] += 1
        unguided = +unguided
        if guided == 0:
            seen = ", ".join(f"{kind} x{count}" for kind, count in unguided.items()) or "none"
            raise NotApplicable(
                f"guided backpropagation needs at least one ReLU and found none ({RECTIFIERS}); other nonlinearities "
                f"seen: {seen}. Without a ReLU its maps are the plain gradient: use saliency."
            )
        return gradient(values, pixels), {"guided": guided, "unguided": dict(sorted(unguided.items()))}


def _keep_positive(grad_inputs: tuple[Tensor, ...], grad_outputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:  # noqa: ARG001  the signature is autograd's
    return tuple(g if g is None else g.clamp_(min=0) for g in grad_inputs)


def _nodes(root: Node | None) -> Iterator[Node]:
    """Every node of the graph behind ``root``, once."""
    waiting, seen = ([] if root is None else [root]), set()
    while waiting:
        node = waiting.pop()
        if node not in seen:
            seen.add(node)
            yield node
            waiting.extend(parent for parent, _ in node.next_functions if parent is not None)


def _kind(node: Node) -> str:
    return node.name().rpartition("::")[2].removesuffix("Backward").rstrip("0123456789").removesuffix("Backward")


def _is_builtin(node: Node) -> bool:
    return not hasattr(node, "_forward_cls")


def _is_relu(node: Node) -> bool:
    """A node that is max(x, 0), or min(max(x, 0), m): the only ones the guided rule is defined for."""
    kind = _kind(node)
    if not _is_builtin(node):
        return False
    if kind in FLOOR:
        floor = getattr(node, FLOOR[kind], None)
        return isinstance(floor, int | float) and floor == 0
    return kind == "Relu"
