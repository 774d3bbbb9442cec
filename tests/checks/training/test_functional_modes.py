"""Dropout and BatchNorm called as functions: those told nothing are named, those that follow the network are not."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from healthy import CE, SetUp, images, sgd
from snellen.checks.training.functional_modes import FunctionalModes
from snellen.findings.finding import Finding
from snellen.training.health.observe import observe
from toys import Toy
from untouched import untouched


def toy(run: Callable[[Any, Tensor], Any]) -> nn.Module:
    return Toy(run, conv=nn.Conv2d(3, 6, 4, 4), norm=nn.BatchNorm2d(6), drop=nn.Dropout(0.2), head=nn.Linear(6, 4))


def pooled(m: Any, x: Tensor) -> Any:
    return m.conv(x).mean((2, 3))


def norm(m: Any, x: Tensor, **told: Any) -> Any:
    n = m.norm
    return m.head(F.batch_norm(m.conv(x), n.running_mean, n.running_var, n.weight, n.bias, **told).mean((2, 3)))


BROKEN: dict[str, tuple[Callable[[Any, Tensor], Any], str, str]] = {
    "dropout, told nothing": (lambda m, x: m.head(F.dropout(pooled(m, x), 0.4)), "warning", "40%"),
    "dropout of channels": (lambda m, x: m.head(F.dropout2d(m.conv(x), p=0.1).mean((2, 3))), "warning", "F.dropout2d"),
    "batch_norm, told nothing": (norm, "error", "training=False"),
}
RIGHT: dict[str, Callable[[Any, Tensor], Any]] = {
    "dropout that follows": lambda m, x: m.head(F.dropout(pooled(m, x), 0.4, m.training)),
    "dropout by name": lambda m, x: m.head(F.dropout(pooled(m, x), p=0.4, training=m.training)),
    "dropout of nothing": lambda m, x: m.head(F.dropout(pooled(m, x), 0.0)),
    "batch_norm that follows": lambda m, x: norm(m, x, training=m.training),
    "modules": lambda m, x: m.head(m.drop(m.norm(m.conv(x)).mean((2, 3)))),
}


def found(
    run: Callable[[Any, Tensor], Any], *, prepare: Callable[[nn.Module], object] = nn.Module.train
) -> list[Finding]:
    network = toy(run)
    prepare(network)
    set_up = SetUp(network, sgd(network.parameters()), images(), CE)
    with untouched(network):
        seen = observe(set_up.network, set_up.optimizers, set_up.batch, set_up.loss)
    return list(FunctionalModes()(seen))


@pytest.mark.parametrize("name", BROKEN)
def test_a_function_that_was_told_nothing_is_named(name: str) -> None:
    run, severity, words = BROKEN[name]
    (finding,) = found(run)
    assert finding.severity == severity
    assert words in finding.sentence


@pytest.mark.parametrize("name", RIGHT)
def test_a_function_that_follows_the_network_is_left_in_peace(name: str) -> None:
    assert [f.severity for f in found(RIGHT[name])] in ([], ["ok"])


def test_statistics_of_a_pretrained_network_may_be_kept() -> None:
    """Frozen statistics that saw batches normalise; nothing is wrong with training beside them."""

    def seen_batches(network: nn.Module) -> None:
        network.train()
        with torch.no_grad():
            network.norm.running_mean.fill_(0.3)  # type: ignore[union-attr, operator]

    assert [f.severity for f in found(norm, prepare=seen_batches)] == ["ok"]
