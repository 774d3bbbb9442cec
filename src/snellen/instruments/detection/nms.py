"""Non-maximum suppression: of boxes that overlap, the surest stays."""

from collections.abc import Iterator, Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor

from snellen._errors import UsageError
from snellen.instruments.detection._order import descending
from snellen.instruments.detection.boxes import checked

LAST, FEW, MANY = 64, 256, 4096
"""Boxes whose fate is settled in one step: the last ones; few at first, more where most of them stay."""
GROUP = 16
"""Neighbours in the image that are ruled out by one comparison."""
AT_A_TIME = 1 << 16
"""Pairs that are measured at a time: they stay in the cache."""


def nms(boxes: Float[Tensor, "n 4"], scores: Float[Tensor, "n"], threshold: float = 0.5) -> Int[Tensor, "k"]:
    """The boxes that stay when each, the surest first, removes those that overlap it by IoU > threshold.

    Greedy and exact: of equal scores the first box is the surer; the IoU is a float64, so that one that is the
    threshold, as 1/5 is 0.2, removes nothing; boxes without area overlap nothing. There is no limit on time or number.

    Two boxes of an IoU above t still meet when each is shrunk about its centre by (1 - t) / (1 + t), for on both axes
    the centres are at most (w + w') / 2 · (1 - t) / (1 + t) apart. So boxes that lie together are grouped, and one is
    measured only against the groups that it meets: many boxes that do not overlap cost little, and many that do are
    soon gone.

    Args:
        boxes: (n, 4), left, top, right, bottom.
        scores: (n,), of any size and sign.
        threshold: the IoU, from 0 to 1, above which the less sure of two boxes goes.

    Returns:
        Indices of those that stay, the surest first.

    Raises:
        UsageError: NaN, infinite or reversed boxes, NaN scores, not one score a box, a threshold outside 0 to 1.

    Reference: Neubeck and Van Gool 2006, Efficient non-maximum suppression, ICPR.

    >>> boxes = torch.tensor([[0.0, 0, 10, 10], [1, 0, 11, 10], [20, 20, 30, 30]])
    >>> nms(boxes, torch.tensor([0.8, 0.9, 0.7]), threshold=0.5).tolist()
    [1, 2]
    """
    return class_wise_nms(boxes, scores, torch.zeros(len(scores), dtype=torch.int64, device=scores.device), threshold)


def class_wise_nms(
    boxes: Float[Tensor, "n 4"], scores: Float[Tensor, "n"], classes: Int[Tensor, "n"], threshold: float = 0.5
) -> Int[Tensor, "k"]:
    """As :func:`nms`, where a box removes only those of its class.

    Args:
        boxes: (n, 4), left, top, right, bottom.
        scores: (n,).
        classes: (n,) integers.
        threshold: the IoU, from 0 to 1, above which the less sure of two boxes of a class goes.

    Returns:
        Indices of those that stay, the surest first, whatever their class.

    Raises:
        UsageError: as :func:`nms`, and classes that are not one integer a box.

    >>> boxes = torch.tensor([[0.0, 0, 10, 10], [1, 0, 11, 10], [0, 0, 10, 10]])
    >>> class_wise_nms(boxes, torch.tensor([0.8, 0.9, 0.7]), torch.tensor([0, 0, 1]), threshold=0.5).tolist()
    [1, 2]
    """
    boxes, order = sorted_by_score(boxes, scores, classes)
    if not 0 <= threshold <= 1:
        raise UsageError(f"expected a threshold of the IoU from 0 to 1, got {threshold}")
    with torch.no_grad():
        rows = boxes.index_select(0, order).T.to(torch.float64, memory_format=torch.contiguous_format)
        return order[_surviving(rows, classes.index_select(0, order), threshold)]


def sorted_by_score(boxes: Tensor, scores: Tensor, classes: Tensor) -> tuple[Tensor, Tensor]:
    """The boxes if all is well with them, and their order, the surest first.

    Raises:
        UsageError: as :func:`class_wise_nms`.
    """
    boxes = checked(boxes.detach(), "boxes")
    if scores.shape != boxes.shape[:1]:
        raise UsageError(f"expected one score for each of {len(boxes)} boxes, got the shape {tuple(scores.shape)}")
    if scores.isnan().any():
        raise UsageError(
            f"expected scores, got NaN at index {int(scores.isnan().nonzero()[0])}: has the network failed?"
        )
    if classes.shape != scores.shape or classes.is_floating_point():
        raise UsageError(
            f"expected one integer class for each of {len(boxes)} boxes, got {classes.dtype} {tuple(classes.shape)}"
        )
    return boxes, descending(scores)


def _surviving(boxes: Tensor, classes: Tensor, threshold: float) -> Tensor:
    """The positions, ascending, that stay of boxes (4, n) in descending order of score.

    One by one as long as each removes a hundredth of the others, then many together, the last few at once.
    """
    places = torch.arange(len(classes), device=boxes.device)
    kept, removed = [places[:0]], len(places)
    while len(places) > LAST and 100 * removed >= len(places):
        gone = (_overlap(boxes[:, :1], boxes[:, 1:]) > threshold) & (classes[:1] == classes[1:])
        kept.append(places[:1])
        left = gone.logical_not_().nonzero()[:, 0] + 1
        removed = len(gone) - len(left)
        boxes, classes, places = boxes.index_select(1, left), classes[left], places[left]
    rest = _in_steps if len(places) > LAST else _at_once
    return torch.cat([*kept, places[rest(boxes, classes, threshold)]])


def _at_once(boxes: Tensor, classes: Tensor, threshold: float) -> Tensor:
    """As :func:`_surviving`, by the IoU of all pairs."""
    above = (_overlap(boxes[:, :, None], boxes[:, None]) > threshold) & (classes[:, None] == classes)
    pairs = above.nonzero().T
    return _settled(torch.ones(len(classes), dtype=torch.bool, device=boxes.device), pairs).nonzero()[:, 0]


def _in_steps(boxes: Tensor, classes: Tensor, threshold: float) -> Tensor:
    """As :func:`_surviving`, some hundreds or thousands of boxes at a time."""
    alive = torch.ones(len(classes), dtype=torch.bool, device=boxes.device)
    near = _beside_each_other(boxes, classes)
    kept, start, step = [near[:0]], 0, FEW
    while len(here := alive[start:].nonzero()[:step, 0] + start):
        end = int(here[-1]) + 1
        near = near[alive[near]]
        block, rest = near[near < end], near[near >= end]
        pairs = [torch.stack(p) for p in _overlapping(boxes, classes, block, block, threshold)]
        alive[start:end] = _settled(alive[start:end], torch.cat([near.new_zeros(2, 0), *pairs], dim=1) - start)
        kept.append(here[alive[here]])
        for _, gone in _overlapping(boxes, classes, block[alive[block]], rest, threshold):
            alive[gone] = False
        near, start = rest, end
        step = min(4 * step, MANY) if 2 * len(kept[-1]) > len(here) else step
    return torch.cat(kept)


def _settled(alive: Tensor, pairs: Tensor) -> Tensor:
    """(m,) whether each of boxes in descending order of score stays, by the pairs (2, p) that overlap.

    All are taken to stay, then those that one of them removes are not, then those that these no longer remove are, and
    so on until nothing changes: in at most m rounds that is the greedy answer (Cluster-NMS, Zheng et al. 2022).
    """
    surer, other = pairs[:, pairs[0] < pairs[1]]
    stays = alive
    while True:
        now = alive.clone()
        now[other[stays[surer]]] = False
        if torch.equal(now, stays):
            return now
        stays = now


def _overlapping(
    boxes: Tensor, classes: Tensor, first: Tensor, second: Tensor, threshold: float
) -> Iterator[tuple[Tensor, Tensor]]:
    """All pairs of one class of whom the IoU is above the threshold, one of ``first`` and one of ``second`` each, in
    both of which neighbours stand together."""
    if not len(first) or not len(second):
        return
    first, second = _grouped(first), _grouped(second)
    one, other = (_shrunk(boxes, classes, members, threshold) for members in (first, second))
    around, about = ((low.amin(-1), high.amax(-1)) for low, high in (one, other))
    group, near = _meet([v[:, :, None] for v in around], [v[:, None] for v in about]).nonzero(as_tuple=True)
    hit, place = _meet([v[:, group] for v in one], [v[:, near, None] for v in about]).nonzero(as_tuple=True)
    singles, groups = first[group[hit], place], near[hit]
    for i, g in zip(singles.split(AT_A_TIME // GROUP), groups.split(AT_A_TIME // GROUP), strict=True):
        j = second[g]
        row, column = (_overlap(boxes[:, i, None], boxes[:, j]) > threshold).nonzero(as_tuple=True)
        a, b = i[row], j[row, column]
        same = classes[a] == classes[b]
        yield a[same], b[same]


def _grouped(places: Tensor) -> Tensor:
    """(g, GROUP), the last one repeated to fill the last group."""
    return torch.cat([places, places[-1:].expand(-len(places) % GROUP)]).view(-1, GROUP)


def _shrunk(boxes: Tensor, classes: Tensor, members: Tensor, threshold: float) -> tuple[Tensor, Tensor]:
    """(3, g, GROUP) corners, with the class as a third coordinate, that meet where the IoU may exceed the threshold,
    and a rounding error more."""
    low, high = boxes[:2, members], boxes[2:, members]
    centre, name = (low + high) / 2, classes[None, members]
    half = (high - low) * ((1 - threshold) / (1 + threshold) / 2 + 1e-9) + centre.abs() * 1e-12
    return torch.cat([centre - half, name]), torch.cat([centre + half, name])


def _meet(a: Sequence[Tensor], b: Sequence[Tensor]) -> Tensor:
    """Whether boxes given as low and high corners (d, ...) have a point in common."""
    return ((a[0] <= b[1]) & (a[1] >= b[0])).all(0)


def _overlap(a: Tensor, b: Tensor) -> Tensor:
    """The IoU of boxes (4, ...), NaN where neither has an area."""
    width = torch.minimum(a[2], b[2]).sub_(torch.maximum(a[0], b[0])).clamp_(min=0)
    height = torch.minimum(a[3], b[3]).sub_(torch.maximum(a[1], b[1])).clamp_(min=0)
    common = width.mul_(height)
    return common / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - common)


def _beside_each_other(boxes: Tensor, classes: Tensor) -> Tensor:
    """An order in which boxes of one class that are near each other stand together.

    Strips of the image, each from left to right, and as many as there are groups in one: sort-tile-recursive packing
    (Leutenegger, Lopez and Edgington 1997).
    """
    across, down = (boxes[:2] + boxes[2:]).unbind()
    strips = max(1, round((len(classes) / GROUP / max(1, len(classes.unique()))) ** 0.5))
    strip = down.argsort().argsort() * strips // max(1, len(classes))
    order = across.argsort()
    order = order[strip[order].argsort(stable=True)]
    return torch.take(order, classes[order].argsort(stable=True))
