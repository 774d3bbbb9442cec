"""Healthy training set-ups drawn at random: depth, width, activation, normalisation, initialisation, optimizer, age."""

import math
import random
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn, optim

from seeded.case import Case, digits

ACTIVATIONS: list[Callable[[], nn.Module]] = [
    nn.ReLU, nn.GELU, nn.SiLU, nn.Tanh, nn.ELU, nn.LeakyReLU, nn.Mish, nn.Softplus, nn.Hardswish, nn.PReLU,
]  # fmt: skip
NORMS: list[Callable[[int], nn.Module]] = [
    lambda c: nn.BatchNorm2d(c),
    lambda c: nn.GroupNorm(4, c),
    lambda c: nn.InstanceNorm2d(c, affine=True),
    lambda c: nn.GroupNorm(1, c),
    lambda _: nn.Identity(),
]


def _he(weight: Tensor) -> None:
    nn.init.kaiming_normal_(weight, nonlinearity="relu")


def _scaled(weight: Tensor) -> None:
    nn.init.normal_(weight, std=1 / math.sqrt(weight[0].numel()))


STARTS: dict[str, Callable[[Tensor], Any]] = {
    "default": lambda _: None,
    "He normal": _he,
    "He uniform": lambda w: nn.init.kaiming_uniform_(w, nonlinearity="relu"),
    "Xavier": nn.init.xavier_uniform_,
    "orthogonal": nn.init.orthogonal_,
    "LeCun normal": _scaled,
    "truncated": lambda w: nn.init.trunc_normal_(w, std=math.sqrt(1 / w[0].numel())),
}
OPTIMIZERS: dict[str, Callable[[Any], optim.Optimizer]] = {
    "SGD": lambda p: optim.SGD(p, lr=0.01, momentum=0.9, weight_decay=5e-4),
    "plain SGD": lambda p: optim.SGD(p, lr=0.02),
    "Adam": lambda p: optim.Adam(p, lr=1e-3),
    "AdamW": lambda p: optim.AdamW(p, lr=5e-4, weight_decay=0.05),
    "RMSprop": lambda p: optim.RMSprop(p, lr=3e-4),
    "Adagrad": lambda p: optim.Adagrad(p, lr=5e-3),
    "NAdam": lambda p: optim.NAdam(p, lr=1e-3),
}


class Residual(nn.Module):
    """x + f(x)."""

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body

    def forward(self, x: Tensor) -> Any:
        return x + self.body(x)


def _convolutional(dice: random.Random) -> nn.Sequential:
    width, depth = dice.choice([8, 16, 24]), dice.randint(1, 5)
    act, norm = dice.choice(ACTIVATIONS), dice.choice(NORMS)
    skips, dropout = dice.random() < 0.5, dice.choice([0.0, 0.1, 0.5])
    layers: list[nn.Module] = [nn.Conv2d(3, width, 3, 2, 1), norm(width), act()]
    for _ in range(depth):
        block = nn.Sequential(nn.Conv2d(width, width, 3, 1, 1, bias=dice.random() < 0.5), norm(width), act())
        layers.append(Residual(block) if skips else block)
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Dropout(dropout), nn.Linear(4 * width, 10))


def _connected(dice: random.Random) -> nn.Sequential:
    width, depth, act = dice.choice([16, 48, 96]), dice.randint(1, 4), dice.choice(ACTIVATIONS)
    norm = dice.choice([nn.LayerNorm, nn.BatchNorm1d, nn.Identity])
    layers: list[nn.Module] = [nn.Flatten(), nn.Linear(768, width), norm(width), act()]
    for _ in range(depth):
        layers += [nn.Linear(width, width), norm(width), act()]
    return nn.Sequential(*layers, nn.Linear(width, 10))


class Attentive(nn.Module):
    """PyTorch's own transformer encoder on patches."""

    def __init__(self, dice: random.Random) -> None:
        super().__init__()
        width = dice.choice([16, 32])
        layer = nn.TransformerEncoderLayer(
            width, 4, 2 * width, dice.choice([0.0, 0.1]), batch_first=True, norm_first=dice.random() < 0.5
        )
        self.patch = nn.Conv2d(3, width, 4, 4)
        self.place = nn.Parameter(0.02 * torch.randn(16, width))
        self.encode = nn.TransformerEncoder(layer, dice.randint(1, 3), enable_nested_tensor=False)
        self.head = nn.Linear(width, 10)

    def forward(self, x: Tensor) -> Any:
        return self.head(self.encode(self.patch(x).flatten(2).transpose(1, 2) + self.place).mean(1))


class Remembers(nn.Module):
    """An LSTM or a GRU over the rows."""

    def __init__(self, dice: random.Random) -> None:
        super().__init__()
        width, cell = dice.choice([16, 32]), dice.choice([nn.LSTM, nn.GRU])
        self.cell = cell(48, width, num_layers=dice.randint(1, 2), batch_first=True, bidirectional=dice.random() < 0.5)
        self.head = nn.Linear(width * (2 if self.cell.bidirectional else 1), 10)

    def forward(self, x: Tensor) -> Any:
        return self.head(self.cell(x.permute(0, 2, 1, 3).flatten(2))[0].mean(1))


def drawn(seed: int) -> tuple[str, Case]:
    """A healthy set-up and its description, both by the seed."""
    dice = random.Random(seed)
    torch.manual_seed(seed)
    kind = dice.choice([_convolutional, _convolutional, _connected, Attentive, Remembers])
    network = kind(dice)
    start = dice.choice(list(STARTS)) if kind in (_convolutional, _connected) else "default"
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear) and kind in (_convolutional, _connected):
            STARTS[start](module.weight)
    named = dice.choice(list(OPTIMIZERS))
    optimizer = OPTIMIZERS[named](network.parameters())
    age, count = dice.choice([0, 3, 20]), dice.choice([16, 32, 64, 128])
    loss = dice.choice([nn.CrossEntropyLoss(), nn.CrossEntropyLoss(label_smoothing=0.1)])
    for _ in range(age):
        optimizer.zero_grad()
        inputs, labels = digits(count)
        loss(network(inputs), labels).backward()
        optimizer.step()
    if dice.random() < 0.5:
        optimizer.zero_grad()
    what = f"{kind.__name__.strip('_')}, {start}, {named}, after {age} steps, {count} images"
    return what, Case(network, optimizer, digits(count), loss)
