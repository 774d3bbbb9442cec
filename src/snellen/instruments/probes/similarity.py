"""Cosine similarity: how far two vectors point the same way, whatever their lengths."""

import torch
from jaxtyping import Float
from torch import Tensor

from snellen._errors import UsageError
from snellen.instruments.probes._vectors import parts, vectors


def cosine_similarity(a: Tensor, b: Tensor) -> Float[Tensor, "n m"]:
    """The cosine of the angle between every vector of ``a`` and every vector of ``b``.

    cos(a, b) = a.b / (|a| |b|): 1 for the same direction, 0 for orthogonal vectors, -1 for opposite ones. Vectors are
    divided by their lengths in float64, after a division by their largest entry, so that squares neither overflow nor
    vanish; the result never leaves [-1, 1]. A zero vector has no direction; its similarity with everything is 0.

    Args:
        a: (n, d), any real dtype.
        b: (m, d), likewise.

    Returns:
        (n, m) float32.

    Raises:
        UsageError: no (n, d) and (m, d), NaN or infinite values.

    Reference: Salton, Wong and Yang 1975, CACM 18:613-620.

    >>> a = torch.tensor([[1.0, 2.0]])
    >>> cosine_similarity(a, torch.tensor([[2.0, 4.0], [-2.0, 1.0], [-1.0, -2.0]])).tolist()
    [[1.0, 0.0, -1.0]]
    """
    x, y = vectors(a, "cosine", "a"), vectors(b, "cosine", "b")
    if a.shape[1] != b.shape[1]:
        raise UsageError(f"a and b must have the same number of dimensions, got {a.shape[1]} and {b.shape[1]}")
    found = torch.empty(len(x), len(y), dtype=torch.float32, device=a.device)
    for here in parts(len(x), a.shape[1], a.device):
        rows = x.rows(torch.arange(len(x), device=a.device)[here], exact=True)
        for there in parts(len(y), a.shape[1], a.device):
            others = y.rows(torch.arange(len(y), device=a.device)[there], exact=True)
            found[here, there] = (rows @ others.T).float()
    return found.clamp_(-1.0, 1.0)
