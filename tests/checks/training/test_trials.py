"""What turns a suspicion into an error is said of faults alone: the same suspicion of a healthy set-up stays one."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn, optim

from faulty_trials import plain, sgd_that_diverges, weights_of_deviation_1
from healthy import CE, SetUp, classifier, images, sgd, trained
from snellen import audit_training
from snellen.checks.training._rates import proves_too_high, proves_too_low
from snellen.checks.training._scales import proves_inputs, proves_weights
from snellen.checks.training.learning_rate import LearningRate
from snellen.training.health.facts import Observation
from snellen.training.health.observe import observe


def seen(at: SetUp) -> Observation:
    return observe(*at)


def test_a_rate_is_too_high_only_if_a_smaller_one_is_not() -> None:
    torch.manual_seed(0)
    assert "at this rate its loss is" in proves_too_high(seen(sgd_that_diverges()))
    network = plain()
    assert proves_too_high(seen(SetUp(network, sgd(network.parameters(), 0.05), images(), CE))) == ""
    inputs, labels = images()
    hopeless = SetUp(network, optim.Adam(network.parameters(), lr=1.0), (inputs * 0, labels), CE)
    assert proves_too_high(seen(hopeless)) == ""


def test_a_first_step_that_overshoots_is_no_alarm_where_a_slower_training_is_behind() -> None:
    """A linear autoencoder: 16 steps at 0.01 end at 0.92, at 0.001 at 1.21; at 0.03 at 1.08, at 0.003 at 1.03."""
    for lr, said in ((0.01, "info"), (0.03, "warning"), (0.05, "error")):
        torch.manual_seed(0)
        flat = images(24)[0].flatten(1)
        network = nn.Sequential(nn.Linear(432, 16), nn.Linear(16, 432))
        made = SetUp(network, optim.AdamW(network.parameters(), lr=lr), (flat, flat), nn.MSELoss())
        (found,) = LearningRate()(seen(made))
        assert found.severity == said, (lr, found)


def test_a_rate_is_too_low_only_from_where_there_is_far_to_fall() -> None:
    torch.manual_seed(0)
    network = classifier()
    optimizer = optim.Adam(network.parameters(), lr=1e-11)
    fresh = seen(SetUp(network, optimizer, images(), CE))
    assert "10,000 steps would lower it" in proves_too_low(fresh, fresh.trial)
    learnt = trained(classifier(norm=False), steps=200)
    inputs, _ = images()
    answers = learnt(inputs).argmax(1)
    done = seen(SetUp(learnt, optim.Adam(learnt.parameters(), lr=1e-11), (inputs, answers), CE))
    assert proves_too_low(done, done.trial) == ""


def test_weights_are_too_large_only_if_usual_ones_begin_better() -> None:
    torch.manual_seed(0)
    assert "scaled to that, the loss begins at" in proves_weights(seen(weights_of_deviation_1()))
    network = plain()
    margin = SetUp(network, sgd(network.parameters()), images(), lambda o, t: CE(64 * (o - F.one_hot(t, 4)), t))
    assert proves_weights(seen(margin)) == ""


def test_inputs_are_of_a_wrong_scale_only_if_usual_ones_learn_better() -> None:
    torch.manual_seed(0)
    network, (inputs, labels) = plain(), images()
    assert proves_inputs(seen(SetUp(network, optim.Adam(network.parameters()), (inputs / 1000 - 2.1, labels), CE)))
    assert proves_inputs(seen(SetUp(network, sgd(network.parameters(), 0.05), (inputs, labels), CE))) == ""


class Attack(nn.Module):
    """A perturbation of random numbers against a network that is held still."""

    def __init__(self) -> None:
        super().__init__()
        self.maker = nn.Conv2d(3, 3, 3, padding=1)
        self.victim = trained(classifier()).requires_grad_(False).eval()

    def forward(self, x: Tensor) -> Tensor:
        return self.victim(x + 0.1 * self.maker(x).tanh())  # type: ignore[no-any-return]


def test_an_attack_that_makes_a_loss_grow_is_no_error() -> None:
    torch.manual_seed(0)
    network = Attack()
    found = audit_training(network, optim.Adam(network.maker.parameters(), lr=1e-3), images(), lambda o, t: -CE(o, t))
    assert [f.title for f in found.errors] == []


def test_tables_and_scales_of_a_healthy_network_are_no_error() -> None:
    """Fixed random positions; equal scales before a head that begins at 0; an energy whose slope is the loss."""
    torch.manual_seed(0)

    class Placed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem = nn.Linear(36, 16)
            self.place = nn.Parameter(0.02 * torch.randn(1, 12, 16), requires_grad=False)
            self.scales = nn.Parameter(torch.full((3, 2, 16), 0.1))
            self.head = nn.Linear(16, 4)
            nn.init.zeros_(self.head.weight)

        def forward(self, x: Tensor) -> Tensor:
            y = self.stem(x.flatten(2).unflatten(2, (4, 36)).flatten(1, 2)) + self.place
            return self.head((y * self.scales[0, 0] * self.scales[1, 1] * self.scales[2, 0]).mean(1))  # type: ignore[no-any-return]

    network = Placed()
    found = audit_training(network, optim.Adam(network.parameters(), lr=1e-2), images(), CE)
    assert [str(f) for f in (*found.errors, *found.warnings)] == []

    def slope(net: nn.Module, batch: Tensor) -> Tensor:
        x = batch.flatten(1).clone().requires_grad_()
        (score,) = torch.autograd.grad(net(x).sum(), x, create_graph=True)
        return (score + batch.flatten(1)).square().mean()

    energy = nn.Sequential(nn.Linear(432, 16), nn.SiLU(), nn.Linear(16, 1))
    found = audit_training(energy, optim.Adam(energy.parameters(), lr=1e-3), images()[0], slope)
    assert [str(f) for f in (*found.errors, *found.warnings)] == []


def test_a_rate_that_momentum_alone_makes_too_high_is_an_error() -> None:
    """The first step lowers the loss, and so do some more; then the velocity has gathered."""
    for lr, said in ((2.0, "error"), (0.05, "ok")):
        torch.manual_seed(0)
        network = nn.Sequential(nn.Flatten(), nn.Linear(432, 64), nn.ReLU(), nn.Linear(64, 4))
        for p in network.parameters():
            p.data.mul_(0.1)
        at = seen(SetUp(network, optim.SGD(network.parameters(), lr=lr, momentum=0.9), images(), CE))
        assert at.trial.at(1) < at.loss
        (found,) = LearningRate()(at)
        assert found.severity == said, (lr, found.sentence, at.trial)
