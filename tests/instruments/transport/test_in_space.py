"""Plans in space: the dual of an assignment is feasible and tight; the extension is McShane's."""

import numpy as np
import pytest

from snellen.instruments.transport.in_space import assigned, extended, programmed, space_potential

rng = np.random.default_rng(2)


@pytest.mark.parametrize("n", [1, 5, 40])
def test_the_dual_of_an_assignment(n: int) -> None:
    cost = rng.random((n, n))
    plan, dual = assigned(cost)
    pairs = plan.toarray() * n
    assert (pairs.sum(0) == 1).all()
    assert (pairs.sum(1) == 1).all()
    upper = np.min(cost + dual, axis=1)
    assert (pairs * cost).sum() == pytest.approx(upper.sum() - dual.sum(), rel=1e-12)


def test_the_dual_of_a_program() -> None:
    cost, of_a, of_b = rng.random((4, 7)), rng.dirichlet(np.ones(4)), rng.dirichlet(np.ones(7))
    plan, dual = programmed(cost, of_a, of_b)
    assert (plan.toarray() * cost).sum() == pytest.approx(of_a @ np.min(cost + dual, axis=1) - of_b @ dual, rel=1e-9)


def test_the_function_on_both_samples() -> None:
    a, b, dual = rng.normal(size=(5, 2)), rng.normal(size=(3, 2)), rng.normal(size=3)
    on_a, on_b = space_potential(a, b, dual)
    slow = [[min(v + np.linalg.norm(x - y) for v, y in zip(dual, b, strict=True)) for x in xs] for xs in (a, b)]
    least = min(map(min, slow))
    assert on_a == pytest.approx(np.array(slow[0]) - least)
    assert on_b == pytest.approx(np.array(slow[1]) - least)
    assert extended(a, b, dual, size=1) == pytest.approx(np.array(slow[0])), "in parts it is the same"
