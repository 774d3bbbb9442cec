"""The operations of a network as a graph of neurons: what feeds what in one forward."""

from collections import Counter

from snellen.instruments.architecture.wiring import Wiring
from snellen.instruments.graphs.neuron_graph import NeuronGraph


def traced(wired: Wiring) -> NeuronGraph:
    """A graph with a node for every operation and a connection for every result that another operation reads.

    A node is called by its module, where that has one operation, else by module and operation: ``layer1.0.add``. The
    second of a name is ``name:2``. An operation that reads the same result twice has one connection from it.

    Args:
        wired: a network as :func:`~snellen.instruments.architecture.wiring.wiring` saw it.

    >>> from torch import nn
    >>> from snellen.instruments.architecture.wiring import wiring
    >>> traced(wiring(nn.Sequential(nn.Conv2d(3, 2, 3), nn.ReLU()), (3, 8, 8))).weights
    {('input', '0'): 1.0, ('0', '1'): 1.0}
    """
    busy = Counter(node.module for node in wired.nodes)
    names: list[str] = []
    seen: Counter[str] = Counter()
    for node in wired.nodes:
        alone = node.module and busy[node.module] == 1
        name = node.module if alone else ".".join(filter(None, (node.module, node.kind)))
        seen[name] += 1
        names.append(name if seen[name] == 1 else f"{name}:{seen[name]}")
    pairs = [(names[i], names[node.index]) for node in wired.nodes for i in node.inputs]
    return NeuronGraph(tuple(names), dict.fromkeys(pairs, 1.0))
