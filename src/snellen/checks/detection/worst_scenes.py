"""In which scenes does it err most?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from snellen.checks.detection._base import NONE, Detected, DetectionCheck, counted, share
from snellen.checks.detection._drawn import tile
from snellen.findings.evidence import Gallery, Table
from snellen.findings.finding import Finding

NAME = "detection/worst_scenes"
IGNORED_TOLD = " What finds something marked difficult, or a crowd, is neither right nor wrong."


@dataclass(frozen=True)
class WorstScenes(DetectionCheck):
    """The scenes with most objects missed and most wrong boxes, and some without a mistake, to look at.

    Counted is what was said with at least the working score, the one of the best F1 on these scenes; a box is right at
    an IoU of 0.5 with an object of its class that no surer box found. Of scenes with as many mistakes, the one whose
    surest wrong box is surer comes first.

    Args:
        images: scenes that are shown, at most a quarter of them without a mistake.
    """

    images: int = 16
    metrics: ClassVar[Mapping[str, str]] = {
        "scenes_without_mistake": "share of the scenes in which nothing is missed and nothing wrong",
    }

    def __call__(self, seen: Detected) -> Sequence[Finding]:
        rows = [_mistakes(seen, i) for i in range(len(seen.scenes))]
        order = sorted(range(len(rows)), key=lambda i: (-rows[i][1] - rows[i][2], -rows[i][3], i))
        worst = [i for i in order if rows[i][1] + rows[i][2]]
        clean = [i for i in order if not rows[i][1] + rows[i][2]]
        clean = sorted(
            clean, key=lambda i: not len(seen.scenes.objects[i])
        )  # there is more to see in those with objects
        spare = max(self.images - len(worst), self.images // 4)
        chosen = worst[: self.images - min(spare, len(clean))] + clean[:spare]
        names = seen.scenes.images.source.name
        return [
            Finding(
                NAME,
                "info" if worst else "ok",
                "The scenes it errs in",
                f"Nothing is missed and nothing is wrong in {share(len(clean), len(rows))} of "
                f"{counted(len(rows), 'scene')}, counting boxes with a score of at least {seen.working:.2f}.",
                measured={"scenes_without_mistake": len(clean) / len(rows)},
                evidence=(
                    Gallery(
                        "Worst first, then some without a mistake",
                        tuple(tile(seen, i) for i in chosen),
                        note="A name at a dashed box: this object was missed. A box is found rightly if it overlaps an "
                        "object of its class by an IoU of 0.5 that no surer box found."
                        + (IGNORED_TOLD if any(len(truth.ignored) for truth in seen.scenes.objects) else ""),
                    ),
                    Table(
                        "Every scene, the worst first",
                        ("scene", "objects", "found", "missed", "wrong"),
                        tuple((names(i), len(seen.scenes.objects[i]), *rows[i][:3]) for i in order),
                        shown=10,
                    ),
                ),
            )
        ]


def _mistakes(seen: Detected, scene: int) -> tuple[int, int, int, float]:
    """Objects found and missed, wrong boxes, and the score of the surest of these."""
    said = seen.said(scene)
    hits = seen.hits[scene][: len(said)]
    wrong = hits == NONE
    surest = float(said.scores[wrong].max()) if wrong.any() else 0.0
    return int((hits >= 0).sum()), len(seen.missed(scene)), int(wrong.sum()), surest
