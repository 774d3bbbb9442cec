"""Can it say that there is nothing? Only if it was shown nothing."""

import pytest
import torch

from rectangles import small_detection, to_learn
from snellen.training.verdicts.objectness import noise, objectness
from untouched import untouched


def test_a_detector_that_was_never_shown_an_empty_scene_is_warned_of() -> None:
    found = objectness(small_detection("single", to_learn(16, empty=0)), trained=False)
    assert (found.severity, found.measured) == ("warning", {"empty_scenes": 0.0})
    assert "learned to be 1" in found.sentence
    assert "Add scenes without an object" in found.remedy


def test_with_empty_scenes_or_a_grid_there_is_no_alarm() -> None:
    found = objectness(small_detection("single", to_learn(20, empty=5)), trained=False)
    assert (found.severity, found.measured["empty_scenes"]) == ("info", pytest.approx(0.2))
    assert objectness(small_detection("many", to_learn(16, empty=0)), trained=False).severity == "info"


@pytest.mark.parametrize("mode", ["single", "many"])
def test_what_it_says_of_noise_is_the_mean_of_the_surest_number_of_each_picture(mode: str) -> None:
    lesson = small_detection(mode, to_learn(16))
    head = lesson.module.head
    with torch.no_grad():
        head.weight.zero_()
        head.bias.zero_()  # type: ignore[union-attr]
        head.bias[0] = 1.0  # type: ignore[index]
    with untouched(lesson.module):
        said = noise(lesson)
    assert said == pytest.approx(torch.tensor(1.0).sigmoid().item())
    found = objectness(lesson, trained=True)
    assert found.measured["objectness_of_noise"] == said
    assert "0.73" in found.sentence
