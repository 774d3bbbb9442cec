"""Healthy set-ups of ``fourth.py``: outputs that are images, boxes, points or texts; generators."""

from typing import Any

import torch
import torch.nn.functional as F
from scipy.optimize import linear_sum_assignment
from torch import Tensor, nn

from seeded.blind_plans import shapes
from seeded.fourth_kit import (
    CE,
    Blind,
    Healthy,
    Of,
    adam,
    fcn,
    frozen,
    groups,
    pixels,
    setup,
    small_large,
    spots,
    unit,
    vessels,
)
from seeded.fourth_nets import OneScale, Unet, Vae, critic, generator

HEALTHY = Healthy()


@HEALTHY.add("Tversky loss alone, misses cost more")
def _() -> Blind:
    def tversky(out: Tensor, mask: Tensor) -> Any:
        p = out.sigmoid()
        hit = (p * mask).sum()
        return 1 - hit / (hit + 0.3 * (p * (1 - mask)).sum() + 0.7 * ((1 - p) * mask).sum() + 1e-6)

    return setup(OneScale(), draw=vessels, loss=tversky)


@HEALTHY.add("positives weighted 15, bias of the output at the prior")
def _() -> Blind:
    network = fcn(1, 1)
    nn.init.constant_(network.get_parameter("6.bias"), -2.9)
    return setup(network, draw=vessels, loss=nn.BCEWithLogitsLoss(pos_weight=torch.tensor(15.0)))


@HEALTHY.add("deep supervision: a tuple of outputs at two scales")
def _() -> Blind:
    class Both(Unet):
        def forward(self, x: Tensor) -> Any:
            return self.scales(x)

    def deep(out: Any, mask: Tensor) -> Any:
        return sum(
            w * F.binary_cross_entropy_with_logits(o, F.adaptive_max_pool2d(mask, o.shape[-1]))
            for o, w in zip(out, (1, 0.4), strict=True)
        )

    return setup(Both(), draw=vessels, loss=deep)


@HEALTHY.add("transposed convolution fixed to bilinear up-sampling, scribbles: most pixels are ignored")
def _() -> Blind:
    up = nn.ConvTranspose2d(5, 5, 4, 2, 1, groups=5, bias=False)
    up.weight.data = (
        torch.outer(torch.tensor([0.25, 0.75, 0.75, 0.25]), torch.tensor([0.25, 0.75, 0.75, 0.25]))
        .expand(5, 1, 4, 4)
        .clone()
    )
    network = nn.Sequential(unit(3, 16, 2), fcn(16, 5), frozen(up))

    def draw() -> Any:
        scene = shapes(16)
        return scene.pixels, scene.mask.masked_fill(torch.rand(16, 32, 32) < 0.9, 255)

    return setup(
        network,
        adam([p for p in network.parameters() if p.requires_grad], 3e-3),
        draw,
        nn.CrossEntropyLoss(ignore_index=255),
    )


@HEALTHY.add("batches of one image with InstanceNorm")
def _() -> Blind:
    return setup(OneScale(norm=nn.InstanceNorm2d), draw=lambda: vessels(1), loss=nn.BCEWithLogitsLoss())


@HEALTHY.add("grid of cells: objectness, box and class in one map")
def _() -> Blind:
    network = nn.Sequential(unit(3, 16, 2), unit(16, 24, 2), unit(24, 32, 2), nn.Conv2d(32, 9, 3, padding=1))

    def draw() -> Any:
        scene = shapes(24)
        return {"image": scene.pixels, "at": scene.centre / 8, "size": scene.radius / 8, "kind": scene.kind}

    def yolo(network: Any, batch: Any) -> Any:
        out = network(batch["image"])
        at = batch["at"].long().clamp(0, 3)
        rows = torch.arange(len(out))
        mine = out[rows, :, at[:, 1], at[:, 0]]
        there = torch.zeros_like(out[:, 0])
        there[rows, at[:, 1], at[:, 0]] = 1
        box = torch.cat([mine[:, 1:3].sigmoid() - (batch["at"] - at), mine[:, 3:4].exp() - batch["size"][:, None]], 1)
        return (
            F.binary_cross_entropy_with_logits(out[:, 0], there) * 4
            + 5 * box.pow(2).sum(1).mean()
            + CE(mine[:, 5:], batch["kind"])
        )

    network.get_parameter("3.bias").data[4] = 0
    return setup(network, adam(network, 3e-3), draw, yolo)


@HEALTHY.add("set of queries matched to two points by the Hungarian method")
def _() -> Blind:
    network = Of(
        lambda s, x: s.out(
            s.read(s.query.expand(len(x), -1, -1), *[s.body(x).flatten(2).mT + s.place] * 2)[0]
        ).sigmoid(),
        body=nn.Sequential(unit(1, 16, 2), unit(16, 32, 2)),
        place=nn.Parameter(0.5 * torch.randn(1, 36, 32)),
        query=nn.Parameter(torch.randn(1, 2, 32)),
        read=nn.MultiheadAttention(32, 2, batch_first=True),
        out=mlp_last(32, 2),
    )

    def matched(out: Tensor, places: Tensor) -> Any:
        total = torch.zeros(())
        for mine, yours in zip(out, places.view(-1, 2, 2), strict=True):
            cost = torch.cdist(mine, yours, p=1)
            a, b = linear_sum_assignment(cost.detach().numpy())
            total = total + cost[a, b].sum()
        return total / len(out)

    return setup(network, adam(network, 3e-3), spots, matched)


def mlp_last(inside: int, out: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(inside, 32), nn.ReLU(), nn.Linear(32, out))


@HEALTHY.add("autoencoder whose decoder is the transposed encoder")
def _() -> Blind:
    def tied(s: Any, x: Tensor) -> Any:
        code = F.relu(F.conv2d(x, s.weight, s.inner, 2, 1))
        return F.conv_transpose2d(code, s.weight, s.outer, 2, 1)

    network = Of(
        tied,
        weight=nn.Parameter(0.15 * torch.randn(16, 1, 4, 4)),
        inner=nn.Parameter(torch.zeros(16)),
        outer=nn.Parameter(torch.zeros(1)),
    )
    return setup(network, draw=lambda: (lambda x: (x, x))(pixels()), loss=F.mse_loss)


@HEALTHY.add("VAE with free bits and a KL that grows with the steps")
def _() -> Blind:
    now = {"beta": 0.0}

    def elbo(network: Any, batch: Tensor) -> Any:
        out, mu, logvar = network(batch)
        kl = 0.5 * (mu**2 + logvar.exp() - 1 - logvar).mean(0).clamp(min=0.1).sum()
        return F.binary_cross_entropy_with_logits(out, batch, reduction="sum") / len(batch) + now["beta"] * kl

    return setup(Vae(), None, pixels, elbo, lambda: now.update(beta=min(1.0, now["beta"] + 0.01)))


@HEALTHY.add("critic of Wasserstein with a gradient penalty, the generator held fixed")
def _() -> Blind:
    network = nn.ModuleDict({"critic": critic(), "generator": frozen(generator())})

    def penalised(network: Any, batch: Tensor) -> Any:
        fake, real = network["generator"](torch.randn(len(batch), 12)), batch * 2 - 1
        mix = torch.lerp(fake, real, torch.rand(len(batch), 1, 1, 1)).requires_grad_()
        (slope,) = torch.autograd.grad(network["critic"](mix).sum(), mix, create_graph=True)
        return (
            network["critic"](fake).mean()
            - network["critic"](real).mean()
            + 10 * ((slope.flatten(1).norm(dim=1) - 1) ** 2).mean()
        )

    return setup(network, adam(network["critic"], 1e-3, betas=(0.0, 0.9)), pixels, penalised)


@HEALTHY.add("least-squares GAN, both losses in one number and two optimizers")
def _() -> Blind:
    network = nn.ModuleDict({"d": critic(), "g": generator()})

    def least(network: Any, batch: Tensor) -> Any:
        fake = network["g"](torch.randn(len(batch), 12))
        d = ((network["d"](batch * 2 - 1) - 1) ** 2).mean() + (network["d"](fake.detach()) ** 2).mean()
        frozen(network["d"])
        g = ((network["d"](fake) - 1) ** 2).mean()
        network["d"].requires_grad_(True)
        return d + g

    return setup(
        network,
        [adam(network["d"], 5e-4, betas=(0.5, 0.999)), adam(network["g"], 5e-4, betas=(0.5, 0.999))],
        pixels,
        least,
    )


@HEALTHY.add("RealNVP: couplings that begin as identity, the loss may fall below zero")
def _() -> Blind:
    class Coupling(nn.Module):
        def __init__(self, odd: int) -> None:
            super().__init__()
            self.register_buffer("mask", ((torch.arange(64) + odd) % 2).float())
            self.net = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 128))
            nn.init.zeros_(self.net.get_parameter("2.weight"))

        def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
            mask = self.get_buffer("mask")
            s, t = self.net(x * mask).chunk(2, 1)
            s, t = s.tanh() * (1 - mask), t * (1 - mask)
            return x * s.exp() + t, s.sum(1)

    network = nn.ModuleList(Coupling(i % 2) for i in range(4))

    def nll(network: Any, batch: Tensor) -> Any:
        z, log = F.avg_pool2d(batch, 2).flatten(1) + 0.03 * torch.randn(len(batch), 64), torch.zeros(len(batch))
        for layer in network:
            z, more = layer(z)
            log = log + more
        return (0.5 * (z**2 + 1.84).sum(1) - log).mean()

    return setup(network, adam(network, 1e-3), pixels, nll)


@HEALTHY.add("rectified flow: velocity from noise to image, time as a channel")
def _() -> Blind:
    def flow(network: Any, batch: Tensor) -> Any:
        time, noise = torch.rand(len(batch), 1, 1, 1), torch.randn_like(batch)
        x = torch.lerp(noise, batch * 2 - 1, time)
        return F.mse_loss(network(torch.cat([x, time.expand_as(x)], 1)), batch * 2 - 1 - noise)

    network = fcn(2, 1, norm=groups)
    nn.init.zeros_(network.get_parameter("6.weight"))
    return setup(network, draw=pixels, loss=flow)


class Masked(nn.Conv2d):
    """PixelCNN's convolution: sees only pixels before; ``own`` also its own."""

    def __init__(self, inside: int, out: int, own: bool) -> None:
        super().__init__(inside, out, 5, padding=2)
        mask = torch.ones(5, 5)
        mask[2, 2 + own :] = 0
        mask[3:] = 0
        self.register_buffer("mask", mask)

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.weight * self.get_buffer("mask"), self.bias, padding=2)


@HEALTHY.add("PixelCNN of black and white pixels: masked weights")
def _() -> Blind:
    network = nn.Sequential(Masked(1, 24, False), nn.ReLU(), Masked(24, 24, True), nn.ReLU(), nn.Conv2d(24, 1, 1))
    return setup(network, draw=lambda: (lambda x: (x, x))((pixels() > 0.5).float()), loss=nn.BCEWithLogitsLoss())


@HEALTHY.add("masked image modelling: hidden patches in a learned token, loss on them alone")
def _() -> Blind:
    network = nn.ModuleDict({"body": fcn(1, 1, norm=groups), "token": nn.Conv2d(1, 1, 1)})

    def hidden(network: Any, batch: Tensor) -> Any:
        mask = F.interpolate((torch.rand(len(batch), 1, 4, 4) < 0.5).float(), scale_factor=4)
        out = network["body"](batch * (1 - mask) + network["token"](torch.zeros_like(batch)) * mask)
        return ((out - batch).abs() * mask).sum() / mask.sum()

    network["token"].get_parameter("weight").requires_grad_(False)
    return setup(network, adam([p for p in network.parameters() if p.requires_grad], 3e-3), pixels, hidden)


@HEALTHY.add("super-resolution: pixel shuffle onto a bicubic image, last layer at zero, Charbonnier")
def _() -> Blind:
    body = nn.Sequential(
        nn.Conv2d(3, 24, 5, padding=2),
        nn.PReLU(),
        nn.Conv2d(24, 24, 3, padding=1),
        nn.PReLU(),
        nn.Conv2d(24, 12, 3, padding=1),
        nn.PixelShuffle(2),
    )
    nn.init.zeros_(body.get_parameter("4.weight"))
    network = Of(lambda s, x: F.interpolate(x, scale_factor=2, mode="bicubic") + s.body(x), body=body)
    return setup(network, adam(network, 2e-3), small_large, lambda out, y: ((out - y) ** 2 + 1e-6).sqrt().mean())
