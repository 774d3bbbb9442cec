"""Training set-ups with one fault each, and what an audit must say of it."""

import copy
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn, optim

from faulty_numbers import FAULTY_NUMBERS
from faulty_trials import FAULTY_TRIALS
from healthy import CE, SetUp, body, classifier, images, plain, sgd, trained
from toys import Toy


class PredictionNet(nn.Module):
    """``mypredictionnet`` of exercise 11 of the exam of IN5400, 2021."""

    def __init__(self) -> None:
        super().__init__()
        self.block1 = nn.Conv2d(3, 8, kernel_size=5)
        self.block2 = nn.Conv2d(8, 8, kernel_size=5)
        self.block3 = nn.Conv2d(8, 32, kernel_size=3)
        self.block4 = nn.Conv2d(32, 32, kernel_size=3)
        self.block5 = nn.Conv2d(32, 32, kernel_size=3)
        self.block6 = nn.Conv2d(32, 32, kernel_size=3)
        self.somepooling = nn.AdaptiveAvgPool2d(output_size=1)
        self.fc = nn.Linear(32, 10)

    def forward(self, x: Tensor) -> Any:
        for number in range(1, 7):
            x = F.relu(getattr(self, f"block{number}")(x))
        return self.fc(torch.flatten(self.somepooling(x), 1))


def exam(blocks: tuple[str, ...] = ("block4", "block5", "block6"), *, freeze: bool = False) -> SetUp:
    """The exam's set-up: only some blocks reach the optimizer."""
    network = PredictionNet()
    trainables = []
    for name, parameter in network.named_parameters():
        if name.startswith(blocks):
            trainables.append(parameter)
        elif freeze:
            parameter.requires_grad = False
    inputs, labels = images(16, 10, 28)
    return SetUp(network, optim.SGD(trainables, lr=0.001, momentum=0.9), {"img": inputs, "labels": labels}, CE)


def exam_frozen() -> SetUp:
    return exam(("block4", "block5", "block6", "fc"), freeze=True)


def exam_wrong_half() -> SetUp:
    return exam(("block1", "block2", "block3"))


def exam_in_training() -> SetUp:
    at = exam()
    for _ in range(5):
        CE(at.network(at.batch["img"]), at.batch["labels"]).backward()
        at.optimizers.step()
        at.optimizers.zero_grad()
    return at


def he_normal_forgotten() -> SetUp:
    network = nn.Sequential(
        *(
            nn.Sequential(nn.Conv2d(i, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU())
            for i in (3, 16, 16, 16)
        ),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(16, 4),
    )
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    return SetUp(network, sgd([*network[3].parameters(), *network[6].parameters()]), images(), CE)


def forgotten_behind_no_grad() -> SetUp:
    def run(m: Any, x: Tensor) -> Any:
        with torch.no_grad():
            x = m.body(x)
        return m.head(x.flatten(1))

    network = Toy(run, body=body(norm=False), head=nn.Linear(24, 4))
    return SetUp(network, sgd(network.head.parameters()), images(), CE)


def cut_by_detach() -> SetUp:
    network = Toy(lambda m, x: m.head(m.body(x).detach().flatten(1)), body=body(), head=nn.Linear(24, 4))
    return SetUp(network, sgd(network.parameters()), images(), CE)


def loss_of_the_answer() -> SetUp:
    network = classifier()
    return SetUp(
        network, sgd(network.parameters()), images(), lambda o, t: (o.argmax(1).float() - t.float()).square().mean()
    )


def optimizer_of_a_copy() -> SetUp:
    network = classifier()
    return SetUp(copy.deepcopy(network), sgd(network.parameters()), images(), CE)


def head_replaced_after_the_optimizer() -> SetUp:
    network = trained(classifier())
    optimizer = sgd(network.parameters())
    network[3] = nn.Linear(24, 4)
    return SetUp(network, optimizer, images(), CE)


def everything_frozen() -> SetUp:
    at = plain()
    at.network.requires_grad_(False)
    return at


def learning_rate_0() -> SetUp:
    network = classifier()
    return SetUp(network, optim.SGD(network.parameters(), lr=0.0), images(), CE)


class Skipping(optim.SGD):
    """Leaves the first two parameters of its group."""

    def step(self, closure: Any = None) -> Any:
        for parameter in self.param_groups[0]["params"][:2]:
            parameter.grad = None
        return super().step(closure)


def step_that_skips() -> SetUp:
    network = classifier()
    return SetUp(network, Skipping(network.parameters(), lr=0.1), images(), CE)


def parameter_twice() -> SetUp:
    network = classifier()
    optimizers = [sgd(network.parameters()), sgd(network[3].parameters())]
    return SetUp(network, optimizers, images(), CE)


def softmax_before_cross_entropy() -> SetUp:
    network = nn.Sequential(classifier(), nn.Softmax(dim=1))
    return SetUp(network, sgd(network.parameters()), images(), CE)


def probabilities_by_hand() -> SetUp:
    network = Toy(lambda m, x: m.net(x).exp() / m.net(x).exp().sum(1, keepdim=True), net=classifier())
    return SetUp(network, sgd(network.parameters()), images(), CE)


def softmax_over_the_batch() -> SetUp:
    network = nn.Sequential(classifier(), nn.LogSoftmax(dim=0))
    return SetUp(network, sgd(network.parameters()), images(), nn.NLLLoss())


def scores_into_nll() -> SetUp:
    return plain()._replace(loss=nn.NLLLoss())


def probabilities_into_nll() -> SetUp:
    return softmax_before_cross_entropy()._replace(loss=nn.NLLLoss())


def sigmoid_before_bce() -> SetUp:
    network = nn.Sequential(classifier(), nn.Sigmoid())
    return SetUp(network, sgd(network.parameters()), (images()[0], torch.ones(16, 4)), nn.BCEWithLogitsLoss())


def mask_of_255() -> SetUp:
    return plain()._replace(batch=(images()[0], torch.full((16, 4), 255.0)), loss=nn.BCEWithLogitsLoss())


def negative_targets() -> SetUp:
    return plain()._replace(batch=(images()[0], torch.eye(4).repeat(4, 1) * 2 - 1))


def several_labels_into_cross_entropy() -> SetUp:
    return plain()._replace(batch=(images()[0], torch.ones(16, 4)))


def one_class_output() -> SetUp:
    network = nn.Sequential(body(), nn.Flatten(), nn.Linear(24, 1))
    return SetUp(network, sgd(network.parameters()), (images()[0], torch.zeros(16).long()), CE)


def spread_shapes() -> SetUp:
    network = nn.Sequential(body(), nn.Flatten(), nn.Linear(24, 1))
    return SetUp(network, sgd(network.parameters()), (images()[0], torch.randn(16)), F.mse_loss)


def targets_out_of_range() -> SetUp:
    return plain()._replace(batch=(images()[0], torch.arange(16) % 5))


def relu_on_the_scores() -> SetUp:
    network = nn.Sequential(classifier(), nn.ReLU())
    return SetUp(network, sgd(network.parameters()), images(), CE)


def never_in_train_mode() -> SetUp:
    at = plain()
    at.network.eval()
    return at


def old_statistics() -> SetUp:
    at = plain()
    trained(at.network, 5)
    at.network.eval()
    return at


def dropout_off() -> SetUp:
    network = classifier(norm=False, dropout=0.5)
    network.eval()
    return SetUp(network, sgd(network.parameters()), images(), CE)


def drifting_statistics() -> SetUp:
    network = trained(classifier(), steps=60)
    network[0].requires_grad_(False)
    inputs, labels = images()
    return SetUp(network, sgd(network[3].parameters()), (inputs * 4 + 3, labels), CE)


def norm_over_two_values() -> SetUp:
    network = nn.Sequential(nn.Flatten(), nn.Linear(432, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 4))
    return SetUp(network, sgd(network.parameters()), images(2), CE)


def shut_layer() -> SetUp:
    network = classifier(norm=False)
    nn.init.constant_(network[0][2].bias, -100.0)
    return SetUp(network, sgd(network.parameters()), images(), CE)


def saturated() -> SetUp:
    network = classifier(norm=False, act=nn.Tanh)
    inputs, labels = images()
    return SetUp(network, sgd(network.parameters()), (inputs * 3000, labels), CE)


def sure_and_wrong() -> SetUp:
    network = classifier()
    with torch.no_grad():
        network[3].weight.mul_(100)
    return SetUp(network, sgd(network.parameters(), 1e-4), images(), CE)


def far_too_high() -> SetUp:
    network = classifier()
    return SetUp(network, sgd(network.parameters(), 100.0), images(), CE)


def too_high_adam() -> SetUp:
    network = classifier()
    return SetUp(network, optim.Adam(network.parameters(), lr=0.3), images(), CE)


def far_too_low() -> SetUp:
    network = classifier()
    return SetUp(network, sgd(network.parameters(), 1e-9), images(), CE)


def not_finite() -> SetUp:
    return plain()._replace(loss=lambda outputs, targets: CE(outputs, targets) / 0)


def gradient_not_finite() -> SetUp:
    return plain()._replace(loss=lambda outputs, targets: CE(outputs, targets) + (outputs * 0).sqrt().sum())


def nan_images() -> SetUp:
    inputs, labels = images()
    inputs[0, 0, 0, 0] = torch.nan
    return plain()._replace(batch=(inputs, labels))


def all_zeros() -> SetUp:
    network = nn.Sequential(nn.Flatten(), nn.Linear(432, 8, bias=False), nn.ReLU(), nn.Linear(8, 4, bias=False))
    for parameter in network.parameters():
        nn.init.zeros_(parameter)
    return SetUp(network, sgd(network.parameters()), images(), CE)


class Listed(nn.Module):
    """Its early layers are in a Python list."""

    def __init__(self) -> None:
        super().__init__()
        self.early = [nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 8, 3), nn.ReLU()]
        self.head = nn.Linear(512, 4)

    def forward(self, x: Tensor) -> Any:
        for layer in self.early:
            x = layer(x)
        return self.head(x.flatten(1))


def layers_in_a_list() -> SetUp:
    network = Listed()
    return SetUp(network, sgd(network.parameters()), images(), CE)


class Chain:
    """Layers in a plain object."""

    def __init__(self, layers: list[nn.Module]) -> None:
        self.layers = layers

    def __call__(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = layer(x)
        return x


def layers_in_an_object() -> SetUp:
    network = Listed()
    network.early = Chain(network.early)  # type: ignore[assignment]
    network.forward = lambda x: network.head(network.early(x).flatten(1))  # type: ignore[operator,method-assign]
    return SetUp(network, sgd(network.parameters()), images(), CE)


def layers_in_a_closure() -> SetUp:
    towers = {"left": nn.Sequential(nn.Conv2d(3, 12, 3), nn.ReLU())}
    network = Toy(lambda m, x: m.head(towers["left"](x).mean((2, 3))), head=nn.Linear(12, 4))
    return SetUp(network, sgd(network.parameters()), images(), CE)


def positions_are_plain_tensors() -> SetUp:
    def run(m: Any, x: Tensor) -> Any:
        return m.head(m.norm(m.patch(x).flatten(2).transpose(1, 2) + m.place).mean(1))

    network = Toy(run, patch=nn.Conv2d(3, 64, 4, 4), norm=nn.LayerNorm(64), head=nn.Linear(64, 4))
    network.place = (0.02 * torch.randn(1, 9, 64)).requires_grad_()  # type: ignore[assignment]
    return SetUp(network, sgd(network.parameters()), images(), CE)


def layers_in_a_list_but_trained() -> SetUp:
    network = Listed()
    early = [p for layer in network.early for p in layer.parameters()]
    return SetUp(network, sgd([*early, *network.parameters()]), images(), CE)


def layer_made_in_forward() -> SetUp:
    network = Toy(lambda m, x: m.head(nn.Conv2d(3, 8, 3)(x).relu().flatten(1)), head=nn.Linear(800, 4))
    return SetUp(network, sgd(network.parameters()), images(), CE)


def loss_times_0() -> SetUp:
    return plain()._replace(loss=lambda outputs, targets: 0.0 * CE(outputs, targets))


def stuck_at_0() -> SetUp:
    network = classifier()
    for parameter in network.parameters():
        nn.init.zeros_(parameter)
    return SetUp(network, sgd(network.parameters()), images(15), CE)


def units_alike() -> SetUp:
    network = classifier(norm=False)
    for name, parameter in network.named_parameters():
        nn.init.constant_(parameter, 0.05 if name.endswith("weight") else 0.0)
    return SetUp(network, sgd(network.parameters()), images(), CE)


def vanishing() -> SetUp:
    layers = [layer for _ in range(14) for layer in (nn.Linear(16, 16), nn.Sigmoid())]
    network = nn.Sequential(nn.Flatten(), nn.Linear(432, 16), nn.Sigmoid(), *layers, nn.Linear(16, 4))
    return SetUp(network, sgd(network.parameters()), images(), CE)


def momentum(value: float) -> SetUp:
    at = plain()
    for module in at.network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = value
    return at


def momentum_0() -> SetUp:
    return momentum(0.0)


def momentum_99() -> SetUp:
    return momentum(0.99)


def dropout_99() -> SetUp:
    network = classifier(dropout=0.99)
    return SetUp(network, sgd(network.parameters()), images(), CE)


def decays_at_once() -> SetUp:
    network = classifier()
    return SetUp(network, optim.SGD(network.parameters(), lr=0.1, weight_decay=1.0), images(), CE)


def decay_drowns_the_gradient() -> SetUp:
    network = classifier()
    return SetUp(network, optim.Adam(network.parameters(), lr=1e-4, weight_decay=1e3), images(), CE)


def one_hot_integers() -> SetUp:
    return plain()._replace(batch=(images()[0], F.one_hot(images()[1], 4)))


def scores_into_bce() -> SetUp:
    return plain()._replace(batch=(images()[0], F.one_hot(images()[1], 4).float()), loss=nn.BCELoss())


def regression(scale: float = 1.0, *, end: nn.Module | None = None) -> SetUp:
    network = nn.Sequential(body(), nn.Flatten(), nn.Linear(24, 8), end or nn.Identity())
    with torch.no_grad():
        network[2].weight.mul_(scale)
    return SetUp(
        network, sgd(network.parameters(), 1e-6 if scale > 1 else 0.01), (images()[0], torch.randn(16, 8)), F.mse_loss
    )


def outputs_too_large() -> SetUp:
    return regression(300.0)


def targets_out_of_reach() -> SetUp:
    return regression(end=nn.ReLU())


def rate_0_for_random_layers() -> SetUp:
    network = classifier(norm=False)
    groups = [{"params": network[0].parameters(), "lr": 0.0}, {"params": network[3].parameters()}]
    return SetUp(network, sgd(groups), images(), CE)


def pixels_to_255() -> SetUp:
    inputs, labels = images()
    return plain()._replace(batch=((inputs * 60 + 120).clamp(0, 255), labels))


def divided_twice() -> SetUp:
    inputs, labels = images()
    return plain()._replace(batch=(inputs / 255, labels))


def one_image() -> SetUp:
    inputs, labels = images()
    return plain()._replace(batch=(inputs[:1].expand(16, -1, -1, -1), labels))


def labels_shuffled() -> SetUp:
    inputs, labels = images(96)
    return plain()._replace(batch=(inputs, labels[torch.randperm(96)]))


def one_class() -> SetUp:
    inputs, labels = images(16)
    return plain()._replace(batch=(inputs, torch.zeros_like(labels)))


def momentum_of_1() -> SetUp:
    network = classifier()
    return SetUp(network, optim.SGD(network.parameters(), lr=0.01, momentum=1.0), images(), CE)


def climbs() -> SetUp:
    network = classifier()
    return SetUp(network, optim.Adam(network.parameters(), lr=1e-3, maximize=True), images(), CE)


def upside_down() -> SetUp:
    return plain()._replace(loss=lambda outputs, targets: -CE(outputs, targets))


FAULTY: dict[Callable[[], SetUp], tuple[str, str]] = {
    **FAULTY_NUMBERS,
    **FAULTY_TRIALS,
    momentum_of_1: ("error training/optimizer", "Momentum of 1 or more"),
    climbs: ("warning training/optimizer", "The optimizer climbs"),
    upside_down: ("error training/loss_input", "The loss is upside down"),
    layers_in_a_list: ("error training/parameters", "Forgotten: early[0] and early[2] are random"),
    layers_in_an_object: ("error training/parameters", "Forgotten: early.layers[0] and early.layers[2] are random"),
    layers_in_a_closure: ("error training/parameters", "Forgotten: run.towers['left'].0 is random"),
    positions_are_plain_tensors: ("error training/parameters", "Forgotten: place is random"),
    layers_in_a_list_but_trained: ("warning training/parameters", "Trained but not registered"),
    layer_made_in_forward: ("error training/parameters", "Layers are made anew in forward"),
    loss_times_0: ("error training/gradient", "All gradients are 0"),
    stuck_at_0: ("error training/gradient", "Layers are stuck at 0"),
    units_alike: ("error training/gradient", "Units that can never differ"),
    vanishing: ("error training/gradient", "The gradient vanishes"),
    momentum_0: ("error training/modes", "BatchNorm with momentum 0"),
    momentum_99: ("warning training/modes", "BatchNorm remembers the last batch only"),
    dropout_99: ("warning training/modes", "Dropout drops nearly all"),
    decays_at_once: ("error training/weight_decay", "Weight decay far too large"),
    decay_drowns_the_gradient: ("warning training/weight_decay", "Weight decay far too large"),
    one_hot_integers: ("error training/loss_input", "One-hot integers as targets"),
    scores_into_bce: ("error training/loss_input", "Scores into BCE"),
    outputs_too_large: ("warning training/initial_loss", "Outputs begin too large"),
    targets_out_of_reach: ("warning training/loss_input", "Targets out of the output's reach"),
    rate_0_for_random_layers: ("error training/optimizer", "Learning rate 0 for random layers"),
    pixels_to_255: ("warning training/input_scale", "Pixels of 0 to 255"),
    divided_twice: ("warning training/input_scale", "Inputs nearly 0"),
    one_image: ("error training/input_scale", "Every input is the same"),
    labels_shuffled: ("warning training/labels", "Labels do not go with the images"),
    one_class: ("warning training/labels", "One class only"),
    exam: ("error training/parameters", "Forgotten: block1, block2 and block3 are random"),
    exam_frozen: ("error training/parameters", "Forgotten: block1, block2 and block3 are random"),
    exam_wrong_half: ("error training/parameters", "Forgotten: block4, block5, block6 and fc are never trained"),
    exam_in_training: ("error training/parameters", "Forgotten: block1, block2 and block3 are random"),
    he_normal_forgotten: ("error training/parameters", "are random and never trained"),
    forgotten_behind_no_grad: ("error training/parameters", "Forgotten: body.0, body.2 and body.5 are random"),
    cut_by_detach: ("error training/gradient", "The graph is cut"),
    loss_of_the_answer: ("error training/gradient", "Nothing can learn"),
    optimizer_of_a_copy: ("error training/optimizer", "The optimizer holds a network that is gone"),
    head_replaced_after_the_optimizer: ("error training/parameters", "Forgotten: 3 is never trained"),
    everything_frozen: ("error training/gradient", "Nothing can learn"),
    learning_rate_0: ("error training/optimizer", "Learning rate 0"),
    step_that_skips: ("error training/optimizer", "Stepped but unchanged"),
    parameter_twice: ("warning training/optimizer", "A parameter in two optimizers"),
    softmax_before_cross_entropy: ("error training/loss_input", "Softmax before cross-entropy"),
    probabilities_by_hand: ("error training/loss_input", "Softmax before cross-entropy"),
    softmax_over_the_batch: ("error training/loss_input", "Scores into NLL"),
    scores_into_nll: ("error training/loss_input", "Scores into NLL"),
    probabilities_into_nll: ("error training/loss_input", "Probabilities into NLL"),
    sigmoid_before_bce: ("error training/loss_input", "Sigmoid before BCE with logits"),
    mask_of_255: ("error training/loss_input", "Targets outside [0, 1]"),
    negative_targets: ("error training/loss_input", "Negative targets"),
    several_labels_into_cross_entropy: ("warning training/loss_input", "Target rows are no probabilities"),
    one_class_output: ("error training/loss_input", "Cross-entropy over one class"),
    spread_shapes: ("error training/loss_input", "Shapes are spread against each other"),
    targets_out_of_range: ("error training/loss_input", "Targets out of range"),
    relu_on_the_scores: ("warning training/loss_input", "ReLU before cross-entropy"),
    never_in_train_mode: ("error training/modes", "BatchNorm does not normalise"),
    old_statistics: ("warning training/modes", "Training in eval mode"),
    dropout_off: ("warning training/modes", "Training in eval mode"),
    drifting_statistics: ("warning training/modes", "Statistics of frozen layers drift"),
    norm_over_two_values: ("warning training/modes", "BatchNorm on very few values"),
    shut_layer: ("error training/dead_units", "A ReLU layer is shut"),
    saturated: ("warning training/saturation", "Saturated units"),
    sure_and_wrong: ("warning training/initial_loss", "Begins sure and wrong"),
    far_too_high: ("error training/learning_rate", "The learning rate is too high"),
    too_high_adam: ("warning training/learning_rate", "The learning rate is too high"),
    far_too_low: ("error training/learning_rate", "The learning rate is far too low"),
    not_finite: ("error training/gradient", "The loss is not finite"),
    gradient_not_finite: ("error training/gradient", "Gradients are not finite"),
    nan_images: ("error training/gradient", "The loss is not finite"),
    all_zeros: ("error training/gradient", "All gradients are 0"),
}
