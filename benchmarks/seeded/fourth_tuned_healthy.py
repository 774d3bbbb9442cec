"""Healthy set-ups of ``fourth.py``: classifiers, their parts and their optimizers, continued."""

import copy
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn, optim
from torch.nn.utils import parametrizations

from seeded.case import digits
from seeded.fourth_kit import (
    CE,
    Blind,
    Healthy,
    Of,
    adam,
    cnn,
    frozen,
    groups,
    mlp,
    setup,
    trunk,
    unit,
)
from seeded.fourth_nets import Attention, sign

HEALTHY = Healthy()


@HEALTHY.add("Adadelta at its own rate of 1")
def _() -> Blind:
    network = cnn()
    return setup(network, optim.Adadelta(network.parameters(), lr=1.0))


@HEALTHY.add("Adafactor with relative steps")
def _() -> Blind:
    network = cnn(norm=groups)
    return setup(network, optim.Adafactor(network.parameters(), lr=0.02))


@HEALTHY.add("weight-normed and spectral-normed layers by parametrizations")
def _() -> Blind:
    network = nn.Sequential(
        parametrizations.weight_norm(nn.Conv2d(3, 16, 3, 2, 1)),
        nn.LeakyReLU(0.1),
        parametrizations.spectral_norm(nn.Conv2d(16, 32, 3, 2, 1)),
        nn.LeakyReLU(0.1),
        nn.Flatten(),
        parametrizations.weight_norm(nn.Linear(512, 10)),
    )
    return setup(network, adam(network, 5e-3))


@HEALTHY.add("weights of sign by a straight-through gradient")
def _() -> Blind:
    def binary(s: Any, x: Tensor) -> Any:
        x = s.bn1(F.conv2d(x, sign(s.one), stride=2, padding=1))
        x = s.bn2(F.conv2d(F.hardtanh(x), sign(s.two), stride=2, padding=1))
        return s.head(F.hardtanh(x).flatten(1))

    network = Of(
        binary,
        bn1=nn.BatchNorm2d(16),
        bn2=nn.BatchNorm2d(16),
        head=nn.Linear(256, 10),
        one=nn.Parameter(0.1 * torch.randn(16, 3, 3, 3)),
        two=nn.Parameter(0.1 * torch.randn(16, 16, 3, 3)),
    )
    return setup(network, adam(network, 5e-3))


@HEALTHY.add("fake quantisation of activations to 4 bits, gradient passed through")
def _() -> Blind:
    def quantised(x: Tensor) -> Tensor:
        y = x.clamp(0, 4)
        return y + ((y * 4).round() / 4 - y).detach()

    network = Of(
        lambda s, x: s.out(quantised(s.two(quantised(s.one(x))))),
        one=unit(3, 16, 2),
        two=nn.Sequential(unit(16, 16, 2), nn.Flatten()),
        out=nn.Linear(256, 10),
    )
    return setup(network)


@HEALTHY.add("stochastic depth: a block is skipped half of the time")
def _() -> Blind:
    def drop(s: Any, x: Tensor) -> Any:
        x = s.stem(x)
        for block in s.blocks:
            keep = (torch.rand(len(x), 1, 1, 1) < 0.5).float() / 0.5 if s.training else 1.0
            x = x + keep * block(x)
        return s.head(x.mean((2, 3)))

    network = Of(
        drop, stem=unit(3, 24, 2), blocks=nn.ModuleList(unit(24, 24) for _ in range(3)), head=nn.Linear(24, 10)
    )
    return setup(network, adam(network, 5e-3))


@HEALTHY.add("mixture of experts by the best gate, with a loss of balance")
def _() -> Blind:
    def route(s: Any, x: Tensor) -> Any:
        x = s.stem(x)
        gates = s.gate(x).softmax(1)
        best, index = gates.max(1)
        out = torch.zeros(len(x), 10)
        for i, expert in enumerate(s.experts):
            rows = (index == i).nonzero()[:, 0]
            out = out.index_add(0, rows, expert(x[rows]) * best[rows, None])
        share = F.one_hot(index, 3).float().mean(0)
        return out, 3 * (share * gates.mean(0)).sum()

    network = Of(route, stem=trunk(), gate=nn.Linear(32, 3), experts=nn.ModuleList(mlp(32, 32, 10) for _ in range(3)))
    return setup(network, adam(network, 4e-3), loss=lambda out, labels: CE(out[0], labels) + 0.01 * out[1])


@HEALTHY.add("three exits, the early ones weighted less; a dict of outputs")
def _() -> Blind:
    def exits(s: Any, x: Tensor) -> Any:
        out = {}
        for i, (block, head) in enumerate(zip(s.blocks, s.heads, strict=True)):
            x = block(x)
            out[f"exit{i}"] = head(x.mean((2, 3)))
        return out

    network = Of(
        exits,
        blocks=nn.ModuleList([unit(3, 16), unit(16, 24, 2), unit(24, 32, 2)]),
        heads=nn.ModuleList(nn.Linear(n, 10) for n in (16, 24, 32)),
    )
    weights = {"exit0": 0.1, "exit1": 0.3, "exit2": 1.0}
    return setup(network, adam(network, 4e-3), loss=lambda out, y: sum(w * CE(out[k], y) for k, w in weights.items()))


@HEALTHY.add("a network of doubles")
def _() -> Blind:
    network = cnn().double()
    return setup(network, draw=lambda: (lambda b: (b[0].double(), b[1]))(digits()))


@HEALTHY.add("bfloat16 autocast inside the forward")
def _() -> Blind:
    def cast(s: Any, x: Tensor) -> Any:
        with torch.autocast("cpu", torch.bfloat16):
            return s.body(x).float()

    return setup(Of(cast, body=mlp(768, 64, 64, 10)))


@HEALTHY.add("sine positions as parameters without gradient, attention pooling by a query")
def _() -> Blind:
    angle = torch.arange(16)[:, None] / 100 ** (torch.arange(16) / 16)
    place = nn.Parameter(torch.cat([angle.sin(), angle.cos()], 1)[None], requires_grad=False)
    network = Of(
        lambda s, x: s.head(
            s.pool(s.query.expand(len(x), -1, -1), *[s.block(s.patch(x).flatten(2).mT + s.place)] * 2)[0][:, 0]
        ),
        patch=nn.Conv2d(3, 32, 4, 4),
        place=place,
        block=Attention(32),
        query=nn.Parameter(torch.randn(1, 1, 32)),
        pool=nn.MultiheadAttention(32, 2, batch_first=True),
        head=nn.Linear(32, 10),
    )
    return setup(network, adam([p for p in network.parameters() if p.requires_grad], 2e-3))


@HEALTHY.add("weights made by a hypernetwork from an embedding of the layer")
def _() -> Blind:
    def made(s: Any, x: Tensor) -> Any:
        for i in range(2):
            x = F.relu(s.norms[i](F.conv2d(x, s.hyper(s.codes[i]).view(8, 8, 3, 3), stride=2, padding=1)))
        return s.head(x.flatten(1))

    network = Of(
        lambda s, x: made(s, s.stem(x)),
        stem=nn.Conv2d(3, 8, 1),
        hyper=mlp_of(),
        codes=nn.Parameter(torch.randn(2, 6)),
        norms=nn.ModuleList([nn.BatchNorm2d(8), nn.BatchNorm2d(8)]),
        head=nn.Linear(128, 10),
    )
    return setup(network, adam(network, 4e-3))


def mlp_of() -> nn.Sequential:
    return nn.Sequential(nn.Linear(6, 24), nn.Tanh(), nn.Linear(24, 576))


@HEALTHY.add("five members as groups of one convolution, their losses averaged")
def _() -> Blind:
    network = Of(
        lambda s, x: s.body(x.repeat(1, 5, 1, 1)).view(len(x), 5, 10),
        body=nn.Sequential(
            nn.Conv2d(15, 60, 3, 2, 1, groups=5),
            nn.ReLU(),
            nn.Conv2d(60, 60, 3, 2, 1, groups=5),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(2),
            nn.Conv2d(60, 50, 2, groups=5),
        ),
    )
    return setup(network, adam(network, 5e-3), loss=lambda out, y: CE(out.flatten(0, 1), y.repeat_interleave(5)))


@HEALTHY.add("teacher as an average of the student in one network, without gradient")
def _() -> Blind:
    student = cnn()
    network = Of(lambda s, x: s.student(x), student=student, teacher=frozen(copy.deepcopy(student)))

    def consistent(network: Any, batch: Any) -> Any:
        images, labels = batch
        noisy = images + 0.3 * torch.randn_like(images)
        with torch.no_grad():
            target = network.teacher(images).softmax(1)
        out = network.student(noisy)
        return CE(out[:16], labels[:16]) + 0.5 * F.mse_loss(out.softmax(1), target)

    def follow() -> None:
        with torch.no_grad():
            for old, new in zip(network.teacher.parameters(), network.student.parameters(), strict=True):
                old.lerp_(new, 0.05)

    return setup(network, adam(student), loss=consistent, after=follow)
