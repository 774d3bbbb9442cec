"""What is said of parameters that nobody trains."""

import copy
from typing import Any

import pytest
import torch
from torch import Tensor, nn, optim

from healthy import CE, classifier, images, sgd, trained
from snellen.checks.training.parameters import Parameters
from snellen.training.health.observe import observe


def test_parameters_of_another_copy_are_forgotten_and_not_frozen_on_purpose() -> None:
    network = classifier()
    optimizer = optim.Adam(copy.deepcopy(network).parameters(), lr=1e-3)
    (finding,) = (f for f in Parameters()(observe(network, optimizer, images(), CE)) if f.severity == "error")
    count, numbers = len(list(network.parameters())), sum(p.numel() for p in network.parameters())
    assert finding.title == "Nothing is trained"
    assert f"is trained: {count} in no optimizer ({numbers:,} numbers)." in finding.sentence


def test_what_asks_for_no_gradient_is_frozen_on_purpose() -> None:
    network = classifier()
    list(network.parameters())[-1].requires_grad_(False)
    optimizer = optim.Adam(copy.deepcopy(network).parameters(), lr=1e-3)
    (finding,) = (f for f in Parameters()(observe(network, optimizer, images(), CE)) if f.severity == "error")
    assert "1 frozen on purpose (4 numbers)." in finding.sentence


@pytest.mark.parametrize(("body", "head", "said"), [(1, 0, "error"), (0, 0, "warning"), (1, 1, None)])
def test_a_last_layer_is_named_that_is_frozen_at_random_numbers(body: int, head: int, said: str | None) -> None:
    """Behind a pretrained body a random one is new; behind a random one it may be meant to stay."""
    torch.manual_seed(0)
    learnt, fresh = trained(classifier()), classifier()
    network = nn.Sequential(*[(learnt if number == 1 else fresh) for number in (body, head)])
    network = nn.Sequential(network[0][0], nn.Flatten(), network[1][3])  # type: ignore[index]
    network[2].requires_grad_(False)
    found = Parameters()(observe(network, sgd(network[0].parameters()), images(), CE))
    said_of_it = [f.severity for f in found if f.title == "The last layer is random and frozen: 2"]
    assert said_of_it == ([said] if said else [])


class Centres(nn.Module):
    """A cross-entropy, and the distance of the scores to a centre for each class."""

    def __init__(self) -> None:
        super().__init__()
        self.centres = nn.Parameter(torch.randn(4, 4))

    def forward(self, outputs: Tensor, targets: Tensor) -> Tensor:
        apart: Tensor = (outputs - self.centres[targets]).square().mean()
        return CE(outputs, targets) + 0.1 * apart


@pytest.mark.parametrize("held", [True, False])
def test_parameters_of_the_loss_that_no_optimizer_has_are_an_error(held: bool) -> None:
    torch.manual_seed(0)
    network, loss = classifier(), Centres()
    optimizer = sgd([*network.parameters(), *(loss.parameters() if held else [])])
    errors = [f for f in Parameters()(observe(network, optimizer, images(), loss)) if f.severity == "error"]
    assert [f.title for f in errors] == ["Parameters of the loss are not trained"] * (not held)
    assert held or "Centres.centres is held by the loss" in errors[0].sentence


def test_normalisations_trained_between_random_layers_may_be_meant() -> None:
    torch.manual_seed(0)
    network: Any = classifier()
    for p in network[0].parameters():
        p.requires_grad_(p.ndim == 1)
    gains = [p for p in network.parameters() if p.requires_grad]
    found = [f for f in Parameters()(observe(network, sgd(gains), images(), CE)) if f.severity in ("error", "warning")]
    assert [f.severity for f in found] == ["warning"]


def test_a_critic_sees_the_images_beside_what_a_frozen_generator_makes() -> None:
    torch.manual_seed(0)
    generator = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 432)).requires_grad_(False)
    critic = nn.Sequential(nn.Linear(432, 16), nn.ReLU(), nn.Linear(16, 1))
    network = nn.ModuleDict({"generator": generator, "critic": critic})

    def loss(net: Any, batch: Any, *, real: bool = True) -> Tensor:
        x = batch[0].flatten(1)
        score: Tensor = net["critic"](net["generator"](torch.randn(len(x), 6))).mean()
        return score - net["critic"](x).mean() if real else score.square()

    def severities(loss: Any) -> set[str]:
        return {f.severity for f in Parameters()(observe(network, sgd(critic.parameters()), images(), loss))}

    assert not severities(loss) & {"error", "warning"}
    assert "error" in severities(lambda net, batch: loss(net, batch, real=False))
