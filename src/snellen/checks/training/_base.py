"""What a check of a training set-up is: a question about one observed step."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from snellen.findings.finding import Finding
from snellen.training.health.facts import Observation


@dataclass(frozen=True)
class TrainingCheck(ABC):
    """One question. Its settings are its fields.

    An error is said only of what object identity, exact zeros or a closed form prove; a warning needs evidence that was
    measured; all else is for information.
    """

    @abstractmethod
    def __call__(self, seen: Observation) -> Sequence[Finding]:
        """Look, and say what was seen."""


def listed(names: Sequence[str], most: int = 4) -> str:
    """Names with commas and an 'and', the tail counted.

    >>> listed(["a", "b", "c"]), listed(list("abcdef"), 2)
    ('a, b and c', 'a, b and 4 more')
    """
    if len(names) > most + 1:
        return f"{', '.join(names[:most])} and {len(names) - most} more"
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1]))) if names else "none"


def blocks(parameters: Sequence[str]) -> tuple[str, ...]:
    """The modules that own parameters, in their order: ``block1`` for ``block1.weight`` and ``block1.bias``.

    >>> blocks(["block1.weight", "block1.bias", "scale"])
    ('block1', 'scale')
    """
    return tuple(dict.fromkeys(name.rpartition(".")[0] or name for name in parameters))
