"""Uncertainty as a finding: the area under the curve, who is in the sample, and when it is to be mistrusted."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from sklearn.metrics import roc_auc_score
from torch import Tensor, nn

from checks.hand_made import curve, evidence, gallery, scores, subject, table
from snellen._errors import NotApplicable, UsageError
from snellen.checks._base import Subject
from snellen.checks.confidence import mc_dropout
from snellen.checks.confidence.mc_dropout import Dropout, roc_area
from snellen.instruments.uncertainty._base import Uncertainty
from snellen.instruments.uncertainty.mc_dropout import MCDropout

TABLE = "Uncertainty of every image, most uncertain first"


def dropout_module(classes: int = 3) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(108, 16), nn.ReLU(), nn.Dropout(0.5), nn.Linear(16, classes))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("levels", [2, 5, 10**6])
def test_the_area_is_scikit_learns_ties_included(seed: int, levels: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    values = torch.randint(levels, (80,), generator=generator).float()
    positive = torch.rand(80, generator=generator) < 0.3
    area, error = roc_area(values, positive)
    assert area == pytest.approx(roc_auc_score(positive.numpy(), values.numpy()), abs=1e-12)
    assert 0 <= error < 0.2


def test_the_standard_error_is_hanley_and_mcneils() -> None:
    """Their formula by hand: area 5/6 of 2 positive and 3 negative scores."""
    area, error = roc_area(torch.tensor([3.0, 1.5, 1.0, 2.0, 0.5]), torch.tensor([True, True, False, False, False]))
    a, b = area / (2 - area), 2 * area**2 / (1 + area)
    expected = ((area * (1 - area) + (a - area**2) + 2 * (b - area**2)) / 6) ** 0.5
    assert (area, error) == (pytest.approx(5 / 6), pytest.approx(expected))


def test_the_area_of_many_images_takes_little_memory() -> None:
    """Every pair of 200,000 images would be 80 GB."""
    values = torch.arange(200_000.0)
    area, error = roc_area(values, values % 2 == 1)
    assert area == pytest.approx(0.5, abs=1e-4)
    assert error < 0.01


def test_a_small_network_end_to_end() -> None:
    seen = subject(scores([0, 1, 2, 0, 1, 2, 0, 1], 3), [0, 1, 2, 0, 1, 2, 1, 0], module=dropout_module())
    (finding,) = Dropout(samples=6, shown=3)(seen)
    rows = torch.arange(8)
    result = MCDropout(6)(seen.network, seen.pixels(rows), seed=0)
    assert finding.measured["mean_entropy"] == pytest.approx(float(result.entropy.mean()), abs=1e-6)
    mutual = float(result.mutual_information.mean())
    assert finding.measured["mean_mutual_information"] == pytest.approx(mutual, abs=1e-6)
    wrong = torch.tensor([False] * 6 + [True] * 2)
    area = roc_auc_score(wrong.numpy(), result.entropy.numpy())
    assert finding.measured["entropy_finds_mistakes"] == pytest.approx(area)
    assert set(finding.measured) == set(Dropout.metrics)
    body = table(finding, TABLE).rows
    entropies = [row[4] for row in body]
    assert entropies == sorted(entropies, reverse=True)
    assert [row[0] for row in body] == [f"image {i}" for i in result.entropy.argsort(descending=True).tolist()]
    assert [len(gallery(finding, title).tiles) for title in ("Least sure", "Most sure")] == [3, 3]
    assert gallery(finding, "Least sure").tiles[0].image == int(result.entropy.argmax())
    assert gallery(finding, "Most sure").tiles[0].image == int(result.entropy.argmin())
    histogram = curve(finding, "Predictive entropy").series
    assert {name: sum(y) for name, (_, y) in histogram.items()} == {"right": 6.0, "wrong": 2.0}
    assert "Dropout at 3 (p = 0.5)" in finding.sentence
    assert "were saved" in finding.sentence


def test_without_labels_there_are_no_mistakes_to_find() -> None:
    (finding,) = Dropout(samples=3)(subject(scores([0, 1, 2], 3), module=dropout_module()))
    assert "entropy_finds_mistakes" not in finding.measured
    assert set(curve(finding, "Predictive entropy").series) == {"all"}
    assert finding.severity == "ok"


def test_one_image_is_shown_once() -> None:
    (finding,) = Dropout(samples=2)(subject(scores([0], 3), module=dropout_module()))
    assert [e.title for e in finding.evidence if e.title.endswith("sure")] == ["Least sure"]


def test_a_network_without_dropout_says_so() -> None:
    with pytest.raises(NotApplicable, match="needs a dropout"):
        Dropout(samples=2)(subject(scores([0, 1], 3)))


@pytest.mark.parametrize("settings", [{"samples": 0}, {"images": 0}, {"shown": 0}])
def test_settings_out_of_range(settings: dict[str, int]) -> None:
    with pytest.raises(UsageError, match="at least 1"):
        Dropout(**settings)


Check = Callable[..., Any]


@pytest.fixture
def entropies(monkeypatch: pytest.MonkeyPatch) -> Callable[[Tensor], None]:
    """Makes the sampling return entropies written down by hand: the first pixel of every image says which."""

    def choose(values: Tensor) -> None:
        class Sampler:
            def __init__(self, samples: int) -> None:
                self.samples = samples

            def __call__(self, _network: object, pixels: Tensor, **_more: object) -> Uncertainty:
                entropy = values[(pixels[:, 0, 0, 0] * 10_000).round().long()]
                flat, zero = torch.full((len(pixels), 3), 1 / 3), torch.zeros(len(pixels))
                details = {"dropout": {"3": 0.5}, "whole_network_repeated": "", "share_of_work_saved": 0.5}
                return Uncertainty(flat, entropy, zero, zero, zero, flat, zero, zero, zero, details=details)

        monkeypatch.setattr(mc_dropout, "MCDropout", Sampler)

    return choose


def numbered(count: int) -> Tensor:
    """Images that carry their own number."""
    pixels = torch.zeros(count, 3, 4, 4)
    pixels[:, 0, 0, 0] = torch.arange(count) / 10_000
    return pixels


def test_lower_entropy_on_mistakes_is_a_warning(entropies: Callable[[Tensor], None]) -> None:
    entropies(torch.linspace(0, 1, 40))
    seen = subject(scores([0] * 40, 3), [1] * 10 + [0] * 30, pixels=numbered(40))
    (finding,) = Dropout()(seen)
    assert finding.measured["entropy_finds_mistakes"] == 0.0
    assert finding.severity == "warning"
    assert finding.remedy


def test_higher_entropy_on_mistakes_is_in_order(entropies: Callable[[Tensor], None]) -> None:
    entropies(torch.linspace(1, 0, 40))
    (finding,) = Dropout()(subject(scores([0] * 40, 3), [1] * 10 + [0] * 30, pixels=numbered(40)))
    assert finding.measured["entropy_finds_mistakes"] == 1.0
    assert finding.severity == "ok"


def test_a_single_confident_mistake_is_no_ground_for_a_warning(entropies: Callable[[Tensor], None]) -> None:
    """One mistake of 200 stands anywhere in the order with equal chance: its place says nothing."""
    entropies(torch.linspace(0, 1, 200))
    (finding,) = Dropout()(subject(scores([0] * 200, 3), [1] + [0] * 199, pixels=numbered(200)))
    assert finding.measured["entropy_finds_mistakes"] == 0.0
    assert finding.severity == "ok"


def test_a_part_of_the_images_speaks_for_all_of_them(entropies: Callable[[Tensor], None]) -> None:
    """Entropy is a fair guide here; asking it of the most confident mistakes alone would say the opposite."""
    generator = torch.Generator().manual_seed(0)
    count, mistakes = 2000, 400
    entropy = torch.rand(count, generator=generator)
    entropy[:mistakes] = entropy[:mistakes].clamp(min=0) * 0.9 + 0.25
    entropies(entropy)
    sure = 8 * (1.3 - entropy)  # the surer, the larger the score
    logits = torch.zeros(count, 3)
    logits[:, 0] = sure
    seen = subject(logits, [1] * mistakes + [0] * (count - mistakes), pixels=numbered(count))
    wrong = torch.arange(count) < mistakes
    truth = roc_auc_score(wrong.numpy(), entropy.numpy())
    (finding,) = Dropout(images=300)(seen)
    assert truth > 0.65
    assert finding.measured["entropy_finds_mistakes"] == pytest.approx(truth, abs=0.1)
    assert finding.severity == "ok"
    assert finding.measured["mean_entropy"] == pytest.approx(float(entropy.mean()), abs=0.05)


def test_never_more_than_a_batch_of_pixels_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    plain = Subject.pixels
    monkeypatch.setattr(Subject, "pixels", lambda self, rows: asked.append(len(rows)) or plain(self, rows))
    seen = subject(scores([0, 1, 2] * 50, 3), [0, 1, 2] * 50, module=dropout_module())
    (finding,) = Dropout(samples=3)(seen)
    assert len(table(finding, TABLE).rows) == 150
    assert max(asked) <= 64
    whole = MCDropout(3)(seen.network, plain(seen, torch.arange(150)), seed=0)
    assert finding.measured["mean_entropy"] == pytest.approx(float(whole.entropy.mean()), abs=1e-6)
    assert evidence(finding, TABLE)
