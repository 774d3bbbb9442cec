"""Where the numbers of a tensor stand in the image: which dimensions carry its axes, what each position has read."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import prod

from snellen.instruments.architecture.reach import Reach


@dataclass(frozen=True)
class Factor:
    """A part of a dimension: an axis of the image's grid or, with axis -1, anything else (channels, heads).

    The position u on an axis is the sum of index * step over its factors: windows of 7 x 7 split an axis into a factor
    of step 7 and one of step 1.
    """

    axis: int
    extent: int
    step: int = 1


Dims = tuple[tuple[Factor, ...], ...]
Moves = tuple[Reach, ...]
"""What an axis has read, as a function of the position: several where paths of different strides have met."""


@dataclass(frozen=True)
class Places:
    """A tensor's positions.

    Args:
        dims: the factors of each dimension, slowest first.
        moves: for each axis of the image.
        lost: the operation through which positions could not be followed; sizes are upper bounds from there on.
    """

    dims: Dims
    moves: tuple[Moves, ...]
    lost: str = ""

    def axes(self, dim: int) -> tuple[int, ...]:
        """The axes of the image that a dimension carries."""
        return tuple(dict.fromkeys(f.axis for f in self.dims[dim] if f.axis >= 0))

    def extent(self, axis: int) -> int:
        """Positions on an axis."""
        return 1 + sum((f.extent - 1) * f.step for dim in self.dims for f in dim if f.axis == axis)


def plain(extent: int) -> tuple[Factor, ...]:
    """A dimension that carries no axis."""
    return (Factor(-1, extent),) if extent > 1 else ()


def start(shape: Sequence[int]) -> Places:
    """The image itself, (1, c, h, w): every position has read one pixel."""
    axes = range(len(shape) - 2)
    dims = (plain(shape[0]), plain(shape[1]), *((Factor(a, shape[2 + a]),) for a in axes))
    return Places(dims, tuple((Reach(1, (0,), (0,)),) for _ in axes))


def moved(places: Places, axis: int, step: Reach) -> Places:
    """After an operation whose positions on an axis read the old ones through ``step``."""
    moves = list(places.moves)
    moves[axis] = united(step.after(reach) for reach in moves[axis])
    return Places(places.dims, tuple(moves), places.lost)


def united(reaches: Iterable[Reach]) -> Moves:
    """What any of them reads: one for each stride, the widest first."""
    first, *rest = reaches
    if all(reach == first for reach in rest):
        return (first,)
    found: dict[Fraction, Reach] = {first.stride: first}
    for reach in rest:
        known = found.get(reach.stride)
        found[reach.stride] = reach if known is None else known.joined(reach)
    return tuple(sorted(found.values(), key=lambda r: -r.stride))


def gathered(places: Places, dims: Iterable[int]) -> Places:
    """After an operation that mixes all positions of some dimensions: each of the rest has read them all."""
    new, chosen = list(places.dims), list(dims)
    if not any(f.axis >= 0 for dim in chosen for f in places.dims[dim]):
        for dim in chosen:
            new[dim] = plain(prod([f.extent for f in places.dims[dim]]))
        return Places(tuple(new), places.moves, places.lost)
    extents = {f.axis: places.extent(f.axis) for dim in chosen for f in places.dims[dim]}
    for dim in chosen:
        for f in places.dims[dim]:
            if f.axis >= 0:
                whole = f.step * f.extent >= extents[f.axis]
                places = moved(places, f.axis, Reach.block(f.extent, f.step, whole=whole))
        new[dim] = plain(prod(f.extent for f in places.dims[dim]))
    return replace(places, dims=tuple(new))


def scattered(given: Sequence[Places], shape: Sequence[int], where: str) -> Places:
    """After an operation that cannot be followed: each position may have read what any had read."""
    mixed = [gathered(p, range(len(p.dims))) for p in given]
    moves = tuple(united(r for p in mixed for r in p.moves[axis]) for axis in range(len(mixed[0].moves)))
    moving = any(reach.advance for p in given for m in p.moves for reach in m)
    return Places(tuple(plain(n) for n in shape), moves, where if moving else "")


def absorbed(places: Places) -> Places:
    """Where all positions have read a part in common, what one reads within it besides says nothing new."""
    if all(len(reaches) == 1 for reaches in places.moves):
        return places
    moves = []
    for axis, reaches in enumerate(places.moves):
        last = places.extent(axis) - 1
        fixed = [r for r in reaches if r.advance == 0 and r.period == 1]
        low, high = min((r.first[0] for r in fixed), default=1), max((r.last[0] for r in fixed), default=0)
        inside = [r for r in reaches if r.advance and low <= r.at(0)[0] and r.at(last)[1] <= high]
        moves.append(tuple(r for r in reaches if r not in inside))
    return replace(places, moves=tuple(moves))


def settled(places: Places) -> Places:
    """An axis that no dimension carries any more has one position."""
    carried = {f.axis for dim in places.dims for f in dim}
    for axis, moves in enumerate(places.moves):
        if axis not in carried and any(reach.advance for reach in moves):
            places = moved(places, axis, Reach.constant(0, 0))
    return places


def single(places: Places, dim: int) -> tuple[Places, int] | None:
    """The dimension as one factor of step 1, and its axis (-1: it carries none); nothing if that cannot be."""
    dim %= len(places.dims)
    carrying = [f for f in places.dims[dim] if f.axis >= 0]
    if not carrying:
        return places, -1
    head, *rest = places.dims[dim]
    elsewhere = any(f.axis == head.axis for d, factors in enumerate(places.dims) if d != dim for f in factors)
    if len(carrying) > 1 or head.axis < 0 or elsewhere:
        return None
    if not rest and head.step == 1:
        return places, head.axis
    repeats = prod(f.extent for f in rest)
    if head.step != 1 or repeats != 1:
        places = moved(places, head.axis, Reach(head.step, (0,) * repeats, (0,) * repeats))
    dims = list(places.dims)
    dims[dim] = (Factor(head.axis, head.extent * repeats),)
    return replace(places, dims=tuple(dims)), head.axis


def regrouped(places: Places, old: Sequence[int], new: Sequence[int]) -> Places | None:
    """The same numbers in the same order under another shape; nothing if an axis would be torn."""
    dims: list[tuple[Factor, ...]] = []
    before, after = list(zip(old, places.dims, strict=True)), list(new)
    while before or after:
        have, taken = 1, list[tuple[int, tuple[Factor, ...]]]()
        want, sizes = 1, list[int]()
        while not (taken or sizes) or have != want:
            if (have <= want and before) or not after:
                if not before:
                    return None
                taken.append(before.pop(0))
                have *= taken[-1][0]
            else:
                sizes.append(after.pop(0))
                want *= sizes[-1]
        carrying = [(n, factors) for n, factors in taken if n > 1 or factors]
        wide = [i for i, n in enumerate(sizes) if n > 1]
        if len(carrying) == 1 and len(wide) <= 1 and sizes:
            place = wide[0] if wide else 0
            dims += [carrying[0][1] if i == place else () for i in range(len(sizes))]
            continue
        parts = _dealt([f for _, factors in carrying for f in factors if f.extent > 1], sizes)
        if parts is None:
            return None
        dims += parts
    return replace(places, dims=tuple(dims))


def _dealt(factors: list[Factor], sizes: Sequence[int]) -> list[tuple[Factor, ...]] | None:
    """Factors dealt out to dimensions of these sizes, split where a dimension ends within one."""
    parts: list[tuple[Factor, ...]] = []
    waiting = list(factors)
    for size in sizes:
        part: list[Factor] = []
        need = size
        while need > 1:
            if not waiting:
                return None
            f = waiting.pop(0)
            if need % f.extent and f.extent % need:
                return None
            if need % f.extent:
                inner = f.extent // need
                waiting.insert(0, Factor(f.axis, inner, f.step))
                f = Factor(f.axis, need, f.step * inner if f.axis >= 0 else 1)
            need //= f.extent
            if part and part[-1].axis == f.axis and (f.axis < 0 or part[-1].step == f.step * f.extent):
                f = Factor(f.axis, part.pop().extent * f.extent, f.step)
            part.append(f)
        parts.append(tuple(part))
    return None if waiting else parts
