"""Findings made up for the tests of the report: every kind of evidence, and names that mean harm."""

import numpy as np
from numpy.typing import NDArray

from snellen.findings.evidence import Curve, Gallery, HeatMap, Matrix, Picture, Table, Tile
from snellen.findings.finding import Finding
from snellen.findings.findings import Findings

HARMFUL = "<img src=x onerror=alert(1)>.jpg"


def photo(rng: np.random.Generator, size: int = 224) -> NDArray[np.uint8]:
    """Noise at every scale, as in a photograph."""
    image = np.zeros((size, size, 3))
    for exponent in range(8):
        cells = rng.normal(size=(2**exponent, 2**exponent, 3)) / 2 ** (0.8 * exponent)
        repeat = -(-size // 2**exponent)
        image += np.kron(cells, np.ones((repeat, repeat, 1)))[:size, :size]
    return np.clip(128 + 60 * image, 0, 255).astype(np.uint8)


def heat(rng: np.random.Generator, size: int = 224, *, signed: bool = False) -> HeatMap:
    values = rng.exponential(size=(size, size)) * (rng.choice((-1, 1), size=(size, size)) if signed else 1)
    kind = "diverging" if signed else "sequential"
    name = "guided backprop" if signed else "saliency"
    raw = np.stack([values] * 3).astype(np.float32)
    return HeatMap(name, values.astype(np.float32), -5.0 if signed else 0.0, 5.0, "d logit / d pixel", kind, raw)


def gallery(count: int, *, size: int = 224) -> Gallery:
    rng = np.random.default_rng(0)
    tiles = tuple(
        Tile(
            f"photos/{i:03d}.jpg",
            (Picture("as seen", photo(rng, size)), heat(rng, size), heat(rng, size, signed=True)),
            image=i,
            lines=("0.71  palace", "0.12  bell cote"),
            mark="right" if i % 2 else "wrong",
        )
        for i in range(count)
    )
    return Gallery("Saliency", tiles, note="Bright: a small change of this pixel changes the logit most.")


def findings() -> Findings:
    """One finding of each severity, all kinds of evidence, small."""
    counts = np.array([[40, 2, 0], [1, 30, 0], [0, 9, 18]], dtype=np.int64)
    line = ((0.0, 0.5, 1.0), (0.1, float("nan"), 0.9))
    return Findings(
        (
            Finding(
                "data/bad_files",
                "warning",
                "One file could not be read",
                f"1 of 101 files could not be decoded: {HARMFUL}",
                measured={"bad_files": 1.0},
                remedy="Fetch it again.",
                evidence=(Table("Files", ("file", "error"), ((HARMFUL, "OSError: truncated"),)),),
            ),
            Finding(
                "accuracy/top1",
                "error",
                "It is right less often than asked",
                "The network names the right class of 88 of 100 images (88.0 %).",
                measured={"accuracy": 0.88, "accuracy_low": 0.802, "accuracy_high": 0.93},
                remedy="Look at the class 猫 first.",
                evidence=(
                    Matrix("Confusion", "true class", "said", ("zero", "$one", "猫"), counts, note="100 images."),
                    Curve(
                        "Reliability", "confidence", "share right", {"net": line, "ideal": line}, marks={"mean": 0.7}
                    ),
                    Table("Classes", ("class", "recall"), tuple((f"c{i}", i / 30) for i in range(30)), shown=5),
                ),
                reference="Wilson 1927",
            ),
            Finding(
                "confidence/entropy", "info", "How unsure it is", "Mean entropy 0.4 nats.", evidence=(_histogram(),)
            ),
            Finding(
                "explanation/saliency", "ok", "What it looks at", "At the object.", evidence=(gallery(14, size=32),)
            ),
        ),
        subject={"network": "small-vgg", "images": "photos/", "count": 100, "mean": (0.5, 0.5, 0.5)},
        run={
            "preset": "quick",
            "seed": 0,
            "seconds": 1.5,
            "versions": {"torch": "2.13.0"},
            "command": "snellen examine",
        },
        predictions=({"image": 0, "label": 1, "top": [("zero", 0.9)]},),
    )


def _histogram() -> Curve:
    series = {"right": ((0.0, 1.0, 2.0), (8.0, 2.0)), "wrong": ((0.5, 1.5), (1.0, 3.0))}
    return Curve("Entropy", "entropy, nats", "images", series, kind="histogram")
