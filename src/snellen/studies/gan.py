"""Generative adversarial networks: enlarging maps, two kinds of discriminator, what a generator's loss says."""

from dataclasses import dataclass
from typing import Any, ClassVar

from snellen._errors import UsageError
from snellen.findings.finding import Finding
from snellen.studies._base import Progress, Study, silent
from snellen.studies._gan_findings import AdversarialGame, findings
from snellen.studies._generator_losses import generator_losses
from snellen.studies._two_judges import BATCH, STRENGTH, every
from snellen.studies._upsampled import CHANNELS, IMAGES, SIDE, upsampled


@dataclass(frozen=True)
class Gan(Study[AdversarialGame]):
    """What a generator enlarges maps with, what its discriminator may be, and what its loss means (exercise 9).

    Seven ways to double a map are run on the same random maps. Two discriminators, a probability of being real and a
    critic with a gradient penalty, judge points of a plane around 0 against generated ones that are shifted: the best
    ones by closed forms on a grid, and trained ones. Losses of a generator and their slopes follow from their formulas.

    Args:
        steps: of the training of each discriminator.
        shifts: of the generated points.

    Raises:
        UsageError: no steps, no shifts, or one that is negative or above 12.

    Example:
        >>> from snellen.studies.gan import Gan
        >>> found = Gan(steps=2, shifts=(1.0,)).run()
        >>> [row.side for row in found.upsampled][:2], round(found.judged[0].accuracy, 3)
        ([32, 32], 0.691)

    Reference: IN5400 exam 2021, exercise 9; Goodfellow et al. 2014, arXiv:1406.2661; Arjovsky, Chintala and Bottou
    2017, arXiv:1701.07875; Odena, Dumoulin and Olah 2016, Distill.
    """

    steps: int = 600
    shifts: tuple[float, ...] = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0)

    title: ClassVar[str] = "Generators and discriminators"

    def __post_init__(self) -> None:
        if self.steps < 1 or not self.shifts or min(self.shifts) < 0 or max(self.shifts) > 12:
            raise UsageError(
                f"steps must be at least 1 and shifts from 0 to 12, got steps={self.steps} and shifts={self.shifts}"
            )

    def run(self, *, seed: int = 0, progress: Progress = silent) -> AdversarialGame:
        """Enlarge, judge and compute the losses."""
        judges = every(self.shifts, steps=self.steps, seed=seed, progress=progress)
        return AdversarialGame(upsampled(seed), judges, generator_losses())

    def findings(self, result: AdversarialGame) -> tuple[Finding, ...]:
        """The exam's three questions."""
        return findings(result)

    def about(self) -> dict[str, Any]:
        """What was computed, and on what."""
        return {
            "maps": f"{IMAGES} of {CHANNELS} channels and {SIDE} x {SIDE} places, normal numbers through a ReLU",
            "points": "of a plane, normal with spread 1; real ones around (0, 0), generated ones around (shift, 0), "
            f"shift {', '.join(f'{s:g}' for s in self.shifts)}",
            "discriminators": f"2 - 32 - 32 - 1 with leaky ReLU, {self.steps} steps of Adam on {BATCH} of each; "
            f"penalty of the critic times {STRENGTH:g}",
        }
