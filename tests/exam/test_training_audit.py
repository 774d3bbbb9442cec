"""The audit within a loop: it changes no bit, is silent on healthy loops, and sees what one call cannot."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn, optim

from healthy import CE, classifier, images
from snellen import TrainingAudit, UsageError
from snellen.exam.training_audit import FaultyTrainingError
from snellen.report.to_json import to_dict

Round = Callable[[nn.Module, Any, Tensor], None]


def sound(_network: nn.Module, optimizer: Any, loss: Tensor) -> None:
    optimizer.zero_grad()
    loss.backward()


def piling(_network: nn.Module, _optimizer: Any, loss: Tensor) -> None:
    loss.backward()


def emptying(_network: nn.Module, optimizer: Any, loss: Tensor) -> None:
    loss.backward()
    optimizer.zero_grad()


def climbing(network: nn.Module, optimizer: Any, loss: Tensor) -> None:
    """All is well for ten rounds; then somebody else moves a bias, and faster than the steps can mend it."""
    sound(network, optimizer, loss)
    if network.rounds > 10:  # type: ignore[operator]
        with torch.no_grad():
            network[3].bias[0] += 1.0  # type: ignore[index, union-attr]


def blowing(network: nn.Module, optimizer: Any, loss: Tensor) -> None:
    sound(network, optimizer, loss)
    if network.rounds == 7:
        with torch.no_grad():
            network[3].weight.fill_(float("nan"))  # type: ignore[index, union-attr]


def killing(network: nn.Module, optimizer: Any, loss: Tensor) -> None:
    sound(network, optimizer, loss)
    if network.rounds == 12:
        with torch.no_grad():
            network[0][0].bias.fill_(-100.0)  # type: ignore[index, union-attr]


def train(one: Round, *, rounds: int = 45, every: int | None = 20, **options: Any) -> tuple[nn.Module, Any]:
    torch.manual_seed(0)
    network = classifier(norm=False, dropout=0.3)
    optimizer = optim.SGD(network.parameters(), lr=0.05, momentum=0.9)
    audit = None if every is None else TrainingAudit(network, optimizer, CE, every=every, **options)
    for number in range(rounds):
        network.rounds = number + 1  # type: ignore[assignment]
        inputs, labels = images()
        loss = CE(network(inputs), labels)
        one(network, optimizer, loss)
        if audit is not None:
            audit.step((inputs, labels), loss)
        optimizer.step()
    return network, audit


def alarms(audit: TrainingAudit) -> set[str]:
    return {f"{f.severity} {f.check} {f.title}" for f in (*audit.findings.errors, *audit.findings.warnings)}


def test_a_loop_ends_with_the_same_bits_and_no_alarm() -> None:
    plain, _ = train(sound, every=None)
    watched, audit = train(sound)
    assert all(torch.equal(a, b) for a, b in zip(plain.parameters(), watched.parameters(), strict=True))
    assert alarms(audit) == set()
    said = {f.check: f.severity for f in audit.findings}
    wanted = ("training/zero_grad", "training/movement", "training/divergence", "training/course")
    assert {name: said[name] for name in wanted} == dict.fromkeys(wanted, "ok")
    looks = audit.findings.findings[-1].evidence[0]
    assert [row[0] for row in looks.rows] == [1, 21, 41]
    assert to_dict(audit.findings)["findings"]


@pytest.mark.parametrize(
    ("one", "wanted"),
    [
        (piling, "error training/zero_grad Gradients are never cleared"),
        (emptying, "error training/movement The loop moves nothing"),
        (blowing, "error training/divergence The loss is not finite"),
        (killing, "error training/dead_units A ReLU layer is shut"),
    ],
)
def test_a_fault_of_the_loop_is_found(one: Round, wanted: str) -> None:
    _, audit = train(one)
    assert wanted in alarms(audit)


def test_a_loss_that_leaves_its_ground_is_found_and_since_when() -> None:
    _, audit = train(climbing, rounds=81)
    found = next(f for f in audit.findings.errors if f.check == "training/divergence")
    assert found.title == "The training has diverged"
    assert "knowing nothing costs 1.39" in found.sentence
    assert "The training has diverged (from round 41 to 81)" in audit.findings.findings[-1].sentence


def test_a_gradient_used_twice_is_told_at_once_and_ends_the_training_if_asked() -> None:
    with pytest.raises(FaultyTrainingError, match=r"round 3 .* Gradients are never cleared") as caught:
        train(piling, every=1000, raises=True)
    assert [f.check for f in caught.value.findings.errors] == ["training/zero_grad"]


def test_what_is_gone_is_said() -> None:
    """A shut layer that opens again."""

    def reviving(network: nn.Module, optimizer: Any, loss: Tensor) -> None:
        sound(network, optimizer, loss)
        if network.rounds in (2, 25):
            with torch.no_grad():
                network[0][0].bias.fill_(-100.0 if network.rounds == 2 else 0.0)  # type: ignore[index, union-attr]

    _, audit = train(reviving)
    course = audit.findings.findings[-1]
    assert (course.check, course.severity) == ("training/course", "info")
    assert "A ReLU layer is shut (from round 21 to 21)" in course.sentence
    silent = [row[4] for row in course.evidence[0].rows]
    assert silent[1] > silent[0]
    assert silent[2] < silent[1]


def test_a_loop_that_never_steps_is_found() -> None:
    network = classifier(norm=False)
    with TrainingAudit(network, optim.SGD(network.parameters(), lr=0.1), CE, every=101) as audit:
        for _ in range(102):
            audit.step(images())
    assert "warning training/movement The loop never steps" in alarms(audit)


def test_hooks_are_gone_when_it_is_closed() -> None:
    network = classifier()
    optimizer = optim.SGD(network.parameters(), lr=0.1)
    with TrainingAudit(network, optimizer, CE):
        assert len(optimizer._optimizer_step_post_hooks) == 1
    assert len(optimizer._optimizer_step_post_hooks) == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [({"every": 0}, "every must be 1 or more"), ({"optimizers": 3}, r"must be a torch\.optim\.Optimizer")],
)
def test_wrong_arguments_are_named(change: dict[str, Any], message: str) -> None:
    network = classifier()
    usual = {"network": network, "optimizers": optim.SGD(network.parameters(), lr=0.1), "loss": CE}
    with pytest.raises(UsageError, match=message):
        TrainingAudit(**(usual | change))
