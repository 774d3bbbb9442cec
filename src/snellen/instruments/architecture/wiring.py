"""The wiring of a network: every operation of one forward, what feeds it, and which module it belongs to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from torch import nn
from torch.nn.parameter import is_lazy

from snellen._errors import NetworkError, UsageError, raised
from snellen.instruments.architecture.forward_trace import trace_forward
from snellen.instruments.architecture.operations import Node
from snellen.subject.network import Network
from snellen.subject.quiet import quiet


@dataclass(frozen=True, kw_only=True)
class Call:
    """One call of a module.

    Args:
        module: its qualified name; ``""`` is the network itself.
        kind: the name of its class.
        parent: the index of the call it was made from; -1 for the network's own.
        inputs: the nodes that made the tensors it was given.
        outputs: the nodes that made the tensors it returned; those of its inputs if it passed them on.
        output_shape: of the first tensor that it returned.
        nodes: the half-open range of nodes that ran inside it.
        number: 1 for the first call of this module, then 2 ...
    """

    module: str
    kind: str
    parent: int
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    output_shape: tuple[int, ...]
    nodes: tuple[int, int]
    number: int = 1


@dataclass(frozen=True, kw_only=True)
class Wiring:
    """A network as the graph of one forward.

    Args:
        nodes: in the order of execution; the first is the image (``kind`` is ``input``).
        calls: of modules, in the order of their beginning; the first is the network's own.
        outputs: the nodes that made what the network returned.
        input_shape: of the batch that went through, (1, c, h, w).
        parameters: name -> count, tied ones once.
        modules: every submodule's qualified name -> its class's name, in the order of registration.
        device: where the forward ran: ``meta`` computes shapes only.
        notes: what was done otherwise than usual, one sentence each.
    """

    nodes: tuple[Node, ...]
    calls: tuple[Call, ...]
    outputs: tuple[int, ...]
    input_shape: tuple[int, ...]
    parameters: Mapping[str, int]
    modules: Mapping[str, str]
    device: str
    notes: tuple[str, ...] = ()
    _used: dict[str, frozenset[int]] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def macs(self) -> int:
        """Multiply-adds of one forward of one image."""
        return sum(node.macs for node in self.nodes)

    @property
    def activation_bytes(self) -> int:
        """Memory of all that the forward computes, if nothing is freed before the end."""
        return sum(node.activation_bytes for node in self.nodes)

    @property
    def reaching(self) -> frozenset[int]:
        """The nodes from which a path leads to the output."""
        if "reaching" not in self._used:
            found, waiting = set(self.outputs), list(self.outputs)
            while waiting:
                fresh = [i for i in self.nodes[waiting.pop()].inputs if i not in found]
                found.update(fresh)
                waiting += fresh
            self._used["reaching"] = frozenset(found)
        return self._used["reaching"]


def wiring(
    network: Network | nn.Module, input_shape: tuple[int, ...] | None = None, *, training: bool = False
) -> Wiring:
    """Trace a network by running it once: every operation on the image is seen, whatever the forward looks like.

    Functional calls, ``+``, ``torch.cat``, views, operations in place, loops and branches are followed, because it is
    the execution that is watched and not the code. The forward runs on the meta device with stand-ins for parameters
    and buffers, so that nothing is computed; one that cannot run there (it looks at the numbers, say) is run on an
    image of zeros where the network lives, and the notes say so: other images may then take other branches.

    Args:
        network: a module or a Network, left as it was.
        input_shape: channels and axes, such as (3, 224, 224); the network's own if not given.
        training: run in training mode, on a batch of two, and not in evaluation mode on a batch of one.

    Raises:
        UsageError: no input size is known, or one below 1.
        NetworkError: the network cannot run on an input of this shape, is not initialised, or returns nothing that
            depends on its input.

    >>> net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Flatten())
    >>> [node.kind for node in wiring(net, (3, 5, 5)).nodes]
    ['input', 'convolution', 'relu', 'view']
    """
    network = network if isinstance(network, Network) else Network(network)
    module, notes = network.module, []
    parameters = dict(module.named_parameters())
    shape = (2 if training else 1, *_checked(network, input_shape, parameters))
    with quiet(module):
        for submodule in module.modules() if training else ():
            submodule.training = True
        try:
            trace = trace_forward(module, shape, meta=True)
        except Exception as obstacle:
            if any(p.is_meta for p in parameters.values()):
                raise raised(network.name, f"an input of shape {shape}", obstacle, options="--input") from obstacle
            first_line = str(obstacle).partition("\n")[0][:120]
            notes.append(
                f"the forward cannot run on the meta device ({type(obstacle).__name__}: {first_line}); "
                "it was run on an image of zeros"
            )
            try:
                trace = trace_forward(module, shape, meta=False)
            except Exception as error:
                raise raised(network.name, f"an input of shape {shape}", error, options="--input") from error
    if trace.looked:
        notes.append(f"its way depends on the numbers (in {trace.looked}): another image may take another way")
    calls = [
        Call(
            module=trace.names.get(c.module, "?"),
            kind=type(c.module).__name__,
            parent=c.parent,
            inputs=c.inputs,
            outputs=c.outputs,
            output_shape=c.output_shape,
            nodes=(c.begin, c.end),
            number=c.number,
        )
        for c in trace.calls
    ]
    return Wiring(
        nodes=tuple(trace.nodes),
        calls=tuple(calls),
        outputs=trace.outputs,
        input_shape=shape,
        parameters=MappingProxyType({name: p.numel() for name, p in parameters.items()}),
        modules=MappingProxyType({name: type(m).__name__ for m, name in trace.names.items()}),
        device=trace.device,
        notes=tuple(notes),
    )


def _checked(
    network: Network, input_shape: tuple[int, ...] | None, parameters: Mapping[str, nn.Parameter]
) -> tuple[int, ...]:
    if input_shape is None:
        size = network.preprocessing.size
        if size is None:
            raise UsageError(f"the input size of {network.name} is not known; give input_shape=(channels, h, w)")
        input_shape = (network.preprocessing.count, *size)
    if len(input_shape) < 2 or min(input_shape) < 1:
        raise UsageError(
            f"input_shape must be channels and axes of at least 1, such as (3, 224, 224); got {input_shape}"
        )
    lazy = [name for name, p in parameters.items() if is_lazy(p)]
    if lazy:
        raise NetworkError(f"{network.name} has parameters of unknown shape ({', '.join(lazy[:3])}): run it once first")
    return tuple(input_shape)
