"""A goal class by class: the order of the classes, the margin to one, and success by any."""

import torch

from snellen.instruments.attacks._goal import Targeted, Untargeted
from snellen.instruments.attacks._pairs import Pair, pairs

SCORES = torch.tensor([[1.0, 5.0, 2.0, -3.0], [7.0, 0.0, 0.5, 6.0]])
LABELS = torch.tensor([1, 3])


def test_the_classes_come_by_their_scores_and_never_the_own() -> None:
    found = pairs(Untargeted(LABELS), SCORES, 9)
    assert [goal.target.tolist() for goal in found if isinstance(goal, Pair)] == [[2, 0], [0, 2], [3, 1]]
    assert len(pairs(Untargeted(LABELS), SCORES, 2)) == 2


def test_a_goal_that_is_no_choice_is_itself() -> None:
    goal = Targeted(LABELS)
    assert pairs(goal, SCORES, 9) == (goal,)


def test_the_margin_is_to_one_class_and_success_is_by_any() -> None:
    goal = Pair(LABELS, torch.tensor([0, 1]))
    assert goal.margin(SCORES).tolist() == [4.0, 6.0]
    assert goal.achieved(SCORES).tolist() == [False, True], "class 0 beats class 3 of the second image"
    assert goal[torch.tensor([1])].margin(SCORES[1:]).tolist() == [6.0]
    log = SCORES.log_softmax(dim=1)
    torch.testing.assert_close(goal.cross_entropy(SCORES), log[[0, 1], [0, 1]])
