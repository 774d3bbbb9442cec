"""What a check of the wiring is: a question about one traced forward."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from snellen.findings.finding import Finding
from snellen.instruments.architecture.layer_table import LayerTable
from snellen.instruments.architecture.operations import CONVOLUTION, Node
from snellen.instruments.architecture.receptive_field import ReceptiveField
from snellen.instruments.architecture.wiring import Wiring
from snellen.subject.network import Network

PRODUCTS = ("mm", "addmm", "bmm", "baddbmm", "linear")


@dataclass(frozen=True, eq=False)
class Inspected:
    """A network that was traced.

    Args:
        network: perhaps without numbers, on the meta device.
        wired: its graph.
        table: its layers.
        fields: the receptive field at every node.
        object_size: pixels of the objects it is to see, if that is known.
        with_weights: makes the network with its numbers, if it comes without.
    """

    network: Network
    wired: Wiring
    table: LayerTable
    fields: tuple[ReceptiveField, ...]
    object_size: int | None
    with_weights: Callable[[], Network]


@dataclass(frozen=True)
class WiringCheck(ABC):
    """One question. Its settings are its fields.

    A warning is said only of what makes a network worse than its author believes; what good networks have too is for
    information.
    """

    @abstractmethod
    def __call__(self, seen: Inspected) -> Sequence[Finding]:
        """Look, and say what was seen."""


def weighted(node: Node) -> bool:
    """Whether a node is a layer of weights: a convolution or a product with a parameter."""
    return bool(node.parameters) and (node.kind == CONVOLUTION or node.kind in PRODUCTS)


def consumers(wired: Wiring) -> list[list[Node]]:
    """For each node, those that read it."""
    found: list[list[Node]] = [[] for _ in wired.nodes]
    for node in wired.nodes:
        for i in dict.fromkeys(node.inputs):
            found[i].append(node)
    return found


def by(sizes: Sequence[object]) -> str:
    """``3 x 224 x 224``."""
    return " x ".join(map(str, sizes))


def listed(names: Sequence[str], most: int = 4) -> str:
    """Names with commas and an 'and', the tail counted.

    >>> listed(["a", "b", "c"]), listed(list("abcdef"), 2)
    ('a, b and c', 'a, b and 4 more')
    """
    if len(names) > most + 1:
        return f"{', '.join(names[:most])} and {len(names) - most} more"
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1]))) if names else "none"
