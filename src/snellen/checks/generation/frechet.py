"""How far are the samples from the data, in one number?"""

from collections.abc import Sequence
from dataclasses import dataclass

from snellen.checks.generation._base import Generated, GenerationCheck
from snellen.findings.evidence import Table
from snellen.findings.finding import Finding
from snellen.instruments.generation.frechet import frechet

NAME = "generation/frechet"


@dataclass(frozen=True)
class FrechetDistance(GenerationCheck):
    """The squared Fréchet distance of samples and real images, in the features of the classifier that was given.

    d^2 = |m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2)). It is no FID: that name belongs to one Inception network. The
    distance of other real images, as many, says what a perfect generator would get, for the distance is biased
    upwards by few images. The distance of pictures that all lie at the mean of the real ones is tr C2; a warning where
    the samples are more than ``far`` of that away.

    Reference: Heusel et al. 2017, arXiv:1706.08500; Chong and Forsyth 2020, arXiv:1911.07023, on the bias.
    """

    far: float = 0.5

    def __call__(self, seen: Generated) -> Sequence[Finding]:
        space = seen.spaces[-1]
        found, floor = frechet(space.fake, space.reference), frechet(space.null, space.reference)
        n_fake, n_real = found.counts
        away = found.distance > self.far * found.spread
        return [
            Finding(
                NAME,
                "warning" if away else "info",
                "Far from the data" if away else "Fréchet distance",
                f"Fréchet distance {found.distance:.4g} in {space.name} ({n_fake:,} samples, {n_real:,} real images); "
                f"other real images, as many, have {floor.distance:.4g}, and the mean alone {found.spread:.4g}.",
                measured={
                    "frechet_distance": found.distance,
                    "frechet_distance_real": floor.distance,
                    "frechet_distance_mean": found.spread,
                    "frechet_fake": float(n_fake),
                    "frechet_real": float(n_real),
                },
                headlines=("frechet_distance", "frechet_distance_real"),
                remedy="Precision, recall and the classes say what is wrong; train on, or from an earlier checkpoint."
                if away
                else "",
                evidence=(
                    Table(
                        "Fréchet distance (squared)",
                        ("set", "pictures", "distance", "of means", "of spreads"),
                        (
                            ("samples", n_fake, found.distance, found.means, found.spreads),
                            ("other real images", floor.counts[0], floor.distance, floor.means, floor.spreads),
                            ("the mean alone", n_real, found.spread, 0.0, found.spread),
                        ),
                        note=f"Against {n_real:,} real images, in {space.name}, {space.fake.shape[1]} dimensions. "
                        "Numbers in other features or of other counts cannot be compared.",
                    ),
                ),
                reference="Heusel et al. 2017, arXiv:1706.08500; Dowson and Landau 1982.",
            )
        ]
