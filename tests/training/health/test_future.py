"""What an output knows of later inputs, against networks of which it is known by construction."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from snellen.training.health.calls import Losses
from snellen.training.health.future import Ahead, ahead
from snellen.training.health.kept import Dice
from snellen.training.health.setup import TrainingSetup
from untouched import untouched

WORDS = torch.arange(60).view(6, 10) * 7 % 11


class Reader(nn.Module):
    """``see(words, place)``: which columns an output sums up."""

    def __init__(self, see: Callable[[Tensor, Tensor], Tensor]) -> None:
        super().__init__()
        self.words, self.see = nn.Embedding(11, 11), see

    def forward(self, words: Tensor) -> Any:
        at = torch.arange(words.shape[1])
        return torch.einsum("pt,ntd->npd", self.see(at[None, :], at[:, None]).float(), self.words(words))


SEES: dict[str, tuple[Callable[[Tensor, Tensor], Tensor], bool]] = {
    "what was": (lambda t, p: t <= p, False),
    "all": (lambda t, p: t >= 0 * p, True),
    "what follows": (lambda t, p: t > p, True),
    "the next alone": (lambda t, p: t == p + 1, True),
    "itself": (lambda t, p: t == p, False),
}


def joined(network: Any, batch: Any) -> Any:
    return F.cross_entropy(network(batch[:, :-1]).flatten(0, 1), batch[:, 1:].flatten())


def apart(network: Any, batch: Any) -> Any:
    return F.cross_entropy(network(batch[0]).transpose(1, 2), batch[1])


def joined_to(outputs: Tensor, targets: Tensor) -> Any:
    return F.cross_entropy(outputs.flatten(0, 1), targets.flatten())


def inside(network: Any, batch: Any) -> Any:
    return F.cross_entropy(network(batch["ids"])[:, :-1].flatten(0, 1), batch["ids"][:, 1:].flatten())


WAYS: dict[str, tuple[Callable[..., Any], Any]] = {
    "one tensor": (joined, WORDS),
    "two tensors, padded": (apart, (WORDS, torch.cat([WORDS[:, 1:], torch.full((6, 1), -100)], 1))),
    "a dict, shifted by the loss": (inside, {"ids": WORDS}),
}


def measured(network: nn.Module, loss: Callable[..., Any], batch: Any, *, whole: bool = True) -> Ahead | None:
    setup = TrainingSetup(network, (), batch, loss, whole)
    losses = Losses(lambda _: "")
    with losses:
        setup.value()
    with untouched(network):
        return ahead(setup, tuple(losses.found), Dice())


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("see", SEES)
def test_only_an_output_that_sees_what_follows_changes(see: str, way: str) -> None:
    torch.manual_seed(0)
    sees, leaks = SEES[see]
    found = measured(Reader(sees), *WAYS[way])
    assert found is not None
    assert found.shifted
    assert (found.earlier > 0) == leaks
    assert found.later > 0


def test_numbers_are_sequences_too() -> None:
    """A forecast by a filter over time: causal with what it lacks padded in front, and not with half of it."""
    torch.manual_seed(0)
    batch = torch.randn(4, 9, 3)
    for front, leaks in ((2, False), (1, True)):
        network = nn.Sequential(nn.ConstantPad1d((front, 2 - front), 0.0), nn.Conv1d(3, 3, 3))

        def loss(m: Any, x: Tensor) -> Any:
            return F.mse_loss(m(x[:, :-1].transpose(1, 2)).transpose(1, 2), x[:, 1:])

        found = measured(network, loss, batch)
        assert found is not None
        assert (found.earlier > 0) == leaks


def test_the_same_place_is_told_from_the_next_and_a_network_that_remembers_from_one_that_does_not() -> None:
    torch.manual_seed(0)
    for see, remembers in (("what was", True), ("itself", False)):
        found = measured(Reader(SEES[see][0]), lambda m, x: joined_to(m(x), x), WORDS)
        assert found is not None
        assert (found.shifted, found.earlier, found.remembers) == (False, 0.0, remembers)
        assert found.later > 0


def test_nothing_is_said_where_the_targets_are_no_inputs_or_the_words_are_read_before() -> None:
    network = Reader(SEES["all"][0])
    other = torch.randint(0, 11, (6, 10))
    assert measured(network, joined_to, (WORDS, other), whole=False) is None

    def summed_up(m: Any, x: Tensor) -> Any:
        scores = m(x[:, :-1]) + m.words(x).mean(1, keepdim=True)
        return F.cross_entropy(scores.flatten(0, 1), x[:, 1:].flatten())

    assert measured(network, summed_up, WORDS) is None
