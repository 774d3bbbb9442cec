"""Which pixels does the answer hang on?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from snellen._errors import ImagesError, NotApplicable, UsageError
from snellen.checks._base import Check, Subject
from snellen.checks._pictures import caption, heat_map, mark, picture
from snellen.findings.evidence import Gallery, HeatMap, Tile
from snellen.findings.finding import Finding
from snellen.instruments.attribution import METHODS
from snellen.instruments.attribution._base import Attribution, Precision
from snellen.instruments.attribution._fidelity import rank_correlation
from snellen.subject.network import class_index

UNIT = "|d logit / d pixel|"


@dataclass(frozen=True)
class Maps(Check):
    """Attribution maps of one class an image, one method beside the other.

    Args:
        methods: names of attribution methods.
        target: ``predicted``, ``label``, or one class for all images.
        images: at most this many, chosen as for the galleries.
        batch_size: images per pass.
        precision: ``bfloat16`` is faster where the hardware has it; its rank correlation with float32 is measured
            on the first batch and reported.
    """

    methods: tuple[str, ...] = ("saliency", "guided_backprop")
    target: str | int = "predicted"
    images: int = 200
    batch_size: int = 8
    precision: Precision = "float32"
    metrics: ClassVar[Mapping[str, str]] = {
        "fidelity": "median rank correlation of bfloat16 maps with float32 maps (only with that precision)",
    }

    def __post_init__(self) -> None:
        if not self.methods:
            raise UsageError("at least one method is needed, such as methods = ['saliency']")
        for name in self.methods:
            METHODS[name](self.precision)
        if min(self.images, self.batch_size) < 1:
            raise UsageError(f"images and batch_size must be at least 1, got {self.images} and {self.batch_size}")

    def __call__(self, subject: Subject) -> Sequence[Finding]:
        p, network = subject.predictions, subject.network
        rows = subject.choose(self.images)
        methods = {name: METHODS[name](self.precision) for name in self.methods}
        said: dict[str, str] = {}
        measured: dict[str, float] = {}
        tiles: list[Tile] = []
        for chunk in rows.split(self.batch_size):
            pixels = subject.pixels(chunk)
            target = self._targets(subject, chunk)
            maps: dict[str, Tensor] = {}
            for name, method in list(methods.items()):
                try:
                    result = method(network, pixels, target=target)
                except NotApplicable as reason:
                    if len(methods) == 1 and not maps:
                        raise
                    said[name] = f"{_words(name)} was left out: {reason}"
                    del methods[name]
                    continue
                maps[name] = result.maps
                if name not in said:
                    said[name] = _details(name, result)
                    if self.precision == "bfloat16":
                        exact = METHODS[name]()(network, pixels, target=target)
                        agreement = float(rank_correlation(result.maps, exact.maps).median())
                        measured["fidelity"] = min(agreement, measured.get("fidelity", 1.0))
                        said[name] += f" In bfloat16; median rank correlation with float32 {agreement:.3f}."
            for i, row in enumerate(chunk.tolist()):
                pictures = [heat_map(_words(name), values[i], unit=UNIT) for name, values in maps.items()]
                name = network.class_name(int(target[i]))
                probability = float(p.probabilities[row, target[i]])
                tiles.append(
                    Tile(
                        caption(subject, row),
                        (picture("image", pixels[i]), *pictures),
                        image=int(p.indices[row]),
                        lines=(f"for {name} ({probability:.1%})", p.names[row]),
                        mark=mark(p, row),  # type: ignore[arg-type]  # one of the three literals
                    )
                )
            subject.progress("explanations", len(tiles), len(rows))
        said = {name: text for name, text in said.items() if text}
        flat = sum(1 for tile in tiles if isinstance(tile.pictures[1], HeatMap) and tile.pictures[1].high == 0)
        return [
            Finding(
                "explanation/maps",
                "warning" if flat else "info",
                "What the answers hang on",
                f"Maps of {_about(self.target)} for {len(tiles)} images. {' '.join(said.values())}"
                + (f" For {flat} images the gradient is zero everywhere: the output is saturated." if flat else ""),
                remedy="Look for a saturated last activation (softmax, sigmoid, tanh)." if flat else "",
                measured=measured,
                evidence=(
                    Gallery(
                        "Attribution maps",
                        tuple(tiles),
                        note="Largest absolute gradient over the channels. Each map is scaled from 0 to its own 99.5th "
                        "percentile, which stands beside it. Guided backpropagation shows edges the network can see; "
                        "it hardly depends on the class or on the trained weights (Adebayo et al. 2018).",
                    ),
                ),
                reference="Simonyan et al. 2013, arXiv:1312.6034; Springenberg et al. 2014, arXiv:1412.6806; "
                "Adebayo et al. 2018, arXiv:1810.03292",
            )
        ]

    def _targets(self, subject: Subject, rows: Tensor) -> Tensor:
        p = subject.predictions
        if self.target == "predicted":
            return p.predicted[rows]
        if self.target == "label":
            if bool((p.labels[rows] < 0).any()):
                raise ImagesError("target 'label' needs the true class of every image, and some have none")
            return p.labels[rows]
        return torch.full((len(rows),), class_index(subject.network, self.target, p.logits.shape[1]))


def _words(name: str) -> str:
    return name.replace("_", " ")


def _about(target: str | int) -> str:
    return {"predicted": "the predicted class", "label": "the true class"}.get(str(target), f"class {target}")


def _details(name: str, result: Attribution) -> str:
    if "guided" not in result.details:
        return ""
    unguided = ", ".join(f"{kind} x{count}" for kind, count in result.details["unguided"].items())
    guided = result.details["guided"]
    text = f"{_words(name).capitalize()} guided {guided} ReLU{'s' if guided != 1 else ''}"
    return f"{text} and left alone {unguided}." if unguided else f"{text}."
