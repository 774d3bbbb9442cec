"""Calls of the CTC loss: read as PyTorch reads them, and the shortest path beside the loss itself."""

import itertools

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from snellen.training.health.ctc import CtcCall, CtcCalls

LOG = torch.full((4, 2, 3), 1 / 3).log()


def called(targets: torch.Tensor, lengths: torch.Tensor) -> CtcCall:
    calls = CtcCalls()
    with calls:
        nn.CTCLoss(blank=2, zero_infinity=True)(LOG, targets, torch.full((2,), 4), lengths)
    (call,) = calls.found
    return call


def test_padded_and_joined_targets_are_the_same_words() -> None:
    lengths = torch.tensor([1, 2])
    padded = called(torch.tensor([[1, 0], [0, 1]]), lengths)
    joined = called(torch.tensor([1, 0, 1]), lengths)
    for call in (padded, joined):
        assert [word.tolist() for word in call.words] == [[1], [0, 1]]
        assert (call.times, call.blank, call.hides) == ((4, 4), 2, True)
    assert padded.value == joined.value == pytest.approx(float(F.ctc_loss(
        LOG, torch.tensor([1, 0, 1]), torch.full((2,), 4), lengths, blank=2)))  # fmt: skip


@pytest.mark.parametrize("word", [w for n in (1, 2, 3) for w in itertools.product((1, 2), repeat=n)])
def test_the_shortest_path_is_the_first_length_with_a_finite_loss(word: tuple[int, ...]) -> None:
    target, one = torch.tensor([word]), torch.tensor([len(word)])
    call = CtcCall(LOG, (target[0],), (9,), 0, hides=False)
    losses = (F.ctc_loss(torch.zeros(t, 1, 3), target, torch.tensor([t]), one) for t in range(1, 9))
    assert call.needs(0) == next(t for t, loss in enumerate(losses, 1) if bool(loss.isfinite()))


def test_other_functions_are_none() -> None:
    calls = CtcCalls()
    with calls:
        F.cross_entropy(torch.zeros(2, 3), torch.tensor([0, 1]))
    assert calls.found == []
