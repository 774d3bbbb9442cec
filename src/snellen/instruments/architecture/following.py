"""How each operation moves positions: the rules by which a receptive field is followed through a graph."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from snellen.instruments.architecture.operations import CONVOLUTION, Node, Window
from snellen.instruments.architecture.places import (
    Dims,
    Factor,
    Places,
    absorbed,
    gathered,
    moved,
    plain,
    regrouped,
    scattered,
    settled,
    single,
    united,
)
from snellen.instruments.architecture.reach import Reach
from snellen.instruments.architecture.resampling import ADAPTIVE, RESIZES, resampled

NORMS = ("native_batch_norm", "native_layer_norm", "native_group_norm", "_native_batch_norm_legit_no_training")
SAME = (*NORMS, "cudnn_batch_norm", "native_dropout", "channel_shuffle", "native_channel_shuffle", "copy_", "prelu")
VIEWS = ("view", "_unsafe_view", "reshape", "_reshape_alias", "unsqueeze", "squeeze", "unflatten")
ORDERS = ("permute", "transpose", "t", "transpose_")
PRODUCTS = ("mm", "bmm", "addmm", "baddbmm", "linear", "addbmm", "mv", "dot")
KEEPING = ("_softmax", "_safe_softmax", "_log_softmax", "cumsum", "cumprod", "logcumsumexp", "sort", "topk")
REDUCING: tuple[str, ...] = (
    "mean",
    "sum",
    "amax",
    "amin",
    "max",
    "min",
    "var",
    "std",
    "var_mean",
    "std_mean",
    "prod",
    "logsumexp",
    "linalg_vector_norm",
    "norm",
    "argmax",
    "argmin",
    "any",
    "all",
    "nansum",
    "aminmax",
)
_POINT = Window(kernel=1)
TAKES = ("slice", "select", "split", "split_with_sizes", "unbind", "narrow")


def followed(node: Node, given: Sequence[Places], shapes: Sequence[tuple[int, ...]]) -> Places:
    """The positions of a node's output.

    Args:
        node: the operation.
        given: the positions of its inputs.
        shapes: their shapes.
    """
    first = given[0]
    alone = len(given) == 1 and not node.windows and (node.pointwise or node.kind in SAME)
    if alone and node.output_shape == shapes[0] and all(len(moves) == 1 for moves in first.moves):
        return first
    result: Places | None = None
    if node.windows:
        result = _slid(node, first, shapes[0])
    elif node.kind in VIEWS:
        result = regrouped(first, shapes[0], node.output_shape)
    elif node.kind in ORDERS:
        result = replace(first, dims=_ordered(node, first.dims))
    elif node.kind in PRODUCTS:
        result = _multiplied(node, given)
    elif node.kind in KEEPING or node.kind in REDUCING:
        result = _reduced(node, first)
    elif node.kind in TAKES:
        result = _taken(node, first, shapes[0])
    elif node.kind in ("cat", "stack"):
        result = _concatenated(node, given)
    elif node.kind.startswith((*RESIZES, *ADAPTIVE)):
        result = _resized(node, first, shapes[0])
    elif node.kind in ("pixel_shuffle", "pixel_unshuffle"):
        result = _shuffled(node, first, shapes[0])
    elif node.kind == "roll":
        result = _rolled(node, first)
    elif node.pointwise or node.kind in SAME or node.kind == "expand":
        result = _broadcast(node, given)
    if result is None or len(result.dims) != len(node.output_shape):
        result = scattered(given, node.output_shape, node.where)
    lost = next((p.lost for p in given if p.lost), result.lost)
    result = settled(result)
    return result if result.lost == lost else replace(result, lost=lost)


def _slid(node: Node, places: Places, shape: tuple[int, ...]) -> Places | None:
    """A window over the last dimensions; a convolution also mixes the channels."""
    n = len(node.windows)
    if node.kind == CONVOLUTION:
        places = gathered(places, [len(places.dims) - n - 1])
        dims = list(places.dims)
        dims[-n - 1] = plain(node.output_shape[-n - 1])
        places = Places(tuple(dims), places.moves, places.lost)
    windows = zip(range(-n, 0), node.windows, strict=True)
    sliding = {d: w for d, w in windows if w != _POINT or shape[d] != node.output_shape[d]}
    return _read(node, places, {d: Reach.of(w) for d, w in sliding.items()}) if sliding else places


def _read(node: Node, places: Places, steps: dict[int, Reach]) -> Places | None:
    """Some dimensions are read through a step each."""
    for dim, step in steps.items():
        found = single(places, dim)
        if found is None:
            return None
        places, axis = found
        dims = list(places.dims)
        size = node.output_shape[dim]
        dims[dim] = (Factor(axis, size),) if axis >= 0 else plain(size)
        places = places if axis < 0 else moved(places, axis, step)
        places = Places(tuple(dims), places.moves, places.lost)
    return places


def _ordered(node: Node, dims: Dims) -> Dims:
    if node.kind == "permute":
        return tuple(dims[d] for d in node.settings["dims"])
    order = list(dims)
    a, b = (node.settings["dim0"], node.settings["dim1"]) if "dim0" in node.settings else (0, -1)
    if order:
        order[a], order[b] = order[b], order[a]
    return tuple(order)


def _multiplied(node: Node, given: Sequence[Places]) -> Places | None:
    """A matrix product. What stands on the right is read as a whole: so it is with keys and values."""
    sides = dict(zip(node.operands, given, strict=True))
    left = next((sides[name] for name in ("mat1", "batch1", "input") if name in sides), None)
    right = next((sides[name] for name in ("mat2", "batch2", "weight") if name in sides), None)
    bias = None
    if "self" in sides:
        if node.kind in ("mm", "bmm", "mv", "dot"):
            left = sides["self"]
        else:
            bias = sides["self"]
    if node.kind in ("mv", "dot", "addbmm"):
        return None
    parts = [] if bias is None else [bias]
    if left is not None:
        read = gathered(left, [len(left.dims) - 1])
        parts.append(replace(read, dims=(*read.dims[:-1], plain(node.output_shape[-1]))))
    if right is not None and left is not None:
        dims = range(0 if node.kind in ("mm", "addmm", "linear") else 1, len(right.dims))
        read = gathered(right, dims)
        batch = read.dims[:1] if len(read.dims) == 3 else ()
        parts.append(replace(read, dims=(*batch, (), plain(node.output_shape[-1]))))
    elif right is not None:
        if node.kind == "linear":
            return None
        read = gathered(right, [len(right.dims) - 2])
        parts.append(replace(read, dims=(*read.dims[:-2], plain(node.output_shape[-2]), read.dims[-1])))
    return _broadcast(node, parts)


def _reduced(node: Node, places: Places) -> Places | None:
    rank = len(places.dims)
    chosen: Any = node.settings.get("dim")
    if chosen is None or chosen == ():
        chosen = range(rank)
    dims = {d % rank for d in (chosen if isinstance(chosen, tuple | range) else (chosen,))} if rank else set()
    places = gathered(places, dims)
    if node.kind in KEEPING:
        return places
    kept = len(node.output_shape) == rank
    new = tuple(() if d in dims else f for d, f in enumerate(places.dims) if kept or d not in dims)
    return replace(places, dims=new)


def _taken(node: Node, places: Places, shape: tuple[int, ...]) -> Places | None:
    """A part of one dimension."""
    settings = node.settings
    dim = settings.get("dim", 0) % len(shape)
    output = settings.get("output", 0)
    if node.kind in ("select", "unbind"):
        index = settings["index"] % shape[dim] if node.kind == "select" else output
        found = single(places, dim)
        if found is None:
            places = scattered([places], shape, node.where)
        else:
            places, axis = found
            places = moved(places, axis, Reach.constant(index, index)) if axis >= 0 else places
        return replace(places, dims=tuple(f for d, f in enumerate(places.dims) if d != dim))
    if node.kind == "slice":
        begin, step = settings.get("start") or 0, settings.get("step") or 1
        begin = min(max(begin + shape[dim] if begin < 0 else begin, 0), shape[dim])
    else:
        sizes = settings.get("split_sizes") or (settings["split_size"],) * output
        begin, step = sum(sizes[:output]), 1
    size = node.output_shape[dim]
    if len(places.axes(dim)) > 1:  # such as the tokens of a transformer less its first: all that stay have their place
        return places
    if (begin, step, size) == (0, 1, shape[dim]):
        return places
    return _read(node, places, {dim - len(shape): Reach(step, (begin,), (begin,))})


def _concatenated(node: Node, given: Sequence[Places]) -> Places | None:
    rank = len(node.output_shape)
    dim = node.settings.get("dim", 0) % rank
    if node.kind == "stack":
        given = [replace(p, dims=(*p.dims[:dim], (), *p.dims[dim:])) for p in given]
    carrying = [p for p in given if p.axes(dim)]
    if len(carrying) > 1 or any(len(p.axes(dim)) == 1 for p in carrying):
        return None
    loose = [replace(p, dims=(*p.dims[:dim], (), *p.dims[dim + 1 :])) for p in given if p not in carrying]
    result = _broadcast(node, [*carrying, *loose])
    if result is None or carrying:
        return result
    return replace(result, dims=(*result.dims[:dim], plain(node.output_shape[dim]), *result.dims[dim + 1 :]))


def _resized(node: Node, places: Places, shape: tuple[int, ...]) -> Places | None:
    """Interpolation and adaptive pooling, in any ratio."""
    dims = range(2 - len(shape), 0)
    return _read(node, places, {dim: resampled(node, shape[dim], node.output_shape[dim]) for dim in dims})


def _shuffled(node: Node, places: Places, shape: tuple[int, ...]) -> Places | None:
    """Channels to pixels and back."""
    c, h, w = shape[-3:]
    if node.kind == "pixel_shuffle":
        r = node.settings["upscale_factor"]
        split = regrouped(places, shape, (*shape[:-3], c // r**2, r, r, h, w))
        order = (0, 3, 1, 4, 2)
    else:
        r = node.settings["downscale_factor"]
        split = regrouped(places, shape, (*shape[:-3], c, h // r, r, w // r, r))
        order = (0, 2, 4, 1, 3)
    if split is None:
        return None
    lead = len(shape) - 3
    mixed = (*split.dims[:lead], *(split.dims[lead + d] for d in order))
    if node.kind == "pixel_shuffle":
        sizes: tuple[int, ...] = (c // r**2, h, r, w, r)
    else:
        sizes = (c, r, r, h // r, w // r)
    return regrouped(replace(split, dims=mixed), (*shape[:-3], *sizes), node.output_shape)


def _rolled(node: Node, places: Places) -> Places | None:
    """A cyclic shift is taken for a shift."""
    shifts, dims = node.settings["shifts"], node.settings.get("dims")
    rank = len(places.dims)
    if not dims:
        return None
    return _read(node, places, {d % rank - rank: Reach(1, (-s,), (-s,)) for s, d in zip(shifts, dims, strict=True)})


def _broadcast(node: Node, given: Sequence[Places]) -> Places | None:
    """Number by number; where an input has one number for a whole dimension, that one is read everywhere."""
    shape = node.output_shape
    dims: list[tuple[Factor, ...]] = []
    parts = list(given)
    for back in range(1, len(shape) + 1):
        wanted: tuple[Factor, ...] = ()
        for i, places in enumerate(parts):
            factors = places.dims[-back] if back <= len(places.dims) else ()
            if factors and all(f.extent == 1 for f in factors) and shape[-back] > 1:
                for f in factors:
                    parts[i] = moved(parts[i], f.axis, Reach.constant(0, 0)) if f.axis >= 0 else parts[i]
            elif not any(f.axis >= 0 for f in wanted):
                wanted = factors or wanted
            elif factors != wanted and any(f.axis >= 0 for f in factors):
                return None
        dims.insert(0, wanted or plain(shape[-back]))
    moves = tuple(united(r for p in parts for r in p.moves[axis]) for axis in range(len(parts[0].moves)))
    return absorbed(Places(tuple(dims), moves))
