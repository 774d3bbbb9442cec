"""Conditional generators: whether the class asked for is made, and what a discriminator says that is told it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import pytest
import torch
from scipy import stats
from torch import Tensor, nn

from snellen._errors import ImagesError
from snellen.checks.generation._base import Generated, Judged
from snellen.checks.generation.class_asked import ClassAsked
from snellen.exam.gan_judges import scored
from snellen.exam.gan_pictures import Labelled
from snellen.exam.generate import examine_generator
from snellen.findings.evidence import Table
from snellen.findings.finding import Finding
from snellen.subject.load.arrays import array_images
from snellen.subject.network import Network
from snellen.subject.preprocessing import Preprocessing

NAMES = ("one", "two", "three", "four")


def source(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def answers(classes: Tensor, right: float, seed: int) -> Tensor:
    """Probabilities of a classifier that sees these classes, and any class in the rest of the cases."""
    guesses = torch.randint(4, classes.shape, generator=source(seed))
    seen = torch.where(torch.rand(classes.shape, generator=source(seed + 1)) < right, classes, guesses)
    return torch.full((len(classes), 4), 0.1).scatter(1, seen[:, None], 0.7)


def seen_by(judged: Judged) -> Generated:
    """The answers of a classifier, and nothing else."""
    nothing: dict[str, Any] = dict.fromkeys(field.name for field in fields(Generated))
    return Generated(**{**nothing, "judged": judged})


def asked(
    heeded: float, *, count: int = 400, knows: float = 0.9, seed: int = 0, labelled: bool = True, named: bool = True
) -> Finding | None:
    """What is found of a generator that heeds the class so often, judged by a classifier that knows so many."""
    wanted = torch.randint(4, (count,), generator=source(seed + 2))
    made = answers(wanted, heeded, seed + 3).argmax(dim=1)
    truth = torch.randint(4, (1000,), generator=source(seed + 5))
    judged = Judged(
        "classifier",
        NAMES,
        answers(made, knows, seed + 6),
        answers(truth, knows, seed + 8),
        asked=wanted if named else torch.full_like(wanted, -1),
        truth=truth if labelled else torch.full_like(truth, -1),
    )
    return next(iter(ClassAsked()(seen_by(judged))), None)


def severities(heeded: float, count: int) -> Counter[str]:
    """Of 20 generators."""
    found = [asked(heeded, count=count, seed=10 * i) for i in range(20)]
    return Counter(finding.severity for finding in found if finding is not None)


def test_the_class_asked_for() -> None:
    """One that heeds it is never blamed, by few samples neither; of those that do not, one in 40 is above chance."""
    assert severities(1, 400) == severities(1, 20) == {"ok": 20}
    ignored = severities(0, 400)
    assert ignored["error"] >= 17
    assert ignored["error"] + ignored["warning"] == 20
    assert severities(0.2, 1000) == {"warning": 20}


def test_the_numbers_are_those_counted_by_hand() -> None:
    finding = asked(0.5, count=300, seed=7)
    assert finding is not None
    wanted = torch.randint(4, (300,), generator=source(9))
    seen = answers(answers(wanted, 0.5, 10).argmax(dim=1), 0.9, 13).argmax(dim=1)
    right = sum(a == b for a, b in zip(wanted.tolist(), seen.tolist(), strict=True))
    shares = [(wanted.tolist().count(k) / 300, seen.tolist().count(k) / 300) for k in range(4)]
    assert finding.measured["asked_class_accuracy"] == right / 300
    assert finding.measured["asked_class_chance"] == pytest.approx(sum(p * q for p, q in shares))
    low, high = stats.binomtest(right, 300).proportion_ci(method="wilson")
    assert f"({right / 300:.1%}, {low:.1%} to {high:.1%})" in finding.sentence
    (table,) = finding.evidence
    assert isinstance(table, Table)
    assert sum(int(str(row[1])) for row in table.rows) == 300
    assert [row[0] for row in table.rows] == list(NAMES)
    assert [row[2] for row in table.rows] == pytest.approx(
        [float((seen[wanted == k] == k).float().mean()) for k in range(4)]
    )


def test_chance_is_that_of_what_is_made() -> None:
    """A generator that makes one class only is right as often as that class is asked for, and no more."""
    wanted = torch.tensor([0] * 150 + [1] * 50)
    truth = torch.arange(400) % 4
    only = Judged("c", NAMES, torch.eye(4)[torch.zeros(200).long()], torch.eye(4)[truth], asked=wanted, truth=truth)
    (finding,) = ClassAsked()(seen_by(only))
    assert (finding.measured["asked_class_accuracy"], finding.measured["asked_class_chance"]) == (0.75, 0.75)
    assert finding.severity == "error"


def test_what_cannot_be_judged_is_said() -> None:
    unnamed, ignorant, unknown = asked(1, named=False), asked(1, knows=0), asked(0, labelled=False)
    assert unnamed is not None
    assert (unnamed.severity, "knows none of the classes" in unnamed.sentence) == ("info", True)
    assert ignorant is not None
    assert (ignorant.severity, ignorant.title) == ("info", "A classifier that does not know the data")
    assert unknown is not None
    assert (unknown.severity, "real_class_accuracy" in unknown.measured) == ("warning", False)
    few = asked(0, count=20, seed=3)
    assert few is not None
    assert few.severity in ("info", "error")


class Told(nn.Module):
    """steepness[class] * mean pixel + offset[class]."""

    def __init__(self, steepness: Sequence[float], offset: Sequence[float]) -> None:
        super().__init__()
        self.steepness = nn.Parameter(torch.tensor(steepness))
        self.offset = nn.Parameter(torch.tensor(offset))

    def forward(self, images: Tensor, classes: Tensor) -> Tensor:
        return self.steepness[classes] * images.mean(dim=(1, 2, 3)) + self.offset[classes]


def told(steepness: Sequence[float], offset: Sequence[float], names: Sequence[str] = NAMES) -> Network:
    module = Told(list(map(float, steepness)), list(map(float, offset)))
    return Network(module, preprocessing=Preprocessing(channels="L"), class_names=names, name="told")


def some(count: int, seed: int, names: Sequence[str] | None = NAMES) -> Labelled:
    labels = torch.randint(4, (count,), generator=source(seed))
    labels[::7] = -1
    return Labelled(torch.rand(count, 1, 8, 8, generator=source(seed + 1)), labels, names)


def test_a_discriminator_is_told_the_class_by_its_name() -> None:
    """In an order of its own; images of unknown classes are left out; batches are as one."""
    judge = told((1, 10, 100, 1000), (4, 3, 2, 1), ("four", "Three", "two", "one"))
    fake, real, held = some(300, 0), some(400, 2), some(30, 4, None)
    found = scored(judge, "hinge", fake, real, held)
    by_name = {"four": (1, 4), "three": (10, 3), "two": (100, 2), "one": (1000, 1)}
    for scores, given, names in ((found.fake, fake, NAMES), (found.real, real, NAMES), (found.held_out, held, None)):
        assert given.labels is not None
        order = ("four", "three", "two", "one") if names is None else names  # without names the order is the judge's
        known = [
            (p.double().mean(), by_name[order[k]]) for p, k in zip(given.pixels, given.labels, strict=True) if k >= 0
        ]
        expected = torch.stack([steep * mean + offset for mean, (steep, offset) in known])
        assert scores is not None
        torch.testing.assert_close(scores.double(), expected, rtol=1e-5, atol=1e-5)
    assert fake.labels is not None
    steep = [by_name[NAMES[k]][0] / 8 for k in fake.labels.tolist() if k >= 0]
    torch.testing.assert_close(found.slopes, torch.tensor(steep))


def test_a_discriminator_that_has_won_by_what_it_is_told() -> None:
    """Real images of a class are bright and samples dark; the bright ones of one class are the dark ones of another."""
    count = 200
    labels, step = torch.arange(count) % 4, torch.tensor([0.2, 0.4, 0.6, 0.8])
    noise = 0.02 * torch.rand(count, 1, 8, 8, generator=source(0))
    real = array_images((step[labels] + 0.1)[:, None, None, None] + noise, labels=labels.numpy(), class_names=NAMES)
    fake = array_images((step[labels] - 0.1)[:, None, None, None] + noise, labels=labels.numpy(), class_names=NAMES)
    judge = told((200,) * 4, (-200 * step).tolist())
    won = examine_generator(fake, real, discriminator=judge)
    (finding,) = [f for f in won if f.check == "generation/saturated"]
    assert (finding.severity, finding.title) == ("warning", "A saturated discriminator")
    assert "It is told the class." in finding.sentence
    assert won.measured["discriminator_auc"] == 1
    (table,) = [e for e in finding.evidence if e.title == "The discriminator by class"]
    assert isinstance(table, Table)
    assert [row[0] for row in table.rows] == list(NAMES)
    assert [row[3] for row in table.rows] == [1.0] * 4
    wrong = fake.with_labels((labels.numpy() + 1) % 4, NAMES)
    assert examine_generator(wrong, real, discriminator=judge).measured["says_fake"] > 0.2, "told the wrong classes"
    bare = examine_generator(fake.with_labels(None), real, discriminator=judge)
    (unsaid,) = [f for f in bare if f.check == "generation/saturated"]
    assert "told is told the class, and at least 20 samples of its classes are needed; got 0 of 100" in unsaid.sentence


def test_nothing_of_a_discriminator_that_is_told_changes() -> None:
    judge = told((1, 2, 3, 4), (0, 0, 0, 0))
    before = {name: tensor.clone() for name, tensor in judge.module.state_dict().items()}
    judge.module.train()
    scored(judge, "hinge", some(40, 0), some(40, 2), None)
    with pytest.raises(ImagesError, match="at least 20 real images"):
        scored(judge, "hinge", some(40, 0), some(10, 2), None)
    assert judge.module.training
    assert all(torch.equal(before[name], tensor) for name, tensor in judge.module.state_dict().items())
    assert all(p.grad is None and p.requires_grad for p in judge.module.parameters())
    assert [name for name, _ in judge.module.named_modules()] == [""]
