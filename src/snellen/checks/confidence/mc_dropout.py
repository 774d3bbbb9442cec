"""How sure is the network, by Monte Carlo dropout?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from snellen._errors import UsageError
from snellen.checks._base import Check, Subject
from snellen.checks._pictures import caption, mark, picture
from snellen.findings.evidence import Curve, Gallery, Table, Tile
from snellen.findings.finding import Finding
from snellen.instruments.uncertainty._base import Uncertainty, join
from snellen.instruments.uncertainty.mc_dropout import MCDropout

BATCH = 32


@dataclass(frozen=True)
class Dropout(Check):
    """Predictive entropy, mutual information and variation ratio of every image, most uncertain first.

    Useful uncertainty is higher where the network is wrong: the area under the ROC curve of entropy as a detector of
    mistakes says how much. A warning when it lies further below 0.5 than chance explains (surer of mistakes than of
    right answers; Mann-Whitney, 2.5 %).

    Args:
        samples: forwards with dropout on.
        images: at most this many images: up to half mistakes, drawn by chance, and weighted so that means speak for
            all images.
        shown: tiles at either end.
    """

    samples: int = 50
    images: int = 200
    shown: int = 12
    metrics: ClassVar[Mapping[str, str]] = {
        "mean_entropy": "mean predictive entropy, in nats",
        "mean_mutual_information": "mean mutual information, in nats",
        "entropy_finds_mistakes": "area under the ROC curve of entropy as a detector of mistakes",
    }

    def __post_init__(self) -> None:
        if min(self.samples, self.images, self.shown) < 1:
            raise UsageError(f"samples, images and shown must be at least 1, got {self}")

    def __call__(self, subject: Subject) -> Sequence[Finding]:
        p = subject.predictions
        rows = subject.draw(self.images)
        result = self._sampled(subject, rows)
        order = result.entropy.argsort(descending=True)
        wrong, weights = p.wrong[rows], subject.weights(rows)
        measured = {
            "mean_entropy": float((weights * result.entropy).sum()),
            "mean_mutual_information": float((weights * result.mutual_information).sum()),
        }
        sentence = (
            f"Over {len(rows)} images and {self.samples} samples the mean predictive entropy is "
            f"{measured['mean_entropy']:.3f} nats (at most {np.log(p.logits.shape[1]):.2f}), of which "
            f"{measured['mean_mutual_information']:.3f} is mutual information."
        )
        severity, remedy = "ok", ""
        known = p.labelled[rows]
        if 0 < int(wrong.sum()) < int(known.sum()):
            area, error = roc_area(result.entropy[known], wrong[known])
            measured["entropy_finds_mistakes"] = area
            sentence += (
                f" A mistake has higher entropy than a right answer with probability {area:.2f} (s.e. {error:.2f})."
            )
            if area < 0.5 - 1.96 * chance_error(int(wrong.sum()), int((known & ~wrong).sum())):
                severity = "warning"
                remedy = "Do not use this uncertainty to sort out mistakes; calibrate, or use an ensemble."
        return [
            Finding(
                "confidence/mc_dropout",
                severity,  # type: ignore[arg-type]  # one of two literals
                "Uncertainty by MC dropout",
                f"{sentence} {_work(result, self.samples)}",
                measured=measured,
                headlines=("mean_entropy",),
                remedy=remedy,
                evidence=(
                    self._histogram(result.entropy, wrong, bool(known.any())),
                    self._table(subject, rows, result, order),
                    *self._galleries(subject, rows, result, order),
                ),
                reference="Gal and Ghahramani 2016, arXiv:1506.02142",
            )
        ]

    def _sampled(self, subject: Subject, rows: Tensor) -> Uncertainty:
        """All rows, a batch of pixels at a time; an image's samples do not depend on the images beside it."""
        method, parts, done = MCDropout(self.samples), [], 0
        for chunk in rows.split(BATCH):
            parts.append(method(subject.network, subject.pixels(chunk), seed=subject.seed, batch_size=BATCH))
            done += len(chunk)
            subject.progress("MC dropout", done, len(rows))
        return join(parts)

    def _histogram(self, entropy: Tensor, wrong: Tensor, labelled: bool) -> Curve:
        groups = {"right": entropy[~wrong], "wrong": entropy[wrong]} if labelled else {"all": entropy}
        edges = np.linspace(0, max(float(entropy.max()), 1e-6), 21)
        series = {
            name: (tuple(edges.tolist()), tuple(np.histogram(values.numpy(), edges)[0].astype(float).tolist()))
            for name, values in groups.items()
            if len(values)
        }
        return Curve("Predictive entropy", "entropy (nats)", "images", series, kind="histogram")

    def _table(self, subject: Subject, rows: Tensor, result: Uncertainty, order: Tensor) -> Table:
        names, class_name = subject.predictions.names, subject.network.class_name
        top = result.probabilities.max(dim=1)
        body = tuple(
            (
                names[int(rows[i])],
                class_name(int(top.indices[i])),
                float(top.values[i]),
                float(result.probabilities_error[i, top.indices[i]]),
                float(result.entropy[i]),
                float(result.entropy_error[i]),
                float(result.mutual_information[i]),
                float(result.mutual_information_error[i]),
                float(result.variation_ratio[i]),
                float(result.variation_ratio_error[i]),
            )
            for i in order.tolist()
        )
        columns = ("image", "answer", "mean probability", "± s.e.", "entropy", "± s.e.", "mutual information")
        return Table(
            "Uncertainty of every image, most uncertain first",
            (*columns, "± s.e.", "variation ratio", "± s.e."),
            body,
            note="Entropies in nats; ± is the Monte Carlo standard error.",
        )

    def _galleries(self, subject: Subject, rows: Tensor, result: Uncertainty, order: Tensor) -> Sequence[Gallery]:
        count = min(self.shown, len(order) // 2 or 1)
        most = Gallery("Least sure", tuple(self._tile(subject, rows, result, i) for i in order[:count].tolist()))
        least = tuple(self._tile(subject, rows, result, i) for i in order.flip(0)[:count].tolist())
        return (most, Gallery("Most sure", least)) if len(order) > 1 else (most,)

    def _tile(self, subject: Subject, rows: Tensor, result: Uncertainty, i: int) -> Tile:
        p, row = subject.predictions, int(rows[i])
        values, classes = result.probabilities[i].topk(min(3, result.probabilities.shape[1]))
        lines = [
            f"{subject.network.class_name(c)} · {v:.1%} ± {float(result.probabilities_error[i, c]):.1%}"
            for c, v in zip(classes.tolist(), values.tolist(), strict=True)
        ]
        lines.append(f"entropy {float(result.entropy[i]):.3f} ± {float(result.entropy_error[i]):.3f} nats")
        lines.append(
            f"mutual information {float(result.mutual_information[i]):.3f} "
            f"± {float(result.mutual_information_error[i]):.3f} nats"
        )
        return Tile(
            caption(subject, row),
            (picture("image", subject.pixels(rows[i : i + 1])[0]),),
            image=int(p.indices[row]),
            lines=(*lines, p.names[row]),
            mark=mark(p, row),  # type: ignore[arg-type]  # one of the three literals
        )


def roc_area(scores: Tensor, positive: Tensor) -> tuple[float, float]:
    """Area under the ROC curve, ties counted half, with its standard error (Hanley and McNeil 1982)."""
    above, below = scores[positive].double(), scores[~positive].double().sort().values
    passed = torch.searchsorted(below, above) + torch.searchsorted(below, above, right=True)
    area = float(passed.double().mean()) / (2 * len(below))
    a, b = area / (2 - area), 2 * area * area / (1 + area)
    n, m = len(above), len(below)
    variance = (area * (1 - area) + (n - 1) * (a - area**2) + (m - 1) * (b - area**2)) / (n * m)
    return area, float(torch.tensor(max(variance, 0.0)).sqrt())


def chance_error(positive: int, negative: int) -> float:
    """Standard error of the area when scores say nothing: sqrt((n + m + 1) / 12 n m) (Mann and Whitney 1947)."""
    return float(np.sqrt((positive + negative + 1) / (12 * positive * negative)))


def _work(result: Uncertainty, samples: int) -> str:
    details = result.details
    places = ", ".join(f"{site} (p = {p:g})" for site, p in details["dropout"].items())
    reason, saved = details["whole_network_repeated"], details["share_of_work_saved"]
    if reason:
        return f"Dropout at {places}; the whole network was run {samples} times, since {reason}."
    return f"Dropout at {places}; {saved:.1%} of the multiply-adds of {samples} forwards were saved."
