"""What a loop does is noted: its steps, what moves, gradients that are used twice; and nothing is changed."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn, optim

from snellen.training.health.recorder import RECENT, Past, Recorder

Clear = Callable[[optim.Optimizer], None]


def none(optimizer: optim.Optimizer) -> None:
    """Nothing is cleared."""


def to_none(optimizer: optim.Optimizer) -> None:
    optimizer.zero_grad()


def to_zero(optimizer: optim.Optimizer) -> None:
    optimizer.zero_grad(set_to_none=False)


def by_data(optimizer: optim.Optimizer) -> None:
    """As it was written before ``zero_grad``."""
    for group in optimizer.param_groups:
        for p in group["params"]:
            if p.grad is not None:
                p.grad.data.zero_()


def loop(clear: Clear, *, rounds: int = 4, gathered: int = 1, clip: bool = False) -> Past:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 2))
    sgd = optim.SGD(net.parameters(), lr=0.1)
    recorder = Recorder(net, [sgd])
    for number in range(rounds):
        if number % gathered == 0:
            clear(sgd)
        net(torch.randn(8, 4)).square().mean().backward()
        if clip:
            nn.utils.clip_grad_norm_(net.parameters(), 1e-3)
        if number % gathered == gathered - 1:
            sgd.step()
        recorder.note(None)
    return recorder.past()


@pytest.mark.parametrize("clear", [to_none, to_zero, by_data])
@pytest.mark.parametrize("gathered", [1, 2])
@pytest.mark.parametrize("clip", [False, True])
def test_a_loop_that_clears_its_gradients_uses_none_twice(clear: Clear, gathered: int, clip: bool) -> None:
    past = loop(clear, gathered=gathered, clip=clip)
    assert past.reused == ()
    assert (past.rounds, past.steps) == (4, (4 // gathered,))
    assert past.moved == {"0.weight", "0.bias", "2.weight", "2.bias"}


@pytest.mark.parametrize("gathered", [1, 2])
@pytest.mark.parametrize("clip", [False, True])
def test_a_loop_that_never_clears_uses_them_twice(gathered: int, clip: bool) -> None:
    assert loop(none, gathered=gathered, clip=clip).reused == ("2.bias",)


def test_two_networks_that_play_against_each_other_use_nothing_twice() -> None:
    """The generator's backward adds to what the critic's step has used; it is cleared before the critic uses it."""
    torch.manual_seed(0)
    made, critic = nn.Linear(2, 4), nn.Linear(4, 1)
    both = nn.ModuleList([made, critic])
    steps = [optim.SGD(module.parameters(), lr=0.1) for module in both]
    recorder = Recorder(both, steps)
    for _ in range(4):
        steps[1].zero_grad()
        (critic(torch.randn(8, 4)).mean() - critic(made(torch.randn(8, 2)).detach()).mean()).backward()
        steps[1].step()
        steps[0].zero_grad()
        critic(made(torch.randn(8, 2))).mean().backward()
        steps[0].step()
        recorder.note(None)
    assert recorder.past().reused == ()
    assert recorder.past().steps == (4, 4)


def test_a_change_of_two_numbers_that_cancel_in_a_sum_is_a_change() -> None:
    net = nn.Linear(1, 2)
    recorder = Recorder(net, [])
    assert recorder.past().moved == frozenset()
    with torch.no_grad():
        net.bias.copy_(net.bias.flip(0))
    assert recorder.past().moved == {"bias"}


def test_the_first_loss_and_the_last_thousand_are_kept() -> None:
    recorder = Recorder(nn.Linear(1, 1), [])
    recorder.note(None)
    for number in range(RECENT + 5):
        recorder.note(float(number))
    losses = recorder.past().losses
    assert (losses[0], losses[1], losses[-1]) == ((2, 0.0), (7, 5.0), (RECENT + 6, RECENT + 4.0))
    assert len(losses) == RECENT + 1


def test_hooks_are_gone_after_the_second_step_and_after_the_end() -> None:
    net = nn.Linear(2, 1)
    sgd = optim.SGD(net.parameters(), lr=0.1)
    recorder, hooks = Recorder(net, [sgd]), []
    for _ in range(3):
        sgd.zero_grad()
        net(torch.ones(1, 2)).sum().backward()
        sgd.step()
        hooks.append(sum(len(p._backward_hooks or {}) for p in net.parameters()))
    assert hooks == [1, 0, 0]
    recorder.close()
    assert not sgd._optimizer_step_pre_hooks
    assert not sgd._optimizer_step_post_hooks


def test_a_pause_hides_a_backward_that_is_not_the_loops() -> None:
    net = nn.Linear(2, 1)
    sgd = optim.SGD(net.parameters(), lr=0.1)
    recorder = Recorder(net, [sgd])

    def backward() -> Tensor:
        loss = net(torch.ones(1, 2)).sum()
        loss.backward()
        return loss

    for _ in range(3):
        backward()
        kept = [p.grad for p in net.parameters()]
        with recorder.paused():
            net.zero_grad()
            backward()
        for parameter, grad in zip(net.parameters(), kept, strict=True):
            parameter.grad = grad
        sgd.step()
    assert recorder.past().reused == ("bias",)
