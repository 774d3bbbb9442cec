"""What a study is: settings, a run that computes, and findings that say what came out."""

import platform
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar, Generic, TypeVar

import torch

import snellen
from snellen.findings.finding import Finding
from snellen.findings.findings import Findings

T_co = TypeVar("T_co", covariant=True)
Progress = Callable[[str, int, int], None]


def silent(_stage: str, _done: int, _total: int) -> None:
    """No progress."""


@dataclass(frozen=True)
class Study(ABC, Generic[T_co]):
    """One question with an experiment. Its settings are its fields; a result is a frozen dataclass."""

    title: ClassVar[str]
    """The head of the page."""

    @abstractmethod
    def run(self, *, seed: int = 0, progress: Progress = silent) -> T_co:
        """Make the experiment; the same seed gives the same result."""

    @abstractmethod
    def findings(self, result: Any) -> tuple[Finding, ...]:
        """What came out of it, in words and numbers, in the order of the page."""

    @abstractmethod
    def about(self) -> dict[str, Any]:
        """What was studied: rows for the head of the page."""

    def report(self, *, seed: int = 0, progress: Progress = silent) -> Findings:
        """Run it and head its findings: ``.save("folder")`` makes the page, ``.to_dict()`` the JSON."""
        began = time.perf_counter()
        found = self.findings(self.run(seed=seed, progress=progress))
        run = {
            "preset": "study",
            "seed": seed,
            "seconds": round(time.perf_counter() - began, 2),
            "device": "cpu",
            "threads": torch.get_num_threads(),
            "snellen": snellen.__version__,
            "torch": torch.__version__,
            "python": platform.python_version(),
            "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        }
        return Findings(found, subject={"study": self.title, **self.about()}, run=run)
