"""Healthy set-ups of ``fourth.py``: labels that are odd, weighted, missing or noisy."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn, optim

from seeded.case import digits
from seeded.fourth_kit import (
    CE,
    Blind,
    Healthy,
    Of,
    adam,
    cnn,
    grey,
    groups,
    mlp,
    setup,
    sgd,
    spots,
    stripes,
    tags,
    trunk,
)
from seeded.fourth_nets import reverse

HEALTHY = Healthy()


@HEALTHY.add("count of bright pixels by a Poisson loss, the log of the rate")
def _() -> Blind:
    def draw() -> Any:
        images, _ = grey()
        return images, (images > 0.5).sum((1, 2, 3)).float()[:, None] / 4

    return setup(cnn(1, 1), draw=draw, loss=nn.PoissonNLLLoss())


@HEALTHY.add("Brier score of softmax against one-hot, log-softmax nowhere")
def _() -> Blind:
    network = nn.Sequential(cnn(), nn.Softmax(1))
    return setup(
        network,
        adam(network, 4e-3),
        draw=lambda: (lambda b: (b[0], F.one_hot(b[1], 10).float()))(digits()),
        loss=nn.MSELoss(),
    )


@HEALTHY.add("one against all: BCE of logits summed over the classes, bias of rare classes at -4.6")
def _() -> Blind:
    network: Any = cnn()
    nn.init.constant_(network[1].bias, -4.6)
    return setup(
        network,
        draw=lambda: (lambda b: (b[0], F.one_hot(b[1], 10).float()))(digits()),
        loss=lambda o, y: F.binary_cross_entropy_with_logits(o, y, reduction="sum") / len(o),
    )


@HEALTHY.add("asymmetric focal loss of tags")
def _() -> Blind:
    def asymmetric(out: Tensor, y: Tensor) -> Any:
        p = out.sigmoid()
        q = (p - 0.05).clamp(min=0)
        return -(y * (1 - p) * F.logsigmoid(out) + (1 - y) * q**4 * (1 - q).clamp(min=1e-8).log()).mean()

    return setup(cnn(3), draw=tags, loss=asymmetric)


@HEALTHY.add("tags that are missing for a part of the images: masked by NaN")
def _() -> Blind:
    def draw() -> Any:
        images, y = tags()
        return images, y.masked_fill(torch.rand_like(y) < 0.5, float("nan"))

    def known(out: Tensor, y: Tensor) -> Any:
        there = ~y.isnan()
        return F.binary_cross_entropy_with_logits(out[there], y[there])

    return setup(cnn(3), draw=draw, loss=known)


@HEALTHY.add("one image in twenty is of the rare class, weighted for it")
def _() -> Blind:
    def draw() -> Any:
        images, labels = digits(400)
        rare, rest = (labels == 3).nonzero()[:4, 0], (labels != 3).nonzero()[:60, 0]
        return images[torch.cat([rare, rest])], torch.tensor([1] * 4 + [0] * 60)

    return setup(cnn(2), draw=draw, loss=nn.CrossEntropyLoss(weight=torch.tensor([1.0, 15.0])))


@HEALTHY.add("40 % of the labels are noise, generalised cross-entropy")
def _() -> Blind:
    def draw() -> Any:
        images, labels = digits()
        return images, torch.where(torch.rand(64) < 0.4, torch.randint(0, 10, (64,)), labels)

    network = cnn()
    return setup(
        network,
        adam(network, 4e-3),
        draw,
        lambda out, y: ((1 - out.softmax(1).gather(1, y[:, None]) ** 0.7) / 0.7).mean(),
    )


@HEALTHY.add("loss summed over the batch, a small rate for it")
def _() -> Blind:
    network = cnn()
    return setup(network, sgd(network, 1e-3), loss=nn.CrossEntropyLoss(reduction="sum"))


@HEALTHY.add("micro-batches of 8 added up inside the loss, GroupNorm")
def _() -> Blind:
    def accumulated(network: Any, batch: Any) -> Any:
        parts = zip(batch["x"].split(8), batch["y"].split(8), strict=True)
        return sum(CE(network(x), y) / 8 for x, y in parts)

    return setup(cnn(norm=groups), draw=lambda: dict(zip("xy", digits(), strict=True)), loss=accumulated)


@HEALTHY.add("batches of two images, GroupNorm")
def _() -> Blind:
    network = cnn(4, norm=groups)
    return setup(network, adam(network, 2e-3), lambda: stripes(2))


@HEALTHY.add("domain-adversarial: the gradient of the domain is reversed for the body")
def _() -> Blind:
    network = nn.ModuleDict({"body": trunk(norm=groups), "kind": nn.Linear(32, 10), "domain": mlp(32, 16, 1)})

    def draw() -> Any:
        (a, labels), (b, _) = digits(32), digits(32)
        return a, labels, 0.7 * b + 0.2

    def dann(network: Any, batch: Any) -> Any:
        a, b = network["body"](batch[0]), network["body"](batch[2])
        which = network["domain"](reverse(torch.cat([a, b])))[:, 0]
        domain = torch.cat([torch.zeros(len(a)), torch.ones(len(b))])
        return CE(network["kind"](a), batch[1]) + 0.1 * F.binary_cross_entropy_with_logits(which, domain)

    return setup(network, draw=draw, loss=dann)


@HEALTHY.add("adversarial training: images moved along the sign of the gradient")
def _() -> Blind:
    def robust(network: Any, batch: Any) -> Any:
        images, labels = batch
        moved = images.clone().requires_grad_()
        (slope,) = torch.autograd.grad(CE(network(moved), labels), moved)
        return CE(network(images + 0.1 * slope.sign()), labels)

    return setup(cnn(norm=groups), loss=robust)


@HEALTHY.add("Bayes by backprop: weights with mean and spread, a prior of small weight")
def _() -> Blind:
    class Bayes(nn.Module):
        """A linear layer whose weights are drawn anew."""

        def __init__(self, inside: int, out: int) -> None:
            super().__init__()
            self.mean = nn.Parameter(torch.randn(out, inside) / inside**0.5)
            self.rho = nn.Parameter(torch.full((out, inside), -4.0))

        def forward(self, x: Tensor) -> Tensor:
            spread = F.softplus(self.rho)
            self.kl = (self.mean**2 + spread**2 - 2 * spread.log() - 1).sum() / 2
            return F.linear(x, self.mean + spread * torch.randn_like(spread))

    network = nn.Sequential(nn.Flatten(), Bayes(768, 48), nn.ReLU(), Bayes(48, 10))

    def elbo(network: Any, batch: Any) -> Any:
        return CE(network(batch[0]), batch[1]) + 1e-6 * (network[1].kl + network[3].kl)

    return setup(network, adam(network, 3e-3), loss=elbo)


@HEALTHY.add("weights of the tasks learned as log-variances")
def _() -> Blind:
    network = Of(
        lambda s, x: (s.kind(s.body(x)), s.tag(s.body(x)), s.log),
        body=trunk(norm=groups),
        kind=nn.Linear(32, 10),
        tag=nn.Linear(32, 1),
        log=nn.Parameter(torch.zeros(2)),
    )

    def weighted(out: Any, y: Tensor) -> Any:
        losses = torch.stack([CE(out[0], y), F.binary_cross_entropy_with_logits(out[1][:, 0], (y % 2).float())])
        return (losses * (-out[2]).exp() + out[2]).sum()

    return setup(network, loss=weighted)


@HEALTHY.add("center loss with its centres in a second optimizer")
def _() -> Blind:
    network = Of(
        lambda s, x: (s.body(x), s.head(s.body(x)), s.centres),
        body=trunk(norm=groups),
        head=nn.Linear(32, 10),
        centres=nn.Parameter(torch.randn(10, 32)),
    )
    rest = [p for n, p in network.named_parameters() if n != "centres"]
    return setup(
        network,
        [adam(rest), optim.SGD([network.centres], 0.5)],
        loss=lambda out, y: CE(out[1], y) + 0.005 * (out[0] - out[2][y]).pow(2).sum(1).mean(),
    )


@HEALTHY.add("points by soft-argmax of heat maps, coordinates alone supervised")
def _() -> Blind:
    axis = (torch.arange(24) + 0.5) / 24

    def expect(s: Any, x: Tensor) -> Any:
        heat = (s.scale * s.body(x)).flatten(2).softmax(2).view(len(x), 2, 24, 24)
        return torch.stack([(heat.sum(2) * axis).sum(2), (heat.sum(3) * axis).sum(2)], 2).flatten(1)

    network = Of(
        expect,
        body=nn.Sequential(nn.Conv2d(1, 8, 5, padding=2), nn.ReLU(), nn.Conv2d(8, 2, 5, padding=2)),
        scale=nn.Parameter(torch.tensor(5.0)),
    )
    return setup(network, adam(network, 5e-3), spots, nn.L1Loss())
