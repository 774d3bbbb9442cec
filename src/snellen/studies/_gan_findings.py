"""What was found of generators and discriminators, in the words of the exam's questions."""

import math
from dataclasses import dataclass

import torch

from snellen.findings.evidence import Curve, Table
from snellen.findings.finding import Finding
from snellen.studies._generator_losses import GeneratorLosses, generator_losses
from snellen.studies._two_judges import Judged
from snellen.studies._upsampled import SIDE, Upsampled

DRAWN = tuple(x / 4 for x in range(-32, 33))
TOLD = {
    "nearest": ("side", "parameters", "overlap", "pattern"),
    "transposed_4": ("side", "parameters", "most", "overlap", "pattern"),
    "transposed_3": ("side", "fewest", "most", "overlap"),
    "shuffle_equal": ("parameters", "pattern"),
    "shuffle_random": ("pattern",),
}
"""The numbers of each way that are told by name; all of them are in the tables."""
NEAR, FAR, SURE = 1.0, 4.0, 5.0
NAMES = {
    "saturating": "saturating: log(1 − D)",
    "nonsaturating": "non-saturating: −log D",
    "wasserstein-gp": "critic: −f",
}


@dataclass(frozen=True)
class AdversarialGame:
    """All three parts."""

    upsampled: tuple[Upsampled, ...]
    judged: tuple[Judged, ...]
    losses: GeneratorLosses


def findings(result: AdversarialGame) -> tuple[Finding, ...]:
    """In the order of the exam."""
    return (_upsampling(result.upsampled), _discriminators(result.judged), _losses(result.losses))


def _upsampling(rows: tuple[Upsampled, ...]) -> Finding:
    measured = {f"{row.key}_{name}": float(getattr(row, name)) for row in rows for name in TOLD.get(row.key, ())}
    uneven = [row.name for row in rows if row.overlap > 1e-6]
    return Finding(
        "study/upsampling",
        "info",
        "Ways to enlarge a map",
        f"{len(rows)} ways make {rows[0].side} x {rows[0].side} of {SIDE} x {SIDE}. With equal weights only the "
        f"{uneven[0]}, leaves a pattern: its kernel is no multiple of its stride.",
        measured=measured,
        evidence=(
            Table(
                "Layers and the numbers that make the map larger",
                ("way", "layers", "side", "weights"),
                tuple((row.name, row.layers, row.side, row.parameters) for row in rows),
                note=f"From {SIDE} x {SIDE}. Transposed: (side − 1) stride − 2 padding + kernel + output padding.",
            ),
            Table(
                "Checkerboards",
                ("way", "fewest inputs", "most", "equal weights", "random weights", "contrast"),
                tuple((r.name, r.fewest, r.most, r.overlap, r.pattern, r.contrast) for r in rows),
                note="Inputs: of one channel, in one output. Equal weights: spread of the output of a constant map "
                "over its mean. Random first weights: log2 of the power of a pattern of period 2 over that around it, "
                "and its root mean square over that of the output.",
            ),
        ),
        reference="IN5400 exam 2021, exercise 9a; Odena, Dumoulin and Olah 2016, Distill; Shi et al. 2016, "
        "arXiv:1609.05158; Aitken et al. 2017, arXiv:1707.02937.",
    )


def _discriminators(rows: tuple[Judged, ...]) -> Finding:
    measured: dict[str, float] = {}
    for row in (r for r in rows if r.shift in (NEAR, FAR) or r is rows[-1]):
        at = f"{row.shift:g}".replace(".", "_")
        measured |= {
            f"accuracy_at_{at}": row.accuracy,
            f"divergence_at_{at}": row.divergence,
            f"saturating_at_{at}": row.slopes[0],
            f"nonsaturating_at_{at}": row.slopes[1],
            f"trained_saturating_at_{at}": row.trained_slopes[0],
            f"trained_critic_at_{at}": row.trained_slopes[2],
            f"critic_distance_at_{at}": row.distance,
        }
    far = rows[-1]
    shifts = tuple(row.shift for row in rows)
    return Finding(
        "study/discriminators",
        "info",
        "Two approaches to a discriminator",
        f"At a shift of {far.shift:g} the best probability tells {far.accuracy:.2%} right and its divergence is "
        f"{far.divergence:.3f} of at most {math.log(2):.3f}: it says that the generator is wrong and not how far. "
        f"log(1 − D) then gives a sample a slope of {far.slopes[0]:.2g}; a trained critic says {far.distance:.2f}, "
        f"with a slope of {far.trained_slopes[2]:.2f}.",
        measured=measured,
        evidence=(
            Table(
                "The best discriminators",
                ("shift = W1", "told right", "loss", "JS", "slope of log(1 − D)", "of −log D", "of the critic"),
                tuple((r.shift, r.accuracy, r.loss, r.divergence, *r.slopes) for r in rows),
                note="Closed forms and integrals on a grid. The loss is −log D(x) − log(1 − D(y)), at best "
                "2 log 2 − 2 JS.",
            ),
            Table(
                "Trained discriminators",
                (
                    *("shift = W1", "told right", "loss"),
                    *("slope of log(1 − D)", "of −log D", "of the critic", "it says"),
                ),
                tuple((r.shift, r.trained_accuracy, r.trained_loss, *r.trained_slopes, r.distance) for r in rows),
                note="On 4,096 fresh points of each. The critic says its mean score of real less generated ones.",
            ),
            Curve(
                "What each says of the distance",
                "shift of the generated points",
                "value",
                {
                    "W1": (shifts, shifts),
                    "a trained critic": (shifts, tuple(r.distance for r in rows)),
                    "Jensen-Shannon divergence": (shifts, tuple(r.divergence for r in rows)),
                },
            ),
            Curve(
                "The slope that a sample is given",
                "shift of the generated points",
                "mean slope",
                {
                    "log(1 − D), best": (shifts, tuple(r.slopes[0] for r in rows)),
                    "−log D, best": (shifts, tuple(r.slopes[1] for r in rows)),
                    "a trained critic": (shifts, tuple(r.trained_slopes[2] for r in rows)),
                },
            ),
        ),
        reference="IN5400 exam 2021, exercise 9b; Goodfellow et al. 2014, arXiv:1406.2661; Arjovsky, Chintala and "
        "Bottou 2017, arXiv:1701.07875; Gulrajani et al. 2017, arXiv:1704.00028.",
    )


def _losses(found: GeneratorLosses) -> Finding:
    measured: dict[str, float] = {
        "loss_undecided": found.fair,
        "loss_current": found.current,
        "loss_of_real": found.real,
        "loss_collapsed": found.collapsed,
        "favourite": found.favourite,
    }
    for score in (-SURE, SURE):
        at, i = f"{'minus_' * (score < 0)}{SURE:g}", found.scores.index(score)
        measured[f"probability_at_{at}"] = 1 / (1 + math.exp(-score))
        for name in ("saturating", "nonsaturating"):
            measured[f"{name}_value_at_{at}"] = found.values[name][i]
            measured[f"{name}_slope_at_{at}"] = found.slopes[name][i]
    rows = tuple(
        (
            score,
            float(torch.tensor(score, dtype=torch.float64).sigmoid()),
            *(cell[name][i] for name in ("saturating", "nonsaturating") for cell in (found.values, found.slopes)),
        )
        for i, score in enumerate(found.scores)
    )
    drawn = generator_losses(DRAWN)
    return Finding(
        "study/generator_loss",
        "info",
        "What a low loss means",
        f"−log D is {found.fair:.3f} where the discriminator cannot tell and goes to 0 where it takes every sample for "
        f"real. Against one fixed discriminator a single sample, made again and again, has {found.collapsed:.3f}; the "
        f"real data have {found.real:.3f}.",
        measured=measured,
        headlines=("loss_of_real", "loss_collapsed"),
        evidence=(
            Table(
                "By the score of a sample",
                ("score", "D", "log(1 − D)", "its slope", "−log D", "its slope"),
                rows,
                note="Slopes without their sign: all go down as the score goes up.",
            ),
            Curve(
                "Slopes",
                "score of a sample",
                "slope",
                {NAMES[name]: (DRAWN, drawn.slopes[name]) for name in NAMES},
                note="On the left are samples that the discriminator sees through: there log(1 − D) has no slope.",
            ),
            Curve(
                "Losses",
                "score of a sample",
                "loss",
                {NAMES[name]: (DRAWN, drawn.values[name]) for name in NAMES},
            ),
            Table(
                "Three generators against one discriminator",
                ("generator", "−log D"),
                (
                    ("the one it was trained against", found.current),
                    ("one that makes real data", found.real),
                    (f"one that makes {found.favourite:.2f} alone", found.collapsed),
                ),
                note="Real: half N(−2, 0.5²), half N(2, 0.5²). The discriminator is the best one against N(0, 1.5²).",
            ),
        ),
        reference="IN5400 exam 2021, exercise 9c; Goodfellow et al. 2014, arXiv:1406.2661.",
    )
