"""A recurrent network as a feed-forward one: a copy of every neuron for every time step."""

from snellen._errors import UsageError
from snellen.instruments.graphs.neuron_graph import NeuronGraph
from snellen.instruments.graphs.structure import structure


def unrolled(graph: NeuronGraph, steps: int) -> NeuronGraph:
    """The neurons at the times 1 to ``steps``, named ``a[1]``, ``a[2]``, and so on.

    Connections work within a time step, but for the feedback of
    :func:`~snellen.instruments.graphs.structure.structure` (a neuron to itself, or inside a circle to one that stands
    earlier in the table): what these carry arrives one step later. Before the first step there is nothing.

    Args:
        graph: recurrent or not.
        steps: how many.

    Raises:
        UsageError: fewer than one step, or a graph without feedback, which has nothing to unroll.

    Reference: Werbos 1990, Backpropagation through time: what it does and how to do it, Proc. IEEE 78(10).

    >>> unrolled(NeuronGraph.of(("x", "a"), ("a", "a"), ("a", "e")), 2).children["a[1]"]
    ('e[1]', 'a[2]')
    """
    if steps < 1:
        raise UsageError(f"a network is unrolled for 1 step or more, got {steps}")
    late = dict.fromkeys(structure(graph).feedback)
    if not late:
        raise UsageError("the network is feed-forward: no connection leads back, so there is nothing to unroll")
    weights = {
        (at(source, step), at(target, step)): weight
        for step in range(1, steps + 1)
        for (source, target), weight in graph.weights.items()
        if (source, target) not in late
    }
    weights |= {
        (at(source, step), at(target, step + 1)): graph.weights[source, target]
        for step in range(1, steps)
        for source, target in late
    }
    return NeuronGraph(tuple(at(name, step) for step in range(1, steps + 1) for name in graph.nodes), weights)


def at(name: str, step: int) -> str:
    """What a neuron is called at a time step.

    >>> at("a", 3)
    'a[3]'
    """
    return f"{name}[{step}]"
