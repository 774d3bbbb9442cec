"""Every layer of a network in the order of its calls: shapes, parameters and multiply-adds."""

from collections import Counter
from dataclasses import dataclass

from torch import Tensor, nn

from snellen._errors import UsageError
from snellen.instruments.architecture.wiring import Wiring, wiring
from snellen.subject.network import Network

_CONTAINERS = (nn.ParameterList, nn.ParameterDict)
_FUSED = (nn.MultiheadAttention,)
_LISTS = (nn.ModuleList, nn.ModuleDict, nn.Sequential)


@dataclass(frozen=True, kw_only=True)
class Layer:
    """One layer's row.

    Args:
        name: the qualified name, as in ``named_modules``; ``""`` is the network itself.
        kind: the name of its class.
        output_shape: of the first tensor that it returned when first called, with a batch of 1.
        parameters: its own, without those already counted in an earlier row.
        shared: its own that an earlier row has counted.
        macs: multiply-adds over all its calls, without those of the layers inside it.
        activation_bytes: of the new memory that it computes into, over all its calls, likewise.
        calls: how many times it was called in one forward.
    """

    name: str
    kind: str
    output_shape: tuple[int, ...]
    parameters: int
    shared: int
    macs: int
    activation_bytes: int
    calls: int


@dataclass(frozen=True, kw_only=True)
class LayerTable:
    """The layers in call order, those that were never called, and how it was measured.

    Args:
        layers: in the order of their first call; leaves, and whatever else computes or owns parameters
            itself.
        uncalled: leaves that this forward did not call.
        input_shape: of the batch that went through, (1, c, h, w).
        notes: what was done otherwise than usual, one sentence each.
    """

    layers: tuple[Layer, ...]
    uncalled: tuple[Layer, ...]
    input_shape: tuple[int, ...]
    notes: tuple[str, ...] = ()

    @property
    def parameters(self) -> int:
        """All parameters of the network, each counted once, called or not."""
        return sum(layer.parameters for layer in (*self.layers, *self.uncalled))

    @property
    def macs(self) -> int:
        """Multiply-adds of one forward of one image."""
        return sum(layer.macs for layer in self.layers)


def layer_table(network: Network, *, input_size: tuple[int, int] | None = None) -> LayerTable:
    """List a network's layers with output shapes, parameters and multiply-adds, computing nothing real.

    One MAC is one multiply-add, 2 FLOP: macs = flops / 2. Convolutions, matrix products and attention are
    counted; biases, normalisation, activations and pooling are not. A convolution with a kernel of k x k
    costs k * k * c_in / groups * c_out * h_out * w_out. The forward runs on the meta device with stand-ins
    for parameters and buffers; a forward that cannot run there is run on zeros where the network lives, and
    the notes say so.

    Args:
        network: what is examined; left as it was.
        input_size: height and width; the network's own if not given.

    Raises:
        UsageError: no input size is known, or one below 1.
        NetworkError: the network cannot run on an input of this size, or is not initialised.

    Reference: torch.utils.flop_counter, whose half gives the counts that torchvision publishes.

    >>> table = layer_table(Network(nn.Sequential(nn.Conv2d(3, 8, 3), nn.Flatten())), input_size=(5, 5))
    >>> table.parameters, table.macs
    (224, 1944)
    """
    size = input_size or network.preprocessing.size
    if size is None:
        raise UsageError(f"the input size of {network.name} is not known; give input_size=(height, width)")
    if min(size) < 1:
        raise UsageError(f"input_size must be a height and a width of at least 1, got {size}")
    return table_of(network, wiring(network, (network.preprocessing.count, *size)))


def table_of(network: Network, wired: Wiring) -> LayerTable:
    """The layers of a network that was traced."""
    module = network.module
    names = dict(module.named_modules())
    inside = {name: _absorbed(owner) for name, owner in names.items()}
    absorbed = {m for parts in inside.values() for m in parts}
    calls = Counter(call.module for call in wired.calls)
    shapes = {call.module: call.output_shape for call in reversed(wired.calls)}
    macs: Counter[str] = Counter()
    memory: Counter[str] = Counter()
    for node in wired.nodes:
        macs[node.module] += node.macs
        memory[node.module] += node.activation_bytes
    seen: set[Tensor] = set()

    def row(name: str) -> Layer:
        submodule = names[name]
        own = {p for part in (submodule, *inside[name]) for p in part._parameters.values() if p is not None}
        fresh = own - seen
        seen.update(own)
        return Layer(
            name=name,
            kind=type(submodule).__name__,
            output_shape=shapes.get(name, ()),
            parameters=sum(p.numel() for p in fresh),
            shared=sum(p.numel() for p in own - fresh),
            macs=macs[name],
            activation_bytes=memory[name],
            calls=calls[name],
        )

    def shown(layer: Layer) -> bool:
        leaf = not any(True for _ in names[layer.name].children())
        return leaf or bool(layer.parameters or layer.shared or layer.macs)

    called = [row(name) for name in dict.fromkeys(call.module for call in wired.calls)]
    idle = [row(name) for name, m in names.items() if name not in calls and m not in absorbed]
    return LayerTable(
        layers=tuple(layer for layer in called if shown(layer)),
        uncalled=tuple(layer for layer in idle if shown(layer) and not isinstance(names[layer.name], _LISTS)),
        input_shape=wired.input_shape,
        notes=wired.notes,
    )


def _absorbed(module: nn.Module) -> list[nn.Module]:
    """Children whose parameters the module uses itself, without calling them."""
    inside: list[nn.Module] = []
    for child in module.children():
        if isinstance(child, _CONTAINERS) or isinstance(module, _FUSED):
            inside += [child, *_absorbed(child)]
    return inside
