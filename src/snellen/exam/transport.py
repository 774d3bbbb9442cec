"""How far apart are two samples, and does a critic say so? As findings of their own."""

import time
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import nn

from snellen.exam._transport_findings import distance_finding, linear_finding, network_finding, within_finding
from snellen.exam.how import how
from snellen.findings.findings import Findings
from snellen.instruments.transport._points import Array, pair
from snellen.instruments.transport.linear_critic import linear_critic
from snellen.instruments.transport.lipschitz_lower import lipschitz_lower
from snellen.instruments.transport.lipschitz_upper import lipschitz_upper
from snellen.instruments.transport.wasserstein import wasserstein
from snellen.subject.network import Network

FEWEST = 20
"""Points of A from which its two halves are compared."""


def examine_transport(
    a: ArrayLike,
    b: ArrayLike,
    *,
    critic: ArrayLike | nn.Module | None = None,
    names: tuple[str, str] = ("A", "B"),
    seed: int = 0,
) -> Findings:
    """The Wasserstein-1 distance between two samples with its proof, and what a critic makes of it.

    Args:
        a: (n, d) points, or (n,) on a line.
        b: (m, d) or (m,).
        critic: the weights (d,) of f(x) = w·x, or a module that gives one score a point; left as it was.
        names: of the samples, for the page.
        seed: of the halves and of the lines along which the slope of a module is taken.

    Raises:
        SnellenError: see :func:`snellen.instruments.transport.wasserstein.wasserstein`,
            :func:`snellen.instruments.transport.linear_critic.linear_critic`,
            :func:`snellen.instruments.transport.lipschitz_upper.lipschitz_upper`.

    >>> found = examine_transport([[3, 1]], [[-2, 2]], critic=[0.3, -0.5])
    >>> round(found.measured["w1"], 3), round(found.measured["critic_value"], 3), len(found.warnings)
    (5.099, 2.0, 1)
    """
    began = time.perf_counter()
    one, other = pair(a, b)
    transport = wasserstein(one, other)
    findings = [distance_finding(one, other, transport)]
    if len(one) >= FEWEST:
        findings.append(within_finding(transport.distance, _within(one, seed), len(one)))
    if isinstance(critic, nn.Module):
        like = next((p for p in critic.parameters() if p.is_floating_point()), torch.zeros(()))
        points = [torch.from_numpy(x).to(like) for x in (one, other)]
        upper = lipschitz_upper(critic, one.shape[1:])
        findings.append(network_finding(transport, lipschitz_lower(critic, *points, seed=seed), upper))
    elif critic is not None:
        findings.append(linear_finding(linear_critic(critic, one, other)))
    subject: dict[str, Any] = {
        "study": "The Wasserstein distance",
        "A": f"{names[0]} ({len(one):,} point{'s' * (len(one) > 1)})",
        "B": f"{names[1]} ({len(other):,} point{'s' * (len(other) > 1)})",
        "dimensions": one.shape[1],
    }
    run = how("transport", seed, time.perf_counter() - began, Network(nn.Identity()))
    return Findings(tuple(findings), subject=subject, run=run)


def _within(a: Array, seed: int) -> float:
    """W1 between two halves of one sample: what it is where nothing differs."""
    order = np.random.default_rng(seed).permutation(len(a))
    half = len(a) // 2
    return wasserstein(a[order[:half]], a[order[half : 2 * half]]).distance
