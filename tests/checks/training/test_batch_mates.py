"""Networks that mix the images of a batch are named where each image has a target; those that may are left in peace."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from healthy import CE, SetUp, images, sgd
from snellen.checks.training.batch_mates import BatchMates
from snellen.findings.finding import Finding
from snellen.training.health.observe import observe
from toys import Toy
from untouched import untouched


class Rows(nn.Module):
    """Each image read row by row by a recurrent layer."""

    def __init__(self, *, batch_first: bool) -> None:
        super().__init__()
        self.rnn = nn.GRU(36, 8, batch_first=batch_first)
        self.head = nn.Linear(8, 4)

    def forward(self, x: Tensor) -> Any:
        rows = x.permute(0, 2, 1, 3).flatten(2)
        return self.head(self.rnn(rows)[0].mean(dim=1))


def toy(run: Callable[[Any, Tensor], Any]) -> nn.Module:
    return Toy(run, conv=nn.Conv2d(3, 6, 4, 4), norm=nn.BatchNorm1d(6), head=nn.Linear(6, 4))


def tokens(m: Any, x: Tensor) -> Any:
    return m.conv(x).flatten(2).transpose(1, 2)


MIXED: dict[str, tuple[Callable[[], nn.Module], str]] = {
    "mean over the batch": (
        lambda: toy(lambda m, x: m.head((y := tokens(m, x).mean(1)).mean(0, keepdim=True).expand_as(y))),
        "first before head",
    ),
    "view for permute": (
        lambda: toy(lambda m, x: m.head(tokens(m, x).transpose(0, 1).reshape(len(x), 9, 6).mean(1))),
        "first before head",
    ),
    "softmax over the batch": (
        lambda: toy(lambda m, x: m.head((tokens(m, x).softmax(0) * tokens(m, x)).sum(1))),
        "first before head",
    ),
    "the batch read as time": (lambda: Rows(batch_first=False), "first in rnn"),
}
ALONE: dict[str, Callable[[], nn.Module]] = {
    "mean over places": lambda: toy(lambda m, x: m.head(tokens(m, x).mean(1))),
    "batch norm, dropout": lambda: toy(lambda m, x: m.head(F.dropout(m.norm(tokens(m, x).mean(1)), 0.5, m.training))),
    "softmax over places": lambda: toy(lambda m, x: m.head((tokens(m, x).softmax(1) * tokens(m, x)).sum(1))),
    "rows read as time": lambda: Rows(batch_first=True),
}
MEANT: dict[str, Callable[[], nn.Module]] = {
    "statistics of the batch": lambda: toy(
        lambda m, x: m.head(F.batch_norm(tokens(m, x).mean(1), None, None, training=True))
    ),
    "eight bits by the largest of the batch": lambda: toy(
        lambda m, x: m.head((y := tokens(m, x).mean(1)) + ((y / y.abs().max() * 127).round() / 127 - y).detach())
    ),
    "deviation of the batch": lambda: toy(
        lambda m, x: m.head(tokens(m, x).mean(1) + tokens(m, x).mean(1).std(dim=0).mean())
    ),
}


def asked(network: nn.Module, *, loss: Callable[..., Any] = CE, batch: Any = None) -> list[Finding]:
    at = SetUp(network, sgd(network.parameters()), images() if batch is None else batch, loss)
    with untouched(network):
        seen = observe(*at)
    return list(BatchMates()(seen))


@pytest.mark.parametrize("name", MIXED)
def test_a_network_that_mixes_its_batch_is_named(name: str) -> None:
    torch.manual_seed(0)
    make, where = MIXED[name]
    (found,) = asked(make())
    assert (found.severity, found.title) == ("error", "Images of a batch are mixed")
    assert where in found.sentence


@pytest.mark.parametrize("name", ALONE)
def test_one_that_answers_each_image_by_itself_is_left_in_peace(name: str) -> None:
    torch.manual_seed(0)
    (found,) = asked(ALONE[name]())
    assert found.severity == "ok"
    assert found.measured["change_with_batch_mates"] < 1e-5


@pytest.mark.parametrize("name", MEANT)
def test_statistics_of_the_batch_are_left_to_other_checks(name: str) -> None:
    torch.manual_seed(0)
    assert asked(MEANT[name]()) == []


def contrast(outputs: Tensor, _targets: Tensor) -> Tensor:
    return F.cross_entropy(outputs @ outputs.T, torch.arange(len(outputs)))


def by_hand(outputs: Tensor, targets: Tensor) -> Tensor:
    return -outputs.log_softmax(1).gather(1, targets[:, None]).mean()


def test_only_a_loss_with_one_target_an_image_makes_it_an_error() -> None:
    torch.manual_seed(0)
    network = MIXED["view for permute"][0]()
    assert [f.severity for f in asked(network, loss=by_hand)] == ["warning"]
    assert asked(network, loss=contrast) == []
    assert asked(network, loss=lambda net, batch: net(batch[0]).square().mean()) == []


def test_time_before_the_batch_is_no_mixing() -> None:
    """A forecast: (time, n, features) in, the same out."""
    torch.manual_seed(0)
    network = Toy(lambda m, x: m.head(m.rnn(x)[0]), rnn=nn.GRU(5, 8), head=nn.Linear(8, 5))
    assert asked(network, loss=nn.MSELoss(), batch=(torch.randn(12, 3, 5), torch.randn(12, 3, 5))) == []


class Strip(nn.Module):
    """Columns of an image read from left to right, to (time, n, classes) for CTC."""

    def __init__(self, columns: Callable[[Tensor], Tensor], *, batch_first: bool) -> None:
        super().__init__()
        self.columns, self.rnn, self.head = columns, nn.GRU(36, 8, batch_first=batch_first), nn.Linear(8, 4)

    def forward(self, x: Tensor) -> Any:
        return self.head(self.rnn(self.columns(x))[0]).log_softmax(2)


def permuted(x: Tensor) -> Tensor:
    return x.permute(3, 0, 1, 2).flatten(2)


def viewed(x: Tensor) -> Tensor:
    return x.reshape(x.shape[3], x.shape[0], -1)


def read(outputs: Tensor, targets: Tensor) -> Tensor:
    n = len(targets)
    return F.ctc_loss(outputs, targets, torch.full((n,), len(outputs)), torch.full((n,), targets.shape[1]))


STRIPS: dict[str, tuple[Callable[[Tensor], Tensor], bool, list[str]]] = {
    "columns permuted": (permuted, False, ["ok"]),
    "columns viewed": (viewed, False, ["error"]),
    "the batch read as time": (permuted, True, ["error"]),
}


@pytest.mark.parametrize("name", STRIPS)
def test_images_behind_time_are_asked_too_where_ctc_has_a_word_for_each(name: str) -> None:
    torch.manual_seed(0)
    columns, batch_first, wanted = STRIPS[name]
    batch = torch.randn(16, 3, 12, 12), torch.randint(1, 4, (16, 3))
    found = asked(Strip(columns, batch_first=batch_first), loss=read, batch=batch)
    assert [f.severity for f in found] == wanted
    by_hand = asked(Strip(columns, batch_first=batch_first), loss=lambda o, _: o.square().mean(), batch=batch)
    assert [f.severity for f in by_hand] == (["ok"] if wanted == ["ok"] else [])


@pytest.mark.parametrize("shut", [True, False])
def test_a_head_that_begins_at_0_hides_nothing(shut: bool) -> None:
    """The batch is read as time; the last layer is all zeros, and stays so."""
    torch.manual_seed(0)
    network = Rows(batch_first=False)
    if shut:
        nn.init.zeros_(network.head.weight)
    assert [f.title for f in asked(network)] == ["Images of a batch are mixed"]
    assert bool(network.head.weight.any()) is not shut


@pytest.mark.parametrize("shut", [True, False])
def test_a_token_that_no_patch_reaches_is_an_error(shut: bool) -> None:
    """Attention over the images in place of the patches: the class token sees class tokens alone."""
    torch.manual_seed(0)

    class Tokens(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.patch, self.token = nn.Conv2d(3, 8, 4, 4), nn.Parameter(torch.randn(1, 1, 8))
            self.look, self.head = nn.MultiheadAttention(8, 2, batch_first=not shut), nn.Linear(8, 4)

        def forward(self, x: Tensor) -> Any:
            y = torch.cat([self.token.expand(len(x), -1, -1), self.patch(x).flatten(2).transpose(1, 2)], 1)
            return self.head((y + self.look(y, y, y, need_weights=False)[0])[:, 0])

    errors = [f.title for f in asked(Tokens()) if f.severity == "error"]
    assert errors == ["The images do not reach the outputs"] * shut
