"""What is left to change when architecture, first weights, batch size, data and splits are fixed, and what it gives."""

import math
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from snellen._errors import UsageError
from snellen.findings.finding import Finding
from snellen.studies._base import Progress, Study, silent
from snellen.studies._improve_findings import Improved, findings
from snellen.studies._improve_levers import Recipe, levers
from snellen.studies._improve_rounds import GIVEN, Answers, Arm, Round, rounds_of
from snellen.studies._improve_task import Task, answered, course, digits, own
from snellen.training.dataset import Part, load_dataset
from snellen.training.fit import DivergedError
from snellen.training.initial import read_initial
from snellen.training.looks import Looks
from snellen.training.range_test import range_test
from snellen.training.settings import Settings

NETWORK = "resnet9_half"


@dataclass(frozen=True)
class Improve(Study[Improved]):
    """Every legal lever by itself, held against the same training over the same seeds, and the best ones together.

    Fixed are the architecture, the weights it begins with, the batch size, the data and their parts, as in the exam; so
    are the seeds, so that both sides of every comparison have the same order of images and drop the same units. The
    given training is the exam's: one learning rate from the first step to the last, images as they are. Round by
    round, every lever is tried on top of what was taken before; the one with the largest gain in validation accuracy is
    taken if its interval leaves out 0. The test part is looked at once, by the networks that are left at the end.

    Args:
        data: images as for ``snellen train classify``; digits 4 to 9 if not given, learned by a small network that was
            trained on 0 to 3 before.
        network: that is to learn ``data``.
        init: its first weights.
        val: other images to judge by.
        test: other images for the end.
        side: height and width to train at, in pixels.
        limit: at most so many images of ``data``.
        seeds: repetitions, at least 2.
        rounds: levers that may be taken one on top of the other.
        epochs: of the given training.
        batch: images a step.
        learning_rate: of the given training.
        optimizer: ``sgd`` or ``adamw``.

    Raises:
        UsageError: fewer than 2 seeds, no round; options of ``data`` without it.

    Example:
        >>> from snellen.studies.improve import Improve
        >>> study = Improve(seeds=3, learning_rate=0.01)
        >>> study.given.settings.learning_rate, study.given.cycle
        (0.01, False)

    Reference: IN5400 exam 2021, exercise 3a; Bouthillier et al. 2021, Accounting for variance in machine learning
    benchmarks, arXiv:2103.03098, on pairing and on seeds.
    """

    title: ClassVar[str] = "What improves a training when only the training may change"
    data: str | None = None
    network: str | None = None
    init: str | None = None
    val: str | None = None
    test: str | None = None
    side: int | None = None
    limit: int | None = None
    seeds: int = 5
    rounds: int = 2
    epochs: int = 15
    batch: int = 30
    learning_rate: float = 1e-3
    optimizer: str = "sgd"

    def __post_init__(self) -> None:
        if self.seeds < 2 or self.rounds < 1:
            raise UsageError(
                f"a comparison needs at least 2 seeds and 1 round, got seeds={self.seeds} and rounds={self.rounds}"
            )
        theirs = ("network", "init", "val", "test", "side", "limit")
        alone = [name for name in theirs if getattr(self, name) is not None]
        if self.data is None and alone:
            raise UsageError(f"{alone[0]} is for images of your own; name them as data, or leave {alone[0]} out")
        if not 0 < self.learning_rate < math.inf:
            raise UsageError(f"the learning rate must be a number above 0, got {self.learning_rate}")
        _ = self.given

    @property
    def given(self) -> Recipe:
        """The training that is to be improved: a constant rate, nothing else."""
        return Recipe(
            Settings(
                network="small_vgg" if self.data is None else self.network or NETWORK,
                epochs=self.epochs,
                batch=self.batch,
                learning_rate=self.learning_rate,
                optimizer=self.optimizer,
                weight_decay=0.0,
                flip=False,
                shift=0,
                average=0.0,
            )
        )

    def run(self, *, seed: int = 0, progress: Progress = silent) -> Improved:
        """Try, take, and look at the test part once."""
        task = self._task(seed)
        starts = range(seed * 10_007, seed * 10_007 + self.seeds)
        lesson = task.lesson(replace(self.given.settings, seed=starts[0]))
        schedule = replace(lesson.schedule, cycle=False)
        tested = range_test(lesson.module, lesson.losses, schedule, seed=starts[0], progress=progress)
        known = levers(self.given.settings, rate=tested.chosen, side=min(task.data.views.side))
        trials, total = 0, 1 + self.rounds * len(known)

        def tried(recipe: Recipe) -> Answers:
            nonlocal trials
            found = _answers(task, recipe, starts, task.data.val)
            trials += 1
            progress("training", trials, total)
            return found

        looks, done = Looks(), list[Round]()
        first = Arm(None, self.given, tried(self.given))
        done.extend(rounds_of(first, known, self.rounds, looks, tried))
        winner = next((r.taken for r in reversed(done) if r.taken is not None), first)
        taken = looks.choices[-1].chosen if looks.choices else GIVEN
        test = None
        if task.data.test is not None:
            test = _answers(task, winner.recipe, starts, task.data.test)
            looks.look("test", taken, test.most)
        looks.report("val" if test is None else "test", taken)
        return Improved(task, known, tested, tuple(done), winner, test, looks)

    def findings(self, result: Improved) -> tuple[Finding, ...]:
        """The way from the given training to the best, each round, the reasons, and the ledger."""
        return findings(result)

    def about(self) -> dict[str, Any]:
        """What was trained on what."""
        return {
            "images": "scikit-learn digits 4 to 9" if self.data is None else self.data,
            "given": f"{self.optimizer}, learning rate {self.learning_rate:g}, {self.epochs} epochs, {self.batch} "
            "images a step",
            "repetitions": self.seeds,
        }

    def _task(self, seed: int) -> Task:
        if self.data is None:
            return digits(seed)
        network = self.network or NETWORK
        initial = None if self.init is None else read_initial(self.init, network)
        images = load_dataset(self.data, val=self.val, test=self.test, side=self.side, limit=self.limit, seed=seed)
        return own(images, network, initial)


def _answers(task: Task, recipe: Recipe, starts: range, part: Part) -> Answers:
    """Train with every seed, and ask."""
    right, losses = np.zeros((len(starts), len(part)), bool), np.full(len(starts), math.nan)
    for i, start in enumerate(starts):
        try:
            found = answered(course(task, recipe, start), recipe, part)
        except DivergedError:
            continue
        right[i], losses[i] = found.answers, found.loss
    return Answers(right, losses)
