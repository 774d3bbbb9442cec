"""What each unit can see: receptive field, effective stride and padding of every layer, on any graph."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, NamedTuple

from torch import nn

from snellen._errors import UsageError, unknown
from snellen.instruments.architecture.following import ORDERS, SAME, TAKES, VIEWS, followed
from snellen.instruments.architecture.gradient_support import Support, gradient_support
from snellen.instruments.architecture.operations import PADS, Node
from snellen.instruments.architecture.places import Moves, Places, single, start
from snellen.instruments.architecture.wiring import Call, Wiring, wiring
from snellen.subject.network import Network

Box = tuple[tuple[int, int], ...]


@dataclass(frozen=True, kw_only=True)
class Misalignment:
    """Paths from the image that meet although they do not see the same place.

    Args:
        where: the operation at which they meet.
        axis: of the image, 0 for the first.
        paths: what feeds the operation, with the stride of its path and the centre of what its unit 0 sees, in pixels.
    """

    where: str
    axis: int
    paths: tuple[tuple[str, Fraction, Fraction], ...]

    def __str__(self) -> str:
        told = (f"{name} (stride {stride}, centre {float(centre):g})" for name, stride, centre in self.paths)
        return f"{self.where} joins {' and '.join(told)}"


@dataclass(frozen=True, kw_only=True)
class ReceptiveField:
    """What a unit of a layer can see, one number for each axis of the image.

    Unit u sees the pixels u * stride - padding ... u * stride - padding + size - 1; those outside the image are
    padding.

    Args:
        layer: the layer.
        size: pixels that a unit sees, whatever the size of the image; the most, where units differ. The image's own
            size where a unit sees the ``whole`` of it.
        stride: pixels from one unit's field to the next one's; below 1 after upsampling; 0 where all see the same;
            None where paths of different strides meet.
        padding: pixels before the first of the image that unit 0 sees.
        least: the fewest pixels that a unit sees: fewer than ``size`` behind transposed convolutions.
        units: how many units there are.
        image: pixels of the image.
        whole: whether every unit sees every pixel, as behind global pooling, attention, or a linear layer.
        misaligned: where paths met that do not see the same place; size is then that of the box around all of them.
        lost: an operation that could not be followed; size is then an upper bound. Empty if there is none.
        supports: fields found by gradients, if they were asked for.
    """

    layer: str
    size: tuple[int, ...]
    stride: tuple[Fraction | None, ...]
    padding: tuple[int, ...]
    least: tuple[int, ...]
    units: tuple[int, ...]
    image: tuple[int, ...]
    whole: bool
    misaligned: tuple[Misalignment, ...]
    lost: str
    moves: tuple[Moves, ...]
    supports: tuple[Support, ...] = ()

    @property
    def covers(self) -> bool:
        """Whether the field is at least as large as the image."""
        return all(size >= extent for size, extent in zip(self.size, self.image, strict=True))

    def box(self, unit: Sequence[int]) -> Box:
        """The first and the last pixel that a unit sees on each axis; those outside the image are padding."""
        ends = ([r.at(u) for r in moves] for moves, u in zip(self.moves, unit, strict=True))
        return tuple((min(a for a, _ in reads), max(b for _, b in reads)) for reads in ends)


def receptive_field(
    net: Network | nn.Module, layer: str, input_shape: tuple[int, ...] = (3, 224, 224), *, check: bool = False
) -> ReceptiveField:
    """The receptive field of a layer.

    With kernel k, stride s and padding p of layers 1 ... L and S the product of the strides, a chain has
    size = 1 + sum (k_l - 1) S_(l-1) and padding = sum p_l S_(l-1). On a graph every unit's field is the smallest box
    around what all its paths see. Transposed convolutions, resizing and adaptive pooling are exact for every unit,
    which need not see equally many pixels; windows, views and shuffled pixels are followed by their positions.
    Statistics of
    normalisations are not counted; cyclic shifts are taken for shifts.

    Args:
        net: a module or a Network; left as it was.
        layer: a submodule's qualified name; its first call, or ``name:2`` for the second. ``""`` is the output.
        input_shape: channels and axes.
        check: compare with the pixels at which gradients are not 0, in a copy with positive weights and without
            nonlinearities, for the units in the middle and the corners (one forward and five backwards).

    Raises:
        UsageError: no such layer, or one that was not called.
        NetworkError: the network cannot run on an input of this shape.

    Reference: Araujo, Norris, Sim 2019, Computing receptive fields of convolutional neural networks, Distill.

    >>> net = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.MaxPool2d(2), nn.Conv2d(8, 8, 5))
    >>> field = receptive_field(net, "2", (3, 32, 32))
    >>> field.size, [int(s) for s in field.stride], field.padding, field.box((0, 0))
    ((12, 12), [2, 2], (1, 1), ((-1, 10), (-1, 10)))
    """
    network = net if isinstance(net, Network) else Network(net)
    wired = wiring(network, input_shape)
    call = called(wired, layer)
    if not call.outputs:
        raise UsageError(f"what {layer or 'the network'} returns does not depend on the image; choose another layer")
    field = replace(receptive_fields(wired)[call.outputs[0]], layer=layer)
    if not check:
        return field
    supports = gradient_support(network, call.module, call.number, input_shape, _units(field))
    return replace(field, supports=supports)


def called(wired: Wiring, layer: str) -> Call:
    """The call of a layer that a name stands for: ``layer1.0`` for its first, ``layer1.0:2`` for its second."""
    name, _, number = layer.partition(":")
    if name not in wired.modules or (number and not number.isdecimal()):
        raise unknown("layer", layer, filter(None, wired.modules))
    calls = [call for call in wired.calls if call.module == name]
    wanted = int(number or 1)
    if not 1 <= wanted <= len(calls):
        raise UsageError(f"{name!r} was called {len(calls)} times in one forward; there is no call {wanted}")
    return calls[wanted - 1]


def receptive_fields(wired: Wiring) -> tuple[ReceptiveField, ...]:
    """The receptive field at every node of a wiring, in one pass over its nodes and edges."""
    places: list[Places] = []
    crossed: list[tuple[Misalignment, ...]] = []
    image = wired.input_shape[2:]
    for node in wired.nodes:
        if not node.inputs:
            places.append(start(wired.input_shape))
            crossed.append(())
            continue
        given = [places[i] for i in node.inputs]
        places.append(followed(node, given, [wired.nodes[i].output_shape for i in node.inputs]))
        before = [m for i in dict.fromkeys(node.inputs) for m in crossed[i]]
        fresh = _crossing(wired, node, places) if node.joins else []
        crossed.append(tuple(dict.fromkeys(before + fresh)))
    known: dict[tuple[Moves, int, int], _Axis] = {}
    found: dict[int, dict[str, Any]] = {}  # operations that move nothing share their places, and so what is seen
    for here in places:
        if id(here) not in found:
            found[id(here)] = _seen(here, image, known)
    return tuple(
        ReceptiveField(layer=node.where, misaligned=meeting, **found[id(here)])
        for node, here, meeting in zip(wired.nodes, places, crossed, strict=True)
    )


def _crossing(wired: Wiring, node: Node, places: Sequence[Places]) -> list[Misalignment]:
    """What is misaligned here for the first time."""
    if not (node.pointwise or node.kind in ("cat", *SAME)):
        return []
    found = []
    for axis, extent in enumerate(wired.input_shape[2:]):
        paths: dict[object, tuple[str, Fraction, Fraction]] = {}
        for i in dict.fromkeys(node.inputs):
            moves = places[i].moves[axis]
            if any(r.advance == 0 and r.at(0)[0] <= 0 and r.at(0)[1] >= extent - 1 for r in moves):
                continue
            going = [r for r in moves if r.advance]
            if going:
                key = tuple((r.stride, r.centre) for r in going)
                paths.setdefault(key, (_origin(wired, i, node.module), going[0].stride, going[0].centre))
        if len(paths) > 1:
            found.append(Misalignment(where=node.where, axis=axis, paths=tuple(paths.values())))
    return found


def _origin(wired: Wiring, index: int, module: str) -> str:
    """What made a tensor, in words: the layer, whatever the forward of ``module`` took, moved or rectified since."""
    node = wired.nodes[index]
    while len(set(node.inputs)) == 1 and (
        node.kind in (*TAKES, *VIEWS, *ORDERS, *PADS) or (node.pointwise and node.module == module)
    ):
        node = wired.nodes[node.inputs[0]]
    return node.where


class _Axis(NamedTuple):
    """What is seen along one axis of the image."""

    size: int
    stride: Fraction | None
    padding: int
    least: int
    units: int
    whole: bool = False


def _seen(places: Places, image: tuple[int, ...], known: dict[tuple[Moves, int, int], _Axis]) -> dict[str, Any]:
    """What is seen from these places, whatever layer they belong to."""
    for dim in range(len(places.dims)):  # so that units are counted as the output has them
        found = single(places, dim)
        places = places if found is None else found[0]
    axes = []
    for axis, extent in enumerate(image):
        key = (places.moves[axis], places.extent(axis), extent)
        if key not in known:  # rows and columns are mostly alike
            known[key] = _measured(*key)
        axes.append(known[key])
    return {
        "size": tuple(a.size for a in axes),
        "stride": tuple(a.stride for a in axes),
        "padding": tuple(a.padding for a in axes),
        "least": tuple(a.least for a in axes),
        "units": tuple(a.units for a in axes),
        "image": image,
        "whole": all(a.whole for a in axes) and not places.lost,
        "lost": places.lost,
        "moves": places.moves,
    }


def _measured(moves: Moves, units: int, extent: int) -> _Axis:
    if any(r.advance == 0 and r.period == 1 and r.first[0] <= 0 and r.last[0] >= extent - 1 for r in moves):
        return _Axis(extent, Fraction(0), 0, extent, units, whole=True)
    if len(moves) == 1:
        fewest, most = moves[0].sizes
        return _Axis(most, moves[0].stride, -moves[0].at(0)[0], fewest, units)
    ends = [[r.at(u) for r in moves] for u in range(units)]
    spans = [max(b for _, b in reads) - min(a for a, _ in reads) + 1 for reads in ends]
    return _Axis(max(spans), None, -min(a for a, _ in ends[0]), min(spans), units)


def _units(field: ReceptiveField) -> list[tuple[int, ...]]:
    """The unit in the middle and those in the corners."""
    middle = tuple(n // 2 for n in field.units)
    corners: list[tuple[int, ...]] = [()]
    for n in field.units:
        corners = [(*corner, u) for corner in corners for u in dict.fromkeys((0, n - 1))]
    return list(dict.fromkeys([middle, *corners]))
