"""Thousands of boxes an image, most of them at the same few objects: what non-maximum suppression leaves of them."""

from dataclasses import dataclass, replace
from typing import Any, ClassVar

from snellen._errors import UsageError
from snellen.findings.finding import Finding
from snellen.instruments.detection.nms_curve import THRESHOLDS, nms_curve
from snellen.instruments.detection.suppression import suppressed
from snellen.studies._base import Progress, Study, silent
from snellen.studies._many_objects_findings import Crowded, findings
from snellen.studies._scenes import HELD, made, taught
from snellen.subject.preprocessing import Preprocessing
from snellen.subject.scenes import Scenes

SIDE, MOST, OVERLAP = 80, 6, 0.5
"""Of the scenes that are learned from; boxes may cover half of one another."""
WIDER = 5
"""A crowd is so many times as wide and high as a scene, with objects of the same size."""
WORTH = 0.05
"""Candidates of a lower score take no part in the curve."""
SOFT = (0.3, 0.5, 0.7)


@dataclass(frozen=True)
class ManyObjects(Study[Crowded]):
    """A detector of many objects says thousands of boxes: how is that resolved (exercise 10b)?

    A grid detector learns small scenes of up to six digits and then looks at crowds: pictures five times as wide and
    high, with up to a hundred objects that may cover half of one another. Each of the 2,500 cells of a crowd says a
    box. The same candidates are suppressed with one threshold after the other.

    Args:
        scenes: learned from.
        epochs: times they are gone through.
        crowds: looked at, of digits in no other part.

    Raises:
        UsageError: too few scenes, no epoch, no crowd.

    Example:
        >>> from snellen.studies.many_objects import ManyObjects
        >>> ManyObjects(crowds=2).about()["crowds"]
        '2 pictures of 400 x 400 pixels with up to 100 objects'

    Reference: IN5400 exam 2021, exercise 10b; Neubeck and Van Gool 2006, Efficient non-maximum suppression, ICPR.
    """

    scenes: int = 800
    epochs: int = 8
    crowds: int = 12

    title: ClassVar[str] = "Thousands of boxes, and what is left of them"

    def __post_init__(self) -> None:
        if self.scenes < 2 * HELD or min(self.epochs, self.crowds) < 1:
            raise UsageError(
                f"expected at least {2 * HELD} scenes, 1 epoch and 1 crowd, got {self.scenes}, {self.epochs} and "
                f"{self.crowds}"
            )

    def run(self, *, seed: int = 0, progress: Progress = silent) -> Crowded:
        """Train the detector and suppress what it says of crowds."""
        scenes = made("train", self.scenes, side=SIDE, most=MOST, seed=seed, overlap=OVERLAP)
        detector = taught("many", scenes, epochs=self.epochs, seed=seed, progress=progress)
        crowds = self.composed(self.crowds, seed=seed)
        side = WIDER * SIDE
        pixels = crowds.images.pixels(Preprocessing())
        wide = replace(detector, side=(side, side))
        said = tuple(wide.candidates([one], least=0.0)[0] for one in pixels)
        worth = [one.at_least(WORTH) for one in said]
        curves = {
            method: nms_curve(
                worth,
                crowds.objects,
                score=0.5,
                thresholds=thresholds,
                method=method,  # type: ignore[arg-type]  # one of the two
                progress=lambda done, total, name=method: progress(f"suppressing, {name}", done, total),  # type: ignore[misc]
            )
            for method, thresholds in (("greedy", THRESHOLDS), ("soft", SOFT))
        }
        kept = tuple(suppressed(one, 0.5) for one in worth)
        return Crowded(said, kept, crowds.objects, crowds.class_names, pixels[0], curves)

    def composed(self, count: int, *, seed: int) -> Scenes:
        """So many crowds."""
        return made(
            "test",
            count,
            side=WIDER * SIDE,
            most=4 * WIDER**2,
            seed=seed,
            overlap=OVERLAP,
            empty=0.0,
            sizes=(0.2 / WIDER, 0.5 / WIDER),
        )

    def findings(self, result: Crowded) -> tuple[Finding, ...]:
        """The exam's question."""
        return findings(result)

    def about(self) -> dict[str, Any]:
        """What learned what, and what it looked at."""
        side = WIDER * SIDE
        return {
            "detector": "one stage on a grid, three classes of handwritten digits",
            "learned": f"{self.scenes - HELD} scenes of {SIDE} x {SIDE} pixels with up to {MOST} objects",
            "crowds": f"{self.crowds} pictures of {side} x {side} pixels with up to {4 * WIDER**2} objects",
        }
