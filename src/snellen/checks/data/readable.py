"""Could every image be read?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from snellen.checks._base import Check, Subject
from snellen.findings.evidence import Table
from snellen.findings.finding import Finding


@dataclass(frozen=True)
class Readable(Check):
    """Counts and names the images that could not be decoded; they are left out of every other number.

    Decoding is complete: a truncated JPEG passes Pillow's ``verify`` and is found only by reading all of it.

    Args:
        error_above: share of unreadable images from which this is an error and not a warning.
    """

    error_above: float = 0.05
    metrics: ClassVar[Mapping[str, str]] = {
        "images": "images that were read",
        "unreadable_images": "images that could not be read",
    }

    def __call__(self, subject: Subject) -> Sequence[Finding]:
        bad, good = subject.predictions.bad, len(subject.predictions.indices)
        measured = {"images": float(good), "unreadable_images": float(len(bad))}
        notes = " ".join(f"{n[0].upper()}{n[1:].rstrip('.')}." for n in subject.images.notes if n)
        if not bad:
            sentence = f"All {good} images could be read. {notes}".strip()
            return [Finding("data/readable", "ok", "Readable images", sentence, measured=measured)]
        rows = tuple((b.name, b.reason) for b in bad)
        severity = "error" if len(bad) > self.error_above * (good + len(bad)) else "warning"
        return [
            Finding(
                "data/readable",
                severity,  # type: ignore[arg-type]  # one of two literals
                f"{len(bad)} unreadable image{'s' if len(bad) > 1 else ''}",
                f"{len(bad)} of {good + len(bad)} images could not be read and are in none of the numbers below, "
                f"the first being {bad[0].name} ({bad[0].reason}). {notes}".strip(),
                measured=measured,
                remedy="Replace or remove the files named in the table; if many are truncated, copy the set again.",
                evidence=(Table("Images that could not be read", ("image", "reason"), rows),),
            )
        ]
