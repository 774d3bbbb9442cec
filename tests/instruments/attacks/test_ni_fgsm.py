"""NI-FGSM against a plain loop over single images that looks ahead."""

import torch
from torch import Tensor

from instruments.attacks.half_planes import PIXELS, curved, gradient, plain_climb, proposed, wavy
from snellen.instruments.attacks._norms import Linf
from snellen.instruments.attacks.bim import BIM
from snellen.instruments.attacks.mi_fgsm import MIFGSM
from snellen.instruments.attacks.ni_fgsm import NIFGSM


def test_it_is_the_plain_loop_that_looks_ahead() -> None:
    network, labels = wavy()
    settings = {"steps": 6, "step": 2 / 255, "decay": 0.8}
    made = proposed(NIFGSM(Linf(5 / 255), **settings), network, labels)  # type: ignore[arg-type]
    without = proposed(MIFGSM(Linf(5 / 255), **settings), network, labels)  # type: ignore[arg-type]
    assert not torch.equal(made, without)
    slow = []
    for image, label in zip(PIXELS, labels, strict=True):

        def ask(picture: Tensor, ahead: Tensor, label: Tensor = label) -> Tensor:
            return gradient(network, picture + ahead, label)

        slow.append(plain_climb(network, label, image[None], levels=5, **settings, ask=ask))  # type: ignore[arg-type]
    assert torch.equal(made, (torch.cat(slow) * 255).round())


def test_without_memory_there_is_nothing_ahead() -> None:
    network, labels = curved()
    without, bim = (attack(network, PIXELS, labels) for attack in (NIFGSM(Linf(0.1), decay=0.0), BIM(Linf(0.1))))
    assert torch.equal(without.images, bim.images)
