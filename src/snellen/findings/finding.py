"""One answer to one question about the subject."""

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field
from typing import Literal, TypeAlias

from snellen.findings.evidence import Evidence

Severity: TypeAlias = Literal["ok", "info", "warning", "error"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info", "ok")


@dataclass(frozen=True, eq=False)
class Finding:
    """What a check saw, how bad it is, what that rests on and what to do.

    Args:
        check: ``area/name`` of the check that saw it, such as ``accuracy/top1``.
        severity: ``ok`` (looked, nothing wrong), ``info`` (to know), ``warning`` (to look at), ``error`` (to mend).
        title: a few words.
        sentence: what was seen, with its numbers, in one or two sentences.
        measured: name -> number; the names that ``--require`` can bound.
        headlines: those of ``measured`` that belong at the head of the page.
        remedy: what to do; empty when there is nothing to do.
        evidence: tables, curves and pictures.
        reference: the paper or definition behind it.
    """

    check: str
    severity: Severity
    title: str
    sentence: str
    _: KW_ONLY
    measured: Mapping[str, float] = field(default_factory=dict)
    headlines: tuple[str, ...] = ()
    remedy: str = ""
    evidence: tuple[Evidence, ...] = ()
    reference: str = ""

    def __str__(self) -> str:
        return f"{self.severity:7} {self.check}: {self.sentence}"
