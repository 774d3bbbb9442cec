"""When a surrogate beats the white box: attacks on victims whose slopes are there, missing, flat or out of reach."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from snellen._errors import NotApplicable, UsageError
from snellen.findings.finding import Finding
from snellen.instruments.attacks._base import Attack
from snellen.instruments.attacks._norms import Linf
from snellen.instruments.attacks._victim import Blackbox
from snellen.instruments.attacks.bim import BIM
from snellen.instruments.attacks.carlini_wagner import CarliniWagner
from snellen.instruments.attacks.mi_fgsm import MIFGSM
from snellen.instruments.attacks.square import Square
from snellen.instruments.attacks.surrogate import Surrogate
from snellen.studies._base import Progress, Study, silent
from snellen.studies._digits import features
from snellen.studies._surrogates_findings import Attempt, Compared, findings
from snellen.subject.network import Network
from snellen.training.imitate import imitate

WIDTH, BATCH, RATE = 64, 64, 2e-3
HELD_OUT, ASKED = 200, 600
QUERIES = 100


@dataclass(frozen=True)
class Surrogates(Study[Compared]):
    """In what case does a surrogate have advantages over Carlini-Wagner and the iterated gradient sign (exercise 6a)?

    One network is trained on digits and dressed up as four victims: as it is; behind a rounding of the pixels, so
    that its slope is 0; behind a tanh of 30 times its scores, so that its slope is nearly 0; and as a function that
    says only which class it is. All answer alike, or nearly. Each is attacked within one budget through its output;
    the surrogate is a network of another width that learnt the victim's answers on other digits.

    Args:
        steps: of the victim's training.
        levels: budget of the attacks, in levels of 255.

    Raises:
        UsageError: no steps or no levels.

    Example:
        >>> from snellen.studies.surrogates import Surrogates
        >>> found = Surrogates(steps=60).run()
        >>> found.at("only its answers", "carlini_wagner").share is None
        True

    Reference: IN5400 exam 2021, exercise 6a; Papernot et al. 2017, arXiv:1602.02697; Athalye, Carlini and Wagner 2018,
    arXiv:1802.00420.
    """

    steps: int = 400
    levels: int = 48

    title: ClassVar[str] = "When a surrogate has the advantage"

    def __post_init__(self) -> None:
        if self.steps < 1 or not 1 <= self.levels <= 255:
            raise UsageError(f"steps must be at least 1 and levels from 1 to 255, got {self.steps} and {self.levels}")

    def run(self, *, seed: int = 0, progress: Progress = silent) -> Compared:
        """Train the victim and its imitations, and attack each by all methods."""
        values, labels = features()
        pixels = (values + 0.3).float().clamp(0, 1).view(-1, 1, 8, 8)
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)
            order = torch.randperm(len(pixels))
            held, asked, seen = order[:HELD_OUT], order[HELD_OUT : HELD_OUT + ASKED], order[HELD_OUT + ASKED :]
            inner = _trained(pixels[seen], labels[seen], self.steps)
            student = _layers(WIDTH // 2)
        attempts: list[Attempt] = []
        victims = _victims(inner)
        for i, (name, victim) in enumerate(victims.items()):
            copy = imitate(victim, pixels[asked], nn.Sequential(*_fresh(student)), epochs=15, seed=seed)
            for method, attack in _attacks(self.levels, copy.network).items():
                attempts.append(_attempt(name, method, attack, victim, pixels[held], labels[held], seed))
            progress("attacking", i + 1, len(victims))
        return Compared(tuple(attempts), tuple(victims), self.levels, HELD_OUT, ASKED)

    def findings(self, result: Compared) -> tuple[Finding, ...]:
        """The exam's question."""
        return findings(result)

    def about(self) -> dict[str, Any]:
        """What was attacked, and how."""
        return {
            "victim": f"64 - {WIDTH} - 10 with ReLU, {self.steps} steps of Adam on {1797 - HELD_OUT - ASKED} digits",
            "surrogate": f"64 - {WIDTH // 2} - 10, taught the victim's answers on {ASKED} other digits",
            "budget": f"{self.levels} levels of 255 (Linf), through the output",
        }


def _victims(inner: nn.Module) -> Mapping[str, Network | Blackbox]:
    def decide(pixels: Tensor) -> Tensor:
        with torch.no_grad():
            return nn.functional.one_hot(inner(pixels).argmax(dim=1), 10).float()

    return {
        "as it is": Network(inner, name="as it is"),
        "behind rounded pixels": Network(_Dressed(inner, lambda x: (x * 4).round() / 4), name="rounded"),
        "behind a tanh of 30 z": Network(nn.Sequential(inner, _Steep()), name="tanh"),
        "only its answers": decide,
    }


def _attacks(levels: int, surrogate: Network) -> Mapping[str, Attack]:
    norm = Linf(levels / 255)
    return {
        "carlini_wagner": CarliniWagner(norm),
        "bim": BIM(norm),
        "surrogate": Surrogate(norm, attack=MIFGSM(norm), network=surrogate),
        "square": Square(norm, queries=QUERIES),
    }


def _attempt(
    name: str, method: str, attack: Attack, victim: Network | Blackbox, pixels: Tensor, labels: Tensor, seed: int
) -> Attempt:
    try:
        found = attack(victim, pixels, labels, through="output", seed=seed)
    except NotApplicable:
        return Attempt(name, method, None, 0, None)
    right = ~found.already
    asked = (found.details["queries"] + found.details["gradients"]) / len(pixels)
    return Attempt(name, method, int((found.success & right).sum()), int(right.sum()), asked)


class _Dressed(nn.Module):
    def __init__(self, inner: nn.Module, before: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.inner, self.before = inner, before

    def forward(self, pixels: Tensor) -> Tensor:
        scores: Tensor = self.inner(self.before(pixels))
        return scores


class _Steep(nn.Module):
    def forward(self, scores: Tensor) -> Tensor:
        return torch.tanh(30 * scores)


def _layers(width: int) -> nn.Sequential:
    return nn.Sequential(nn.Flatten(), nn.Linear(64, width), nn.ReLU(), nn.Linear(width, 10))


def _fresh(module: nn.Sequential) -> nn.Sequential:
    made = _layers(WIDTH // 2)
    made.load_state_dict(module.state_dict())
    return made


def _trained(pixels: Tensor, labels: Tensor, steps: int) -> nn.Module:
    module = _layers(WIDTH)
    optimizer = torch.optim.Adam(module.parameters(), RATE)
    for _ in range(steps):
        rows = torch.randint(len(pixels), (BATCH,))
        loss = nn.functional.cross_entropy(module(pixels[rows]), labels[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return module.eval()
