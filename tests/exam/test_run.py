"""A whole examination: known numbers, the same twice, nothing changed, and one crash does not spoil the rest."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from snellen._errors import ImagesError, NetworkError, NotApplicable, UsageError
from snellen.checks._base import CHECKS, Check, Subject
from snellen.exam.plan import Plan
from snellen.exam.run import examine
from snellen.findings.finding import Finding
from snellen.findings.findings import Findings
from snellen.report.schema import Document
from snellen.subject.load.arrays import array_images
from snellen.subject.load.builtin import builtin_network
from snellen.subject.load.images import load_images
from snellen.subject.network import Network
from toys import small_network
from untouched import untouched

QUICK = Plan(
    name="tiny",
    checks={
        "data/readable": {},
        "accuracy/top1": {},
        "accuracy/classes": {},
        "accuracy/answers": {"images": 4},
        "confidence/outputs": {},
        "confidence/mc_dropout": {"samples": 4, "images": 6},
        "explanation/maps": {"images": 4},
        "explanation/class_models": {"classes": 2, "steps": 2},
        "architecture/layers": {},
    },
)


def photos(count: int = 12, side: int = 6) -> Tensor:
    return torch.rand(count, 3, side, side, generator=torch.Generator().manual_seed(0))


def same(findings: Findings) -> dict[str, Any]:
    """The document without what may differ from run to run."""
    document = findings.to_dict()
    assert {"seconds", "date"} <= set(document["run"])
    document["run"] = {k: v for k, v in document["run"].items() if k not in ("seconds", "date")}
    return document


@pytest.fixture(scope="module")
def builtin() -> Findings:
    return examine("builtin", "digits", preset="quick")


def test_the_built_in_network_sees_as_well_as_was_measured(builtin: Findings) -> None:
    assert builtin.measured["accuracy"] == 0.996
    assert builtin.measured["images"] == 500
    assert builtin.errors == builtin.warnings == ()
    assert len(builtin.predictions) == 500
    silent = {"data/normalised_twice"}  # says something only where there is reason to
    left_out = {"explanation/class_models", "representation/nearest_neighbours"}
    attacks = {"robustness/budgets", "robustness/corruptions", "robustness/masking"}
    assert {f.check for f in builtin} == set(CHECKS) - silent - left_out - attacks
    document = Document.model_validate(builtin.to_dict())
    assert document.subject["count"] == 500
    assert document.run["preset"] == "quick"


def test_every_number_measured_is_one_that_can_be_bounded(builtin: Findings) -> None:
    known = {name for check in CHECKS.values() for name in check.metrics}
    assert set(builtin.measured) <= known


def test_the_same_seed_gives_the_same_findings() -> None:
    images = array_images(photos().numpy(), labels=[0, 1, 2, 3] * 3)
    first, second = (same(examine(small_network(), images, preset=QUICK, seed=5)) for _ in range(2))
    assert first == second
    other = same(examine(small_network(), images, preset=QUICK, seed=6))
    assert other["findings"] != first["findings"]


def test_the_size_of_a_batch_changes_nothing_but_rounding() -> None:
    images = array_images(photos().numpy(), labels=[0, 1, 2, 3] * 3)
    first, second = (examine(small_network(), images, preset=QUICK, batch_size=n).measured for n in (5, 32))
    assert first == pytest.approx(second, abs=1e-5)


def test_nothing_of_the_network_changes() -> None:
    network = small_network()
    with untouched(network.module):
        findings = examine(network, photos(), preset=QUICK)
    assert {f.check for f in findings} == set(QUICK.checks)


def test_nothing_of_the_network_changes_when_it_raises() -> None:
    network = small_network()
    with untouched(network.module), pytest.raises(NetworkError, match="raised on a batch"):
        examine(Network(network.module), photos(side=9), preset=QUICK)


def test_a_module_a_tensor_and_a_number_of_channels() -> None:
    module = nn.Sequential(nn.Flatten(), nn.Linear(108, 3))
    findings = examine(module, photos(), preset="quick")
    assert findings.subject["network"] == "Sequential"
    assert "No labels" in [f.title for f in findings]
    reason = {f.check: f for f in findings}["confidence/mc_dropout"]
    assert (reason.severity, reason.title) == ("info", "Not applicable: mc dropout")
    assert "needs a dropout" in reason.sentence


@dataclass(frozen=True)
class Broken(Check):
    """Raises what it is given."""

    error: Exception = field(default_factory=lambda: ZeroDivisionError("division by <zero>"))
    metrics: ClassVar[dict[str, str]] = {}

    def __call__(self, _subject: Subject) -> Sequence[Finding]:
        raise self.error


def with_broken(monkeypatch: pytest.MonkeyPatch, error: Exception, *, strict: bool = False) -> Findings:
    plain = Plan.build

    def build(self: Plan) -> dict[str, Check]:
        built = plain(self)
        built["accuracy/classes"] = Broken(error)
        return built

    monkeypatch.setattr(Plan, "build", build)
    return examine(small_network(), photos(), preset=QUICK, strict=strict)


def test_a_check_that_crashes_is_a_finding_and_the_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    findings = with_broken(monkeypatch, ZeroDivisionError("division by <zero>"))
    assert [f.check for f in findings] == list(QUICK.checks)
    (crash,) = findings.errors
    assert crash.check == "accuracy/classes"
    assert "ZeroDivisionError: division by <zero>. The other findings are not affected." in crash.sentence
    lines = [row[0] for row in crash.evidence[0].rows]  # type: ignore[union-attr]
    assert lines[0].startswith("Traceback")
    assert lines[-1] == "ZeroDivisionError: division by <zero>"
    Document.model_validate(findings.to_dict())


@pytest.mark.parametrize(
    ("error", "severity", "title"),
    [
        (NotApplicable("no can do"), "info", "Not applicable: classes"),
        (NetworkError("no good"), "error", "Could not be answered"),
        (ImagesError("no good"), "error", "Could not be answered"),
    ],
)
def test_what_a_check_says_of_itself(
    error: Exception, severity: str, title: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = {f.check: f for f in with_broken(monkeypatch, error)}["accuracy/classes"]
    assert (found.severity, found.title, found.sentence) == (severity, title, str(error))


@pytest.mark.parametrize("error", [NotApplicable("a"), NetworkError("a"), ZeroDivisionError("a")])
def test_strict_raises_instead(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(type(error), match="a"):
        with_broken(monkeypatch, error, strict=True)


def test_an_interrupt_is_no_crash_of_a_check(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(KeyboardInterrupt):
        with_broken(monkeypatch, KeyboardInterrupt())  # type: ignore[arg-type]


def test_labels_are_brought_into_the_order_of_the_outputs() -> None:
    images = array_images(photos(4).numpy(), labels=[0, 1, 2, 2], class_names=("owl", "cat", "dog"))
    module = nn.Sequential(nn.Flatten(), nn.Linear(108, 3))
    network = Network(module, class_names=("cat", "dog", "owl"))
    findings = examine(network, images, preset=Plan(name="t", checks={"accuracy/top1": {}}))
    assert [row["label_name"] for row in findings.predictions] == ["owl", "cat", "dog", "dog"]
    assert [row["label"] for row in findings.predictions] == [2, 0, 1, 1]
    assert any("by name" in note for note in findings.subject["notes"])


def test_names_that_do_not_fit_the_outputs_are_not_used() -> None:
    module = nn.Sequential(nn.Flatten(), nn.Linear(108, 3))
    network = Network(module, class_names=("a", "b", "c", "d"))
    findings = examine(network, photos(4), preset=Plan(name="t", checks={"accuracy/answers": {}}))
    assert {t["name"] for row in findings.predictions for t in row["top"]} == {"class 0", "class 1", "class 2"}
    assert any("4 class names for 3 outputs" in note for note in findings.subject["notes"])


def test_names_of_the_images_serve_a_network_that_has_none() -> None:
    images = array_images(photos(4).numpy(), labels=[0, 1, 2, 2], class_names=("owl", "cat", "dog"))
    module = nn.Sequential(nn.Flatten(), nn.Linear(108, 3))
    findings = examine(module, images, preset=Plan(name="t", checks={"accuracy/top1": {}}))
    assert {t["name"] for row in findings.predictions for t in row["top"]} == {"owl", "cat", "dog"}


def test_scores_that_change_their_number_are_refused() -> None:
    class Growing(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.flatten(1)[:, : 1 + len(x)]

    with pytest.raises(NetworkError, match="as many scores"):
        examine(Growing(), photos(5), preset=QUICK, batch_size=3)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ({"preset": "nope"}, "no preset named"),
        ({"batch_size": 0}, "batch_size must be at least 1"),
    ],
)
def test_a_wrong_call(call: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        examine(small_network(), photos(), **call)


def test_progress_is_told_of_every_stage() -> None:
    told: list[tuple[str, int, int]] = []
    examine(small_network(), photos(), preset=QUICK, progress=lambda *stage: told.append(stage))
    last = {stage: (done, total) for stage, done, total in told}
    assert last == {
        "images": (12, 12),
        "MC dropout": (6, 6),
        "explanations": (4, 4),
        "class models": (4, 4),
    }
    for stage in last:
        steps = [done for name, done, _ in told if name == stage]
        assert steps == sorted(steps)


def test_a_part_of_the_digits_is_a_part_of_the_digits() -> None:
    images = load_images("digits", limit=30, seed=1)
    findings = examine(builtin_network(), images, preset=Plan(name="t", checks={"accuracy/top1": {}}))
    assert len(findings.predictions) == 30
    assert findings.measured["accuracy"] >= 0.9
    assert np.isfinite(list(findings.measured.values())).all()
