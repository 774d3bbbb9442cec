"""The audit within a loop: a look every so many rounds, and what the loop itself does between them."""

import math
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Self

from torch import Tensor, nn
from torch.optim import Optimizer

from snellen._errors import InputError, UsageError
from snellen.exam.audit import audited
from snellen.exam.how import how
from snellen.findings.evidence import Cell, Table
from snellen.findings.finding import Finding, Severity
from snellen.findings.findings import Findings
from snellen.subject.network import Network
from snellen.training.health.facts import Asked
from snellen.training.health.recorder import Recorder
from snellen.training.health.setup import training_setup

NAME = "training/course"


class FaultyTrainingError(InputError):
    """The audit of a running training has found errors; ``findings`` is all that it found."""

    findings: Findings


class TrainingAudit:
    """Audits a training while it runs, called once a round of your own loop.

    At the first round and then every so many it makes the whole audit (:func:`snellen.audit_training`) on the batch of
    that round, which costs about two steps of training. Beside that it sees what one call cannot: gradients
    that are never cleared, parameters that never move, a loss that diverges, units that die on the way, and since which
    round. It changes nothing: a loop ends with the same bits with and without it.

    Between ``backward`` and ``step`` is the best place: the first look is then before the first step, where more is
    known of how things should be. Hooks sit on the optimizers until :meth:`close`, which ``with`` calls too.

    Args:
        network: a module or a Network.
        optimizers: one or a list; all that step in this loop.
        loss: ``loss(outputs, targets)`` or ``loss(network, batch)``, to one number.
        every: rounds between two looks.
        raises: end the training with an exception when errors are found.
        seed: of what a look draws.

    Raises:
        UsageError: an argument is none of these.

    >>> from torch import nn, optim, rand, zeros
    >>> net = nn.Sequential(nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 3))
    >>> sgd, loss_of = optim.SGD(net.parameters(), lr=0.1), nn.CrossEntropyLoss()
    >>> audit = TrainingAudit(net, sgd, loss_of, every=10)
    >>> for _ in range(5):
    ...     batch = rand(8, 16), zeros(8).long()
    ...     loss = loss_of(net(batch[0]), batch[1])
    ...     loss.backward()
    ...     found = audit.step(batch, loss)
    ...     sgd.step()
    >>> [finding.title for finding in audit.findings.errors]
    ['Gradients are never cleared']
    """

    def __init__(
        self,
        network: nn.Module | Network,
        optimizers: Optimizer | Sequence[Optimizer],
        loss: Callable[..., Any],
        *,
        every: int = 100,
        raises: bool = False,
        seed: int = 0,
    ) -> None:
        if every < 1:
            raise UsageError(f"every must be 1 or more rounds, got {every}")
        setup = training_setup(network, optimizers, None, loss)[0]
        self._network, self._optimizers, self._loss = network, setup.optimizers, loss
        self._every, self._raises, self._seed = every, raises, seed
        self._recorder = Recorder(setup.module, setup.optimizers)
        self._rounds, self._spent = 0, 0.0
        self._told: set[str] = set()
        self._looks: list[tuple[Cell, ...]] = []
        self._problems: dict[tuple[str, str], tuple[Severity, int, int]] = {}
        self._last: tuple[Finding, ...] = ()
        self._subject: dict[str, Any] = {}

    def step(self, batch: Any, loss: Tensor | float | None = None) -> Findings | None:
        """A round of the loop; what was found if it was looked at in this round, else None.

        Args:
            batch: of this round, as the loss knows it.
            loss: of this round; without it a divergence is not seen.

        Raises:
            FaultyTrainingError: errors were found, and ``raises`` was asked for.
            NetworkError: a step on this batch raises.
        """
        value = float(loss.detach()) if isinstance(loss, Tensor) else loss
        self._recorder.note(value)
        self._rounds += 1
        if (self._rounds - 1) % self._every and not self._news(value):
            return None
        self._look(batch)
        found = self.findings
        if self._raises and found.errors:
            said = " ".join(f"{f.title}: {f.sentence}" for f in found.errors)
            error = FaultyTrainingError(f"the audit of round {self._rounds} found what must be mended. {said}")
            error.findings = found
            raise error
        return found

    @property
    def findings(self) -> Findings:
        """What the last look found, and the course of all looks."""
        course = () if not self._looks else (self._course(),)
        wrapped = self._network if isinstance(self._network, Network) else Network(self._network)
        run = how("audit", self._seed, self._spent, wrapped)
        return Findings((*self._last, *course), subject={**self._subject, "rounds": self._rounds}, run=run)

    def close(self) -> None:
        """Take the hooks off the optimizers; the findings stay."""
        self._recorder.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _news(self, loss: float | None) -> bool:
        """Something that cannot wait for the next look, once."""
        known = {"loss"} if loss is not None and not math.isfinite(loss) else set()
        known |= set(self._recorder.reused)
        news = known - self._told
        self._told |= news
        return bool(news)

    def _look(self, batch: Any) -> None:
        began = time.perf_counter()
        with self._recorder.paused():
            asked = Asked(past=self._recorder.past())
            seen = audited(self._network, self._optimizers, batch, self._loss, asked=asked, seed=self._seed)
        self._spent += time.perf_counter() - began
        self._last, self._subject = seen.findings, dict(seen.subject)
        for finding in (*seen.errors, *seen.warnings):
            key = (finding.check, finding.title)
            _, first, _ = self._problems.get(key, (finding.severity, self._rounds, self._rounds))
            self._problems[key] = finding.severity, first, self._rounds
        silent = seen.measured.get("silent_units")
        self._looks.append((self._rounds, seen.subject.get("loss"), len(seen.errors), len(seen.warnings), silent))

    def _course(self) -> Finding:
        rows = [(f"{s} {check}", title, a, b) for (check, title), (s, a, b) in self._problems.items()]
        gone = [title for _, title, _, last in rows if last < self._looks[-1][0]]  # type: ignore[operator]  # a round
        text = f"{len(self._looks)} looks in {self._rounds} rounds of the loop; "
        text += "; ".join(f"{title} (from round {first} to {last})" for _, title, first, last in rows) or "no alarm"
        looks = Table(
            "Looks", ("round", "loss of its batch", "errors", "warnings", "silent ReLU units"), tuple(self._looks)
        )
        problems = Table("Errors and warnings", ("what", "title", "first seen", "last seen"), tuple(rows))
        return Finding(
            NAME,
            "info" if gone else "ok",
            "The course of the audit",
            f"{text}.",
            evidence=(looks, *([problems] if rows else [])),
        )
