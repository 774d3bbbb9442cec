"""A checkpoint of two networks brings everything back, and only to the same command."""

from pathlib import Path

import pytest
import torch

from gan_lessons import small_lesson
from snellen._errors import UsageError
from snellen.training.gan import discriminator_step, generator_step
from snellen.training.gan_lesson import GanLesson
from snellen.training.gan_state import GanState


def played(lesson: GanLesson, steps: int) -> GanState:
    state = GanState(lesson.generator, lesson.discriminator, lesson.settings)
    for step in range(steps):
        seen = discriminator_step(lesson, state, lesson.draw(step, 0), penalised=True)
        state.add(seen | generator_step(lesson, state, lesson.draw(step, 1)))
        state.average(0.5)
    return state


def test_everything_comes_back(tmp_path: Path) -> None:
    lesson, other = small_lesson(), small_lesson()
    state = played(lesson, 3)
    state.look({"step": 3.0}, 1.25)
    state.add({"real": 2.0})
    state.keep(tmp_path / "c", 3, lesson.command)
    back = GanState(other.generator, other.discriminator, other.settings)
    assert back.restore(tmp_path / "c", lesson.command) == 3
    assert (back.rows, back.sums, back.counted, back.seconds) == (state.rows, {"real": 2.0}, 1, 0.0)
    for name, module in state.modules.items():
        for key, tensor in module.state_dict().items():
            assert torch.equal(tensor, back.modules[name].state_dict()[key])
        for one, two in zip(state.optimizers[name].state.values(), back.optimizers[name].state.values(), strict=True):
            assert all(torch.equal(one[key], two[key]) for key in one)
    assert all(torch.equal(tensor, back.averaged[key]) for key, tensor in state.averaged.items())
    with pytest.raises(UsageError, match="seed was 0 and is 1"):
        back.restore(tmp_path / "c", lesson.command | {"seed": 1})
    assert back.restore(tmp_path / "none", lesson.command) == 0


def test_the_averaged_weights_are_the_average() -> None:
    lesson = small_lesson()
    state = GanState(lesson.generator, lesson.discriminator, lesson.settings)
    before = lesson.generator.image.weight.detach().clone()
    with torch.no_grad():
        lesson.generator.image.weight += 1
    state.average(0.75)
    torch.testing.assert_close(state.averaged["image.weight"], before + 0.25)
    state.at(0.125)
    assert {group["lr"] for o in state.optimizers.values() for group in o.param_groups} == {0.125}


def test_a_look_is_the_mean_of_the_steps_since_the_last() -> None:
    lesson = small_lesson()
    state = GanState(lesson.generator, lesson.discriminator, lesson.settings)
    for value in (1.0, 2.0, 6.0):
        state.add({"real": value})
    state.look({"step": 3.0}, 1.0)
    state.add({"real": 10.0})
    state.look({"step": 4.0}, 2.0)
    assert [row["real"] for row in state.rows] == [3.0, 10.0]
