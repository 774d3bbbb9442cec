"""The words around the findings: the verdict, the title, the line of the run, any value of subject or run."""

from collections.abc import Mapping
from typing import Any

from snellen.findings.findings import Findings
from snellen.report.numerals import number

NO_NUMBERS = "shapes only, nothing was computed"
"""What PyTorch's meta device is to a reader."""
_WHEN = ("date", "when", "started", "finished")


def verdict(findings: Findings) -> str:
    """One sentence: how much has to be mended and looked at."""
    if not len(findings):
        return "Nothing was examined."
    mend, look = len(findings.errors), len(findings.warnings)
    parts = [f"{mend} to mend"] * bool(mend) + [f"{look} to look at"] * bool(look)
    total = f"{len(findings)} finding{'s' if len(findings) > 1 else ''}"
    calm = "" if "study" in findings.subject else ", and nothing wrong was seen"
    return f"{total}: {' and '.join(parts)}." if parts else f"{total}{calm}."


def title(subject: Mapping[str, Any]) -> str:
    """``vgg16 on 900 images of photos/``, or the title of a study."""
    if "study" in subject:
        return words(subject["study"])
    network = words(subject.get("network", "A network"))
    images, count = words(subject.get("images", "")), subject.get("count")
    crowd = f"{number(count)} images" if isinstance(count, int) else "images"
    if not images and count is None:
        return network
    return f"{network} on {crowd}" + (f" of {images}" if images else "")


def run_line(run: Mapping[str, Any]) -> str:
    """When, with what, for how long: ``2026-10-02 · preset quick · seed 0 · 83.4 s · cpu``."""
    forms = dict.fromkeys(_WHEN, "{}") | {
        "preset": "preset\N{NO-BREAK SPACE}{}",
        "seed": "seed\N{NO-BREAK SPACE}{}",
        "seconds": "{}\N{NO-BREAK SPACE}s",
        "device": "{}",
    }
    return " · ".join(form.format(_told(name, run[name])) for name, form in forms.items() if run.get(name) is not None)


def unbroken(text: str) -> str:
    """A number and its per cent sign stay on one line."""
    return text.replace(" %", "\N{NO-BREAK SPACE}%")


def rows(values: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Names and values in words, without those that are None."""
    return tuple((name.replace("_", " "), _told(name, value)) for name, value in values.items() if value is not None)


def _told(name: str, value: Any) -> str:
    return NO_NUMBERS if (name, value) == ("device", "meta") else words(value)


def words(value: Any) -> str:
    """Any value of ``subject`` or ``run`` in words: nested ones as ``torch 2.13, numpy 2.4``."""
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {words(inner)}" for name, inner in value.items())
    if isinstance(value, (list, tuple)):
        parts = [words(inner) for inner in value]
        return ("; " if any(", " in part for part in parts) else ", ").join(parts)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return number(value) if isinstance(value, float) else str(value)
