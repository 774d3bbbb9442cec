"""Findings as the page says them."""

import pytest

from snellen.findings.evidence import Table
from snellen.findings.finding import Finding
from snellen.findings.findings import Findings
from snellen.report.view import page


@pytest.mark.parametrize(
    ("low", "told"), [(0.25, "0.250 – 0.750"), (-0.25, "−0.250 to 0.750"), (-0.8, "−0.800 to 0.750")]
)
def test_an_interval_has_no_dash_beside_a_minus(low: float, told: str) -> None:
    measured = {"gain": 0.5, "gain_low": low, "gain_high": 0.75}
    finding = Finding("a/b", "info", "Gain", "It gains.", measured=measured)
    assert [m.interval for m in page(Findings((finding,))).areas[0].sections[0].measures] == [told]


def test_a_number_and_its_per_cent_sign_stay_together_in_notes_too() -> None:
    table = Table("t", ("a",), ((1,),), note="its 95 % interval")
    finding = Finding("a/b", "info", "Gain", "In 5 % of them.", evidence=(table,))
    (section,) = page(Findings((finding,))).areas[0].sections
    assert section.sentence == "In 5\N{NO-BREAK SPACE}% of them."
    assert section.evidence[0].note == "its 95\N{NO-BREAK SPACE}% interval"
