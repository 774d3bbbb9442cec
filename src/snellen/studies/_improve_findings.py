"""What the study of improvement found: the way to the best training, every lever in its rank, the reasons."""

from dataclasses import dataclass

from snellen.findings.evidence import Curve, Table
from snellen.findings.finding import Finding
from snellen.findings.interval import wilson
from snellen.studies._improve_levers import Lever
from snellen.studies._improve_rounds import Answers, Arm, Round
from snellen.studies._improve_task import Task
from snellen.studies._paired import Gain, gain
from snellen.training.looks import Looks
from snellen.training.range_test import RangeTest

EXAM = "IN5400 exam 2021, exercise 3a; Bouthillier et al. 2021, arXiv:2103.03098."
VERDICTS = ("helps", "within noise", "hurts")


@dataclass(frozen=True, eq=False)
class Improved:
    """What the study computed.

    Attributes:
        task: what was fixed.
        levers: that were tried.
        tested: the range test of the learning rate.
        rounds: in their order.
        winner: the training that is left at the end; the given one if no lever is beyond noise.
        test: its answers to the test part, None if there is no such part.
        looks: the ledger.
    """

    task: Task
    levers: tuple[Lever, ...]
    tested: RangeTest
    rounds: tuple[Round, ...]
    winner: Arm
    test: Answers | None
    looks: Looks


def findings(result: Improved) -> tuple[Finding, ...]:
    """In the order of the page."""
    rounds = (_round(found, number) for number, found in enumerate(result.rounds, 1))
    return (_way(result), *rounds, _reasons(result), result.looks.finding())


def _way(result: Improved) -> Finding:
    first, winner, data = result.rounds[0].before, result.winner, result.task.data
    taken = [found.taken.lever.name for found in result.rounds if found.taken is not None and found.taken.lever]
    whole = gain(winner.val.right, first.val.right)
    seeds, images = first.val.right.shape
    measured = {
        "given_val": first.val.accuracy,
        "best_val": winner.val.accuracy,
        **_with_interval("best_gain_points", whole),
        "levers_taken": float(len(taken)),
        "range_test_rate": result.tested.chosen,
        "train_images": float(len(data.labels)),
        "val_images": float(images),
        "seeds": float(seeds),
    }
    text = (
        f"Fixed: {result.task.network}, beginning with {result.task.begins}; {len(data.labels):,} images to learn from "
        f"and {images:,} to judge by. As given, {first.val.accuracy:.1%} of these are right, the mean of {seeds} seeds."
    )
    if taken:
        text += f" With {', then '.join(taken)} it is {winner.val.accuracy:.1%}: {_points(whole)}."
    else:
        text += " No lever gains more than noise could."
    if result.test is not None:
        count = result.test.right.shape[1]
        low, high = wilson(result.test.accuracy * count, count)
        text += (
            f" Of {count:,} test images, looked at once and for this alone, {result.test.accuracy:.1%} are right "
            f"({low:.1%} to {high:.1%})."
        )
        measured |= {
            "best_test": result.test.accuracy,
            "best_test_low": low,
            "best_test_high": high,
            "test_images": float(count),
        }
    rows = [("as given", None, first.val.accuracy, first.val.loss)] + [
        (arm.lever.name, 100 * found.gains[0].value, arm.val.accuracy, arm.val.loss)
        for found in result.rounds
        if (arm := found.taken) is not None and arm.lever is not None
    ]
    return Finding(
        "study/improvement",
        "info",
        f"From {first.val.accuracy:.1%} to {winner.val.accuracy:.1%}" if taken else "Nothing helps beyond noise",
        text,
        measured=measured,
        headlines=("given_val", "best_val", *(("best_test",) if result.test is not None else ())),
        evidence=(
            Table(
                "The way there",
                ("taken", "gain in points", "validation accuracy", "validation loss"),
                tuple(rows),
                note="Each line on top of those above it. Means over the seeds; losses in nats.",
            ),
            _seeds(result),
        ),
        reference=EXAM,
    )


def _seeds(result: Improved) -> Table:
    """Accuracies of each seed: as given, and at the end."""
    first, winner, test = result.rounds[0].before.val.right, result.winner.val.right, result.test
    rows = tuple(
        (i, float(first[i].mean()), float(winner[i].mean()), None if test is None else float(test.right[i].mean()))
        for i in range(len(first))
    )
    return Table("Every seed", ("seed", "as given, validation", "best, validation", "best, test"), rows)


def _round(found: Round, number: int) -> Finding:
    before = "the training as given" if found.before.lever is None else f"that with {found.before.lever.name}"
    told = []
    for verdict in VERDICTS:
        named = [
            arm.lever.name + (f" {_points(g)}" if verdict != "within noise" else "")
            for arm, g in zip(found.tried, found.gains, strict=True)
            if arm.lever is not None and g.verdict == verdict
        ]
        if named:
            told.append(f"{verdict.capitalize()}: {', '.join(named)}.")
    diverged = [(arm.lever.name, arm.val.diverged) for arm in found.tried if arm.lever and arm.val.diverged]
    lost = "".join(
        f" With {name} {count} networks diverged, and count as right about nothing." for name, count in diverged
    )
    luck = 0.025 * len(found.tried)
    taken = found.taken
    measured: dict[str, float] = {}
    for arm, g in zip(found.tried, found.gains, strict=True):
        if arm.lever is not None:
            measured |= _with_interval(f"round{number}_{arm.lever.key}_points", g)
    return Finding(
        f"study/round_{number}",
        "info",
        f"Round {number}: {taken.lever.name} gains most" if taken and taken.lever else f"Round {number}: only noise",
        f"Each lever against {before}. {' '.join(told)}{lost} If none of the {len(found.tried)} did anything, "
        f"{luck:.1f} would be said to help all the same.",
        measured=measured,
        evidence=(_ranking(found, number), _drawn(found)),
        reference="Interval: Bonett and Price 2012 over the images, Student's t over the seeds, both together.",
    )


def _ranking(found: Round, number: int) -> Table:
    rows = tuple(
        (
            arm.lever.name,
            *(round(100 * x, 1) for x in (g.value, g.low, g.high)),
            arm.val.accuracy,
            arm.val.loss,
            g.verdict,
        )
        for arm, g in zip(found.tried, found.gains, strict=True)
        if arm.lever is not None
    )
    return Table(
        f"Every lever by its gain, round {number}",
        ("lever", "gain", "low", "high", "accuracy", "loss", ""),
        rows,
        note="Gain in validation accuracy in points, with its 95 % interval over images and seeds. Within noise: the "
        "interval holds 0.",
    )


def _drawn(found: Round) -> Curve:
    places = tuple(float(i) for i in range(1, len(found.tried) + 1))
    ends = {
        name: tuple(100 * getattr(g, part) for g in found.gains)
        for name, part in (("gain", "value"), ("low end of its interval", "low"), ("high end", "high"))
    }
    return Curve(
        "Gains and their intervals",
        "place in the table above",
        "gain in validation accuracy, points",
        {name: (places, values) for name, values in ends.items()},
        note="Where the lowest line is above 0 a lever helps beyond noise.",
    )


def _reasons(result: Improved) -> Finding:
    rows = tuple((lever.name, lever.why, lever.option) for lever in result.levers)
    tested = result.tested
    return Finding(
        "study/reasons",
        "info",
        "The levers, and why each can help",
        f"The range test found {tested.chosen:g}: half of the rate at which the loss was lowest. Left out: dropout, "
        "whose layers belong to the architecture, and early stopping, which chooses by the validation images that "
        "judge here.",
        evidence=(Table("Levers", ("lever", "why it can help", "snellen train classify"), rows),),
        reference="Smith 2017, arXiv:1506.01186; Zhang et al. 2018, arXiv:1710.09412; Yun et al. 2019, "
        "arXiv:1905.04899; DeVries and Taylor 2017, arXiv:1708.04552; Szegedy et al. 2016, arXiv:1512.00567; Izmailov "
        "et al. 2018, arXiv:1803.05407.",
    )


def _with_interval(name: str, found: Gain) -> dict[str, float]:
    return {name: 100 * found.value, f"{name}_low": 100 * found.low, f"{name}_high": 100 * found.high}


def _points(found: Gain) -> str:
    text = f"{100 * found.value:+.1f} points ({100 * found.low:+.1f} to {100 * found.high:+.1f})"
    return text.replace("-", "−")
