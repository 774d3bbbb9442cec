"""A Lipschitz constant that a network never exceeds: the norms of its layers, multiplied along the way."""

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.fx.passes.shape_prop import ShapeProp
from torch.nn import functional as F

from snellen._errors import NotApplicable, UsageError
from snellen.instruments.transport.layer_slope import Slope, layer_slope
from snellen.subject.quiet import quiet

RENORMALISED = ("SpectralNorm", "WeightNorm")
"""Hooks that only set the weights of their layer."""


@dataclass(frozen=True)
class LayerBound:
    """One step of the way: what it is, by how much it stretches, and the bound from the input up to here."""

    name: str
    kind: str
    slope: Slope
    so_far: float


@dataclass(frozen=True)
class UpperBound:
    """A Lipschitz constant of the network.

    Attributes:
        value: never below the smallest one; often far above, because no input stretches every layer most.
        layers: the steps, in the order of the forward.
    """

    value: float
    layers: tuple[LayerBound, ...]


def lipschitz_upper(critic: nn.Module, input_shape: Sequence[int]) -> UpperBound:
    """A rigorous bound on |f(x) - f(y)| / |x - y| over the whole space, in evaluation mode.

    Behind one another constants multiply, K(g after f) <= K(g) K(f). Where branches are added they add, so a residual
    block has K <= 1 + K(branch); where they are put side by side K^2 = K_1^2 + K_2^2. The way through the network is
    read from its graph (torch.fx), which must not depend on the values of the input.

    Args:
        critic: left as it is.
        input_shape: of one sample: (d,), or (c, h, w).

    Raises:
        NotApplicable: a layer or an operation whose constant is not known, by its name; hooks that may change what a
            layer does; a forward that cannot be read as a graph.
        UsageError: an input shape that the network does not take.

    >>> net = nn.Sequential(nn.Linear(2, 2, bias=False), nn.ReLU(), nn.Linear(2, 1, bias=False))
    >>> _ = net[0].weight.data.copy_(2 * torch.eye(2)), net[2].weight.data.copy_(torch.tensor([[3.0, 4.0]]))
    >>> lipschitz_upper(net, (2,)).value
    10.0

    Reference: Szegedy et al. 2014, Intriguing properties of neural networks, arXiv:1312.6199, section 4.3.
    """
    if any(map(_changed_by_hooks, critic.modules())):
        raise NotApplicable("the network has hooks, which may change what its layers do; no bound holds with them")
    like = next((p for p in critic.parameters() if p.is_floating_point()), torch.zeros(()))
    with quiet(critic), torch.no_grad():
        samples = torch.zeros(2, *input_shape, dtype=like.dtype, device=like.device)
        try:
            critic(samples)
        except Exception as error:
            raise UsageError(f"the network raised on samples of shape {tuple(input_shape)}: {error}") from error
        try:
            graph = fx.symbolic_trace(_Asked(critic))
        except Exception as error:
            raise NotApplicable(
                f"the forward cannot be read as a graph ({type(error).__name__}: {error}): it must not depend on the "
                "values of its input"
            ) from error
        ShapeProp(graph).propagate(samples)
        return _along(graph)


class _Asked(nn.Module):
    """The network called with samples alone: what its forward has defaults for keeps them."""

    def __init__(self, critic: nn.Module) -> None:
        super().__init__()
        self.critic = critic

    def forward(self, samples: Tensor) -> Any:
        """What it says of them."""
        return self.critic(samples)


def _along(graph: fx.GraphModule) -> UpperBound:
    bounds: dict[fx.Node, float] = {}
    layers: list[LayerBound] = []
    for node in graph.graph.nodes:
        if node.op == "placeholder":
            bounds[node] = 1.0
        elif node.op == "output":
            return UpperBound(_of_output(node, bounds), tuple(layers))
        elif node.op == "get_attr" or not any(bounds[n] for n in node.all_input_nodes):
            bounds[node] = 0.0  # it does not depend on the input
        elif _shape_of(node) is None:
            bounds[node] = _of_sizes(node)
        else:
            slope, before = _slope(graph, node, bounds)
            bounds[node] = slope.bound * before
            layers.append(LayerBound(_name(node), _kind(graph, node), slope, bounds[node]))
    raise NotApplicable("the graph of the forward has no output")


def _of_output(node: fx.Node, bounds: Mapping[fx.Node, float]) -> float:
    if not isinstance(node.args[0], fx.Node):
        raise NotApplicable("a critic gives one tensor, and this network gives several things")
    return bounds[node.args[0]]


def _of_sizes(node: fx.Node) -> float:
    """Sizes of a tensor do not change with its values; anything else that is no tensor may."""
    named = node.target in ("size", "dim", getattr, operator.getitem, operator.floordiv, operator.mul)
    if node.op == "call_module" or not named:
        raise NotApplicable(f"{_name(node)} gives no tensor, and no bound is known for it")
    return 0.0


def _slope(graph: fx.GraphModule, node: fx.Node, bounds: Mapping[fx.Node, float]) -> tuple[Slope, float]:
    """How much the step stretches, and the bound of what goes into it."""
    inputs = [n for n in node.all_input_nodes if bounds[n]]
    if node.op == "call_module":
        layer = graph.get_submodule(str(node.target))
        found = layer_slope(layer, tuple(_shape_of(inputs[0]) or ())[1:])
        if found is None:
            raise NotApplicable(f"no bound is known for the layer {_name(node)} ({_kind(graph, node)})")
        return found, bounds[inputs[0]]
    rule = OPERATIONS.get(node.target) if callable(node.target) else METHODS.get(str(node.target))
    found_here = rule(node, bounds) if rule is not None else None
    if found_here is None:
        raise NotApplicable(f"no bound is known for the operation {_name(node)} ({_kind(graph, node)})")
    return found_here


Step = Callable[[fx.Node, Mapping[fx.Node, float]], "tuple[Slope, float] | None"]


def _sum(node: fx.Node, bounds: Mapping[fx.Node, float]) -> tuple[Slope, float] | None:
    """Branches add; what is spread over places is as often there."""
    if node.kwargs:
        return None
    parts = [bounds[n] * math.sqrt(_ratio(node, n)) for n in node.args if isinstance(n, fx.Node) and bounds[n]]
    return Slope(1.0, f"sum of {len(parts)}" if len(parts) > 1 else "sum with a constant"), sum(parts)


def _side_by_side(node: fx.Node, bounds: Mapping[fx.Node, float]) -> tuple[Slope, float] | None:
    parts = node.args[0]
    if not isinstance(parts, tuple | list):
        return None
    return Slope(1.0, "side by side"), math.sqrt(sum(bounds[n] ** 2 for n in parts if isinstance(n, fx.Node)))


def _times(node: fx.Node, bounds: Mapping[fx.Node, float]) -> tuple[Slope, float] | None:
    """By a number only."""
    numbers = [x for x in node.args if isinstance(x, int | float)]
    tensors = [x for x in node.args if isinstance(x, fx.Node)]
    if len(numbers) != 1 or len(tensors) != 1 or (node.target is operator.truediv and node.args[0] is numbers[0]):
        return None
    factor = 1 / numbers[0] if node.target is operator.truediv else numbers[0]
    return Slope(abs(float(factor)), "a number"), bounds[tensors[0]]


def _mean(node: fx.Node, bounds: Mapping[fx.Node, float]) -> tuple[Slope, float] | None:
    source = node.all_input_nodes[0]
    return Slope(math.sqrt(_ratio(node, source)), "mean of values"), bounds[source]


def _added_up(node: fx.Node, bounds: Mapping[fx.Node, float]) -> tuple[Slope, float] | None:
    source = node.all_input_nodes[0]
    return Slope(1 / math.sqrt(_ratio(node, source)), "sum of values"), bounds[source]


def _kept(node: fx.Node, bounds: Mapping[fx.Node, float]) -> tuple[Slope, float] | None:
    return Slope(1.0, "keeps lengths"), bounds[node.all_input_nodes[0]]


def _part(node: fx.Node, bounds: Mapping[fx.Node, float]) -> tuple[Slope, float] | None:
    at = node.args[1] if isinstance(node.args[1], tuple) else (node.args[1],)
    plain = all(x is None or x is Ellipsis or isinstance(x, int | slice) for x in at)
    return (Slope(1.0, "a part"), bounds[node.all_input_nodes[0]]) if plain else None


def _as_layer(layer: Callable[[fx.Node], nn.Module]) -> Step:
    def rule(node: fx.Node, bounds: Mapping[fx.Node, float]) -> tuple[Slope, float] | None:
        source = node.all_input_nodes[0]
        slope = layer_slope(layer(node), tuple(_shape_of(source) or ())[1:])
        return None if slope is None else (slope, bounds[source])

    return rule


def _leaky(node: fx.Node) -> nn.Module:
    slope = node.kwargs.get("negative_slope", node.args[1] if len(node.args) > 1 else 0.01)
    return nn.LeakyReLU(float(slope))  # type: ignore[arg-type]  # a number of the user's source


OPERATIONS: Mapping[Any, Step] = {
    **dict.fromkeys((operator.add, operator.iadd, operator.sub, torch.add, torch.sub), _sum),
    **dict.fromkeys((operator.mul, operator.truediv), _times),
    **dict.fromkeys((torch.cat, torch.concat), _side_by_side),
    **dict.fromkeys((torch.flatten, torch.reshape, torch.squeeze, operator.neg, torch.permute), _kept),
    **dict.fromkeys((F.relu, torch.relu, F.tanh, torch.tanh, F.softplus), _as_layer(lambda _: nn.ReLU())),
    **dict.fromkeys((F.sigmoid, torch.sigmoid), _as_layer(lambda _: nn.Sigmoid())),
    F.leaky_relu: _as_layer(_leaky),
    torch.mean: _mean,
    torch.sum: _added_up,
    operator.getitem: _part,
}
KEPT = "flatten view reshape squeeze unsqueeze permute transpose contiguous clone neg float double"
METHODS: Mapping[str, Step] = {
    **dict.fromkeys(KEPT.split(), _kept),
    **dict.fromkeys(("relu", "relu_", "tanh"), _as_layer(lambda _: nn.ReLU())),
    "sigmoid": _as_layer(lambda _: nn.Sigmoid()),
    "mean": _mean,
    "sum": _added_up,
}


def _changed_by_hooks(module: nn.Module) -> bool:
    hooks = [*module._forward_hooks.values(), *module._forward_pre_hooks.values()]
    return any(type(hook).__name__ not in RENORMALISED for hook in hooks)


def _shape_of(node: fx.Node) -> tuple[int, ...] | None:
    """Of the tensor that a step gives; None where it gives none, or one that holds no real numbers."""
    meta: Any = node.meta.get("tensor_meta")
    return tuple(meta.shape) if hasattr(meta, "shape") and meta.dtype.is_floating_point else None


def _ratio(node: fx.Node, source: fx.Node) -> float:
    """Numbers that come out for each that went in."""
    return math.prod(_shape_of(node) or ()) / math.prod(_shape_of(source) or ())


def _name(node: fx.Node) -> str:
    return str(node.target).removeprefix("critic").removeprefix(".") or "it" if node.op == "call_module" else node.name


def _kind(graph: fx.GraphModule, node: fx.Node) -> str:
    if node.op == "call_module":
        return type(graph.get_submodule(str(node.target))).__name__.removeprefix("Parametrized")
    return getattr(node.target, "__name__", str(node.target))
