"""Unreadable images: counted, named, and worse the more there are."""

import pytest

from checks.hand_made import scores, subject, table
from snellen.checks.data.readable import Readable
from snellen.subject.batches import BadImage


def broken(count: int) -> list[BadImage]:
    return [BadImage(100 + i, f"b{i}.jpg", "truncated: 3 bytes are missing") for i in range(count)]


def test_all_readable_is_in_order() -> None:
    (finding,) = Readable()(subject(scores([0, 1, 2], 3), image_notes=("ignored 1 file", "", "and so on.")))
    assert finding.severity == "ok"
    assert finding.sentence == "All 3 images could be read. Ignored 1 file. And so on."
    assert finding.measured == {"images": 3.0, "unreadable_images": 0.0}


@pytest.mark.parametrize(("bad", "good", "severity"), [(1, 19, "warning"), (2, 19, "error"), (1, 3, "error")])
def test_the_share_decides_how_bad_it_is(bad: int, good: int, severity: str) -> None:
    (finding,) = Readable()(subject(scores([0] * good, 2), bad=broken(bad)))
    assert finding.severity == severity
    assert finding.measured == {"images": float(good), "unreadable_images": float(bad)}
    assert finding.sentence.startswith(f"{bad} of {good + bad} images could not be read")
    assert "b0.jpg (truncated: 3 bytes are missing)" in finding.sentence
    assert finding.title == f"{bad} unreadable image{'s' if bad > 1 else ''}"
    assert finding.remedy
    rows = table(finding, "Images that could not be read").rows
    assert rows == tuple((b.name, b.reason) for b in broken(bad))


def test_the_share_is_a_setting() -> None:
    (finding,) = Readable(error_above=0.5)(subject(scores([0], 2), bad=broken(1)))
    assert finding.severity == "warning"
