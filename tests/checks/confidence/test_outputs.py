"""Are they scores? Each verdict by a case built for it."""

import pytest
import torch

from checks.hand_made import noise, scores, subject
from snellen.checks.confidence.outputs import Outputs
from snellen.findings.finding import Finding


def look(logits: torch.Tensor, labels: list[int] | None = None, **more: object) -> Finding:
    (finding,) = Outputs()(subject(logits, labels, **more))  # type: ignore[arg-type]
    return finding


def random(count: int = 30, classes: int = 4) -> torch.Tensor:
    return torch.randn(count, classes, generator=torch.Generator().manual_seed(2)) * 3


def test_scores_are_in_order() -> None:
    finding = look(random())
    assert (finding.severity, finding.title) == ("ok", "Outputs are scores")
    assert f"from {float(random().min()):.1f} to {float(random().max()):.1f}" in finding.sentence


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_softmax_is_a_warning(dtype: torch.dtype) -> None:
    finding = look(random().softmax(dim=1).to(dtype).float() if dtype == torch.float32 else random().softmax(dim=1))
    assert (finding.severity, finding.title) == ("warning", "Outputs are probabilities")
    assert finding.remedy


def test_a_log_softmax_is_worth_knowing() -> None:
    finding = look(random().log_softmax(dim=1))
    assert (finding.severity, finding.title) == ("info", "Outputs are log-probabilities")


def test_sigmoids_and_positive_scores_are_no_softmax() -> None:
    assert look(random().sigmoid()).severity == "ok"
    assert look(random().abs()).severity == "ok"


@pytest.mark.parametrize("last", ["nothing", "softmax", "log_softmax"])
def test_a_constant_output_is_an_error_whatever_comes_last(last: str) -> None:
    constant = torch.tensor([[1.0, -2.0, 0.5]]).expand(12, 3).clone()
    logits = {"nothing": constant, "softmax": constant.softmax(1), "log_softmax": constant.log_softmax(1)}[last]
    finding = look(logits)
    assert (finding.severity, finding.title) == ("error", "The output ignores the image")
    assert "all 12 images" in finding.sentence
    assert finding.remedy


def test_zeros_for_everything_are_constant_too() -> None:
    assert look(torch.zeros(5, 3)).severity == "error"


def test_one_image_says_nothing_about_variation() -> None:
    assert look(torch.tensor([[1.0, 2.0]])).severity == "ok"


def test_equal_images_have_equal_scores_and_nobody_is_to_blame() -> None:
    copies = noise(1).expand(6, -1, -1, -1).clone()
    assert look(torch.tensor([[1.0, -2.0]]).expand(6, 2).clone(), pixels=copies).severity != "error"


def test_one_answer_for_everything_is_a_warning_that_names_it() -> None:
    finding = look(scores([1] * 20, 3), [0, 1, 2, 1] * 5, names=("ant", "bee", "cat"))
    assert (finding.severity, finding.title) == ("warning", "One answer for everything")
    assert "All 20 images are given one class, bee" in finding.sentence
    assert finding.remedy


def test_one_answer_without_labels_is_a_warning() -> None:
    assert look(scores([1] * 20, 3)).severity == "warning"


def test_one_answer_for_few_images_is_not() -> None:
    assert look(scores([1] * 19, 3)).severity == "ok"


def test_one_right_answer_for_images_of_one_class_is_not() -> None:
    assert look(scores([1] * 30, 3), [1] * 30).severity == "ok"
