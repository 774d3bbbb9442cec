"""A loop's step is watched and undone: what moved, at which call, how far."""

import pytest
import torch
from torch import nn, optim

from healthy import CE, SetUp, plain
from snellen.training.health.facts import Asked
from snellen.training.health.loop import LoopStep, watch_loop
from snellen.training.health.observe import observe


def watched(at: SetUp, *, every: int = 1, clip: float = 0.0) -> LoopStep:
    calls = 0

    def step() -> None:
        nonlocal calls
        calls += 1
        CE(at.network(at.batch[0]), at.batch[1]).backward()
        if clip:
            nn.utils.clip_grad_norm_(at.network.parameters(), clip)
        if every and calls % every == 0:
            at.optimizers.step()
            at.optimizers.zero_grad()

    return watch_loop(observe(*at, asked=Asked(step)))


@pytest.mark.parametrize("every", [1, 4, 32])
def test_the_call_that_steps_is_counted(every: int) -> None:
    done = watched(plain(), every=every)
    assert done.calls == every
    assert set(done.moved) >= {"0.0.weight", "0.3.weight", "0.7.weight", "3.weight", "3.bias"}


@pytest.mark.parametrize("every", [0, 33])
def test_a_loop_that_never_steps_moves_nothing(every: int) -> None:
    assert watched(plain(), every=every).calls == 0


def test_the_distance_is_the_learning_rate_times_the_clipped_norm() -> None:
    at = plain()._replace()
    at = at._replace(optimizers=optim.SGD(at.network.parameters(), lr=0.5))
    assert watched(at, clip=1e-3).travelled == pytest.approx(0.5e-3, rel=1e-3)


def test_nothing_is_left_of_it() -> None:
    at = plain()
    before = {n: t.clone() for n, t in at.network.state_dict().items()}
    watched(at, every=2)
    assert all(torch.equal(t, before[n]) for n, t in at.network.state_dict().items())
    assert all(p.grad is None for p in at.network.parameters())
