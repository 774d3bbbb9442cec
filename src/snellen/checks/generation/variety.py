"""Are the samples as different from each other as real images are?"""

from collections.abc import Sequence
from dataclasses import dataclass

from snellen.checks.generation._base import Generated, GenerationCheck
from snellen.findings.evidence import Table
from snellen.findings.finding import Finding, Severity
from snellen.instruments.generation.pairwise_distance import pairwise_distance

NAME = "generation/variety"
REMEDY = (
    "The generator has collapsed, at least in part. Look at the samples by training step, and go back to a checkpoint "
    "before it; then train the discriminator more often or with spectral norm or a gradient penalty, lower the "
    "generator's learning rate, or let the discriminator see several samples at once (minibatch statistics)."
)


@dataclass(frozen=True)
class Variety(GenerationCheck):
    """The mean distance of two samples over that of two real images: 0 for a constant generator, 1 for a varied one.

    ratio = mean |x_i - x_j| / mean |y_i - y_j|, in pixels and in the classifier's features. It is called collapsed
    where the ratio and three standard errors are below ``collapsed``, and narrow below ``narrow``. A generator that
    makes three classes of ten well passes: their pictures differ enough; ``classes_made`` and ``manifolds`` find it.

    Reference: Hoeffding 1948, Ann. Math. Stat. 19:293-325, for the standard error.
    """

    collapsed: float = 0.3
    narrow: float = 0.7

    def __call__(self, seen: Generated) -> Sequence[Finding]:
        rows, worst = [], (float("inf"), float("inf"), "")
        measured: dict[str, float] = {}
        for space in seen.spaces:
            fake, real, other = (pairwise_distance(x) for x in (space.fake, space.reference, space.null))
            if real.mean == 0:
                return [Finding(NAME, "info", "Variety", "All real images are equal; there is no variety to compare.")]
            ratio = fake.mean / real.mean
            error = ratio * ((fake.error / max(fake.mean, 1e-300)) ** 2 + (real.error / real.mean) ** 2) ** 0.5
            worst = min(worst, (ratio + 3 * error, ratio, space.name))
            measured["pair_distance_ratio" if space.name == "pixels" else "pair_distance_ratio_features"] = ratio
            rows.append((space.name, fake.mean, real.mean, other.mean / real.mean, ratio, error))
        severity: Severity = "ok"
        if worst[0] < self.narrow:
            severity = "error" if worst[0] < self.collapsed else "warning"
        title = {"ok": "Varied samples", "warning": "Samples of little variety", "error": "Collapsed"}[severity]
        return [
            Finding(
                NAME,
                severity,
                title,
                f"Two samples are on average {worst[1]:.2f} times as far apart as two real images, in {worst[2]}.",
                measured=measured,
                headlines=("pair_distance_ratio",),
                remedy="" if severity == "ok" else REMEDY,
                evidence=(
                    Table(
                        "Mean distance of two pictures",
                        ("space", "samples", "real", "other real / real", "samples / real", "standard error"),
                        tuple(rows),
                        note=f"L2, over all pairs of {seen.count:,} pictures.",
                    ),
                ),
            )
        ]
