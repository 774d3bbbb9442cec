"""How much accuracy do common corruptions cost, and is an attack worse than noise of its size?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Bool
from torch import Tensor

from snellen._errors import ImagesError, UsageError
from snellen.checks._base import Check, Subject
from snellen.checks._pictures import picture
from snellen.checks.robustness._attacked import shown_distance
from snellen.findings.evidence import Cell, Curve, Gallery, Table, Tile
from snellen.findings.finding import Finding
from snellen.findings.interval import paired, wilson
from snellen.instruments.attacks._budget import read_eps
from snellen.instruments.attacks._goal import Untargeted
from snellen.instruments.attacks._victim import Victim
from snellen.instruments.attacks.noise import Noise
from snellen.instruments.attacks.pgd import PGD
from snellen.instruments.corruptions import METHODS
from snellen.subject.quiet import quiet

HENDRYCKS = "Hendrycks and Dietterich 2019, arXiv:1903.12261"


@dataclass(frozen=True)
class CommonCorruptions(Check):
    """Accuracy on images corrupted as by weather, cameras and files; and under noise and an attack of one size.

    The non-adversarial control of robustness: nobody chose these changes against the network. Noise moves every value
    by the budget up or down, as a coin falls; the attack, PGD, moves it no farther. Intervals are of 95 %: Wilson's,
    with the mean over corruptions as the share of an image, and Bonett and Price's for the difference.

    Args:
        corruptions: names; all where none are given.
        severities: 1 to 5, one or more.
        images: at most this many, as in the images at large: drawn by the seed, mistakes in proportion.
        eps: the size of the noise and the budget of the attack, Linf.
        steps: of the attack.
        batch_size: images per pass.
    """

    corruptions: tuple[str, ...] = ()
    severities: tuple[int, ...] = (3,)
    images: int = 50
    eps: str = "8/255"
    steps: int = 10
    batch_size: int = 32
    metrics: ClassVar[Mapping[str, str]] = {
        "corruption_accuracy": "accuracy on corrupted images, the mean over corruptions and severities",
        "corruption_accuracy_low": "lower end of its 95 % Wilson interval",
        "corruption_accuracy_high": "upper end of its 95 % Wilson interval",
        "worst_corruption_accuracy": "accuracy under the corruption that costs most, the mean over severities",
        "noise_accuracy": "accuracy under noise of the size of the attack's budget",
    }

    def __post_init__(self) -> None:
        if min(self.images, self.steps, self.batch_size) < 1:
            raise UsageError(f"images, steps and batch_size must be at least 1, got {self}")
        if not self.severities:
            raise UsageError("at least one severity is needed, such as severities = [3]")
        for name in self.corruptions:
            METHODS[name]()
        for severity in self.severities:
            METHODS["jpeg"](severity)
        read_eps(self.eps)

    def __call__(self, subject: Subject) -> Sequence[Finding]:
        p = subject.predictions
        known = p.labelled.nonzero()[:, 0]
        if len(known) == 0:
            raise ImagesError("accuracy on corrupted images needs labels, and the images have none")
        order = torch.randperm(len(known), generator=torch.Generator().manual_seed(subject.seed))
        rows = known[order[: self.images]].sort().values
        pixels = subject.pixels(rows)
        return [self._corrupted(subject, rows, pixels), self._control(subject, rows, pixels)]

    def _right(self, subject: Subject, rows: Tensor, pixels: Tensor) -> Bool[Tensor, "n"]:
        """Which of some images are answered rightly."""
        network, goal = subject.network, Untargeted(subject.predictions.labels[rows].to(subject.network.device))
        with torch.no_grad(), quiet(network.module, seed=subject.seed):
            look = Victim(network, goal, batch_size=self.batch_size).look(pixels.to(network.device))
        return ~look.achieved.cpu()

    def _corrupted(self, subject: Subject, rows: Tensor, pixels: Tensor) -> Finding:
        names, severities = self.corruptions or tuple(METHODS), tuple(sorted(self.severities))
        before = self._right(subject, rows, pixels)
        right = torch.zeros(len(names), len(severities), len(rows), dtype=torch.bool)
        tiles = []
        for i, name in enumerate(names):
            subject.progress("corruptions", i, len(names))
            for j, severity in enumerate(severities):
                made = METHODS[name](severity)(pixels, seed=subject.seed)
                right[i, j] = self._right(subject, rows, made)
            tiles.append(_tile(subject, rows, pixels, made, before, right[i, -1], name))
        share = right.double().mean(dim=(0, 1))
        low, high = wilson(float(share.sum()), len(rows))
        each = right.double().mean(dim=(1, 2))
        worst, mean = int(each.argmin()), float(share.mean())
        clean = int(before.sum())
        said = ", ".join(str(severity) for severity in severities)
        return Finding(
            "robustness/corruptions",
            "info",
            "Accuracy under common corruptions",
            f"Of {len(rows)} images {clean} are answered rightly ({clean / len(rows):.1%}). Corrupted in {len(names)} "
            f"ways of severity {said}: {mean:.1%} ({low:.1%} to {high:.1%}) on average, and {float(each[worst]):.1%} "
            f"under {_words(names[worst])}, which costs most.",
            measured={
                "corruption_accuracy": mean,
                "corruption_accuracy_low": low,
                "corruption_accuracy_high": high,
                "worst_corruption_accuracy": float(each[worst]),
            },
            evidence=(
                *([_curve(severities, right, before)] if len(severities) > 1 else []),
                _table(names, severities, right),
                Gallery("Each corruption", tuple(tiles), note=f"At severity {severities[-1]}, the highest looked at."),
            ),
            reference=HENDRYCKS,
        )

    def _control(self, subject: Subject, rows: Tensor, pixels: Tensor) -> Finding:
        norm, _ = read_eps(self.eps)
        labels = subject.predictions.labels[rows]
        subject.progress("noise and attack", 0, 1)
        under_noise, under_attack = (
            ~attack(subject.network, pixels, labels, seed=subject.seed, batch_size=self.batch_size).success
            for attack in (Noise(norm, kind="sign"), PGD(norm, steps=self.steps))
        )
        noise, attacked, count = int(under_noise.sum()), int(under_attack.sum()), len(rows)
        low, high = paired(int((under_noise & ~under_attack).sum()), int((under_attack & ~under_noise).sum()), count)
        verdict = (
            "the attack is worse than noise of its size"
            if low > 0
            else "on so few images the attack cannot be told from noise of its size"
        )
        return Finding(
            "robustness/corruptions",
            "info",
            "Noise and an attack of one size",
            f"Within {shown_distance(norm, norm.eps):g} levels of 255, {noise} of {count} images are answered rightly "
            f"under random noise and {attacked} under PGD, {100 * (noise - attacked) / count:.0f} points less "
            f"({100 * low:.0f} to {100 * high:.0f}): {verdict}.",
            measured={"noise_accuracy": noise / count},
            reference="Fawzi, Moosavi-Dezfooli and Frossard 2016, NIPS; Madry et al. 2018, arXiv:1706.06083",
        )


def _words(name: str) -> str:
    return name.replace("_", " ")


def _tile(
    subject: Subject, rows: Tensor, pixels: Tensor, made: Tensor, before: Tensor, after: Tensor, name: str
) -> Tile:
    """One image before and after: the first whose answer is lost, if there is one."""
    lost = (before & ~after).nonzero()[:, 0].tolist()
    i = lost[0] if lost else 0
    p = subject.predictions
    line = f"{int(after.sum())} of {len(rows)} right"
    shown = picture("image", pixels[i]), picture(_words(name), made[i])
    return Tile(
        _words(name),
        shown,
        image=int(p.indices[rows[i]]),
        lines=(line, p.names[int(rows[i])]),
        mark="right" if bool(after[i]) else "wrong",
    )


def _table(names: Sequence[str], severities: Sequence[int], right: Tensor) -> Table:
    rows: list[tuple[float, tuple[Cell, ...]]] = []
    for name, by_severity in zip(names, right, strict=True):
        share = by_severity.double().mean(dim=0)
        low, high = wilson(float(share.sum()), len(share))
        each = [float(one.double().mean()) for one in by_severity] if len(severities) > 1 else []
        mean = float(share.mean())
        rows.append((mean, (_words(name), *each, mean, low, high)))
    columns = [f"severity {severity}" for severity in severities] if len(severities) > 1 else []
    return Table(
        "Share of right answers, the costliest first",
        ("corruption", *columns, "mean", "lower", "upper"),
        tuple(row for _, row in sorted(rows, key=lambda found: found[0])),
    )


def _curve(severities: Sequence[int], right: Tensor, before: Tensor) -> Curve:
    count = len(before)
    shares = [float(before.sum()), *right.double().mean(dim=0).sum(dim=1).tolist()]
    x = (0.0, *(float(severity) for severity in severities))
    ends = [wilson(share, count) for share in shares]
    return Curve(
        "Accuracy by severity",
        "severity; 0: not corrupted",
        "share of the images",
        {
            "mean over corruptions": (x, tuple(share / count for share in shares)),
            "95 % interval, lower": (x, tuple(low for low, _ in ends)),
            "95 % interval, upper": (x, tuple(high for _, high in ends)),
        },
    )
