"""The facts of one step, beside what autograd says when asked directly."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn, optim

from healthy import CE, images, plain
from snellen.training.health.observe import StepFailed, observe


def test_gradients_are_those_of_a_plain_backward() -> None:
    torch.manual_seed(0)
    at = plain()
    seen = observe(*at)
    loss = F.cross_entropy(at.network(at.batch[0]), at.batch[1])
    grads = torch.autograd.grad(loss, list(at.network.parameters()))
    assert seen.loss == float(loss.detach())
    assert [p.grad_norm for p in seen.parameters] == pytest.approx([float(g.norm()) for g in grads], rel=1e-5)


def test_facts_of_parameters_and_optimizers() -> None:
    network = nn.ModuleDict({"body": nn.Linear(4, 4), "head": nn.Linear(4, 2), "spare": nn.Linear(4, 2)})
    network["body"].bias.requires_grad_(False)
    groups = [{"params": network["body"].parameters()}, {"params": network["spare"].parameters(), "lr": 0.5}]
    optimizer = optim.SGD(groups, lr=0.25)

    def loss(nets: nn.ModuleDict, batch: torch.Tensor) -> torch.Tensor:
        return nets["head"](nets["body"](batch)).square().sum()

    seen = observe(network, optimizer, torch.randn(8, 4), loss)
    facts = {p.name: p for p in seen.parameters}
    assert facts["body.weight"].groups == ((0, 0, 0.25),)
    assert facts["spare.bias"].groups == ((0, 1, 0.5),)
    assert facts["head.weight"].groups == ()
    assert [p.grad for p in facts.values()] == ["finite", "none", "finite", "finite", "none", "none"]
    assert [p.reaches for p in facts.values()] == [True, True, True, True, False, False]
    assert [p.called for p in facts.values()] == [True, True, True, True, False, False]
    assert facts["body.weight"].changed is True
    assert facts["head.weight"].consumes == {"body.weight", "body.bias"}
    assert seen.trained == {"body.weight"}
    assert seen.feeds("body.weight") == frozenset()
    assert seen.first_step
    (rule,) = seen.rules
    assert (rule.name, rule.rates, rule.own, rule.stepped) == ("SGD", (0.25, 0.5), 4, False)


def test_tied_weights_are_one_parameter_of_two_names() -> None:
    network = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
    network[1].weight = network[0].weight
    seen = observe(network, optim.SGD(network.parameters(), lr=0.1), (torch.randn(4, 4), torch.randn(4, 4)), F.mse_loss)
    assert [(p.name, p.aliases) for p in seen.parameters] == [
        ("0.weight", ("1.weight",)),
        ("0.bias", ()),
        ("1.bias", ()),
    ]


def test_a_stranger_in_the_optimizer_and_whether_it_learns() -> None:
    network, scale, gone = nn.Linear(4, 2), nn.Parameter(torch.ones(())), nn.Parameter(torch.ones(3))
    optimizer = optim.SGD([*network.parameters(), scale, gone], lr=0.1)
    seen = observe(
        network,
        optimizer,
        (torch.randn(4, 4), torch.zeros(4).long()),
        lambda outputs, targets: CE(outputs * scale, targets),
    )
    assert [(s.shape, s.grad) for s in seen.strangers] == [((), True), ((3,), False)]
    assert scale.grad is None


def test_a_loss_of_either_kind_is_tried() -> None:
    at = plain()
    seen = observe(at.network, at.optimizers, at.batch, lambda a, b: CE(a(b[0]), b[1]))
    assert seen.setup.whole


def test_what_raises_is_named_with_its_place() -> None:
    at = plain()

    def broken(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        raise KeyError("nothing here", len(outputs), len(targets))

    with pytest.raises(
        StepFailed, match=r"raises KeyError: \('nothing here', \d+, \d+\) \(file .*test_observe.py, line \d+\)"
    ):
        observe(at.network, at.optimizers, at.batch, broken)


def test_activations_know_their_module() -> None:
    network = nn.Sequential(nn.Flatten(), nn.Linear(432, 8), nn.ReLU(), nn.Linear(8, 4), nn.Sigmoid())
    seen = observe(network, optim.SGD(network.parameters(), lr=0.1), (images()[0], torch.rand(16, 4)), F.mse_loss)
    assert [(a.module, a.kind, bool(a.bit & seen.used)) for a in seen.activations] == [
        ("2", "relu", True),
        ("4", "sigmoid", False),
    ]
