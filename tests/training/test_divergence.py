"""Training that leaves its ground is ended; spikes, noise and hard beginnings are not."""

import math

import pytest
import torch

from snellen.training.divergence import WINDOW, Divergence
from snellen.training.fit import DivergedError


def run(losses: list[float], classes: int = 10) -> None:
    guard = Divergence(classes, lambda step: (step + 1) / 1000)
    for step, loss in enumerate(losses):
        guard(step, loss)


def test_a_loss_that_climbs_is_ended_with_the_rate_at_which_it_was_lowest() -> None:
    losses = [2.3 - 0.02 * step for step in range(50)] + [1.3 + 0.2 * step for step in range(100)]
    with pytest.raises(DivergedError) as caught:
        run(losses)
    said = str(caught.value)
    assert "knowing nothing costs 2.3" in said
    lowest = float(said.split("It was lowest at a rate of ")[1].split(":")[0])
    assert 0.050 <= lowest <= 0.060  # the smoothed loss lags a little behind step 50
    assert f"--lr {lowest / 3:.1g}" in said


def test_it_takes_as_long_as_the_window_and_not_much_longer() -> None:
    for steps, ends in ((WINDOW, False), (3 * WINDOW, True)):
        losses = [2.3] * 10 + [20.0] * steps
        if ends:
            with pytest.raises(DivergedError):
                run(losses)
        else:
            run(losses)


@pytest.mark.parametrize(
    "losses",
    [
        [2.3] * 30 + [1e9] + [2.3] * 200,
        [2.3] * 30 + [6.0] * 5 + [2.0] * 200,
        [2.6] * 500,
        [9.0] * 100 + [8.0] * 100,
        [0.1] * 50 + [2.2] * 300,
    ],
    ids=["one spike", "a short excursion", "stuck", "begins badly", "forgets what it knew"],
)
def test_no_alarm(losses: list[float]) -> None:
    run(losses)


@pytest.mark.parametrize("seed", range(5))
def test_noise_about_a_falling_loss_is_no_alarm(seed: int) -> None:
    noise = torch.randn(1000, generator=torch.Generator().manual_seed(seed))
    run([max(math.log(10) * math.exp(-step / 300) + float(noise[step]), 0) for step in range(1000)])
