"""What an attack wants, and when it has it."""

import math

import pytest
import torch

from snellen._errors import UsageError
from snellen.instruments.attacks._goal import Goal, Moved, Targeted, Untargeted, own_and_best_other

SCORES = torch.tensor([[2.0, 1.0, -3.0], [0.5, 0.5, 0.0], [-9.0, -7.0, -8.0]])


def test_margins_by_hand() -> None:
    labels = torch.tensor([0, 0, 2])
    assert Untargeted(labels).margin(SCORES).tolist() == [1.0, 0.0, -1.0]
    assert Untargeted(labels).achieved(SCORES).tolist() == [False, False, True], "a tie is no success"
    assert Targeted(labels).margin(SCORES).tolist() == [-1.0, 0.0, 1.0]
    assert Targeted(labels).achieved(SCORES).tolist() == [True, False, False]


def test_the_best_other_of_negative_scores_is_another() -> None:
    """A product with a mask would take its zeros for the highest score."""
    own, other = own_and_best_other(SCORES - 50, torch.tensor([0, 1, 2]))
    assert own.tolist() == [-48.0, -49.5, -58.0]
    assert other.tolist() == [-49.0, -49.5, -57.0]


def test_cross_entropy_by_hand() -> None:
    expected = math.log(math.exp(2) + math.exp(1) + math.exp(-3)) - 2
    assert float(Untargeted(torch.tensor([0])).cross_entropy(SCORES[:1])) == pytest.approx(expected)
    assert float(Targeted(torch.tensor([0])).cross_entropy(SCORES[:1])) == pytest.approx(-expected)


def test_moved() -> None:
    outputs = torch.tensor([[0.9], [-0.2]])
    goal = Moved(torch.tensor([0.5, 0.5]), by=0.5)
    assert goal.achieved(outputs).tolist() == [False, True]
    down, up = goal.attempts()
    assert down.margin(outputs).tolist() == pytest.approx([0.9, -0.2])
    assert up.margin(outputs).tolist() == pytest.approx([0.1, 1.2])
    assert Moved(torch.tensor([0.5]), by=0.5, sign=1).attempts()[0].achieved(torch.tensor([[1.1]])).tolist() == [True]
    with pytest.raises(UsageError, match="positive amount, got 0"):
        Moved(torch.zeros(1), by=0)


@pytest.mark.parametrize(
    "goal", [Untargeted(torch.tensor([0, 1, 2])), Targeted(torch.tensor([0, 1, 2])), Moved(torch.arange(3.0), by=1.0)]
)
def test_rows_of_a_goal(goal: Goal) -> None:
    rows = torch.tensor([2, 0])
    assert len(goal) == 3
    assert len(goal[rows]) == 2
    for part, whole in zip(goal[rows].attempts(), goal.attempts(), strict=True):
        assert torch.equal(part.margin(SCORES[rows]), whole.margin(SCORES)[rows])
        assert torch.equal(part.cross_entropy(SCORES[rows]), whole.cross_entropy(SCORES)[rows])


def test_a_wish_about_an_output_that_is_not_there() -> None:
    for goal in (Untargeted(torch.tensor([3])), Targeted(torch.tensor([3])), Moved(torch.zeros(1), by=1.0, output=3)):
        with pytest.raises(UsageError, match="below the network's 3 classes, got 3"):
            goal.check(3)
        goal.check(4)
