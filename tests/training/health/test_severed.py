"""A path without a gradient is proved by moving what stands before it, and nothing is left moved."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from healthy import CE, SetUp, images, sgd
from snellen import audit_training
from snellen.training.health.observe import observe
from toys import Toy
from untouched import untouched


def toy(between: Callable[[Tensor], Tensor], *, spare: bool = False) -> SetUp:
    """Two convolutions with something between them; the output of a spare layer is thrown away."""

    def run(m: Any, x: Tensor) -> Any:
        early = m.early(x).relu()
        if spare:
            m.spare(early.detach())
        return m.head(m.late(between(early)).relu().flatten(1))

    parts = {"early": nn.Conv2d(3, 8, 3, 2), "late": nn.Conv2d(8, 8, 3), "head": nn.Linear(72, 4)}
    network = Toy(run, **parts, **({"spare": nn.Conv2d(8, 8, 3)} if spare else {}))
    return SetUp(network, sgd(network.parameters()), images(), CE)


def through_numpy(x: Tensor) -> Tensor:
    return torch.from_numpy(x.detach().numpy().copy())


def through_lists(x: Tensor) -> Tensor:
    return torch.tensor(x.tolist())


def rounded(x: Tensor) -> Tensor:
    return (4 * x).round() / 4


def straight(x: Tensor) -> Tensor:
    return x + (rounded(x) - x).detach()


CUTS = {"numpy": (through_numpy, "outside"), "lists": (through_lists, "outside"), "round": (rounded, "round")}


@pytest.mark.parametrize("name", CUTS)
def test_a_path_without_a_gradient_is_named(name: str) -> None:
    torch.manual_seed(0)
    between, why = CUTS[name]
    at = toy(between)
    with untouched(at.network):
        seen = observe(*at)
    assert {p.name: p.severed for p in seen.parameters if p.severed} == {"early.weight": why, "early.bias": why}
    errors = audit_training(*at).errors
    assert [f.title for f in errors] == ["The graph is cut"]
    assert "holds early, and" in errors[0].sentence


@pytest.mark.parametrize("between", [lambda x: x, straight, lambda x: x.clamp(0, 1)])
def test_a_gradient_is_no_cut(between: Callable[[Tensor], Tensor]) -> None:
    torch.manual_seed(0)
    at = toy(between)
    assert not any(p.severed for p in observe(*at).parameters)
    assert audit_training(*at).errors == ()


def test_a_layer_whose_output_is_thrown_away_is_not_named_with_it() -> None:
    torch.manual_seed(0)
    assert not any(p.severed for p in observe(*toy(lambda x: x, spare=True)).parameters)
    found = {p.module for p in observe(*toy(through_numpy, spare=True)).parameters if p.severed}
    assert found == {"early"}


def test_a_loss_that_never_repeats_proves_nothing() -> None:
    torch.manual_seed(0)
    at = toy(lambda x: x, spare=True)
    own = torch.Generator().manual_seed(0)
    at = at._replace(loss=lambda outputs, targets: CE(outputs, targets) * (1 + torch.rand((), generator=own)))
    assert not any(p.severed for p in observe(*at).parameters)


@pytest.mark.parametrize("soft", [True, False])
def test_what_chooses_by_argmax_is_named(soft: bool) -> None:
    torch.manual_seed(0)

    def run(m: Any, x: Tensor) -> Any:
        y = m.body(x.flatten(1)).relu()
        chances = m.gate(y).softmax(1)
        best = chances.argmax(1)
        every = torch.stack([expert(y) for expert in (m.one, m.two)], 1)
        return every[torch.arange(len(x)), best] * (chances.amax(1, keepdim=True) if soft else 1)

    parts = {name: nn.Linear(16, 4) for name in ("one", "two")}
    network = Toy(run, body=nn.Linear(432, 16), gate=nn.Linear(16, 2), **parts)
    found = audit_training(network, sgd(network.parameters()), images(), CE)
    assert [f.title for f in found.warnings] == ["What chooses is not trained"] * (not soft)


def test_what_chooses_in_python_is_severed_too() -> None:
    """A small move turns no choice; every sign turned round does."""
    torch.manual_seed(0)

    def run(m: Any, x: Tensor) -> Any:
        y = m.body(x.flatten(1)).relu()
        return m.one(y) if m.gate(y).mean().item() > 0 else m.two(y)

    parts = {name: nn.Linear(16, 4) for name in ("one", "two")}
    network = Toy(run, body=nn.Linear(432, 16), gate=nn.Linear(16, 1), **parts)
    seen = observe(network, sgd(network.parameters()), images(), CE)
    assert {p.name for p in seen.parameters if p.severed} == {"gate.weight", "gate.bias"}
