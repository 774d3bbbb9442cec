"""Scores beyond all bounds end a training; a spike, or a game that goes well, does not."""

import math

import pytest

from snellen.training.fit import DivergedError
from snellen.training.gan_divergence import GanDivergence
from snellen.training.gan_settings import Settings


def follow(watch: GanDivergence, steps: range, *, apart: float) -> None:
    for step in steps:
        watch(step, loss=-apart, apart=apart)


def test_a_critic_may_not_hold_images_further_apart_than_they_are() -> None:
    """Two images of 64 values in [-1, 1] are at most 16 apart."""
    watch = GanDivergence(Settings(discriminator="critic", steps=900), 64)
    follow(watch, range(300), apart=15.0)
    assert watch.sound
    with pytest.raises(DivergedError, match=r"at step (3\d\d), .* 40 apart .* differ by more than 16.*--lr 0.0003"):
        follow(watch, range(300, 400), apart=40.0)
    assert not watch.sound


def test_a_spike_is_no_alarm_and_a_number_that_is_none_is() -> None:
    watch = GanDivergence(Settings(learning_rate=0.3), 64)
    for step in range(200):
        watch(step, loss=1.0, apart=1e9 if step % 100 == 50 else 5.0)
    with pytest.raises(DivergedError, match=r"losses became nan at step 7 of 3000; try .* --lr 0.1"):
        watch(7, loss=math.nan, apart=0.0)
    with pytest.raises(DivergedError, match="a few units"):
        follow(watch, range(100), apart=-5000.0)
