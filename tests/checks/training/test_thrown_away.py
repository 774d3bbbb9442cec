"""A main path whose output the loss does not see is an error; a head that waits for its turn is none."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from healthy import images, sgd
from snellen.checks.training.thrown_away import ThrownAway
from snellen.findings.finding import Finding
from snellen.training.health.observe import observe
from toys import Toy


class Forked(nn.Module):
    """A body, a shallow head on it, and a deep one."""

    def __init__(self, body: int, shallow: int) -> None:
        super().__init__()
        self.body, self.shallow = nn.Conv2d(3, 6, body), nn.Linear(6, shallow)
        self.deep, self.head = nn.Sequential(nn.Conv2d(6, 8, 1), nn.ReLU(), nn.Conv2d(8, 8, 1)), nn.Linear(8, 4)

    def forward(self, x: Tensor) -> Any:
        y = self.body(x).relu()
        return self.head(self.deep(y).relu().mean((2, 3))), self.shallow(y.mean((2, 3)))


def asked(
    pick: Callable[[Any], Tensor],
    *,
    given: Callable[[Forked], Any] = Forked.parameters,
    body: int = 1,
    shallow: int = 4,
) -> list[Finding]:
    torch.manual_seed(0)
    network = Forked(body, shallow)

    def loss(net: Any, batch: Any) -> Tensor:
        return F.cross_entropy(pick(net(batch[0])), batch[1])

    return list(ThrownAway()(observe(network, sgd(given(network)), images(), loss)))


def test_a_deep_path_that_is_thrown_away_is_an_error() -> None:
    (found,) = asked(lambda outputs: outputs[1])
    assert (found.severity, found.title) == ("error", "The main output is thrown away")
    assert found.sentence.startswith("deep.0, deep.2 and head run on the features of body")
    assert found.measured["thrown_away_weights"] == 8 * 6 + 8 * 8 + 4 * 8


PEACE: dict[str, tuple[Callable[[Any], Tensor], Callable[[Forked], Any]]] = {
    "the shallow head waits": (lambda o: o[0], Forked.parameters),
    "both are seen": (lambda o: o[0] + o[1], Forked.parameters),
    "only the shallow head is to be trained": (
        lambda o: o[1],
        lambda n: [*n.body.parameters(), *n.shallow.parameters()],
    ),
}


@pytest.mark.parametrize("name", PEACE)
def test_a_path_that_waits_is_left_in_peace(name: str) -> None:
    pick, given = PEACE[name]
    assert asked(pick, given=given) == []


def test_a_wide_head_and_a_small_deep_one_are_no_main_path() -> None:
    assert asked(lambda outputs: outputs[0], shallow=400) == []
    assert asked(lambda outputs: outputs[1], shallow=100) == []
    assert asked(lambda outputs: outputs[1], body=7) == []


@pytest.mark.parametrize("used", [True, False])
def test_a_layer_whose_result_the_forward_drops_is_an_error(used: bool) -> None:
    """The second convolution is applied to the input of the first."""
    torch.manual_seed(0)

    def run(m: Any, x: Tensor) -> Any:
        y = m.stem(x).relu()
        once = m.one(y).relu()
        return m.head(m.two(once if used else y).relu().mean((2, 3)))

    parts = {"one": nn.Conv2d(6, 6, 3), "two": nn.Conv2d(6, 6, 3), "head": nn.Linear(6, 4)}
    network = Toy(run, stem=nn.Conv2d(3, 6, 3), **parts)
    found = ThrownAway()(observe(network, sgd(network.parameters()), images(), F.cross_entropy))
    assert [(f.severity, f.title) for f in found] == [("error", "Computed and dropped: one")] * (not used)
