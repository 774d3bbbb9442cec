"""More training set-ups with one fault each: in what the loss is given, in answers, in the numbers of an optimizer."""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn, optim

from healthy import CE, SetUp, classifier, images, sgd, trained

BCE = nn.BCEWithLogitsLoss()


def yes_or_no() -> tuple[Tensor, Tensor]:
    inputs, labels = images()
    return inputs, F.one_hot(labels, 4).float()


def relu_before_bce() -> SetUp:
    network = nn.Sequential(classifier(), nn.ReLU())
    return SetUp(network, sgd(network.parameters()), yes_or_no(), BCE)


def log_sigmoid_before_bce() -> SetUp:
    network = nn.Sequential(classifier(), nn.LogSigmoid())
    return SetUp(network, sgd(network.parameters()), yes_or_no(), BCE)


def softmax_twice() -> SetUp:
    network = nn.Sequential(classifier(), nn.Softmax(dim=1), nn.LogSoftmax(dim=1))
    return SetUp(network, sgd(network.parameters()), images(), nn.NLLLoss())


def class_without_weight() -> SetUp:
    network = classifier()
    weight = torch.tensor([1.0, 0.0, 1.0, 1.0])
    return SetUp(network, sgd(network.parameters()), images(), nn.CrossEntropyLoss(weight=weight))


def class_ignored() -> SetUp:
    network = classifier()
    return SetUp(network, sgd(network.parameters()), images(), nn.CrossEntropyLoss(ignore_index=0))


def sure_and_wrong_of_yes_and_no() -> SetUp:
    network = classifier()
    with torch.no_grad():
        network[3].weight.mul_(300)
    return SetUp(network, sgd(network.parameters()), yes_or_no(), BCE)


def in_training() -> tuple[nn.Module, optim.Optimizer]:
    """Brought so far that it is sure of most answers, on images whose class shows."""
    network = classifier()
    optimizer = optim.AdamW(network.parameters(), lr=0.01)
    for _ in range(60):
        inputs, labels = shown()
        optimizer.zero_grad()
        F.cross_entropy(network(inputs), labels).backward()
        optimizer.step()
    optimizer.zero_grad()
    return network, optimizer


def shown() -> tuple[Tensor, Tensor]:
    """64 images of four classes, each with an edge of its own."""
    labels = torch.arange(64) % 4
    inputs = 0.3 * torch.randn(64, 3, 12, 12)
    for label, where in enumerate((slice(0, 6), slice(6, 12))):
        inputs[labels == label, :, where] += 1
        inputs[labels == label + 2, :, :, where] += 1
    return inputs, labels


def classes_renumbered() -> SetUp:
    network, optimizer = in_training()
    inputs, labels = shown()
    return SetUp(network, optimizer, (inputs, (labels + 1) % 4), CE)


def other_labels() -> SetUp:
    network, optimizer = in_training()
    inputs, labels = shown()
    return SetUp(network, optimizer, (inputs, labels[torch.randperm(64)]), CE)


def weights_that_are_not_finite() -> SetUp:
    network = classifier()
    gain: Any = nn.Parameter(torch.tensor(torch.nan))
    network[3].register_parameter("gain", gain)
    network[3].register_forward_hook(lambda m, _i, out: out * m.gain)
    return SetUp(network, sgd(network.parameters()), images(), CE)


def pixels_to_255_into_trained_weights() -> SetUp:
    inputs, labels = images()
    network = trained(classifier(norm=False))
    pixels = ((inputs + 4) / 8 * 255).clamp(0, 255).round()
    return SetUp(network, sgd(network.parameters(), 1e-4), (pixels, labels), CE)


def betas_swapped() -> SetUp:
    network = classifier()
    return SetUp(network, optim.Adam(network.parameters(), betas=(0.999, 0.9)), images(), CE)


def momentum_of_0999() -> SetUp:
    network = classifier()
    return SetUp(network, optim.SGD(network.parameters(), lr=0.01, momentum=0.999), images(), CE)


def step_longer_than_the_weights() -> SetUp:
    network = classifier()
    return SetUp(network, optim.AdamW(network.parameters(), lr=0.3), images(), CE)


def step_that_ruins() -> SetUp:
    network = classifier(norm=False)
    return SetUp(network, optim.SGD(network.parameters(), lr=3e4), images(), CE)


def decay_in_two_steps() -> SetUp:
    network = classifier()
    return SetUp(network, optim.AdamW(network.parameters(), lr=0.01, weight_decay=50), images(), CE)


def drops_all() -> SetUp:
    network = classifier(dropout=1.0)
    return SetUp(network, sgd(network.parameters()), images(), CE)


FAULTY_NUMBERS: dict[Callable[[], SetUp], tuple[str, str]] = {
    relu_before_bce: ("error training/loss_input", "ReLU before BCE with logits"),
    log_sigmoid_before_bce: ("error training/loss_input", "Log-sigmoid before BCE with logits"),
    softmax_twice: ("error training/loss_input", "Softmax twice"),
    class_without_weight: ("warning training/loss_input", "A class that does not count"),
    class_ignored: ("warning training/loss_input", "A class that does not count"),
    sure_and_wrong_of_yes_and_no: ("warning training/initial_loss", "Begins sure and wrong"),
    classes_renumbered: ("error training/answers", "The classes are numbered otherwise"),
    other_labels: ("warning training/answers", "Sure answers, other labels"),
    pixels_to_255_into_trained_weights: ("error training/input_scale", "Pixels of 0 to 255"),
    betas_swapped: ("warning training/optimizer", "Betas in the wrong order"),
    momentum_of_0999: ("warning training/optimizer", "Momentum too near 1"),
    step_longer_than_the_weights: ("warning training/learning_rate", "The learning rate is too high"),
    step_that_ruins: ("error training/learning_rate", "The learning rate is too high"),
    decay_in_two_steps: ("error training/weight_decay", "Weight decay far too large"),
    drops_all: ("error training/modes", "Dropout drops all"),
    weights_that_are_not_finite: ("error training/gradient", "The loss is not finite"),
}
