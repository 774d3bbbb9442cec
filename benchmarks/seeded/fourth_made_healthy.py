"""Healthy set-ups of ``fourth.py``: images that are made or restored, and odd inputs."""

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
    cnn,
    fcn,
    flat,
    frozen,
    mlp,
    setup,
    spots,
    trained,
    trunk,
    unit,
)

HEALTHY = Healthy()


@HEALTHY.add("deep image prior: fixed noise to one noisy image")
def _() -> Blind:
    noise, target = torch.randn(1, 8, 16, 16), digits(1)[0]
    return setup(fcn(8, 3), draw=lambda: (noise, target), loss=F.mse_loss)


@HEALTHY.add("sine layers fit one image: pixels are the batch")
def _() -> Blind:
    class Sine(nn.Linear):
        def __init__(self, inside: int, out: int, bound: float) -> None:
            super().__init__(inside, out)
            nn.init.uniform_(self.weight, -bound, bound)

        def forward(self, x: Tensor) -> Tensor:
            return torch.sin(20 * super().forward(x))

    network = nn.Sequential(Sine(2, 48, 0.5), Sine(48, 48, 0.018), nn.Linear(48, 3))
    axis = torch.linspace(-1, 1, 16)
    at, target = torch.cartesian_prod(axis, axis), digits(1)[0][0].flatten(1).T
    return setup(network, adam(network, 1e-3), lambda: (at, target), F.mse_loss)


@HEALTHY.add("Laplace's equation in a square: second derivatives and a border")
def _() -> Blind:
    network = mlp(2, 32, 32, 1, act=nn.Tanh)

    def physics(network: Any, batch: Any) -> Any:
        x = batch["inside"].clone().requires_grad_()
        (one,) = torch.autograd.grad(network(x).sum(), x, create_graph=True)
        curve = sum(torch.autograd.grad(one[:, i].sum(), x, create_graph=True)[0][:, i] for i in range(2))
        edge = batch["edge"]
        return torch.as_tensor(curve).pow(2).mean() + 10 * F.mse_loss(
            network(edge), torch.sin(3.1416 * edge[:, :1]) * edge[:, 1:]
        )

    def draw() -> Any:
        edge = torch.rand(64, 2)
        edge[:32, 1] = edge[:32, 1].round()
        edge[32:, 0] = edge[32:, 0].round()
        return {"inside": torch.rand(64, 2), "edge": edge}

    return setup(network, adam(network, 5e-3), draw, physics)


@HEALTHY.add("CTC over columns of a strip of three digits")
def _() -> Blind:
    network = Of(
        lambda s, x: s.out(s.read(s.body(x).squeeze(2).permute(2, 0, 1))[0]).log_softmax(2),
        body=nn.Sequential(unit(3, 16, 2), unit(16, 32, 2), nn.AvgPool2d((4, 1))),
        read=nn.GRU(32, 24, bidirectional=True),
        out=nn.Linear(48, 11),
    )

    def draw() -> Any:
        images, labels = digits(96)
        return images.view(32, 3, 3, 16, 16).permute(0, 2, 3, 1, 4).flatten(3), labels.view(32, 3) + 1

    def ctc(out: Tensor, labels: Tensor) -> Any:
        n = len(labels)
        return F.ctc_loss(out, labels, torch.full((n,), len(out)), torch.full((n,), 3))

    return setup(network, adam(network, 5e-3), draw, ctc)


@HEALTHY.add("bags of images with one label, gated attention over the bag")
def _() -> Blind:
    network = Of(
        lambda s, x: (lambda h: s.out((s.gate(h).softmax(1) * h).sum(1))[:, 0])(
            s.body(x.flatten(0, 1)).view(len(x), -1, 32)
        ),
        body=trunk(),
        gate=nn.Sequential(nn.Linear(32, 16), nn.Tanh(), nn.Linear(16, 1)),
        out=nn.Linear(32, 1),
    )

    def draw() -> Any:
        images, labels = digits(96)
        return images.view(24, 4, 3, 16, 16), (labels.view(24, 4) == 0).any(1).float()

    return setup(network, adam(network, 3e-3), draw, F.binary_cross_entropy_with_logits)


@HEALTHY.add("perceptual loss: a frozen classifier outside of the network")
def _() -> Blind:
    seer: Any = frozen(trained(cnn())).eval()
    network = fcn(3, 3, norm=flat)

    def draw() -> Any:
        images, _ = digits(24)
        return images + 0.5 * torch.randn_like(images), images

    return setup(network, None, draw, lambda out, y: F.mse_loss(seer[0](out), seer[0](y)) + 0.5 * F.l1_loss(out, y))


@HEALTHY.add("the pixels are the parameters: an image that excites one class")
def _() -> Blind:
    network = Of(
        lambda s, _: s.seer(s.image),
        image=nn.Parameter(0.1 * torch.randn(1, 3, 16, 16)),
        seer=frozen(trained(cnn())).eval(),
    )
    return setup(
        network,
        optim.Adam([network.image], 0.05),
        lambda: (torch.zeros(1), torch.tensor([3])),
        lambda out, y: CE(out, y) + 1e-3 * out.pow(2).mean(),
    )


@HEALTHY.add("shift between two frames by warping, no labels")
def _() -> Blind:
    network = Of(
        lambda s, x: s.body(x).tanh() * 0.5,
        body=nn.Sequential(unit(2, 16, 2), unit(16, 32, 2), nn.Flatten(), nn.Linear(1152, 2)),
    )

    def draw() -> Any:
        images = F.avg_pool2d(spots(32, 24)[0], 3, 1, 1)
        moved = torch.stack(
            [
                image.roll((int(a), int(b)), (1, 2))
                for image, (a, b) in zip(images, torch.randint(-3, 4, (32, 2)), strict=True)
            ]
        )
        return torch.cat([images, moved], 1)

    def warp(network: Any, batch: Tensor) -> Any:
        theta = torch.cat([torch.eye(2).expand(len(batch), 2, 2), network(batch)[:, :, None]], 2)
        grid = F.affine_grid(theta, [len(batch), 1, 24, 24], align_corners=False)
        return F.mse_loss(F.grid_sample(batch[:, :1], grid, align_corners=False), batch[:, 1:])

    return setup(network, adam(network, 2e-3), draw, warp)


@HEALTHY.add("one inner step on the support of each task, the loss on the query")
def _() -> Blind:
    network = mlp(768, 32, 2)

    def task() -> Any:
        images, labels = digits(200)
        a, b = torch.randperm(10)[:2].sort().values.tolist()
        rows = torch.cat([(labels == a).nonzero()[:8, 0], (labels == b).nonzero()[:8, 0]])
        return images[rows], (labels[rows] == b).long()

    def meta(network: Any, batch: Any) -> Any:
        params, total = dict(network.named_parameters()), torch.zeros(())
        for x, y in batch:
            inner = CE(torch.func.functional_call(network, params, (x[::2],)), y[::2])
            slopes = torch.autograd.grad(inner, list(params.values()), create_graph=True)
            moved = {k: p - 0.05 * g for (k, p), g in zip(params.items(), slopes, strict=True)}
            total = total + CE(torch.func.functional_call(network, moved, (x[1::2],)), y[1::2]) / len(batch)
        return total

    return setup(network, adam(network, 2e-3), lambda: [task() for _ in range(6)], meta)


@HEALTHY.add("fixed point found without gradient, then one step with it")
def _() -> Blind:
    def solve(s: Any, x: Tensor) -> Any:
        x = s.stem(x).flatten(1)
        with torch.no_grad():
            z = torch.zeros(len(x), 48)
            for _ in range(8):
                z = torch.tanh(s.cell(z) + s.inject(x))
        return s.head(torch.tanh(s.cell(z) + s.inject(x)))

    network = Of(solve, stem=unit(3, 8, 2), cell=nn.Linear(48, 48), inject=nn.Linear(512, 48), head=nn.Linear(48, 10))
    network.cell.weight.data *= 0.5
    return setup(network)


@HEALTHY.add("the network returns its own loss in a dict")
def _() -> Blind:
    def own(s: Any, batch: Any) -> Any:
        logits = s.body(batch["pixel_values"])
        return {"logits": logits, "loss": CE(logits, batch["labels"])}

    return setup(
        Of(own, body=cnn()),
        draw=lambda: dict(zip(("pixel_values", "labels"), digits(), strict=True)),
        loss=lambda network, batch: network(batch)["loss"],
    )


@HEALTHY.add("caption of two words, teacher forcing, padding ignored")
def _() -> Blind:
    network = Of(
        lambda s, x, t: s.out(s.read(s.words(t), s.body(x)[None])[0]),
        body=trunk(),
        words=nn.Embedding(13, 16, padding_idx=12),
        read=nn.GRU(16, 32, batch_first=True),
        out=nn.Linear(32, 13),
    )

    def draw() -> Any:
        images, labels = digits()
        even = torch.where(labels % 2 == 0, 10, 12)
        return images, torch.stack([torch.full_like(labels, 11), labels, even], 1)

    def caption(network: Any, batch: Any) -> Any:
        out = network(batch[0], batch[1][:, :-1])
        return F.cross_entropy(out.flatten(0, 1), batch[1][:, 1:].flatten(), ignore_index=12)

    return setup(network, adam(network, 4e-3), draw, caption)


@HEALTHY.add("a capsule layer with routing and margin loss")
def _() -> Blind:
    def squash(v: Tensor) -> Tensor:
        n = v.pow(2).sum(-1, keepdim=True)
        return v * n / (1 + n) / (n + 1e-8).sqrt()

    def route(s: Any, x: Tensor) -> Any:
        u = squash(s.first(x).flatten(1).view(len(x), -1, 8))
        votes = torch.einsum("nid,iodk->niok", u, s.weight)
        logits = torch.zeros(votes.shape[:3])
        for _ in range(2):
            v = squash((logits.softmax(2)[..., None] * votes).sum(1))
            logits = logits + (votes.detach() * v.detach()[:, None]).sum(-1)
        return (squash((logits.softmax(2)[..., None] * votes).sum(1)).pow(2).sum(-1) + 1e-8).sqrt()

    def margin(out: Tensor, y: Tensor) -> Any:
        hot = F.one_hot(y, 10)
        return (hot * F.relu(0.9 - out) ** 2 + 0.5 * (1 - hot) * F.relu(out - 0.1) ** 2).sum(1).mean()

    network = Of(
        route,
        first=nn.Sequential(unit(3, 16, 2), nn.Conv2d(16, 16, 3, 2, 1)),
        weight=nn.Parameter(0.2 * torch.randn(32, 10, 8, 8)),
    )
    return setup(network, adam(network, 4e-3), loss=margin)


@HEALTHY.add("BYOL's target is a copy in a plain attribute of the loss")
def _() -> Blind:
    online = nn.Sequential(trunk(), nn.Linear(32, 16), mlp(16, 16, 16))
    target: Any = frozen(copy.deepcopy(online[:2]))

    def byol(network: Any, batch: Any) -> Any:
        with torch.no_grad():
            goal = target(batch[1])
        return 2 - 2 * F.cosine_similarity(network(batch[0]), goal).mean()

    def follow() -> None:
        for old, new in zip(target.parameters(), online[:2].parameters(), strict=True):
            old.data.lerp_(new.data, 0.02)

    return setup(online, adam(online, 1e-3), lambda: (lambda v: [v[0], v[1]])(two()), byol, follow)


def two() -> tuple[Tensor, Tensor]:
    images, _ = digits(48)
    return images + 0.3 * torch.randn_like(images), images.roll(1, 3)
