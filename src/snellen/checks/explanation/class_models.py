"""What does the network think a class looks like?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import torch

from snellen._errors import UsageError
from snellen.checks._base import Check, Progress, Subject
from snellen.checks._pictures import picture
from snellen.findings.evidence import Curve, Gallery, Tile
from snellen.findings.finding import Finding
from snellen.instruments.visualisation._base import ClassImages
from snellen.instruments.visualisation.class_model import ClassModel
from snellen.subject.network import Network


@dataclass(frozen=True)
class ClassModels(Check):
    """Class model visualisations with L2, without and with a Gaussian blur of the image every few steps.

    Args:
        classes: how many classes, drawn by the seed from those the network answered.
        steps: ascent steps.
        blur_every: steps between two blurs.
        blur_sigma: in pixels, for a network of 224 pixels; scaled with the input's size, at least 0.5.
    """

    classes: int = 3
    steps: int = 100
    blur_every: int = 5
    blur_sigma: float = 1.0
    metrics: ClassVar[Mapping[str, str]] = {
        "class_model_probability": "lowest probability reached by a class model without blur",
    }

    def __post_init__(self) -> None:
        if self.classes < 1:
            raise UsageError(f"classes must be at least 1, got {self.classes}")
        if self.blur_every < 1:
            raise UsageError(f"blur_every must be at least 1, got {self.blur_every}")
        ClassModel(self.steps, blur_sigma=self.blur_sigma)

    def __call__(self, subject: Subject) -> Sequence[Finding]:
        answered = subject.predictions.predicted.unique()
        generator = torch.Generator().manual_seed(subject.seed)
        drawn = answered[torch.randperm(len(answered), generator=generator)[: self.classes]].sort().values
        height, width = subject.pixels(torch.tensor([0])).shape[2:]
        sigma = max(0.5, self.blur_sigma * min(height, width) / 224)
        return [
            side_by_side(
                subject.network,
                drawn.tolist(),
                plain=ClassModel(self.steps),
                blur=(self.blur_every, sigma),
                size=(height, width),
                seed=subject.seed,
                progress=subject.progress,
            )
        ]


def side_by_side(
    network: Network,
    classes: Sequence[int],
    *,
    plain: ClassModel,
    blur: tuple[int, float],
    size: tuple[int, int],
    seed: int,
    progress: Progress | None,
) -> Finding:
    """The finding for some classes: each image once by ``plain`` and once blurred every blur[0] steps."""
    every, sigma = blur
    methods = {"without blur": plain, f"blurred every {every}": replace(plain, blur_every=every, blur_sigma=sigma)}
    made: dict[str, ClassImages] = {}
    for part, (name, method) in enumerate(methods.items()):

        def report(done: int, total: int, before: int = part * plain.steps) -> None:
            if progress is not None:
                progress("class models", before + done, 2 * total)

        made[name] = method(network, classes, size=size, seed=seed, progress=report)
    names = [network.class_name(c) for c in classes]
    images = made["without blur"]
    lowest = float(images.reached(images.logits)[1].min())
    flat = [name for name, steps in zip(names, images.details["flat_steps"], strict=True) if steps == plain.steps]
    stuck = f" The score of {', '.join(flat)} never moved: its gradient stayed zero." if flat else ""
    return Finding(
        "explanation/class_models",
        "warning" if flat else "info",
        "What a class looks like",
        f"Images that maximise the score of {', '.join(names)}, by {plain.steps} steps of gradient ascent from the "
        f"mean image. Without blur every one reaches at least {lowest:.1%} probability; the blur (sigma {sigma:.2g} "
        f"pixels, every {every} steps) takes out high frequencies and some of the score with them.{stuck}",
        measured={"class_model_probability": lowest},
        remedy="Look for a dead unit behind these scores, or start from an image of the class." if flat else "",
        evidence=(class_gallery(made, names), score_curve(made, names)),
        reference="Simonyan et al. 2013, section 2, arXiv:1312.6034; Yosinski et al. 2015, section 3, arXiv:1506.06579",
    )


def class_gallery(made: Mapping[str, ClassImages], names: Sequence[str]) -> Gallery:
    """One tile a class, one picture a setting, with the score reached before and after rounding to 8 bits."""
    tiles = []
    for i, name in enumerate(names):
        lines = []
        for setting, images in made.items():
            logit, probability = (values[i] for values in images.reached(images.logits))
            shown_logit, shown = (values[i] for values in images.reached(images.shown_logits))
            lines.append(
                f"{setting}: logit {float(logit):.1f}, probability {float(probability):.1%}; as shown (8 bit, "
                f"clipped) {float(shown_logit):.1f}, {float(shown):.1%}"
            )
        pictures = tuple(picture(setting, images.pixels[i], keep_raw=True) for setting, images in made.items())
        tiles.append(Tile(name, pictures, lines=tuple(lines)))
    return Gallery("Class models", tuple(tiles), note="Pixels beyond black or white are clipped in the picture only.")


def score_curve(made: Mapping[str, ClassImages], names: Sequence[str]) -> Curve:
    """The target logit along the ascent."""
    series = {
        f"{name}, {setting}": (
            tuple(float(s) for s in range(len(images.history))),
            tuple(images.history[:, i].tolist()),
        )
        for setting, images in made.items()
        for i, name in enumerate(names)
    }
    return Curve("Score along the ascent", "step", "logit of the class", series)
