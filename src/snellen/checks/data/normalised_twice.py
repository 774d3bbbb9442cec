"""Are the pixels normalised twice: once here and once more by the module itself?"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from snellen._shapes import Pixels
from snellen.checks._base import Check, Subject
from snellen.findings.evidence import Table
from snellen.findings.finding import Finding
from snellen.instruments.architecture.own_normalisation import own_normalisation
from snellen.subject.network import Network
from snellen.subject.quiet import quiet

LARGE = 2 / 3
"""A std above this is no normalisation of pixels in [0, 1]: theirs is about a quarter."""


@dataclass(frozen=True)
class NormalisedTwice(Check):
    """A warning where the module begins by normalising pixels of [0, 1], and is given normalised ones already.

    What a module does to its input first is seen while it runs. It counts as a normalisation of pixels where it
    divides by less than 2/3; a change from one normalisation to another (Inception's ``transform_input``) does not.
    """

    def __call__(self, subject: Subject) -> Sequence[Finding]:
        return normalised_twice(subject.network, subject.pixels(torch.tensor([0])))


def normalised_twice(network: Network, pixels: Pixels) -> Sequence[Finding]:
    """The warning, where there is reason for one; nothing otherwise."""
    with quiet(network.module):
        own = own_normalisation(network.module, network.normalise(pixels[:1].to(network.device)))
    if own is None or not all(0 < std < LARGE for std in own.std) or max(network.std) >= LARGE:
        return []
    given = _text(network.mean), _text(network.std)
    rows = (("given to it", *given), ("its own", _text(own.mean), _text(own.std)))
    return [
        Finding(
            "data/normalised_twice",
            "warning",
            "Normalised twice",
            f"{network.name} is given pixels that are normalised with mean {given[0]} and std {given[1]}, and begins "
            f"by normalising them again with mean {_text(own.mean)} and std {_text(own.std)}.",
            remedy="Give it pixels in [0, 1] (--mean 0 --std 1), or take the normalisation out of its forward.",
            evidence=(Table("The two normalisations", ("which", "mean", "std"), rows),),
        )
    ]


def _text(values: Sequence[float]) -> str:
    return ", ".join(f"{value:.3g}" for value in values)
