"""Plans: the presets that ship, a user's own, and every way to get one wrong before anything runs."""

from pathlib import Path
from typing import Any

import pytest

from snellen._errors import UsageError
from snellen.checks._base import CHECKS
from snellen.checks.accuracy.answers import Answers
from snellen.checks.explanation.maps import Maps
from snellen.exam.catalogue import catalogue
from snellen.exam.plan import Plan, presets, read_plan


def test_the_presets_that_ship() -> None:
    assert list(presets()) == ["full", "quick", "standard"]
    for name in presets():
        plan = read_plan(name)
        assert plan.name == name
        assert plan.description.endswith(".")
        built = plan.build()
        assert set(built) <= set(CHECKS)
        assert {"accuracy", "parameters", "unreadable_images"} <= set(plan.metrics)
    assert set(read_plan("standard").checks) == set(CHECKS)


def test_every_check_measures_under_names_of_its_own() -> None:
    names = [name for check in CHECKS.values() for name in check.metrics]
    assert len(names) == len(set(names))


def test_a_plan_of_the_users(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(
        'description = "mine"\n[checks."accuracy/answers"]\nimages = 3\n'
        '[checks."explanation/maps"]\nmethods = ["saliency"]\ntarget = 3\n'
    )
    plan = read_plan(str(file))
    assert (plan.name, plan.description) == ("mine", "mine")
    assert plan.build() == {
        "accuracy/answers": Answers(images=3),
        "explanation/maps": Maps(methods=("saliency",), target=3),
    }
    assert "accuracy" not in plan.metrics


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("accuracy/top2", {}, "no check named 'accuracy/top2'; did you mean accuracy/top1"),
        ("acuracy/top1", {}, "did you mean accuracy/top1"),
        ("top1", {}, "no check named 'top1'"),
        ("accuracy/answers", {"image": 3}, "no setting of accuracy/answers named 'image'; did you mean images"),
        ("accuracy/top1", {"metrics": {}}, "no setting of accuracy/top1 named 'metrics'"),
        ("accuracy/answers", {"images": 0}, "accuracy/answers: images and top must be at least 1"),
        ("accuracy/answers", {"images": "many"}, "accuracy/answers: images.*got 'many'"),
        ("accuracy/answers", {"images": 2.5}, "accuracy/answers: images.*got 2.5"),
        ("accuracy/answers", {"images": True}, "accuracy/answers: images.*got True"),
        ("confidence/mc_dropout", {"samples": 0}, "confidence/mc_dropout: .*at least 1"),
        ("explanation/maps", {"methods": ["salency"]}, "did you mean saliency"),
        ("explanation/maps", {"methods": "saliency"}, "explanation/maps: methods.*got 'saliency'"),
        ("explanation/maps", {"methods": []}, "at least one method"),
        ("explanation/maps", {"precision": "int8"}, "precision"),
        ("explanation/class_models", {"steps": 0}, "steps >= 1"),
    ],
)
def test_a_mistake_is_found_before_anything_runs(name: str, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Plan(name="mine", checks={name: settings}).build()


def test_an_integer_will_do_where_a_float_is_meant() -> None:
    assert Plan(name="m", checks={"explanation/class_models": {"blur_sigma": 2}}).build()


def test_an_unknown_preset_names_the_close_ones() -> None:
    with pytest.raises(UsageError, match=r"no preset named 'qiuck'; did you mean quick\? Known: full, quick, standard"):
        read_plan("qiuck")


@pytest.mark.parametrize(
    "text",
    [
        "this is no toml",
        'description = "no checks"',
        "checks = 3",
        '[checks]\n"accuracy/top1" = 3',
        'name = "twice"\n[checks."accuracy/top1"]',
        'colour = "blue"\n[checks."accuracy/top1"]',
    ],
)
def test_a_file_that_is_no_plan(text: str, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(text)
    with pytest.raises(UsageError, match="is not a plan"):
        read_plan(str(file))


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="is not a plan"):
        read_plan(str(file))


def test_the_catalogue_names_everything() -> None:
    found = catalogue()
    assert {"saliency", "guided_backprop"} <= set(found["attribution"])
    assert "class_model" in found["visualisation"]
    assert "mc_dropout" in found["uncertainty"]
    assert set(found["checks"]) == set(CHECKS)
