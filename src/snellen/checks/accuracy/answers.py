"""What does the network say of each image?"""

from collections.abc import Sequence
from dataclasses import dataclass

from snellen._errors import UsageError
from snellen.checks._base import Check, Subject
from snellen.checks._pictures import caption, mark, picture
from snellen.findings.evidence import Gallery, Tile
from snellen.findings.finding import Finding


@dataclass(frozen=True)
class Answers(Check):
    """The five most probable classes of every image with their probabilities, confident mistakes first.

    Args:
        images: how many images the page shows; all of them are in the JSON.
        top: how many classes.
    """

    images: int = 200
    top: int = 5

    def __post_init__(self) -> None:
        if self.images < 1 or self.top < 1:
            raise UsageError(f"images and top must be at least 1, got {self}")

    def __call__(self, subject: Subject) -> Sequence[Finding]:
        p, network = subject.predictions, subject.network
        rows = subject.choose(self.images)
        pixels = subject.pixels(rows)
        values, classes = p.top(self.top)
        wrong = p.wrong
        order = sorted(range(len(rows)), key=lambda i: (not wrong[rows[i]], -float(values[rows[i], 0])))
        tiles = []
        for i in order:
            row = int(rows[i])
            lines = tuple(
                f"{network.class_name(c)} · {v:.1%}"
                for c, v in zip(classes[row].tolist(), values[row].tolist(), strict=True)
            )
            tiles.append(
                Tile(
                    caption(subject, row),
                    (picture("image", pixels[i]),),
                    image=int(p.indices[row]),
                    lines=(*lines, p.names[row]),
                    mark=mark(p, row),  # type: ignore[arg-type]  # one of the three literals
                )
            )
        mistakes = int(wrong.sum())
        confident = int((wrong & (values[:, 0] > 0.9)).sum())
        sentence = f"The top {values.shape[1]} classes of {len(tiles)} of {len(p.names)} images, with probabilities."
        if bool(p.labelled.any()):
            sentence += f" Of {mistakes} mistakes {confident} are made with more than 90 % probability."
        note = "Confident mistakes first, then by confidence."
        if len(tiles) < len(p.names):
            note += " Shown are the most confident mistakes, up to half of the places, and others drawn by chance."
        return [
            Finding(
                "accuracy/answers",
                "info",
                "Answers",
                sentence,
                evidence=(Gallery("Answers", tuple(tiles), note=note),),
            )
        ]
