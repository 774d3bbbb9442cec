"""Findings: by severity and in order, the numbers by name, what a finding says of itself."""

import dataclasses

import pytest

from snellen.findings.finding import Finding
from snellen.findings.findings import Findings


def finding(check: str, severity: str, **measured: float) -> Finding:
    return Finding(check, severity, f"{check} title", f"{check} sentence", measured=measured)  # type: ignore[arg-type]


FOUND = Findings(
    (
        finding("accuracy/top1", "ok", top1=0.8, count=200),
        finding("confidence/outputs", "warning", saturated=0.3),
        finding("data/readable", "error", bad=2),
        finding("explanation/maps", "warning"),
    )
)


def test_by_severity_and_in_order() -> None:
    assert [f.check for f in FOUND] == ["accuracy/top1", "confidence/outputs", "data/readable", "explanation/maps"]
    assert len(FOUND) == 4
    assert [f.check for f in FOUND.warnings] == ["confidence/outputs", "explanation/maps"]
    assert [f.check for f in FOUND.errors] == ["data/readable"]
    assert [f.check for f in FOUND.of("ok")] == ["accuracy/top1"]
    assert FOUND.of("info") == ()


def test_the_numbers_by_name() -> None:
    assert FOUND.measured == {"top1": 0.8, "count": 200, "saturated": 0.3, "bad": 2}


def test_a_finding_is_frozen_and_reads_as_a_line() -> None:
    assert str(FOUND.findings[2]) == "error   data/readable: data/readable sentence"
    with pytest.raises(dataclasses.FrozenInstanceError):
        FOUND.findings[0].severity = "error"  # type: ignore[misc]
    with pytest.raises(dataclasses.FrozenInstanceError):
        FOUND.findings = ()  # type: ignore[misc]
