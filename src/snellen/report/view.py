"""Findings as the page says them: the header, the verdict, the contents and each section. No HTML."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from snellen.findings.finding import SEVERITIES, Finding
from snellen.findings.findings import SCHEMA_VERSION, Findings
from snellen.report.evidence_view import EvidenceView, evidence_view
from snellen.report.marks import MARKS, Mark
from snellen.report.names import slug, unique
from snellen.report.numerals import column, number
from snellen.report.wording import rows, run_line, title, unbroken, verdict


@dataclass(frozen=True)
class Measure:
    """A number by the name that ``--require`` knows it by, with its interval if one was measured."""

    name: str
    value: str
    interval: str


@dataclass(frozen=True)
class Section:
    """One finding."""

    anchor: str
    check: str
    mark: Mark
    title: str
    sentence: str
    remedy: str
    measures: tuple[Measure, ...]
    evidence: tuple[EvidenceView, ...]
    reference: str


@dataclass(frozen=True)
class Area:
    """The findings of the checks of one area: what stands before the ``/``."""

    anchor: str
    name: str
    sections: tuple[Section, ...]


@dataclass(frozen=True)
class Page:
    """The whole report, in the order in which it is read."""

    title: str
    subject: tuple[tuple[str, str], ...]
    run_line: str
    verdict: str
    tally: tuple[tuple[Mark, str], ...]
    headline: tuple[Measure, ...]
    areas: tuple[Area, ...]
    run: tuple[tuple[str, str], ...]
    schema_version: int

    @property
    def pressing(self) -> tuple[Section, ...]:
        """What has to be mended, then what has to be looked at."""
        sections = [s for area in self.areas for s in area.sections]
        return tuple(s for level in ("error", "warning") for s in sections if s.mark.severity == level)


def page(findings: Findings) -> Page:
    """The page of an examination."""
    sections = _sections(findings)
    areas: dict[str, list[Section]] = {}
    for section in sections:
        areas.setdefault(section.check.partition("/")[0], []).append(section)
    anchors = unique()
    return Page(
        title=title(findings.subject),
        subject=rows({k: number(v) if type(v) is int else v for k, v in findings.subject.items() if k != "study"}),
        run_line=run_line(findings.run),
        verdict=verdict(findings),
        tally=tuple((MARKS[s], MARKS[s].count(len(findings.of(s)))) for s in SEVERITIES),
        headline=_headline(findings, sections),
        areas=tuple(Area(anchors(f"area-{slug(n)}"), n, tuple(group)) for n, group in areas.items()),
        run=rows(findings.run),
        schema_version=SCHEMA_VERSION,
    )


def _sections(findings: Findings) -> tuple[Section, ...]:
    anchors = unique()
    return tuple(
        Section(
            anchor=anchors(slug(f.check)),
            check=f.check,
            mark=MARKS[f.severity],
            title=f.title,
            sentence=unbroken(f.sentence),
            remedy=unbroken(f.remedy),
            measures=_measures(f),
            evidence=tuple(evidence_view(e) for e in f.evidence),
            reference=f.reference,
        )
        for f in findings
    )


def _measures(finding: Finding) -> tuple[Measure, ...]:
    """Each number; ``x_low`` and ``x_high`` are printed as the interval of ``x``."""
    measured = finding.measured
    bounds = {f"{x}{end}" for x in measured for end in ("_low", "_high") if _has_interval(measured, x)}
    return tuple(
        Measure(
            name,
            number(value),
            _between(float(measured[f"{name}_low"]), float(measured[f"{name}_high"]))
            if _has_interval(measured, name)
            else "",
        )
        for name, value in measured.items()
        if name not in bounds
    )


def _between(low: float, high: float) -> str:
    """``0.802 – 0.930``; a dash beside a minus sign would be read as one."""
    return (" – " if low >= 0 else " to ").join(column((low, high)))


def _has_interval(measured: Mapping[str, float], name: str) -> bool:
    return f"{name}_low" in measured and f"{name}_high" in measured


def _headline(findings: Findings, sections: Sequence[Section]) -> tuple[Measure, ...]:
    """The numbers that the findings themselves put at the head of the page, in their order."""
    return tuple(
        measure
        for finding, section in zip(findings, sections, strict=True)
        for measure in section.measures
        if measure.name in finding.headlines
    )
