"""A decoder that sees what it is to say is an error; a causal one, and one of hidden words, is left in peace."""

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from healthy import sgd
from snellen.checks.training.causality import Causality
from snellen.findings.finding import Finding
from snellen.training.health.observe import observe
from untouched import untouched


class Decoder(nn.Module):
    """One layer of attention over words, with dropout, and statistics over all words in training mode."""

    def __init__(self, mask: Tensor | None) -> None:
        super().__init__()
        self.words, self.drop, self.norm, self.mask = nn.Embedding(9, 8), nn.Dropout(0.1), nn.BatchNorm1d(8), mask
        self.look, self.head = nn.MultiheadAttention(8, 2, batch_first=True), nn.Linear(8, 9)

    def forward(self, words: Tensor) -> Any:
        y = self.drop(self.norm(self.words(words).transpose(1, 2)).transpose(1, 2))
        return self.head(self.look(y, y, y, attn_mask=self.mask, need_weights=False)[0])


# True where a word may not look.
CAUSAL = torch.ones(6, 6, dtype=torch.bool).triu(1)


def asked(mask: Tensor | None, *, shift: int = 1, hidden: bool = False) -> list[Finding]:
    torch.manual_seed(0)
    network, words = Decoder(mask), torch.randint(0, 8, (5, 7))
    batch = words[:, :6], words[:, shift : 6 + shift].clone()
    if hidden:
        batch[0][:, ::2] = 8
        batch[1][:, 1::2] = -100

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        return F.cross_entropy(outputs.flatten(0, 1), targets.flatten())

    with untouched(network):
        seen = observe(network, sgd(network.parameters()), batch, loss)
        return list(Causality()(seen))


MASKS = {"none": None, "upside down": CAUSAL.T.clone(), "one too far": CAUSAL.roll(1, 1)}


@pytest.mark.parametrize("mask", MASKS.values(), ids=MASKS)
def test_words_that_see_those_that_follow_are_an_error(mask: Tensor | None) -> None:
    (found,) = asked(mask)
    assert (found.severity, found.title) == ("error", "The answer is in the input")


def test_a_causal_decoder_is_left_in_peace_and_told_when_its_words_are_not_shifted() -> None:
    assert [f.severity for f in asked(CAUSAL)] == ["ok"]
    assert [(f.severity, f.title) for f in asked(CAUSAL, shift=0)] == [("warning", "The target is the input")]


def test_words_read_one_by_one_are_no_sequence() -> None:
    alone = ~torch.eye(6, dtype=torch.bool)
    assert asked(alone, shift=0) == []


class Filler(Decoder):
    """The same with a way past attention, as transformers have it; or all words in one summary, as a code has them."""

    def __init__(self, *, past: bool) -> None:
        super().__init__(None)
        self.past = past

    def forward(self, words: Tensor) -> Any:
        y = self.words(words)
        seen = self.look(y, y, y, need_weights=False)[0]
        return self.head(y + seen if self.past else seen.mean(1, keepdim=True).expand_as(y))


@pytest.mark.parametrize("past", [True, False])
def test_a_filler_of_gaps_that_are_not_there_is_warned_of_and_a_code_is_not(past: bool) -> None:
    torch.manual_seed(0)
    network, words = Filler(past=past), torch.randint(0, 8, (5, 8))

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        return F.cross_entropy(outputs.flatten(0, 1), targets.flatten())

    with untouched(network):
        found = Causality()(observe(network, sgd(network.parameters()), (words, words.clone()), loss))
    assert [(f.severity, f.title) for f in found] == [("warning", "The target is the input")] * past


def test_hidden_words_are_no_sequence_to_foretell() -> None:
    assert asked(None, shift=0, hidden=True) == []
