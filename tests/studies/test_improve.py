"""Exercise 3a: what is fixed stays fixed, levers are taken by their gain, and the test part is looked at once."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F
from typer.main import get_command

from lessons import archive, digits_to_learn, small_set
from snellen._errors import UsageError
from snellen.cli.main import app
from snellen.findings.evidence import Table
from snellen.findings.findings import Findings
from snellen.report.schema import Document
from snellen.studies import improve
from snellen.studies._improve_levers import Recipe, levers
from snellen.studies._improve_rounds import GIVEN, Answers, Arm, rounds_of
from snellen.studies._improve_task import EACH, Task, answered, course, own
from snellen.studies.improve import Improve
from snellen.training.augment import Views
from snellen.training.fit import DivergedError, fit
from snellen.training.looks import Looks
from snellen.training.range_test import range_test
from snellen.training.settings import Settings
from snellen.training.watch import Watch

GIVEN_RECIPE = Recipe(
    Settings(
        network="small_vgg",
        epochs=4,
        batch=27,
        learning_rate=1e-3,
        optimizer="sgd",
        weight_decay=0.0,
        flip=False,
        shift=0,
        average=0.0,
    )
)
LEVERS = levers(GIVEN_RECIPE.settings, rate=0.02, side=16)


def answers(right: float, *, seeds: int = 3, count: int = 200) -> Answers:
    """This part of the images right, the first ones, with every seed."""
    table = np.zeros((seeds, count), bool)
    table[:, : round(right * count)] = True
    return Answers(table, np.full(seeds, 1 - right))


def test_a_lever_changes_what_it_says_and_nothing_that_is_fixed() -> None:
    assert len({lever.key for lever in LEVERS}) == len(LEVERS)
    for lever in LEVERS:
        changed = lever.on(GIVEN_RECIPE)
        assert changed != GIVEN_RECIPE, lever.name
        for fixed in ("network", "batch", "dropout", "optimizer", "seed", "patience"):
            assert getattr(changed.settings, fixed) == getattr(GIVEN_RECIPE.settings, fixed)


def test_the_options_that_are_named_exist() -> None:
    verb = get_command(app).commands["train"].commands["classify"]  # type: ignore[attr-defined]
    known = {option for parameter in verb.params for option in parameter.opts}
    named = [word.strip(":,") for lever in LEVERS for word in lever.option.split() if word.startswith("--")]
    assert len(named) > 10
    assert set(named) <= known


def test_rounds_take_the_largest_gain_and_stop_at_noise() -> None:
    """Label smoothing gains 20 points, mixup 10, and 5 on top of it; nothing else does anything."""
    looks, asked = Looks(), list[Recipe]()

    def tried(recipe: Recipe) -> Answers:
        asked.append(recipe)
        smoothed, mixed = recipe.settings.smoothing > 0, recipe.settings.mixup > 0
        return answers(0.5 + 0.2 * smoothed + (0.05 if smoothed else 0.1) * mixed)

    first = Arm(None, GIVEN_RECIPE, answers(0.5))
    found = list(rounds_of(first, LEVERS, 5, looks, tried))
    assert [r.taken.lever.key if r.taken and r.taken.lever else None for r in found] == ["smoothing", "mixup", None]
    assert [g.value for g in found[0].gains[:3]] == pytest.approx([0.2, 0.1, 0.0])
    assert [len(r.tried) for r in found] == [len(LEVERS), len(LEVERS) - 1, len(LEVERS) - 2]
    assert len(asked) == sum(len(r.tried) for r in found)
    assert looks.counts == {"val": 1 + len(asked)}
    assert [(c.what, c.chosen) for c in looks.choices] == [
        ("lever of round 1", "round 1: label smoothing"),
        ("lever of round 2", "round 2: mixup"),
    ]
    assert looks.choices[0].among[0] == GIVEN


def test_noise_is_never_taken() -> None:
    generator = iter(range(10_000))

    def tried(_: Recipe) -> Answers:
        return noisy(next(generator))

    (found,) = rounds_of(Arm(None, GIVEN_RECIPE, noisy(10_000)), LEVERS, 3, Looks(), tried)
    assert found.taken is None
    assert [g.value for g in found.gains] == sorted((g.value for g in found.gains), reverse=True)


def noisy(seed: int) -> Answers:
    return Answers(np.random.default_rng(seed).random((3, 300)) < 0.8, np.zeros(3))


def lesson_state(task: Task, recipe: Recipe, seed: int) -> dict[str, Tensor]:
    return dict(course(task, recipe, seed).module.state_dict())


def test_both_sides_of_a_pair_begin_and_go_through_the_images_alike(tmp_path: Path) -> None:
    task = own(small_set(tmp_path), "small_vgg", None)
    one, other = (task.lesson(replace(lever.on(GIVEN_RECIPE).settings, seed=3)) for lever in LEVERS[:2])
    assert all(torch.equal(a, b) for a, b in zip(one.module.parameters(), other.module.parameters(), strict=True))
    assert all(torch.equal(one.seen(step)[0], other.seen(step)[0]) for step in range(3))
    short = replace(GIVEN_RECIPE, settings=replace(GIVEN_RECIPE.settings, epochs=1))
    a, b = (lesson_state(task, recipe, 3) for recipe in (short, replace(short, views=True)))
    assert all(torch.equal(a[name], b[name]) for name in a)


def test_stochastic_averaging_is_the_mean_over_the_epochs_of_the_last_half(tmp_path: Path) -> None:
    task = own(small_set(tmp_path), "small_vgg", None)
    found = course(task, replace(GIVEN_RECIPE, stochastic=True), 5)
    lesson = task.lesson(replace(GIVEN_RECIPE.settings, seed=5))
    kept: list[dict[str, Tensor]] = []

    def look() -> dict[str, float]:
        kept.append({name: value.clone() for name, value in lesson.module.state_dict().items()})
        return {"val_loss": 0.0}

    schedule = replace(lesson.schedule, cycle=False)
    fit(lesson.module, lesson.losses(lesson.module), schedule, seed=5, watch=Watch(lesson.epoch, look))
    state = found.module.state_dict()
    for name, _ in lesson.module.named_parameters():
        slow = (kept[2][name] + kept[3][name]) / 2
        assert torch.allclose(state[name], slow, atol=1e-6), name
    first = next(m for m in found.module.modules() if isinstance(m, nn.Conv2d))
    maps = [F.conv2d(found.seen(step)[0], first.weight, padding=1) for step in range(found.epoch)]
    norm = next(m for m in found.module.modules() if isinstance(m, nn.BatchNorm2d))
    assert norm.running_mean is not None
    mean = torch.stack([m.mean((0, 2, 3)) for m in maps]).mean(0)
    assert torch.allclose(norm.running_mean, mean, atol=1e-3)
    assert not found.module.training


def test_the_given_rate_is_constant() -> None:
    schedule = replace(GIVEN_RECIPE.settings.schedule(9), cycle=GIVEN_RECIPE.cycle)
    assert {schedule.rate(step) for step in range(9)} == {1e-3}


def test_a_network_that_diverges_is_right_about_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    task = own(small_set(tmp_path), "small_vgg", None)
    whole = course

    def falls(task: Task, recipe: Recipe, seed: int) -> Any:
        if seed == 1:
            raise DivergedError("the loss became nan")
        return whole(task, replace(recipe, settings=replace(recipe.settings, epochs=1)), seed)

    monkeypatch.setattr(improve, "course", falls)
    found = improve._answers(task, GIVEN_RECIPE, range(2), task.data.val)
    assert (found.diverged, int(found.right[1].sum())) == (1, 0)
    assert found.loss == found.losses[0]


def test_images_of_several_sizes_are_resized_once_and_cut_in_the_middle(tmp_path: Path) -> None:
    generator = torch.Generator().manual_seed(0)
    images = [torch.randint(256, (3, h, w), generator=generator, dtype=torch.uint8) for h, w in ((16, 16), (16, 20))]
    images.append(torch.full((3, 40, 64), 7, dtype=torch.uint8))
    data = small_set(tmp_path)
    fixed = own(replace(data, views=Views(images, (16, 16)), labels=torch.tensor([0, 1, 2])), "small_vgg", None)
    kept = fixed.data.views.images
    assert torch.equal(kept[0], images[0])
    assert torch.equal(kept[1], images[1][:, :, 2:18])
    assert torch.equal(kept[2], torch.full((3, 16, 16), 7, dtype=torch.uint8))


def test_the_digits_are_other_images_and_other_classes_than_those_before() -> None:
    task = digits_to_learn()
    data = task.data
    assert data.class_names == ("4", "5", "6", "7", "8", "9")
    assert torch.bincount(data.labels).tolist() == [EACH] * 6
    assert data.test is not None
    assert len(data.labels) + len(data.val) + len(data.test) == 1_077

    def pixels(images: Any) -> set[bytes]:
        return {image.numpy().tobytes() for image in images}

    assert not pixels(data.views.images) & pixels(data.val.images)
    one, other = (task.lesson(replace(GIVEN_RECIPE.settings, seed=seed)) for seed in (1, 2))
    same = [
        name
        for (name, a), b in zip(one.module.named_parameters(), other.module.parameters(), strict=True)
        if torch.equal(a, b)
    ]
    assert not any(name.startswith("classifier.4") for name in same)
    assert len(same) == len(list(one.module.parameters())) - 2


def test_it_is_a_page_that_looks_at_the_test_part_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    few = ("range_test", "cycle", "swa", "views")
    monkeypatch.setattr(improve, "range_test", lambda *a, **k: range_test(*a, **k, steps=12))
    monkeypatch.setattr(improve, "levers", lambda *a, **k: [x for x in levers(*a, **k) if x.key in few])
    path = str(archive(tmp_path / "pictures.npz"))
    study = Improve(data=path, network="small_vgg", test=path, seeds=2, rounds=1, epochs=1, batch=27)
    asked: list[int] = []
    monkeypatch.setattr(improve, "answered", lambda lesson, recipe, part: count(asked, lesson, recipe, part))
    result = study.run()
    findings = Findings(study.findings(result), subject={"study": study.title, **study.about()})
    Document.model_validate(findings.to_dict())
    assert result.looks.counts["test"] == 1
    assert asked.count(60) == 2
    assert asked[-2:] == [60, 60]
    tables = {e.title: e for f in findings for e in f.evidence if isinstance(e, Table)}
    ranked = [row[1] for row in tables["Every lever by its gain, round 1"].rows]
    assert ranked == sorted(ranked, key=lambda gain: -float(gain or 0))
    assert len(ranked) == len(few)
    assert findings.measured["best_test"] == pytest.approx(result.test.right.mean())  # type: ignore[union-attr]
    given = result.rounds[0].before.val.right
    assert findings.measured["given_val"] == pytest.approx(given.mean())
    assert tables["Every seed"].rows[1][1] == pytest.approx(given[1].mean())


def count(asked: list[int], lesson: Any, recipe: Recipe, part: Any) -> Any:
    asked.append(len(part))
    return answered(lesson, recipe, part)


def right(table: list[list[int]]) -> NDArray[np.bool_]:
    return np.array(table, bool)


def test_most_is_a_vote() -> None:
    assert Answers(right([[1, 1, 0], [1, 0, 0], [1, 1, 1]]), np.zeros(3)).most.tolist() == [True, True, False]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"seeds": 1}, "at least 2 seeds and 1 round, got seeds=1"),
        ({"rounds": 0}, "rounds=0"),
        ({"init": "first.safetensors"}, "init is for images of your own"),
        ({"side": 64}, "side is for images of your own"),
        ({"learning_rate": 0.0}, "must be a number above 0, got 0"),
        ({"optimizer": "adam"}, "did you mean adamw"),
        ({"epochs": 0}, "epochs=0"),
    ],
)
def test_settings_that_mean_nothing(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        Improve(**settings)
