"""All that one examination saw."""

from collections.abc import Iterator, Mapping
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path
from typing import Any

from snellen.findings.finding import Finding, Severity

SCHEMA_VERSION = 1


@dataclass(frozen=True, eq=False)
class Findings:
    """The findings of one run, in the order of the exam, with what was examined and how.

    Args:
        findings: one or more a check.
        subject: what was examined, as printed on the page: ``network``, ``images``, ``count``, ``normalisation`` ...
        run: how: ``preset``, ``seed``, ``seconds``, ``device``, versions.
        predictions: one row an image: ``image``, ``label``, ``top`` (class, probability) ...; for the JSON.
    """

    findings: tuple[Finding, ...]
    _: KW_ONLY
    subject: Mapping[str, Any] = field(default_factory=dict)
    run: Mapping[str, Any] = field(default_factory=dict)
    predictions: tuple[Mapping[str, Any], ...] = ()

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.findings)

    def __len__(self) -> int:
        return len(self.findings)

    def of(self, severity: Severity) -> tuple[Finding, ...]:
        """The findings of one severity, in order."""
        return tuple(f for f in self.findings if f.severity == severity)

    @property
    def errors(self) -> tuple[Finding, ...]:
        """What has to be mended."""
        return self.of("error")

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """What has to be looked at."""
        return self.of("warning")

    @property
    def measured(self) -> dict[str, float]:
        """Every number that a bound can be put on, by name."""
        return {name: value for finding in self.findings for name, value in finding.measured.items()}

    def to_dict(self) -> dict[str, Any]:
        """Plain data, ready for JSON; arrays are given by their shape and, once saved, by the file they are in."""
        from snellen.report.to_json import to_dict

        return to_dict(self)

    def save(self, folder: str | Path) -> Path:
        """Write ``index.html``, ``findings.json``, ``arrays/*.npy``, ``pictures/*.png`` into a folder, all or nothing.

        Returns the path of the page. A folder that holds anything but an earlier report is refused.
        """
        from snellen.report.save import save

        return save(self, Path(folder))
