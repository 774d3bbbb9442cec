"""Healthy set-ups of the second set that take more than a line: groups, adapters, teachers, opponents."""

import copy
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn, optim

from seeded import second_nets as nets
from seeded import second_towers as towers
from seeded.blind_plans import CE, Blind, digits01, pretrained, sgd
from seeded.second_plans import PLANS, hinge

AT = PLANS


# --- rates, groups, fine-tuning ---


def no_decay(network: nn.Module, rate: float) -> optim.Optimizer:
    plainly = [
        p for n, p in network.named_parameters() if p.ndim < 2 or "norm" in n or n in ("pos", "latents", "tokens")
    ]
    known = {id(p) for p in plainly}
    rest = [p for p in network.parameters() if id(p) not in known]
    return optim.AdamW([{"params": rest, "weight_decay": 0.1}, {"params": plainly, "weight_decay": 0.0}], lr=rate)


def grouped() -> Blind:
    network = AT["perceiver"].make()
    return AT["perceiver"].case(network, optimizer=no_decay(network, 3e-3))


def warm() -> Blind:
    """Warm-up in ten steps to the rate, then a cosine; the first rate is a millionth of it."""
    network = AT["registers"].make()
    optimizer = optim.AdamW(network.parameters(), lr=2e-3)
    rise = optim.lr_scheduler.LinearLR(optimizer, 1e-6, total_iters=10)
    fall = optim.lr_scheduler.CosineAnnealingLR(optimizer, 500)
    schedule = optim.lr_scheduler.SequentialLR(optimizer, [rise, fall], [10])
    return AT["registers"].case(network, optimizer=optimizer, after=schedule.step)


def slower_locator() -> Blind:
    """Spatial transformers: the locator at a tenth of the rate, by a second optimizer."""
    network = towers.SpatialTransformer()
    located = [*network.locate.parameters(), *network.theta.parameters()]
    optimizers = [optim.Adam(located, lr=2e-4), optim.Adam(network.read.parameters(), lr=2e-3)]
    return AT["stn"].case(network, optimizer=optimizers)


class Adapter(nn.Module):
    """A bottleneck that begins as nothing (Houlsby et al. 2019), after a frozen block."""

    def __init__(self, block: nn.Module, dim: int = 48) -> None:
        super().__init__()
        self.block = block.requires_grad_(False)
        self.down, self.up = nn.Linear(dim, 8), nn.Linear(8, dim)
        nn.init.zeros_(self.up.weight)
        nn.init.zeros_(self.up.bias)

    def forward(self, x: Tensor) -> Any:
        x = self.block(x)
        return x + self.up(F.gelu(self.down(x)))


def adapted() -> Blind:
    network: Any = pretrained(AT["registers"], 60)
    network.requires_grad_(False)
    network.layers = nn.ModuleList(Adapter(layer) for layer in network.layers)
    network.head = nn.Linear(96, 10)
    tuned = [p for p in network.parameters() if p.requires_grad]
    return AT["registers"].case(network, optimizer=optim.AdamW(tuned, lr=5e-3))


class Still(nn.Module):
    """A frozen encoder that stays in eval mode whatever mode the network is set to."""

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body.requires_grad_(False)
        self.head = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))

    def train(self, mode: bool = True) -> "Still":
        super().train(mode)
        self.body.eval()
        return self

    def forward(self, x: Tensor) -> Any:
        return self.head(self.body(x))


def still() -> Blind:
    network = Still(pretrained(AT["prototypes"])).train()
    return AT["repvgg"].case(network, optimizer=optim.AdamW(network.head.parameters(), lr=1e-2))


# --- pairs of networks ---


class Distilled(nn.Module):
    def __init__(self, teacher: nn.Module) -> None:
        super().__init__()
        self.teacher, self.student = teacher.eval().requires_grad_(False), nets.RepVGG()

    def forward(self, x: Tensor) -> Any:
        with torch.no_grad():
            taught = self.teacher(x)
        return self.student(x), taught


def distil(outputs: Any, targets: Tensor) -> Any:
    out, taught = outputs
    soft = F.kl_div((out / 3).log_softmax(1), (taught / 3).softmax(1), reduction="batchmean") * 9
    return 0.3 * CE(out, targets) + 0.7 * soft


def distilled() -> Blind:
    network = Distilled(pretrained(AT["complex"]))
    return AT["repvgg"].case(network, optimizer=sgd(0.1)(network.student.parameters()), loss=distil)


class Dino(nn.Module):
    """A student, and a teacher that is its average; the teacher's answers are centred and sharpened."""

    def __init__(self) -> None:
        super().__init__()
        self.student = nn.Sequential(nets.encoder(), nn.Linear(64, 48), nn.GELU(), nn.Linear(48, 32))
        self.teacher = copy.deepcopy(self.student).requires_grad_(False)
        self.register_buffer("center", torch.zeros(32))

    def forward(self, x: Tensor) -> Any:
        return self.student(x)

    @torch.no_grad()
    def update(self) -> None:
        for a, b in zip(self.teacher.parameters(), self.student.parameters(), strict=True):
            a.lerp_(b, 0.01)


def dino_loss(network: Any, batch: Any) -> Any:
    with torch.no_grad():
        taught = [network.teacher(view) for view in batch]
        soft = [((t - network.center) / 0.04).softmax(1) for t in taught]
        network.center.lerp_(torch.cat(taught).mean(0), 0.1)
    said = [(network(view) / 0.1).log_softmax(1) for view in batch]
    return -((soft[0] * said[1]).sum(1).mean() + (soft[1] * said[0]).sum(1).mean()) / 2


def dino() -> Blind:
    network = Dino()
    optimizer = optim.AdamW(network.student.parameters(), lr=1e-3)
    return AT["barlow"].case(network, optimizer=optimizer, loss=dino_loss, after=network.update)


def simsiam() -> Blind:
    """No negatives; the gradient is stopped on one side (Chen & He 2021)."""
    network = nn.ModuleDict(
        {
            "f": nn.Sequential(nets.encoder(), nn.Linear(64, 32), nn.BatchNorm1d(32)),
            "h": nn.Sequential(nn.Linear(32, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 32)),
        }
    )

    def loss(network: Any, batch: Any) -> Any:
        a, b = network["f"](batch[0]), network["f"](batch[1])
        return -(
            F.cosine_similarity(network["h"](a), b.detach()).mean()
            + F.cosine_similarity(network["h"](b), a.detach()).mean()
        )

    return AT["barlow"].case(network, optimizer=sgd(0.05)(network.parameters()), loss=loss)


def wgan() -> Blind:
    network = towers.WGAN()
    pair = [optim.Adam(m.parameters(), lr=1e-3, betas=(0.0, 0.9)) for m in (network.critic, network.generator)]
    return AT["energy"].case(network, optimizer=pair, draw=lambda: digits01(32)[0] * 2 - 1, loss=hinge)


def dqn() -> Blind:
    network = towers.DQN()
    optimizer = optim.RMSprop(network.online.parameters(), lr=5e-4)
    return AT["dqn"].case(network, optimizer=optimizer, after=network.update)
