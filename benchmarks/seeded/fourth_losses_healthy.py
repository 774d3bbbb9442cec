"""Healthy set-ups of ``fourth.py``: unusual losses of classifiers, embeddings and numbers."""

import copy
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
    ages,
    cnn,
    frozen,
    groups,
    mlp,
    scaled_ages,
    setup,
    sgd,
    trained,
    trunk,
    twins,
    views,
)

HEALTHY = Healthy()


@HEALTHY.add("CutMix: the targets are a tuple of two classes and a share")
def _() -> Blind:
    def cut() -> Any:
        images, labels = digits()
        images[:, :, :, :6] = images.flip(0)[:, :, :, :6]
        return images, (labels, labels.flip(0), 10 / 16)

    return setup(cnn(), draw=cut, loss=lambda out, t: t[2] * CE(out, t[0]) + (1 - t[2]) * CE(out, t[1]))


@HEALTHY.add("distillation: a frozen teacher in the network, softened by 4")
def _() -> Blind:
    network = Of(
        lambda s, x: (s.student(x), s.teacher(x)), student=mlp(768, 32, 10), teacher=frozen(trained(cnn())).eval()
    )

    def distil(out: Any, labels: Tensor) -> Any:
        soft = F.kl_div((out[0] / 4).log_softmax(1), (out[1] / 4).softmax(1), reduction="batchmean") * 16
        return 0.9 * soft + 0.1 * CE(out[0], labels)

    return setup(network, adam(network.student), loss=distil)


@HEALTHY.add("two networks teach one another, each with its optimizer")
def _() -> Blind:
    network = nn.ModuleDict({"a": cnn(), "b": mlp(768, 48, 10)})

    def mutual(network: Any, batch: Any) -> Any:
        a, b = network["a"](batch[0]), network["b"](batch[0])
        near = F.kl_div(a.log_softmax(1), b.detach().softmax(1), reduction="batchmean")
        near = near + F.kl_div(b.log_softmax(1), a.detach().softmax(1), reduction="batchmean")
        return CE(a, batch[1]) + CE(b, batch[1]) + 0.5 * near

    return setup(network, [adam(network["a"]), sgd(network["b"], 0.02)], loss=mutual)


@HEALTHY.add("DINO: centred teacher, sharpened, averaged after each step")
def _() -> Blind:
    student = nn.Sequential(trunk(norm=groups), nn.Linear(32, 16))
    network = Of(lambda s, x: s.student(x), student=student, teacher=frozen(copy.deepcopy(student)))
    network.register_buffer("centre", network.teacher(views()[0]).mean(0).detach())

    def dino(network: Any, batch: Any) -> Any:
        with torch.no_grad():
            t = [network.teacher(v) for v in batch]
        s = [network.student(v) for v in batch]
        soft = [((v - network.centre) / 0.05).softmax(1) for v in t]
        return (
            -((soft[0] * (s[1] / 0.2).log_softmax(1)).sum(1) + (soft[1] * (s[0] / 0.2).log_softmax(1)).sum(1)).mean()
            / 2
        )

    def follow() -> None:
        with torch.no_grad():
            for old, new in zip(network.teacher.parameters(), network.student.parameters(), strict=True):
                old.lerp_(new, 0.02)
            network.centre.lerp_(network.teacher(views()[0]).mean(0), 0.1)

    return setup(network, adam(student, 1e-3), views, dino, follow)


@HEALTHY.add("SimSiam: predictor, gradient stopped on the other side")
def _() -> Blind:
    network = nn.ModuleDict(
        {"body": nn.Sequential(trunk(), nn.Linear(32, 32), nn.BatchNorm1d(32, affine=False)), "head": mlp(32, 16, 32)}
    )

    def near(network: Any, batch: Any) -> Any:
        a, b = network["body"](batch[0]), network["body"](batch[1])
        p, q = network["head"](a), network["head"](b)
        return -(F.cosine_similarity(p, b.detach()).mean() + F.cosine_similarity(q, a.detach()).mean()) / 2

    return setup(network, sgd(network, 0.05), views, near)


@HEALTHY.add("Barlow Twins")
def _() -> Blind:
    network = nn.Sequential(trunk(), nn.Linear(32, 24))

    def barlow(network: Any, batch: Any) -> Any:
        a, b = (F.batch_norm(network(v), None, None, training=True) for v in batch)
        c = a.T @ b / len(a)
        on = (c.diagonal() - 1).pow(2).sum()
        return on + 0.02 * (c.pow(2).sum() - c.diagonal().pow(2).sum())

    return setup(network, draw=views, loss=barlow)


@HEALTHY.add("all triplets of the batch, margin 0.5, unit vectors")
def _() -> Blind:
    def every(z: Tensor, labels: Tensor) -> Any:
        far = (z[:, None] - z[None]).pow(2).sum(2)
        same = labels[:, None] == labels[None]
        valid = (same & ~torch.eye(len(z), dtype=torch.bool))[:, :, None] & ~same[:, None]
        lost = F.relu(0.5 + far[:, :, None] - far[:, None]) * valid
        return lost.sum() / valid.sum()

    network = Of(lambda s, x: F.normalize(s.body(x), dim=1), body=nn.Sequential(trunk(), nn.Linear(32, 8)))
    return setup(network, adam(network, 2e-3), loss=every)


@HEALTHY.add("siamese pairs with a margin on the distance")
def _() -> Blind:
    network = nn.Sequential(trunk(), nn.Linear(32, 8))

    def contrast(network: Any, batch: Any) -> Any:
        a, b, same = batch
        far = F.pairwise_distance(network(a), network(b))
        return (same * far**2 + (1 - same) * F.relu(1 - far) ** 2).mean()

    return setup(network, draw=twins, loss=contrast)


@HEALTHY.add("prototypical network: two support images of each class")
def _() -> Blind:
    network = nn.Sequential(trunk(), nn.Linear(32, 16))

    def draw() -> Any:
        images, labels = digits(400)
        rows = torch.cat([(labels == k).nonzero()[:6, 0] for k in range(5)])
        return {"episode": images[rows].view(5, 6, 3, 16, 16)}

    def proto(network: Any, batch: Any) -> Any:
        z = network(batch["episode"].flatten(0, 1)).view(5, 6, -1)
        far = torch.cdist(z[:, 2:].flatten(0, 1), z[:, :2].mean(1)) ** 2
        return CE(-far, torch.arange(5).repeat_interleave(4))

    return setup(network, draw=draw, loss=proto)


@HEALTHY.add("Proxy-NCA: proxies in the network, a hundred times faster")
def _() -> Blind:
    network = Of(
        lambda s, x: -(torch.cdist(F.normalize(s.body(x), dim=1), F.normalize(s.proxies, dim=1)) ** 2) * 8,
        body=trunk(),
        proxies=nn.Parameter(torch.randn(10, 32)),
    )
    return setup(
        network,
        optim.Adam([{"params": network.body.parameters(), "lr": 1e-3}, {"params": [network.proxies], "lr": 0.1}]),
    )


@HEALTHY.add("ArcFace: scale 16, additive angular margin with clamped cosines")
def _() -> Blind:
    network = Of(
        lambda s, x: F.linear(F.normalize(s.body(x)), F.normalize(s.weight)),
        body=trunk(),
        weight=nn.Parameter(torch.randn(10, 32)),
    )

    def arc(cosine: Tensor, labels: Tensor) -> Any:
        hot = F.one_hot(labels, 10).bool()
        angle = cosine.clamp(-1 + 1e-6, 1 - 1e-6).acos()
        return CE(16 * torch.where(hot, (angle + 0.2).cos(), cosine), labels)

    return setup(network, loss=arc)


@HEALTHY.add("CORAL: one shared weight, a bias for each threshold of age")
def _() -> Blind:
    network = Of(
        lambda s, x: s.one(s.body(x)) + s.bias,
        body=trunk(1),
        one=nn.Linear(32, 1, bias=False),
        bias=nn.Parameter(torch.linspace(2, -2, 7)),
    )

    def draw() -> Any:
        images, years = ages()
        return images, (years > torch.linspace(10, 70, 7)).float()

    return setup(network, draw=draw, loss=F.binary_cross_entropy_with_logits)


@HEALTHY.add("age as the expectation over 81 softmax bins")
def _() -> Blind:
    network = cnn(81, 1)

    def expected(out: Tensor, years: Tensor) -> Any:
        mean = (out.softmax(1) * torch.arange(81.0)).sum(1)
        return CE(out, years[:, 0].round().long()) + 0.1 * F.l1_loss(mean, years[:, 0])

    return setup(network, adam(network, 5e-3), ages, expected)


@HEALTHY.add("mean and variance of age, beta-NLL with the variance detached")
def _() -> Blind:
    def beta(out: Tensor, y: Tensor) -> Any:
        mean, var = out[:, :1], F.softplus(out[:, 1:]) + 1e-3
        return (var.detach() ** 0.5 * (var.log() + (y - mean) ** 2 / var) / 2).mean()

    return setup(cnn(2, 1), draw=scaled_ages, loss=beta)


@HEALTHY.add("quantiles of age by the pinball loss")
def _() -> Blind:
    q = torch.tensor([0.1, 0.5, 0.9])
    return setup(
        cnn(3, 1), draw=scaled_ages, loss=lambda out, y: torch.maximum(q * (y - out), (q - 1) * (y - out)).mean()
    )


@HEALTHY.add("evidence of a Dirichlet, squared error and variance")
def _() -> Blind:
    def evidence(out: Tensor, labels: Tensor) -> Any:
        alpha = F.softplus(out) + 1
        total = alpha.sum(1, keepdim=True)
        p = alpha / total
        return ((F.one_hot(labels, 10) - p) ** 2 + p * (1 - p) / (total + 1)).sum(1).mean()

    return setup(cnn(), loss=evidence)
