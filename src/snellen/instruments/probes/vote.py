"""The class of a query by the votes of its nearest neighbours."""

from jaxtyping import Int
from torch import Tensor

from snellen._errors import UsageError
from snellen._shapes import Labels


def vote(indices: Int[Tensor, "n k"], labels: Int[Tensor, "m"]) -> Labels:
    """The most frequent class among the neighbours; a tie goes to the class of the nearest neighbour in it.

    Every neighbour has one vote. With three neighbours of three classes the nearest decides.

    Args:
        indices: (n, k) the neighbours of every query, nearest first, as :func:`nearest` gives them.
        labels: (m,) the class of every point, 0 or more.

    Raises:
        UsageError: shapes or dtypes that do not fit, an index without a label, a label below 0: leave points of
            unknown class out before the neighbours are looked for, or they take the places of others.

    Reference: Fix and Hodges 1951; Cover and Hart 1967, IEEE Trans. Inf. Theory 13:21-27.

    >>> import torch
    >>> vote(torch.tensor([[0, 1, 2], [1, 2, 0]]), torch.tensor([2, 1, 1])).tolist()
    [1, 1]
    >>> vote(torch.tensor([[0, 1, 2]]), torch.tensor([2, 1, 0])).tolist()
    [2]
    """
    if indices.ndim != 2 or labels.ndim != 1 or indices.is_floating_point() or labels.is_floating_point():
        raise UsageError(
            "indices must be whole numbers (n, k) and labels whole numbers (m,), "
            f"got {indices.dtype} {tuple(indices.shape)} and {labels.dtype} {tuple(labels.shape)}"
        )
    if indices.numel() == 0:
        raise UsageError(f"at least one query and one neighbour are needed, got indices of {tuple(indices.shape)}")
    if int(indices.min()) < 0 or int(indices.max()) >= len(labels):
        raise UsageError(
            f"indices must be from 0 to {len(labels) - 1}, one of {len(labels)} labels, "
            f"got {int(indices.min())} to {int(indices.max())}"
        )
    found = labels[indices]
    if int(found.min()) < 0:
        raise UsageError(
            f"every neighbour needs a class of 0 or more, got {int(found.min())}; "
            "leave points of unknown class out before the neighbours are looked for"
        )
    votes = (found[:, :, None] == found[:, None, :]).sum(dim=2)
    first = (votes == votes.amax(dim=1, keepdim=True)).int().argmax(dim=1)
    return found.gather(1, first[:, None])[:, 0].long()
