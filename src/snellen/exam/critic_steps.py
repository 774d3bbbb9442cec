"""What is calculated of a linear critic, step by step, as one writes it by hand."""

import numpy as np
from numpy.typing import NDArray

from snellen.instruments.transport.linear_critic import LinearCritic

MOST = 4
"""Coordinates that are written out."""


def critic_steps(found: LinearCritic) -> tuple[tuple[str, str], ...]:
    """What is asked, and the calculation that answers it.

    >>> from snellen.instruments.transport.linear_critic import linear_critic
    >>> critic_steps(linear_critic([0.3, -0.5], [[3, 1]], [[-2, 2]]))[0][1].split(": ")[1]
    'K(w) = |w| = √(0.3² + (−0.5)²) = √0.34 = 0.5831 < 1'
    """
    rows = [
        ("Lipschitz constant", _lipschitz(found)),
        ("means", f"mean of A = {vector(found.means[0])}, mean of B = {vector(found.means[1])}"),
        ("dual value", f"h(w) = w·(mean of A − mean of B) = {_product(found)} = {number(found.value)}"),
        (
            "gradient",
            f"∇h(w) = mean of A − mean of B = {vector(found.gradient)}, whatever w is; its length is "
            f"{number(found.best_value)}, so it is {'' if found.best.any() else 'not '}different from 0",
        ),
    ]
    if found.step is not None:
        step = found.step
        rows.append(
            (
                "a step",
                f"K(w + ε ∇h) < 1 as long as ε < {number(step.longest)}; ε = {number(step.size)} gives "
                f"{vector(step.weights)} with K = {number(step.lipschitz)} and h = {number(step.value)}, "
                f"{number(step.value - found.value)} more",
            )
        )
    w1 = found.transport.distance
    rows.append(("distance", f"W1 = {number(w1)}, the cheapest plan; h(w) − W1 = {number(found.value - w1)}"))
    if found.best.any():
        says = "which is W1" if found.best_is_optimal else f"{number(w1 - found.best_value)} less than W1"
        rows.append(
            ("best linear critic", f"∇h / |∇h| = {vector(found.best)} says |∇h| = {number(found.best_value)}, {says}")
        )
    return tuple(rows)


def number(value: float) -> str:
    """Four digits, with a true minus."""
    return f"{value + 0.0:.4g}".replace("-", "−")


def vector(values: NDArray[np.float64]) -> str:
    """``(5, −1)``; of many coordinates the first few."""
    more = ", …" if len(values) > MOST else ""
    return f"({', '.join(map(number, values[:MOST]))}{more})"


def _factor(value: float) -> str:
    return f"({number(value)})" if value < 0 else number(value)


def _lipschitz(found: LinearCritic) -> str:
    squares = " + ".join(f"{_factor(w)}²" for w in found.weights[:MOST])
    more = " + …" if len(found.weights) > MOST else ""
    off = found.lipschitz - 1
    sign = "=" if abs(off) < 1e-9 else "<" if off < 0 else ">"
    end = "" if sign == "=" and number(found.lipschitz) == "1" else f" {sign} 1"
    return (
        "|f(x) − f(y)| = |w·(x − y)| ≤ |w| |x − y|, with equality along w: K(w) = |w| = "
        f"√({squares}{more}) = √{number(found.lipschitz**2)} = {number(found.lipschitz)}{end}"
    )


def _product(found: LinearCritic) -> str:
    pairs = zip(found.weights[:MOST], found.gradient[:MOST], strict=True)
    more = " + …" if len(found.weights) > MOST else ""
    return " + ".join(f"{_factor(w)}·{_factor(g)}" for w, g in pairs) + more
