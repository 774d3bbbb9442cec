"""Every layer of a network in the order of its calls: shapes, parameters and multiply-adds."""

from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from snellen._errors import NetworkError, UsageError
from snellen.instruments.architecture.forward_trace import Record, trace_forward
from snellen.subject.network import Network
from snellen.subject.quiet import quiet

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
        calls: how many times it was called in one forward.
    """

    name: str
    kind: str
    output_shape: tuple[int, ...]
    parameters: int
    shared: int
    macs: int
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
    lazy = [n for n, p in network.module.named_parameters() if is_lazy(p)]
    if lazy:
        raise NetworkError(f"{network.name} has parameters of unknown shape ({', '.join(lazy[:3])}): run it once first")
    shape = (1, network.preprocessing.count, *size)
    module, notes = network.module, []
    with quiet(module):
        try:
            records = trace_forward(module, shape, meta=True)
        except Exception as obstacle:
            first_line = str(obstacle).partition("\n")[0][:120]
            notes.append(
                f"the forward cannot run on the meta device ({type(obstacle).__name__}: {first_line}); "
                "it was run on an image of zeros"
            )
            try:
                records = trace_forward(module, shape, meta=False)
            except Exception as error:
                raise NetworkError(
                    f"{network.name} raised on an input of shape {shape}: {type(error).__name__}: {error}. "
                    "Check the input size and the number of channels."
                ) from error
    return _table(module, records, shape, tuple(notes))


def _table(
    module: nn.Module, records: dict[nn.Module, Record], shape: tuple[int, ...], notes: tuple[str, ...]
) -> LayerTable:
    names = {submodule: name for name, submodule in module.named_modules()}
    absorbed = {m for owner in names for m in _absorbed(owner)}
    seen: set[Tensor] = set()

    def row(submodule: nn.Module, record: Record) -> Layer:
        own = {p for part in (submodule, *_absorbed(submodule)) for p in part.parameters(recurse=False)}
        fresh = own - seen
        seen.update(own)
        return Layer(
            name=names[submodule],
            kind=type(submodule).__name__,
            output_shape=record.shape,
            parameters=sum(p.numel() for p in fresh),
            shared=sum(p.numel() for p in own - fresh),
            macs=record.flops // 2,
            calls=record.calls,
        )

    called = [(row(m, record), m) for m, record in records.items()]
    idle = [m for m in names if m not in records and m not in absorbed]
    resting = [(row(m, Record()), m) for m in idle]

    def shown(layer: Layer, m: nn.Module) -> bool:
        return not any(True for _ in m.children()) or bool(layer.parameters or layer.shared or layer.macs)

    return LayerTable(
        layers=tuple(layer for layer, m in called if shown(layer, m)),
        uncalled=tuple(layer for layer, m in resting if shown(layer, m) and not isinstance(m, _LISTS)),
        input_shape=shape,
        notes=notes,
    )


def _absorbed(module: nn.Module) -> list[nn.Module]:
    """Children whose parameters the module uses itself, without calling them."""
    inside: list[nn.Module] = []
    for child in module.children():
        if isinstance(child, _CONTAINERS) or isinstance(module, _FUSED):
            inside += [child, *_absorbed(child)]
    return inside
