"""CTC: scores, blanks, targets without a path and turned outputs are named; what fits is left in peace."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn, optim

from snellen.checks.training.ctc import Ctc
from snellen.findings.finding import Finding
from snellen.training.health.observe import observe
from untouched import untouched


class Strips(nn.Module):
    """Strips (n, 1, 4, 8) to (8, n, 5), or to (n, 8, 5)."""

    def __init__(self, *, turned: bool = False, mixed: bool = False) -> None:
        super().__init__()
        self.conv, self.head = nn.Conv2d(1, 6, 4, padding=(0, 2)), nn.Linear(6, 5)
        self.turned, self.mixed = turned, mixed

    def forward(self, x: Tensor) -> Any:
        columns = self.conv(x).relu()[:, :, 0, :8].permute(0, 2, 1)
        columns = columns + columns.mean(0) if self.mixed else columns
        return self.head(columns if self.turned else columns.transpose(0, 1))


def full(n: int, value: int) -> Tensor:
    return torch.full((n,), value)


def loss(o: Tensor, t: Tensor, **more: Any) -> Tensor:
    return F.ctc_loss(o, t, full(len(t), len(o)), full(len(t), t.shape[1]), **more)


Loss = Callable[[Tensor, Tensor], Tensor]
FOUND: dict[str, tuple[Loss, str, str]] = {
    "scores": (lambda o, t: loss(o, t), "warning", "raw scores"),
    "probabilities": (lambda o, t: loss(o.softmax(2), t), "warning", "these are probabilities"),
    "softmax over time": (lambda o, t: loss(o.log_softmax(0), t), "warning", "along axis 0"),
    "no path, hidden": (lambda o, t: loss(o[:2].log_softmax(2), t, zero_infinity=True), "error", "6 of 6"),
    "no path": (lambda o, t: loss(o[:3].log_softmax(2), t), "error", "needs 4 moments"),
    "the blank": (lambda o, t: loss(o.log_softmax(2), t, blank=2), "warning", "class 2"),
}


def asked(loss: Loss, *, n: int = 6, **made: bool) -> list[Finding]:
    torch.manual_seed(0)
    network = Strips(**made)
    batch = torch.randn(n, 1, 4, 8), torch.tensor([[1, 2, 3], [1, 1, 2]]).repeat(n // 2, 1)
    with untouched(network):
        seen = observe(network, optim.SGD(network.parameters(), lr=0.01), batch, loss)
    return list(Ctc()(seen))


@pytest.mark.parametrize("name", FOUND)
def test_what_ctc_cannot_read_is_named(name: str) -> None:
    given, severity, words = FOUND[name]
    (found,) = asked(given)
    assert (found.severity, words in found.sentence) == (severity, True)


def test_what_fits_is_left_in_peace() -> None:
    assert [f.severity for f in asked(lambda o, t: loss(o.log_softmax(2), t))] == ["ok"]
    exactly = asked(lambda o, t: loss(o[:4].log_softmax(2), t, zero_infinity=True))
    assert [f.severity for f in exactly] == ["ok"]
    assert asked(lambda o, t: F.cross_entropy(o[0], t[:, 0])) == []


def test_a_few_that_are_dropped_are_mentioned_and_many_are_a_warning() -> None:
    """Half of the words need 3 moments, half need 4; all but so many of the latter are given their time."""

    def some(count: int) -> Loss:
        def short(o: Tensor, t: Tensor) -> Tensor:
            times = full(len(t), 8)
            times[1 : 2 * count : 2] = 3
            return F.ctc_loss(o.log_softmax(2), t, times, full(len(t), 3), zero_infinity=True)

        return short

    for count, severity in ((0, "ok"), (1, "info"), (3, "warning")):
        assert [f.severity for f in asked(some(count), n=20)] == [severity]


def test_images_in_the_place_of_time_are_found_where_both_are_as_many() -> None:
    def plain(o: Tensor, t: Tensor) -> Tensor:
        return loss(o.log_softmax(2), t)

    (found,) = asked(plain, turned=True, n=8)
    assert (found.severity, found.title) == ("error", "Images where CTC reads time")
    assert [f.severity for f in asked(plain, n=8)] == ["ok"]
    assert [f.severity for f in asked(lambda o, t: plain(o.transpose(0, 1), t), turned=True, n=8)] == ["ok"]
    assert [f.severity for f in asked(plain, turned=True, mixed=True, n=8)] == ["ok"]
