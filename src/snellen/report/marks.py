"""How bad a finding is, as a glyph and a word: never by colour alone."""

from collections.abc import Mapping
from dataclasses import dataclass

from snellen.findings.finding import Severity


@dataclass(frozen=True)
class Mark:
    """A severity in print: ``glyph`` and ``word`` beside a finding, ``one`` and ``many`` in a count."""

    severity: Severity
    glyph: str
    word: str
    one: str
    many: str
    terminal_style: str

    def count(self, n: int) -> str:
        """``1 error``, ``3 warnings``, ``9 in order``."""
        return f"{n} {self.one if n == 1 else self.many}"


MARKS: Mapping[Severity, Mark] = {
    "error": Mark("error", "✕", "error", "error", "errors", "bold red"),
    "warning": Mark("warning", "!", "warning", "warning", "warnings", "bold yellow"),
    "info": Mark("info", "i", "to know", "to know", "to know", "blue"),
    "ok": Mark("ok", "✓", "in order", "in order", "in order", "green"),
}
