"""Which modes were reached, by seed and over the training, and the samples themselves."""

import math
from dataclasses import dataclass

from snellen.findings.evidence import Curve, Table
from snellen.findings.finding import Finding

Points = tuple[tuple[float, ...], ...]
NAMES = {"wasserstein-gp": "WGAN-GP", "nonsaturating": "ten generator steps to one"}


@dataclass(frozen=True)
class Course:
    """One training.

    Attributes:
        loss: by its name.
        seed: of the networks and the points.
        rounds: at which it was looked at.
        covered: modes with at least a quarter of their share of good points, at each look.
        good: share of points within 3 standard deviations of a mode, at each look.
        counts: good points of each mode at the end.
        points: 300 of them at the end.
    """

    loss: str
    seed: int
    rounds: tuple[int, ...]
    covered: tuple[int, ...]
    good: tuple[float, ...]
    counts: tuple[int, ...]
    points: Points


@dataclass(frozen=True)
class Ringed:
    """What the study computed.

    Attributes:
        courses: the healthy ones, then those made to fail.
        real: points of the data.
        centres: of its modes.
        judged: points that each look counts.
        sigma: standard deviation of a mode.
    """

    courses: tuple[Course, ...]
    real: Points
    centres: Points
    judged: int
    sigma: float

    def of(self, loss: str) -> tuple[Course, ...]:
        """The trainings with this loss."""
        return tuple(course for course in self.courses if course.loss == loss)


def findings(result: Ringed) -> tuple[Finding, ...]:
    """The healthy one, and the one made to fail."""
    return _healthy(result), _collapsed(result)


def _healthy(result: Ringed) -> Finding:
    courses = result.of("wasserstein-gp")
    fewest, modes = min(c.covered[-1] for c in courses), len(result.centres)
    good = min(c.good[-1] for c in courses)
    return Finding(
        "study/ring",
        "ok" if fewest == modes else "warning",
        "A WGAN with a gradient penalty reaches every mode" if fewest == modes else "Modes are missing",
        f"At the end at least {fewest} of {modes} modes are covered in each of {_seeds(courses)}, and at least "
        f"{good:.1%} of the points are within 3 standard deviations of one (of the data {1 - math.exp(-4.5):.1%} are). "
        f"A mode is covered if at least a quarter of its share of {result.judged:,} points is in there.",
        measured={
            "modes_covered": float(fewest),
            "good_points": good,
            "seeds": float(len(courses)),
            **{f"modes_covered_{i}": float(c.covered[-1]) for i, c in enumerate(courses)},
            **{f"good_points_{i}": c.good[-1] for i, c in enumerate(courses)},
        },
        headlines=("modes_covered",),
        evidence=(_picture("WGAN-GP at the end, first seed", courses[0], result), _courses(courses, modes)),
        reference="Gulrajani et al. 2017, arXiv:1704.00028; Srivastava et al. 2017, arXiv:1705.07761",
    )


def _collapsed(result: Ringed) -> Finding:
    courses = result.of("nonsaturating")
    most, modes = max(c.covered[-1] for c in courses), len(result.centres)
    return Finding(
        "study/collapse",
        "info",
        "A generator that runs ahead collapses" if most < modes / 2 else "A generator that runs ahead",
        f"Ten steps of the generator for one of the discriminator, without a penalty: of {modes} modes at most {most} "
        f"{'is' if most == 1 else 'are'} covered at the end in {_seeds(courses)}. It makes whatever the "
        "discriminator likes at the moment, and moves on when that is found out.",
        measured={
            "collapsed_modes": float(most),
            **{f"collapsed_modes_{i}": float(c.covered[-1]) for i, c in enumerate(courses)},
            **{f"collapsed_good_{i}": c.good[-1] for i, c in enumerate(courses)},
        },
        headlines=("collapsed_modes",),
        evidence=(_picture("Collapsed, first seed", courses[0], result), _courses(courses, modes)),
        remedy="Let the discriminator keep up: as many steps or more, and keep its slope bounded.",
        reference="Metz et al. 2017, arXiv:1611.02163",
    )


def _seeds(courses: tuple[Course, ...]) -> str:
    return f"{len(courses)} seed{'s' * (len(courses) > 1)}"


def _picture(title: str, course: Course, result: Ringed) -> Curve:
    series = {
        "data": _columns(result.real),
        "made": _columns(course.points),
        "centres": _columns(result.centres),
    }
    return Curve(title, "first coordinate", "second coordinate", series, "points")


def _columns(points: Points) -> tuple[tuple[float, ...], tuple[float, ...]]:
    return tuple(p[0] for p in points), tuple(p[1] for p in points)


def _courses(courses: tuple[Course, ...], modes: int) -> Table:
    rows = tuple(
        (course.seed, done, covered, good, *(course.counts if done == course.rounds[-1] else (None,) * modes))
        for course in courses
        for done, covered, good in zip(course.rounds, course.covered, course.good, strict=True)
    )
    columns = ("seed", "rounds", "modes covered", "good points", *(f"mode {i + 1}" for i in range(modes)))
    return Table(f"Every look: {NAMES[courses[0].loss]}", columns, rows, note="Good points of each mode at the end.")
