"""MI-FGSM against a plain loop over single images."""

import pytest
import torch

from instruments.attacks.half_planes import PIXELS, curved, plain_climb, proposed, wavy
from snellen._errors import UsageError
from snellen.instruments.attacks._norms import Linf
from snellen.instruments.attacks.bim import BIM
from snellen.instruments.attacks.mi_fgsm import MIFGSM


def test_it_is_the_plain_loop_with_momentum() -> None:
    network, labels = wavy()
    made = proposed(MIFGSM(Linf(5 / 255), steps=6, step=2 / 255, decay=0.9), network, labels)
    assert not torch.equal(made, proposed(BIM(Linf(5 / 255), steps=6, step=2 / 255), network, labels))
    slow = [
        plain_climb(network, label, image[None], levels=5, steps=6, step=2 / 255, decay=0.9)
        for image, label in zip(PIXELS, labels, strict=True)
    ]
    assert torch.equal(made, (torch.cat(slow) * 255).round())


def test_without_memory_it_is_bim() -> None:
    network, labels = curved()
    without, bim = (attack(network, PIXELS, labels) for attack in (MIFGSM(Linf(0.1), decay=0.0), BIM(Linf(0.1))))
    assert torch.equal(without.images, bim.images)


def test_a_decay_is_a_share() -> None:
    with pytest.raises(UsageError, match=r"decay must lie in \[0, 1\], got 1\.5"):
        MIFGSM(decay=1.5)
