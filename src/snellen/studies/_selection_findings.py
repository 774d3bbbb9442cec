"""What the study of selection found: the ledgers, the two options side by side, the excess by simulation."""

import numpy as np
from numpy.typing import NDArray

from snellen.findings.evidence import Cell, Curve, Table
from snellen.findings.finding import Finding
from snellen.studies._protocols import Mean, Protocol, Selected
from snellen.training.optimism import expected_best

EXAM = "IN5400 exam 2021, exercise 2c; Cawley and Talbot 2010, JMLR 11:2079-2107."
SIZES, LOOKS = (100, 1_000, 10_000), (1, 2, 4, 8, 16, 32, 64)
BINS = 13


def findings(result: Selected) -> tuple[Finding, ...]:
    """In the order of the page."""
    return (
        _side_by_side(result),
        _ledger(result.first),
        _ledger(result.second),
        _simulated(result),
        _elsewhere(result),
    )


def _side_by_side(result: Selected) -> Finding:
    one, two = result.first, result.second
    reported, true = Mean.of(one.reported - two.reported), Mean.of(one.fresh - two.fresh)
    val = Mean.of(two.val - two.fresh)
    measured: dict[str, float] = {"splits": float(len(one.reported))}
    for name, protocol in (("option1", one), ("option2", two)):
        measured |= {f"{name}_reported": float(protocol.reported.mean()), f"{name}_true": float(protocol.fresh.mean())}
        measured |= _points_of(f"{name}_excess", result.excess(protocol))
        measured |= _points_of(f"{name}_adjusted", result.adjusted(protocol))
    for name, mean in (("reported_difference", reported), ("true_difference", true), ("val_excess", val)):
        measured |= _points_of(name, mean)
    optimistic = result.adjusted(one).low > 0
    return Finding(
        "study/options",
        "info",
        "Option 1 reports more, and is not better" if optimistic and true.low <= 0 else "The two options side by side",
        f"Over {len(one.reported)} splits option 1 (rate by the test part) reported {one.reported.mean():.2%} on "
        f"average and was right {one.fresh.mean():.2%} of the time on untouched images. Option 2 (rate by the "
        f"validation part) reported {two.reported.mean():.2%} and was right {two.fresh.mean():.2%} of the time. With "
        "the difficulty of each test part taken out, option 1 reports "
        f"{_points(result.adjusted(one))} too much and option 2 {_points(result.adjusted(two))}. On untouched images "
        f"option 1 is better by {_points(true)}. The validation accuracy of option 2 is too good too, by "
        f"{_points(val)}: it is no result to report.",
        measured=measured,
        headlines=("option1_adjusted_points", "option2_adjusted_points"),
        evidence=(
            Table(
                f"Means over {len(one.reported)} splits",
                ("", "epoch by", "rate by", "looks at test", "reported", "true", "excess", "adjusted", "low", "high"),
                (_row(result, one, "test"), _row(result, two, "val")),
                note="In per cent. Reported: accuracy on the test part. True: that of the same network on the "
                "untouched images. Adjusted: the excess less the mean over all rates of test less untouched accuracy, "
                "which chooses nothing and is 0 on average. Low and high: 95 % interval of it by Student's t. The "
                "splits are drawn from the same digits and overlap.",
            ),
            _histogram(result),
            _rate_curve(result),
            _rates(result),
            _splits(result),
        ),
        reference=EXAM,
    )


def _ledger(protocol: Protocol) -> Finding:
    found = protocol.ledger.finding()
    epochs = [c for c in protocol.ledger.choices if c.what == "epoch"]
    last = protocol.ledger.choices[-1]
    rows: tuple[tuple[Cell, ...], ...] = (
        ("epoch of each rate", "val", sum(len(c.among) for c in epochs), f"{len(epochs)} epochs"),
        (last.what, last.split, len(last.among), last.chosen),
    )
    return Finding(
        f"study/ledger_{protocol.name.replace(' ', '_')}",
        found.severity,
        f"{protocol.name.capitalize()}: {found.title[0].lower()}{found.title[1:]}",
        f"The ledger of the first split. {found.sentence}",
        measured=found.measured,
        remedy=found.remedy,
        evidence=(Table("What was chosen, and by what", ("chosen", "on", "candidates", "taken"), rows),),
        reference=found.reference,
    )


def _simulated(result: Selected) -> Finding:
    measured, k, n = result.adjusted(result.first), len(result.rates), result.images
    p = float(result.second.fresh.mean())
    exact = expected_best(n, k, p, correlation=result.correlation) - p
    independent = expected_best(n, k, p) - p
    inside = measured.low <= result.simulated <= measured.high
    return Finding(
        "study/simulated",
        "info",
        "The excess can be foreseen" if inside else "The simulation and the experiment differ",
        f"The best of {k} networks on {n} test images, whose right answers have the correlation "
        f"{result.correlation:.2f}: with the accuracies that the rates have on the untouched images the simulation "
        f"expects {100 * result.simulated:.2f} points too much (± {196 * result.simulated_error:.2f} from its draws), "
        f"and {100 * result.alike:.2f} if all rates were equally good (exactly: {100 * exact:.2f}). Measured: "
        f"{_points(measured)}. With independent answers, as if each network had a test set of its own, equally good "
        f"rates would give {100 * independent:.2f}.",
        measured={
            "simulated_points": 100 * result.simulated,
            "simulated_alike_points": 100 * result.alike,
            "exact_alike_points": 100 * exact,
            "independent_alike_points": 100 * independent,
            "correlation": result.correlation,
        },
        reference="Model: an image is common to all candidates with probability r, and one uniform number decides for "
        "all of them; otherwise each has its own. The exact value is the order statistic of the binomial.",
    )


def _elsewhere(result: Selected) -> Finding:
    p, r = float(result.second.fresh.mean()), result.correlation
    excess = {n: tuple(100 * (expected_best(n, k, p, correlation=r) - p) for k in LOOKS) for n in SIZES}
    rows = tuple((k, *(excess[n][i] for n in SIZES)) for i, k in enumerate(LOOKS))
    return Finding(
        "study/elsewhere",
        "info",
        "Other test sizes and other numbers of looks",
        f"At an accuracy of {p:.1%} and the correlation {r:.2f} the largest expected excess of 8 looks is "
        + ", ".join(f"{excess[n][LOOKS.index(8)]:.2f} points with {n:,} images" for n in SIZES)
        + ". It falls with the square root of the images and grows slowly with the looks: a large test set forgives "
        "much, a small one nothing.",
        measured={f"excess_{n}_{k}_points": excess[n][i] for n in SIZES for i, k in enumerate(LOOKS) if k in (8, 64)},
        evidence=(
            Curve(
                "Expected excess if all candidates are equally good",
                "candidates that the test part chose among",
                "reported less true accuracy, points",
                {f"{n:,} test images": (tuple(map(float, LOOKS)), excess[n]) for n in SIZES},
            ),
            Table("The same in numbers", ("candidates", *(f"{n:,} images" for n in SIZES)), rows, note="In points."),
        ),
    )


def _row(result: Selected, protocol: Protocol, rate_by: str) -> tuple[Cell, ...]:
    adjusted = result.adjusted(protocol)
    return (
        *(protocol.name, "val", rate_by, protocol.ledger.counts["test"]),
        *(100 * float(x) for x in (protocol.reported.mean(), protocol.fresh.mean())),
        *(100 * x for x in (result.excess(protocol).value, adjusted.value, adjusted.low, adjusted.high)),
    )


def _histogram(result: Selected) -> Curve:
    values = {p.name: 100 * (p.reported - p.fresh) for p in (result.first, result.second)}
    together = np.concatenate([*values.values()])
    edge = float(max(abs(together).max(), 1.0))
    bins = np.linspace(-edge, edge, BINS + 1)
    return Curve(
        "Reported less true, one count a split",
        "accuracy on test less on untouched images, points",
        "splits",
        {n: (_floats(bins), _floats(np.histogram(v, bins)[0])) for n, v in values.items()},
        kind="histogram",
        marks={"mean of option 1": float(values["option 1"].mean())},
    )


def _rates(result: Selected) -> Table:
    rows = tuple(
        (
            f"{rate:g}",
            float(result.val[:, i].mean()),
            float(result.test[:, i].mean()),
            float(result.fresh[:, i].mean()),
            int((result.first.chosen == i).sum()),
            int((result.second.chosen == i).sum()),
        )
        for i, rate in enumerate(result.rates)
    )
    return Table(
        "The learning rates",
        ("rate", "val", "test", "untouched", "taken by option 1", "taken by option 2"),
        rows,
        note="Mean accuracies at the epoch that is best on val, which is why val is above the others.",
    )


def _rate_curve(result: Selected) -> Curve:
    x = _floats(np.log10(result.rates))
    seen = {"val": result.val, "test": result.test, "untouched": result.fresh}
    best = result.test[0].max()
    return Curve(
        "What selection sees: the first split",
        "learning rate, as powers of 10",
        "accuracy at the best epoch",
        {name: (x, _floats(table[0])) for name, table in seen.items()},
        note=f"The best test accuracy is {best:.1%}. The bumps of val and test are mostly noise of "
        f"{result.images} images; the untouched line is what they are noise around.",
    )


def _splits(result: Selected) -> Table:
    one, two = result.first, result.second
    rows = tuple(
        (
            i,
            f"{result.rates[one.chosen[i]]:g}",
            float(one.reported[i]),
            float(one.fresh[i]),
            f"{result.rates[two.chosen[i]]:g}",
            float(two.reported[i]),
            float(two.fresh[i]),
        )
        for i in range(len(one.chosen))
    )
    columns = ("split", "option 1: rate", "reported", "true", "option 2: rate", "reported", "true")
    return Table("Every split", columns, rows, shown=8)


def _points_of(name: str, mean: Mean) -> dict[str, float]:
    named = f"{name}_points"
    return {named: 100 * mean.value, f"{named}_low": 100 * mean.low, f"{named}_high": 100 * mean.high}


def _points(mean: Mean) -> str:
    return f"{100 * mean.value:.2f} points ({100 * mean.low:.2f} to {100 * mean.high:.2f})".replace("-", "−")


def _floats(values: NDArray[np.generic]) -> tuple[float, ...]:
    return tuple(float(v) for v in values)
