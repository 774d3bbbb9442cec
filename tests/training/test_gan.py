"""The game of two networks: it goes on where it was, changes what it should, and stops when it is lost."""

from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from torch import Tensor

from apart import killed_once_there
from gan_lessons import long_game, small_data, small_lesson, weights
from snellen._errors import InputError
from snellen.instruments.losses.adversarial import LOSSES
from snellen.nets.sampling import sample
from snellen.nets.saved import read_saved, write_saved
from snellen.training import gan
from snellen.training.fit import DivergedError
from snellen.training.gan_lesson import GanLesson, prepare
from snellen.training.gan_settings import Settings
from snellen.training.gan_state import GanState
from snellen.training.watch import Row


@pytest.mark.parametrize("name", LOSSES)
def test_a_game_that_was_stopped_ends_with_the_same_bits(name: str, tmp_path: Path) -> None:
    asked = {"discriminator": LOSSES[name].approach, "loss": name}
    whole = weights(small_lesson(**asked))
    path = tmp_path / "c"

    def stop(_stage: str, done: int, _total: int) -> None:
        if done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        gan.train(small_lesson(**asked), checkpoint=path, checkpoint_every=2, progress=stop)
    assert path.exists()
    parts = weights(small_lesson(**asked), path)
    assert whole.keys() == parts.keys()
    assert [key for key in whole if not torch.equal(whole[key], parts[key])] == []


def test_killed_at_any_moment_it_ends_with_the_same_bits(tmp_path: Path) -> None:
    checkpoint = tmp_path / "generator.checkpoint"
    killed_once_there(checkpoint, long_game, checkpoint)
    one, other = long_game(), long_game(checkpoint)
    assert [key for key in one if not torch.equal(one[key], other[key])] == []


def test_the_rows_of_a_game_that_was_stopped_are_those_of_one_that_was_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gan, "LOOKS", 4)

    def rows_of(checkpoint: Path | None, stop_at: int = 0) -> list[Row]:
        found: list[Row] = []

        def told(rows: Sequence[Row], made: Tensor) -> None:
            assert made.shape == (gan.SHOWN, 1, 8, 8)
            found[:] = rows

        def stop(_stage: str, done: int, _total: int) -> None:
            if done == stop_at:
                raise KeyboardInterrupt

        gan.train(small_lesson(steps=13), checkpoint=checkpoint, checkpoint_every=5, told=told, progress=stop)
        return found

    whole = rows_of(None)
    with pytest.raises(KeyboardInterrupt):
        rows_of(tmp_path / "c", stop_at=8)
    parts = rows_of(tmp_path / "c")
    assert [row["step"] for row in whole] == [3, 6, 9, 12, 13]
    timeless = [[{k: v for k, v in row.items() if k != "seconds"} for row in rows] for rows in (whole, parts)]
    assert timeless[0] == timeless[1]


def test_a_step_of_one_network_leaves_the_other_as_it_is() -> None:
    lesson = small_lesson()
    state = GanState(lesson.generator, lesson.discriminator, lesson.settings)
    before = {name: p.clone() for name, p in lesson.generator.named_parameters()}
    gan.discriminator_step(lesson, state, lesson.draw(0, 0), penalised=True)
    assert all(torch.equal(p, before[name]) for name, p in lesson.generator.named_parameters())
    judge = {name: p.clone() for name, p in lesson.discriminator.named_parameters()}
    gan.generator_step(lesson, state, lesson.draw(0, 1))
    assert all(torch.equal(p, judge[name]) for name, p in lesson.discriminator.named_parameters())
    assert not all(torch.equal(p, before[name]) for name, p in lesson.generator.named_parameters())


def test_the_numbers_of_a_step_are_those_of_the_formulas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gan, "fast_bfloat16", lambda _: False)
    lesson = small_lesson(discriminator="critic")
    draw = lesson.draw(0, 0)
    with torch.no_grad():
        fake = lesson.generator(draw.latent)
        real_scores, fake_scores = lesson.discriminator(draw.real), lesson.discriminator(fake)
    part = draw.mix.view(-1, 1, 1, 1)
    between = (part * draw.real + (1 - part) * fake).requires_grad_(True)
    (slopes,) = torch.autograd.grad(lesson.discriminator(between).sum(), between)
    penalty = 10 * ((slopes.flatten(1).norm(dim=1) - 1) ** 2).mean()
    seen = gan.discriminator_step(
        lesson, GanState(lesson.generator, lesson.discriminator, lesson.settings), draw, penalised=False
    )
    assert seen["real"] == pytest.approx(real_scores.mean().item(), abs=1e-6)
    assert seen["discriminator_loss"] == pytest.approx((fake_scores.mean() - real_scores.mean()).item(), abs=1e-6)
    assert seen["penalty"] == pytest.approx(penalty.item(), rel=1e-4)


def test_a_generator_learns_the_brightness_of_its_images() -> None:
    lesson = small_lesson(steps=100, learning_rate=3e-3)
    real = lesson.data.pixels(torch.arange(40))
    start = _far(lesson, real)
    trained = gan.train(lesson)
    assert _far(trained.samples, real) < 0.6 * start
    assert trained.fitted.rows[-1]["spread"] > 0.2


def _far(made: GanLesson | Tensor, real: Tensor) -> float:
    """How far the mean image is from that of real ones."""
    if isinstance(made, GanLesson):
        with torch.no_grad():
            made = made.generator(made.shown(64)[0])
    return (made.mean(dim=0) - real.mean(dim=0)).abs().mean().item()


def test_a_game_that_runs_away_is_stopped_and_its_last_sound_checkpoint_is_kept(tmp_path: Path) -> None:
    lesson = small_lesson(discriminator="critic", steps=400, learning_rate=30.0)
    path = tmp_path / "c"
    with pytest.raises(DivergedError, match=r"(has diverged: at step|losses became).*smaller learning rate.*--lr 10"):
        gan.train(lesson, checkpoint=path, checkpoint_every=5)
    assert path.exists()
    state = GanState(lesson.generator, lesson.discriminator, lesson.settings)
    assert 0 < state.restore(path, lesson.command) < 400
    assert all(p.isfinite().all() for p in lesson.generator.parameters())


def test_images_with_colours_are_mirrored_and_made_with_colours() -> None:
    lesson = prepare(small_data(grey=False), Settings(steps=2, batch=8, width=2, upsample="transposed"))
    assert lesson.flips
    trained = gan.train(lesson)
    assert trained.samples.shape == (gan.SHOWN, 3, 8, 8)
    assert (trained.samples[:, 0] - trained.samples[:, 1]).abs().max() > 0.01
    assert trained.generator.mean == (0.5,) * 3


def test_torchs_generator_is_left_alone() -> None:
    before = torch.get_rng_state()
    gan.train(small_lesson(steps=1, discriminator="critic", loss="hinge"))
    assert torch.equal(before, torch.get_rng_state())


def test_what_is_written_makes_the_samples_that_were_seen(tmp_path: Path) -> None:
    lesson = small_lesson(conditional=True)
    trained = gan.train(lesson)
    write_saved(trained.generator, tmp_path / "g.safetensors")
    saved = read_saved(tmp_path / "g.safetensors")
    with torch.no_grad():
        again = saved.module(*lesson.shown(gan.SHOWN))
    torch.testing.assert_close(again, trained.samples)
    assert saved.about["class_names"] == ["dark", "light", "striped"]
    assert saved.about["class_counts"] == [14, 13, 13]
    pixels = sample(saved, 3, classes=torch.tensor([0, 1, 2]))
    assert pixels.min() >= 0
    assert pixels.max() <= 1


def test_where_the_memory_is_too_small_a_batch_that_fits_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_lesson: GanLesson, _state: GanState, _draw: object, **_options: object) -> dict[str, float]:
        raise MemoryError

    monkeypatch.setattr(gan, "discriminator_step", full)
    with pytest.raises(InputError, match="too small for a step of 8 images; --batch-size 4 fits"):
        gan.train(small_lesson())
