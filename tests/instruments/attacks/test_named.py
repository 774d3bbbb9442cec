"""An attack by its name."""

import pytest

from snellen._errors import UsageError
from snellen.instruments.attacks._named import named_attack
from snellen.instruments.attacks._norms import L2, Linf
from snellen.instruments.attacks.pgd import PGD


def test_settings_reach_the_attack() -> None:
    assert named_attack("pgd", eps="4/255", steps=7) == (
        PGD(Linf(4 / 255), steps=7),
        "eps 4/255 is 4 of 255 levels (eps 0.01569)",
    )
    assert named_attack("pgd", norm="l2", eps="0.5")[0] == PGD(L2(0.5))
    assert named_attack("pgd") == (PGD(), "")
    least, said = named_attack("carlini_wagner", norm="l2")
    assert (least.norm, said) == (L2(), "")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"method": "pdg"}, "no attack named 'pdg'"),
        ({"method": "pgd", "norm": "l3"}, "no norm named 'l3'"),
        ({"method": "pgd", "norm": "l0"}, "pgd knows the norms linf, l2, got l0"),
        ({"method": "pgd", "norm": "l2"}, "pgd needs a budget in l2: give --eps"),
        ({"method": "fgsm", "steps": 3}, "fgsm has no steps"),
    ],
)
def test_what_does_not_fit(settings: dict[str, str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        named_attack(**settings)  # type: ignore[arg-type]
