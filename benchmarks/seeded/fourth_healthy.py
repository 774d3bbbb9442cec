"""Healthy set-ups of ``fourth.py``: classifiers, built and tuned in many ways."""

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn, optim

from seeded.case import digits
from seeded.fourth_kit import (
    Blind,
    Healthy,
    Of,
    adam,
    cnn,
    frozen,
    mlp,
    setup,
    sgd,
    trained,
)
from seeded.fourth_nets import MixerBlock, SkipInit, Vit, resnet

HEALTHY = Healthy()


@HEALTHY.add("softmax regression on pixels, weights begin at zero")
def _() -> Blind:
    network = nn.Sequential(nn.Flatten(), nn.Linear(768, 10))
    nn.init.zeros_(network.get_parameter("1.weight"))
    return setup(network, sgd(network, 0.01))


@HEALTHY.add("ResNet whose last norms begin at zero, warm-up from a hundredth")
def _() -> Blind:
    network = resnet()
    optimizer = sgd(network, 0.2, weight_decay=5e-4, nesterov=True)
    schedule = optim.lr_scheduler.LambdaLR(optimizer, lambda step: min(1.0, (step + 1) / 30))
    return setup(network, optimizer, after=schedule.step)


@HEALTHY.add("residual network with scalars at zero and no norm")
def _() -> Blind:
    network = nn.Sequential(nn.Conv2d(3, 16, 4, 4), SkipInit(16), SkipInit(16), mlp(256, 10))
    return setup(network, adam(network, 3e-3))


@HEALTHY.add("ViT with class token and head at zero, weight decay on matrices alone")
def _() -> Blind:
    network = Vit()
    flat = [p for p in network.parameters() if p.ndim == 1 or p.shape[0] == 1]
    deep = [p for p in network.parameters() if not (p.ndim == 1 or p.shape[0] == 1)]
    groups_ = [{"params": deep, "weight_decay": 0.05}, {"params": flat, "weight_decay": 0.0}]
    return setup(network, optim.AdamW(groups_, 2e-3, betas=(0.9, 0.95)))


@HEALTHY.add("MLP-Mixer over patches by unfold, Lion's steps of sign")
def _() -> Blind:
    class Lion(optim.Optimizer):
        """Steps of the sign of the averaged gradient."""

        def __init__(self, params: Any, lr: float = 3e-4) -> None:
            super().__init__(params, {"lr": lr})

        @torch.no_grad()
        def step(self, closure: Any = None) -> Any:  # noqa: ARG002
            for group in self.param_groups:
                for p in group["params"]:
                    if p.grad is None:
                        continue
                    mean = self.state[p].setdefault("mean", torch.zeros_like(p))
                    p.add_((0.9 * mean + 0.1 * p.grad).sign(), alpha=-group["lr"])
                    mean.mul_(0.99).add_(p.grad, alpha=0.01)

    network = Of(
        lambda s, x: s.head(s.blocks(s.embed(F.unfold(x, 4, stride=4).transpose(1, 2))).mean(1)),
        embed=nn.Linear(48, 32),
        blocks=nn.Sequential(MixerBlock(16, 32), MixerBlock(16, 32)),
        head=nn.Sequential(nn.LayerNorm(32), nn.Linear(32, 10)),
    )
    return setup(network, Lion(network.parameters(), 1e-3))


@HEALTHY.add("spatial transformer that begins at identity")
def _() -> Blind:
    def warp(s: Any, x: Tensor) -> Any:
        theta = s.place(x).view(-1, 2, 3)
        return s.body(F.grid_sample(x, F.affine_grid(theta, list(x.shape), align_corners=False), align_corners=False))

    place = mlp(768, 16, 6)
    nn.init.zeros_(place.get_parameter("3.weight"))
    place.get_parameter("3.bias").data.copy_(torch.tensor([1.0, 0, 0, 0, 1, 0]))
    network = Of(warp, place=place, body=cnn())
    return setup(
        network,
        optim.Adam([{"params": network.place.parameters(), "lr": 1e-4}, {"params": network.body.parameters()}], 2e-3),
    )


@HEALTHY.add("fixed Gabor filters in a buffer, a trained head")
def _() -> Blind:
    axis = torch.arange(5) - 2.0
    bank = torch.stack(
        [torch.cos(1.5 * (math.cos(t) * axis[None] + math.sin(t) * axis[:, None])) for t in (0, 0.8, 1.6, 2.4)]
    )
    network = Of(
        lambda s, x: s.head(F.avg_pool2d(F.conv2d(x.mean(1, True), s.bank, padding=2).abs(), 4)), head=mlp(64, 10)
    )
    network.register_buffer("bank", bank[:, None] - bank.mean((1, 2))[:, None, None, None])
    return setup(network, adam(network, 2e-2))


@HEALTHY.add("random features kept fixed, only the readout is trained")
def _() -> Blind:
    network = nn.Sequential(
        frozen(nn.Sequential(nn.Conv2d(3, 64, 5, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(3))), mlp(576, 10)
    )
    return setup(network, adam(network.get_submodule("1"), 1e-2))


@HEALTHY.add("only the affine parameters of BatchNorm and the head are trained")
def _() -> Blind:
    network = resnet(zero=False)
    wanted = []
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            frozen(module)
        if isinstance(module, nn.BatchNorm2d | nn.Linear):
            wanted += list(module.parameters())
    return setup(network, adam(wanted, 2e-2))


@HEALTHY.add("LoRA on a frozen convolution network: B begins at zero")
def _() -> Blind:
    class Lora(nn.Module):
        """A frozen linear layer and a low-rank addition."""

        def __init__(self, base: nn.Linear) -> None:
            super().__init__()
            self.base = frozen(base)
            self.a = nn.Parameter(torch.randn(4, base.in_features) / base.in_features**0.5)
            self.b = nn.Parameter(torch.zeros(base.out_features, 4))

        def forward(self, x: Tensor) -> Any:
            return self.base(x) + 2 * x @ self.a.T @ self.b.T

    network: Any = frozen(trained(cnn(), lambda: (lambda b: (b[0].flip(2), b[1]))(digits())))
    network[0][5], network[1] = Lora(network[0][5]), Lora(network[1])
    return setup(network, adam([p for p in network.parameters() if p.requires_grad], 5e-3))


@HEALTHY.add("fine-tuning with BatchNorm kept in eval by an own train()")
def _() -> Blind:
    class Tuned(nn.Module):
        """Statistics stay those of before."""

        def __init__(self, body: nn.Module) -> None:
            super().__init__()
            self.body, self.head = body, nn.Linear(32, 10)

        def train(self, mode: bool = True) -> "Tuned":
            super().train(mode)
            for module in self.body.modules():
                if isinstance(module, nn.BatchNorm2d):
                    module.eval()
            return self

        def forward(self, x: Tensor) -> Any:
            return self.head(self.body(x))

    before: Any = trained(cnn(), lambda: (lambda b: (b[0].flip(3), b[1]))(digits()))
    network = Tuned(before[0]).train()
    return setup(
        network,
        optim.AdamW(
            [{"params": network.body.parameters(), "lr": 1e-4}, {"params": network.head.parameters(), "lr": 1e-2}]
        ),
    )


@HEALTHY.add("linear probe: features under no_grad in the forward")
def _() -> Blind:
    def probe(s: Any, x: Tensor) -> Any:
        s.body.eval()
        with torch.no_grad():
            found = s.body(x)
        return s.head(found)

    before: Any = trained(cnn(), lambda: (lambda b: (b[0].flip(3), b[1]))(digits()))
    network = Of(probe, body=frozen(before[0]).eval(), head=nn.Linear(32, 10))
    return setup(network, adam(network.head, 1e-2))


@HEALTHY.add("L-BFGS on a small network, whole closure")
def _() -> Blind:
    network = mlp(768, 24, 10, act=nn.Tanh)
    optimizer: Any = optim.LBFGS(network.parameters(), lr=0.5, max_iter=4, history_size=5)
    optimizer.needs_closure = True
    fixed = digits(128)
    return setup(network, optimizer, lambda: fixed)


@HEALTHY.add("SAM: an ascent step before each descent")
def _() -> Blind:
    class Sam(optim.SGD):
        """Sharpness-aware steps of SGD."""

        needs_closure = True

        def step(self, closure: Any = None) -> Any:
            with torch.enable_grad():
                value = closure()
            every = [p for g in self.param_groups for p in g["params"] if p.grad is not None]
            with torch.no_grad():
                norm = torch.stack([p.grad.norm() for p in every]).norm() + 1e-12
                moves = [p.grad * (0.05 / norm) for p in every]
                for p, move in zip(every, moves, strict=True):
                    p.add_(move)
            with torch.enable_grad():
                closure()
            with torch.no_grad():
                for p, move in zip(every, moves, strict=True):
                    p.sub_(move)
            super().step()
            return value

    network = cnn()
    return setup(network, Sam(network.parameters(), lr=0.1, momentum=0.9))
