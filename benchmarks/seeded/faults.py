"""Faults seeded into a healthy set-up, each with the check, the severity and the words that must name it.

They were written down before the bench ran for the first time; what was added later is said in the method's page.
"""

import copy
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn, optim
from torch.nn.modules.batchnorm import _BatchNorm

from seeded.architectures import Architecture, ids, layers, parts
from seeded.case import BATCH, CE, Case, cut, digits, healthy, pretrained, train, without

Seeded = Callable[[Architecture], Case | None]


@dataclass(frozen=True)
class Fault:
    """``make`` returns None for an architecture that cannot have it (no BatchNorm, no classes ...)."""

    name: str
    severity: Literal["error", "warning"]
    check: str
    says: str
    make: Seeded


FAULTS: list[Fault] = []


def fault(name: str, severity: Literal["error", "warning"], check: str, says: str) -> Callable[[Seeded], Seeded]:
    """Write down what must be said."""

    def note(make: Seeded) -> Seeded:
        FAULTS.append(Fault(name, severity, f"training/{check}", says, make))
        return make

    return note


def third(network: nn.Module, number: int) -> list[nn.Module]:
    """The first, the middle or the last third of the parts; at least one."""
    found = parts(network)
    ends = [0, max(1, len(found) // 3), min(len(found) - 1, len(found) - len(found) // 3), len(found)]
    return found[ends[number] : max(ends[number + 1], ends[number] + 1)]


def absent(at: Architecture, network: nn.Module, left_out: set[int]) -> Case:
    return replace(healthy(at, network), optimizers=at.optimizer(without(network, left_out)))


# Layers that nobody trains


@fault("first layer not in the optimizer", "error", "parameters", "Forgotten")
def _(at: Architecture) -> Case:
    network = at.make()
    return absent(at, network, ids([layers(network)[0][1]]))


@fault("first third not in the optimizer", "error", "parameters", "Forgotten")
def _(at: Architecture) -> Case:
    network = at.make()
    return absent(at, network, ids(third(network, 0)))


@fault("middle third not in the optimizer", "error", "parameters", "Forgotten")
def _(at: Architecture) -> Case:
    network = at.make()
    return absent(at, network, ids(third(network, 1)))


@fault("last layer not in the optimizer", "error", "parameters", "Forgotten")
def _(at: Architecture) -> Case:
    network = at.make()
    return absent(at, network, ids([layers(network)[-1][1]]))


@fault("random half of the layers not in the optimizer", "error", "parameters", "Forgotten")
def _(at: Architecture) -> Case:
    network = at.make()
    found = layers(network)
    drawn = torch.randperm(len(found))[: max(1, len(found) // 2)].tolist()
    return absent(at, network, ids([found[i][1] for i in drawn]))


@fault("only the last layer in the optimizer", "error", "parameters", "Forgotten")
def _(at: Architecture) -> Case:
    network = at.make()
    return absent(at, network, ids([network]) - ids([layers(network)[-1][1]]))


@fault("first third not in the optimizer, seen after 20 steps", "error", "parameters", "Forgotten")
def _(at: Architecture) -> Case:
    case = _first_third(at)
    train(at, case.network, case.optimizers, 20)
    return case


def _first_third(at: Architecture) -> Case:
    network = at.make()
    return absent(at, network, ids(third(network, 0)))


class Listed(nn.Module):
    """Runs the parts of a network from a Python list, so that only the last is registered."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        *early, self.last = network.children()
        self.early = early

    def forward(self, x: Tensor) -> Any:
        for part in self.early:
            x = part(x)
        return self.last(x)


@fault("layers in a Python list", "error", "parameters", "Forgotten")
def _(at: Architecture) -> Case | None:
    network = at.make()
    return healthy(at, Listed(network)) if isinstance(network, nn.Sequential) else None


class Anew(nn.Module):
    """Makes its first part anew at every call."""

    def __init__(self, at: Architecture) -> None:
        super().__init__()
        self.at, self.rest = at, nn.Sequential(*list(at.make().children())[1:])

    def forward(self, x: Tensor) -> Any:
        return self.rest(next(self.at.make().children())(x))


@fault("first part made anew in forward", "error", "parameters", "made anew")
def _(at: Architecture) -> Case | None:
    network = at.make()
    if not isinstance(network, nn.Sequential) or network[0] is not parts(network)[0]:
        return None
    return healthy(at, Anew(at))


@fault("first third frozen while random", "error", "parameters", "Forgotten")
def _(at: Architecture) -> Case | None:
    network = at.make()
    frozen = [m for _, m in layers(network)[: max(2, len(layers(network)) // 3)]]
    for module in frozen:
        module.requires_grad_(False)
    return absent(at, network, ids(frozen))


@fault("random layers frozen, still in the optimizer", "error", "parameters", "Forgotten")
def _(at: Architecture) -> Case:
    network = at.make()
    found = layers(network)[:-1]
    for i in torch.randperm(len(found))[: max(2, len(found) // 2)].tolist():
        found[i][1].requires_grad_(False)
    return healthy(at, network)


@fault("one random layer frozen", "warning", "parameters", "Forgotten")
def _(at: Architecture) -> Case:
    network = at.make()
    layers(network)[0][1].requires_grad_(False)
    return absent(at, network, ids([layers(network)[0][1]]))


def _no_grad(forward: Callable[..., Any]) -> Callable[..., Any]:
    return torch.no_grad()(forward)


def _detached(forward: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *inputs: forward(*inputs).detach()


@fault("no_grad around the first third", "error", "gradient", "The graph is cut")
def _(at: Architecture) -> Case:
    network = at.make()
    cut(third(network, 0), _no_grad)
    return healthy(at, network)


@fault("detach behind the first third", "error", "gradient", "The graph is cut")
def _(at: Architecture) -> Case:
    network = at.make()
    cut(third(network, 0), _detached)
    return healthy(at, network)


@fault("detach, and not in the optimizer", "error", "parameters", "Forgotten")
def _(at: Architecture) -> Case:
    network = at.make()
    cut(third(network, 0), _detached)
    return absent(at, network, ids(third(network, 0)))


@fault("everything frozen", "error", "gradient", "Nothing can learn")
def _(at: Architecture) -> Case:
    network = at.make().requires_grad_(False)
    return healthy(at, network)


# Optimizers


@fault("optimizer of a copy", "error", "optimizer", "a network that is gone")
def _(at: Architecture) -> Case:
    network = at.make()
    return replace(healthy(at, copy.deepcopy(network)), optimizers=at.optimizer(network.parameters()))


@fault("optimizer made before a trained network was loaded as a new one", "error", "optimizer", "that is gone")
def _(at: Architecture) -> Case:
    return replace(healthy(at, pretrained(at)), optimizers=at.optimizer(at.make().parameters()))


def _replaced(at: Architecture, number: int) -> Case:
    network = pretrained(at)
    optimizer = at.optimizer(network.parameters())
    name, _ = layers(network)[number]
    fresh = dict(at.make().named_modules())[name]
    parent, _, last = name.rpartition(".")
    setattr(network.get_submodule(parent), last, fresh)
    return replace(healthy(at, network), optimizers=optimizer)


@fault("head replaced after the optimizer was made", "error", "parameters", "Forgotten")
def _(at: Architecture) -> Case:
    return _replaced(at, -1)


@fault("first layer replaced after the optimizer was made", "error", "parameters", "Forgotten")
def _(at: Architecture) -> Case:
    return _replaced(at, 0)


@fault("learning rate 0", "error", "optimizer", "Learning rate 0")
def _(at: Architecture) -> Case:
    case = healthy(at)
    return replace(case, optimizers=optim.SGD(case.network.parameters(), lr=0.0))


@fault("learning rate 0 for a random third", "warning", "optimizer", "Learning rate 0")
def _(at: Architecture) -> Case:
    network = at.make()
    early = ids(third(network, 0))
    groups = [{"params": [p for p in network.parameters() if id(p) in early], "lr": 0.0}]
    optimizer = at.optimizer(without(network, early))
    optimizer.add_param_group(groups[0])
    return replace(healthy(at, network), optimizers=optimizer)


@fault("parameters in two optimizers", "warning", "optimizer", "two optimizers")
def _(at: Architecture) -> Case:
    case = healthy(at)
    head = at.optimizer(layers(case.network)[-1][1].parameters())
    return replace(case, optimizers=[case.optimizers, head])


class Skips(optim.SGD):
    """Leaves the first two tensors of its group."""

    def step(self, closure: Any = None) -> Any:
        for parameter in self.param_groups[0]["params"][:2]:
            parameter.grad = None
        return super().step(closure)


@fault("a step that skips parameters", "error", "optimizer", "Stepped but unchanged")
def _(at: Architecture) -> Case:
    case = healthy(at)
    return replace(case, optimizers=Skips(case.network.parameters(), lr=0.05))


def _rate(optimizer: optim.Optimizer, change: Callable[[float], float]) -> None:
    for group in optimizer.param_groups:
        group["lr"] = change(group["lr"])


@fault("learning rate 3,000 times too high", "warning", "learning_rate", "ruins|too high")
def _(at: Architecture) -> Case:
    case = healthy(at)
    _rate(case.optimizers, lambda x: 3000 * x)
    return case


@fault("learning rate 10 million times too low", "warning", "learning_rate", "far too low")
def _(at: Architecture) -> Case:
    case = healthy(at)
    made = at.optimizer(case.network.parameters())
    rate = made.param_groups[0]["lr"] * 1e-7
    lower: Any = type(made)
    return replace(case, optimizers=lower(case.network.parameters(), lr=rate))


@fault("weight decay far too large", "warning", "weight_decay", "decay")
def _(at: Architecture) -> Case:
    case = healthy(at)
    rate = case.optimizers.param_groups[0]["lr"]
    for group in case.optimizers.param_groups:
        group["weight_decay"] = 0.5 / rate
    return case


@fault("momentum of 1", "error", "optimizer", "Momentum of 1")
def _(at: Architecture) -> Case:
    case = healthy(at)
    return replace(case, optimizers=optim.SGD(case.network.parameters(), lr=0.01, momentum=1.0))


@fault("an optimizer that climbs", "warning", "optimizer", "climbs")
def _(at: Architecture) -> Case:
    case = healthy(at)
    return replace(case, optimizers=optim.Adam(case.network.parameters(), lr=1e-3, maximize=True))


# The loop


def loop(case: Case, *, clear: bool = True, step: bool = True, clip: float | None = None) -> Callable[[], None]:
    """One step of a training loop."""

    def run() -> None:
        if clear:
            case.optimizers.zero_grad()
        case.loss(case.network(case.batch[0]), case.batch[1]).backward()
        if clip is not None:
            nn.utils.clip_grad_norm_(case.network.parameters(), clip)
        if step:
            case.optimizers.step()

    return run


@fault("zero_grad missing", "error", "zero_grad", "never cleared")
def _(at: Architecture) -> Case:
    case = healthy(at)
    return replace(case, extra={"step": loop(case, clear=False)})


@fault("optimizer.step missing", "warning", "zero_grad", "changes nothing")
def _(at: Architecture) -> Case:
    case = healthy(at)
    return replace(case, extra={"step": loop(case, step=False)})


@fault("gradient clipped to nothing", "warning", "zero_grad", "hardly moves")
def _(at: Architecture) -> Case:
    case = healthy(at)
    return replace(case, extra={"step": loop(case, clip=1e-12)})


# What the loss is given


def scores(change: Callable[[Tensor, Tensor], Tensor]) -> Seeded:
    """A loss for networks that classify."""
    return lambda at: None if at.image else replace(healthy(at), loss=change)


def targets(change: Callable[[Tensor], Tensor], loss: Callable[..., Any] = CE) -> Seeded:
    """Other targets for networks that classify."""

    def make(at: Architecture) -> Case | None:
        if at.image:
            return None
        case = healthy(at)
        return replace(case, batch=(case.batch[0], change(case.batch[1])), loss=loss)

    return make


def hot(labels: Tensor) -> Tensor:
    return F.one_hot(labels, 10).float()


BCE = nn.BCEWithLogitsLoss()
Row = tuple[str, Literal["error", "warning"], str, str, Seeded]
LOSSES: list[Row] = [
    ("softmax before cross-entropy", "error", "loss_input", "Softmax before", scores(lambda o, t: CE(o.softmax(1), t))),
    (
        "sigmoid before BCE with logits",
        "error",
        "loss_input",
        "Sigmoid before",
        targets(hot, lambda o, t: BCE(o.sigmoid(), t)),
    ),
    (
        "softmax before BCE with logits",
        "error",
        "loss_input",
        "Softmax before",
        targets(hot, lambda o, t: BCE(o.softmax(1), t)),
    ),
    ("scores into NLL", "error", "loss_input", "Scores into NLL", scores(F.nll_loss)),
    (
        "softmax into NLL",
        "error",
        "loss_input",
        "Probabilities into NLL",
        scores(lambda o, t: F.nll_loss(o.softmax(1), t)),
    ),
    (
        "log-softmax over the batch",
        "error",
        "loss_input",
        "Scores into NLL",
        scores(lambda o, t: F.nll_loss(o.log_softmax(0), t)),
    ),
    ("sigmoid before cross-entropy", "warning", "loss_input", "igmoid before", scores(lambda o, t: CE(o.sigmoid(), t))),
    ("ReLU before cross-entropy", "warning", "loss_input", "ReLU before", scores(lambda o, t: CE(o.relu(), t))),
    ("scores into BCE", "error", "loss_input", "Scores into BCE", targets(hot, F.binary_cross_entropy)),
    ("classes counted from 1", "error", "loss_input", "out of range", targets(lambda t: t + 1)),
    ("one-hot integers into cross-entropy", "error", "loss_input", "integers", targets(lambda t: F.one_hot(t, 10))),
    (
        "several labels into cross-entropy",
        "warning",
        "loss_input",
        "no probabilities",
        targets(lambda t: hot(t) + hot((t + 1) % 10)),
    ),
    ("targets of -1 and 1 into BCE", "error", "loss_input", "outside [0, 1]", targets(lambda t: 2 * hot(t) - 1, BCE)),
    ("one-hot targets times -1", "error", "loss_input", "Negative targets", targets(lambda t: -hot(t))),
    (
        "(n, 1) against (n)",
        "error",
        "loss_input",
        "spread",
        targets(lambda t: t.float(), lambda o, t: F.mse_loss(o[:, :1], t)),
    ),
    (
        "loss of the answer",
        "error",
        "gradient",
        "Nothing can learn",
        scores(lambda o, t: (o.argmax(1) - t).float().square().mean()),
    ),
]
FAULTS.extend(Fault(name, severity, f"training/{check}", says, make) for name, severity, check, says, make in LOSSES)


@fault("ReLU output, negative targets", "warning", "loss_input", "out of the output's reach")
def _(at: Architecture) -> Case | None:
    return replace(healthy(at), loss=lambda o, t: F.mse_loss(o.relu(), t)) if at.image else None


@fault("loss of the detached output", "error", "gradient", "Nothing can learn")
def _(at: Architecture) -> Case:
    case = healthy(at)
    return replace(case, loss=lambda o, t: case.loss(o.detach().requires_grad_(True), t))


@fault("loss times 0", "error", "gradient", "All gradients are 0")
def _(at: Architecture) -> Case:
    case = healthy(at)
    return replace(case, loss=lambda o, t: 0.0 * case.loss(o, t))


@fault("loss with a minus sign", "warning", "loss_input", "upside down")
def _(at: Architecture) -> Case:
    case = healthy(at)
    return replace(case, loss=lambda o, t: -case.loss(o, t))


@fault("loss divided by 10^14", "warning", "learning_rate", "far too low")
def _(at: Architecture) -> Case:
    case = healthy(at)
    return replace(case, loss=lambda o, t: case.loss(o, t) / 1e14)


# Modes


def norms(network: nn.Module) -> list[_BatchNorm]:
    return [m for m in network.modules() if isinstance(m, _BatchNorm)]


def drops(network: nn.Module) -> list[nn.Dropout]:
    return [m for m in network.modules() if isinstance(m, nn.Dropout)]


@fault("never put into training mode, BatchNorm", "error", "modes", "does not normalise")
def _(at: Architecture) -> Case | None:
    case = healthy(at)
    case.network.eval()
    return case if norms(case.network) else None


@fault("eval mode left on after a validation", "warning", "modes", "eval mode")
def _(at: Architecture) -> Case | None:
    case = healthy(at)
    train(at, case.network, case.optimizers, 5)
    case.network.eval()
    return case if norms(case.network) or drops(case.network) else None


@fault("validated in training mode", "error", "validation", "Validated in training mode")
def _(at: Architecture) -> Case | None:
    case = healthy(at)
    run = lambda: case.network(case.batch[0])  # noqa: E731
    return replace(case, extra={"validate": run}) if norms(case.network) or drops(case.network) else None


@fault("BatchNorm momentum 0", "error", "modes", "momentum 0")
def _(at: Architecture) -> Case | None:
    case = healthy(at)
    for norm in norms(case.network):
        norm.momentum = 0.0
    return case if norms(case.network) else None


@fault("BatchNorm momentum 0.99", "warning", "modes", "last batch")
def _(at: Architecture) -> Case | None:
    case = healthy(at)
    for norm in norms(case.network):
        norm.momentum = 0.99
    return case if norms(case.network) else None


@fault("dropout of 0.99", "warning", "modes", "Dropout")
def _(at: Architecture) -> Case | None:
    case = healthy(at)
    for drop in drops(case.network):
        drop.p = 0.99
    return case if drops(case.network) else None


# Initialisation and units


@fault("all parameters 0", "error", "gradient", "0")
def _(at: Architecture) -> Case:
    network = at.make()
    for parameter in network.parameters():
        nn.init.zeros_(parameter)
    return healthy(at, network)


@fault("weights all of one value", "error", "gradient", "can never differ")
def _(at: Architecture) -> Case:
    network = at.make()
    for _, module in layers(network):
        for parameter in module.parameters(recurse=False):
            nn.init.constant_(parameter, 0.01 if parameter.ndim > 1 else 0.0)
    for module in drops(network):
        module.p = 0.0
    return healthy(at, network)


@fault("weights 30 times too large", "warning", "initial_loss", "sure and wrong|too large")
def _(at: Architecture) -> Case:
    network = at.make()
    with torch.no_grad():
        for _, module in layers(network):
            for parameter in module.parameters(recurse=False):
                parameter.mul_(30.0)
    return healthy(at, network)


@fault("a ReLU layer shut", "warning", "dead_units", "shut")
def _(at: Architecture) -> Case | None:
    network = at.make()
    for part in parts(network)[:-1]:
        owners: list[Any] = [*norms(part), *(m for m in part.modules() if isinstance(m, nn.Conv2d | nn.Linear))]
        relus = any(isinstance(m, nn.ReLU | nn.ReLU6) for m in part.modules())
        if owners and relus and owners[0].bias is not None:
            nn.init.constant_(owners[0].bias, -100.0)
            return healthy(at, network)
    return None


@fault("tanh saturated", "warning", "saturation", "Saturated")
def _(at: Architecture) -> Case | None:
    network = at.make()
    if not any(isinstance(m, nn.Tanh | nn.GRU) for m in network.modules()):
        return None
    with torch.no_grad():
        for parameter in layers(network)[0][1].parameters():
            parameter.mul_(300.0)
    return healthy(at, network)


# Data


@fault("pixels of 0 to 255", "warning", "input_scale", "0 to 255")
def _(at: Architecture) -> Case | None:
    if at.image:
        return None
    case = healthy(at)
    images = (case.batch[0] * 0.35 + 0.3).clamp(0, 1) * 255
    return replace(case, batch=(images, case.batch[1]))


@fault("every image the same", "error", "input_scale", "the same")
def _(at: Architecture) -> Case:
    case = healthy(at)
    return replace(case, batch=(case.batch[0][:1].repeat(BATCH, 1, 1, 1), case.batch[1]))


@fault("NaN in the images", "error", "gradient", "not finite")
def _(at: Architecture) -> Case:
    case = healthy(at)
    images = case.batch[0].clone()
    images[0, 0, 0, 0] = torch.nan
    return replace(case, batch=(images, case.batch[1]))


@fault("labels shuffled against images", "warning", "labels", "do not go with")
def _(at: Architecture) -> Case | None:
    if at.image:
        return None
    images, labels = digits(128)
    return replace(healthy(at), batch=(images, labels[torch.randperm(128)]))


@fault("one class only", "warning", "labels", "One class")
def _(at: Architecture) -> Case | None:
    if at.image:
        return None
    images, labels = digits(800)
    return replace(healthy(at), batch=(images[labels == 3][:48], labels[labels == 3][:48]))


@fault("test images among the training images", "error", "leakage", "Training images in")
def _(at: Architecture) -> Case:
    splits = {"train": digits(300, start=0)[0], "test": digits(100, start=250)[0]}
    return replace(healthy(at), extra={"splits": splits})


@fault("test images nearly training images", "warning", "leakage", "Near-duplicates")
def _(at: Architecture) -> Case:
    train_images = digits(300, start=0)[0]
    near = train_images[:60] + 0.02 * torch.randn(60, 3, 16, 16)
    return replace(healthy(at), extra={"splits": {"train": train_images, "test": near}})
