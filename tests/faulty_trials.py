"""Training set-ups with one fault each that a trial of some steps, or a closed form, makes an error of."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn, optim

from healthy import CE, SetUp, classifier, images, sgd

BCE = nn.BCEWithLogitsLoss()


def plain() -> nn.Module:
    """Two layers on 432 numbers, without normalisation."""
    return nn.Sequential(nn.Flatten(), nn.Linear(432, 32), nn.ReLU(), nn.Linear(32, 16), nn.ReLU(), nn.Linear(16, 4))


def sgd_that_diverges() -> SetUp:
    network = plain()
    return SetUp(network, optim.SGD(network.parameters(), lr=5.0, momentum=0.9), images(), CE)


def rate_of_nothing() -> SetUp:
    network = classifier()
    return SetUp(network, optim.Adam(network.parameters(), lr=1e-11), images(), CE)


def divided_and_decayed() -> SetUp:
    network = classifier()
    optimizer = optim.SGD(network.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4)
    return SetUp(network, optimizer, images(), lambda outputs, targets: CE(outputs, targets) / 1e6)


def gradients_turned_round() -> SetUp:
    network = classifier()
    for p in network.parameters():
        p.register_hook(lambda grad: -grad)
    return SetUp(network, sgd(network.parameters()), images(), CE)


def weights_of_deviation_1() -> SetUp:
    network = plain()
    for p in network.parameters():
        if p.ndim > 1:
            nn.init.normal_(p)
    return SetUp(network, optim.Adam(network.parameters(), lr=1e-3), images(), CE)


def weights_of_nothing() -> SetUp:
    network = plain()
    for p in network.parameters():
        if p.ndim > 1:
            nn.init.normal_(p, std=1e-5)
    return SetUp(network, sgd(network.parameters(), 0.1), images(), CE)


def nine_sigmoids() -> SetUp:
    layers: list[nn.Module] = [nn.Flatten(), nn.Linear(432, 32), nn.Sigmoid()]
    for _ in range(9):
        layers += [nn.Linear(32, 32), nn.Sigmoid()]
    network = nn.Sequential(*layers, nn.Linear(32, 4))
    return SetUp(network, sgd(network.parameters(), 0.01), images(), CE)


def hardly_different() -> SetUp:
    network = plain()
    inputs, labels = images()
    return SetUp(network, optim.Adam(network.parameters(), lr=1e-3), (inputs / 1000 - 2.1, labels), CE)


def turned_round_by_hand() -> SetUp:
    network = classifier()

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        return outputs.log_softmax(1).gather(1, targets[:, None]).mean()

    return SetUp(network, sgd(network.parameters(), 1e-3), images(), loss)


def dice_of_scores() -> SetUp:
    network = nn.Conv2d(3, 4, 3, padding=1)
    inputs = images()[0]

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        hot = F.one_hot(targets, 4).permute(0, 3, 1, 2)
        return 1 - 2 * (outputs * hot).sum() / (outputs.sum() + hot.sum() + 1)

    targets = torch.arange(inputs[:, 0].numel()).remainder(4).view_as(inputs[:, 0]).long()
    return SetUp(network, sgd(network.parameters(), 1e-3), (inputs, targets), loss)


def focal_without_minus() -> SetUp:
    network = classifier()

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        p = outputs.softmax(1).gather(1, targets[:, None]).clamp(1e-6, 1)
        return (0.25 * (1 - p) ** 2 * p.log()).mean()

    return SetUp(network, sgd(network.parameters(), 1e-3), images(), loss)


def weights_of_0() -> SetUp:
    network = plain()
    for p in network.parameters():
        if p.ndim > 1:
            nn.init.zeros_(p)
    return SetUp(network, sgd(network.parameters()), images(), CE)


def dampening_of_1() -> SetUp:
    network = classifier()
    optimizer = optim.SGD(network.parameters(), lr=0.01, momentum=0.9, dampening=1.0)
    return SetUp(network, optimizer, images(), CE)


def rate_used_up() -> SetUp:
    network = classifier()
    optimizer = sgd(network.parameters())
    schedule = optim.lr_scheduler.ExponentialLR(optimizer, 0.1)
    optimizer.step()
    for _ in range(12):
        schedule.step()
    return SetUp(network, optimizer, images(), CE)


def normalised_alone() -> SetUp:
    network = nn.Sequential(nn.Flatten(), nn.Linear(432, 1), nn.LayerNorm(1), nn.Linear(1, 4))
    return SetUp(network, sgd(network.parameters()), images(), CE)


def eps_of_a_million() -> SetUp:
    network = classifier()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eps = 1e6
    return SetUp(network, sgd(network.parameters()), images(), CE)


def smoothed_away() -> SetUp:
    network = classifier()
    return SetUp(network, sgd(network.parameters()), images(), nn.CrossEntropyLoss(label_smoothing=1.0))


def rows_of_255() -> SetUp:
    network = classifier()
    inputs, labels = images()
    return SetUp(network, sgd(network.parameters(), 1e-4), (inputs, 255 * F.one_hot(labels, 4).float()), CE)


def classes_without_weight() -> SetUp:
    network = classifier()
    weight = torch.tensor([0.0, 0.0, 0.0, 1.0])
    return SetUp(network, sgd(network.parameters()), images(), nn.CrossEntropyLoss(weight=weight))


def every_target_1() -> SetUp:
    network = classifier()
    inputs, _ = images()
    return SetUp(network, sgd(network.parameters()), (inputs, torch.ones(len(inputs), 4)), BCE)


def pairs_of_one() -> SetUp:
    network = plain()
    inputs, _ = images()

    def loss(net: nn.Module, batch: Tensor) -> Tensor:
        features = net(batch)
        return F.cross_entropy(features @ features.T, torch.zeros(len(batch)).long())

    return SetUp(network, sgd(network.parameters()), inputs, loss)


def two_terms_with_a_minus() -> SetUp:
    network = classifier()
    return SetUp(network, sgd(network.parameters()), images(), lambda o, t: -(CE(o, t) + CE(o.flip(0), t)) / 2)


def nothing_asked_for() -> SetUp:
    network = classifier()
    return SetUp(network, sgd(network.parameters()), images(), lambda o, _: F.relu(o - 1e9).mean())


def no_target_counts() -> SetUp:
    network = classifier()
    inputs, labels = images()
    return SetUp(network, sgd(network.parameters()), (inputs, labels * 0 - 100), CE)


def clamped_away() -> SetUp:
    network = classifier()
    return SetUp(
        network, sgd(network.parameters()), images(), lambda o, _: F.mse_loss(o.clamp(0, 1), torch.full_like(o, -20.0))
    )


def targets_in_other_units() -> SetUp:
    network = classifier()
    inputs, _ = images()
    targets = 5000 + torch.randn(len(inputs), 4)
    return SetUp(network, optim.Adam(network.parameters(), lr=1e-3), (inputs, targets), nn.MSELoss())


def targets_of_millions() -> SetUp:
    network = classifier()
    inputs, _ = images()
    targets = 3e6 + 1e6 * torch.randn(len(inputs), 4)
    return SetUp(network, optim.Adam(network.parameters(), lr=1e-3), (inputs, targets), nn.MSELoss())


def dead_channel() -> SetUp:
    network = classifier()
    inputs, labels = images()
    inputs[:, 1] = -2.1
    return SetUp(network, sgd(network.parameters()), (inputs, labels), CE)


def pairs_of_0_and_1() -> SetUp:
    network = classifier()
    inputs, labels = images()

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        same = (targets == targets.flip(0)).float()
        return F.cosine_embedding_loss(outputs, outputs.flip(0), same)

    return SetUp(network, sgd(network.parameters()), (inputs, labels), loss)


def groups_of_one() -> SetUp:
    head = nn.Sequential(nn.Linear(24, 8), nn.GroupNorm(8, 8), nn.ReLU(), nn.Linear(8, 4))
    network = nn.Sequential(*classifier()[:2], head)
    return SetUp(network, sgd(network.parameters()), images(), CE)


FAULTY_TRIALS: dict[Callable[[], SetUp], tuple[str, str]] = {
    sgd_that_diverges: ("error training/learning_rate", "The learning rate is too high"),
    rate_of_nothing: ("error training/learning_rate", "The learning rate is far too low"),
    divided_and_decayed: ("error training/learning_rate", "The learning rate is far too low for this loss"),
    gradients_turned_round: ("error training/learning_rate", "The steps climb"),
    weights_of_deviation_1: ("error training/initial_loss", "Begins sure and wrong"),
    weights_of_nothing: ("error training/gradient", "The gradient vanishes"),
    nine_sigmoids: ("error training/gradient", "The gradient vanishes"),
    hardly_different: ("error training/input_scale", "Images that hardly differ"),
    turned_round_by_hand: ("error training/hand_made_loss", "The loss rewards wrong answers"),
    focal_without_minus: ("error training/hand_made_loss", "The loss rewards wrong answers"),
    weights_of_0: ("error training/gradient", "Most weights are 0"),
    dice_of_scores: ("error training/hand_made_loss", "The loss rewards no answer"),
    dampening_of_1: ("error training/optimizer", "Dampening of 1"),
    rate_used_up: ("error training/optimizer", "The schedule has used up the rate"),
    normalised_alone: ("error training/modes", "A normalisation of one number"),
    groups_of_one: ("error training/modes", "A normalisation of one number"),
    pairs_of_0_and_1: ("error training/loss_input", "Targets that are neither -1 nor 1"),
    eps_of_a_million: ("error training/modes", "The eps drowns the variance"),
    smoothed_away: ("error training/loss_input", "Labels smoothed away"),
    rows_of_255: ("error training/loss_input", "Targets far above 1"),
    classes_without_weight: ("error training/loss_input", "A class that does not count"),
    every_target_1: ("error training/loss_input", "Targets that are all the same"),
    pairs_of_one: ("error training/loss_input", "All pairs match one"),
    two_terms_with_a_minus: ("error training/loss_input", "The loss is upside down"),
    nothing_asked_for: ("error training/gradient", "All gradients are 0"),
    no_target_counts: ("error training/loss_input", "No target counts"),
    clamped_away: ("error training/loss_input", "Targets out of the output's reach"),
    targets_in_other_units: ("warning training/initial_loss", "Targets far from 0"),
    targets_of_millions: ("warning training/initial_loss", "Targets far from 0"),
    dead_channel: ("warning training/input_scale", "A channel that is constant"),
}
