"""Faulty set-ups of ``fourth.py``: losses, targets, inputs and optimizers that are wrong."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn, optim

from seeded.blind_plans import shapes
from seeded.case import digits
from seeded.fourth_kit import (
    CE,
    Blind,
    Faults,
    Of,
    adam,
    cnn,
    fcn,
    mlp,
    pixels,
    scaled_ages,
    setup,
    sgd,
    spots,
    tags,
    trained,
    trunk,
    vessels,
)
from seeded.fourth_nets import OneScale, Vae

FAULTS = Faults()


@FAULTS.add("log-softmax over the batch", "error", "softmax is taken over the images, not the classes")
def _() -> Blind:
    return setup(nn.Sequential(cnn(), nn.LogSoftmax(dim=0)), loss=nn.NLLLoss())


@FAULTS.add(
    "outputs (n, 1) against targets (n,) in MSE", "error", "shapes broadcast to (n, n): only the mean is learned"
)
def _() -> Blind:
    return setup(cnn(1, 1), draw=lambda: (lambda b: (b[0], b[1][:, 0]))(scaled_ages()), loss=nn.MSELoss())


@FAULTS.add(
    "Dice returned as it is, not one minus it", "error", "the overlap is made small: the loss has the wrong sign"
)
def _() -> Blind:
    def dice(out: Tensor, mask: Tensor) -> Any:
        p = out.sigmoid()
        return 2 * (p * mask).sum() / (p.sum() + mask.sum() + 1e-6)

    return setup(OneScale(), draw=vessels, loss=dice)


@FAULTS.add(
    "maps flattened by view(-1, classes) without permute", "error", "outputs do not belong to the pixels of the targets"
)
def _() -> Blind:
    def draw() -> Any:
        scene = shapes(16)
        return scene.pixels, scene.mask

    return setup(OneScale(3, 5), draw=draw, loss=lambda out, y: CE(out.contiguous().view(-1, 5), y.view(-1)))


@FAULTS.add(
    "class axis last, and as many classes as rows",
    "error",
    "the class axis of the output is last; cross-entropy takes the rows for classes",
)
def _() -> Blind:
    network = Of(lambda s, x: s.body(x).permute(0, 2, 3, 1), body=nn.Sequential(nn.MaxPool2d(2), fcn(3, 8)))

    def draw() -> Any:
        images, labels = digits()
        there = F.max_pool2d(images[:, :1], 2)[:, 0] > 0.5
        return images, torch.where(there, (labels % 7)[:, None, None] + 1, 0)

    return setup(network, draw=draw)


@FAULTS.add(
    "gradients clamped to [0, 1] by hooks", "error", "negative gradients are cut to zero: weights can only fall"
)
def _() -> Blind:
    network = cnn()
    for p in network.parameters():
        p.register_hook(lambda g: g.clamp(0, 1))
    return setup(network, sgd(network, 0.1))


@FAULTS.add(
    "hook zeroes the gradient of the new classes instead of the old", "error", "rows of the head get no gradient"
)
def _() -> Blind:
    network: Any = cnn()
    keep = torch.cat([torch.ones(6), torch.zeros(4)])
    network[1].weight.register_hook(lambda g: g * keep[:, None])
    network[1].bias.register_hook(lambda g: g * keep)
    return setup(network)


@FAULTS.add("AdamW with weight_decay = 100 instead of 1e-2", "error", "weights decay to zero faster than they learn")
def _() -> Blind:
    network = mlp(768, 64, 10)
    return setup(network, optim.AdamW(network.parameters(), 2e-3, weight_decay=100))


@FAULTS.add("loss kept where the label is to be ignored", "error", "the mask is inverted: the loss is always zero")
def _() -> Blind:
    def draw() -> Any:
        scene = shapes(16)
        return scene.pixels, scene.mask.masked_fill(torch.rand(16, 32, 32) < 0.2, 255)

    def inverted(out: Tensor, y: Tensor) -> Any:
        each = F.cross_entropy(out, y, ignore_index=255, reduction="none")
        ignored = y == 255
        return (each * ignored).sum() / ignored.sum()

    return setup(OneScale(3, 5), draw=draw, loss=inverted)


@FAULTS.add(
    "classes 1 to 10 are made 0 to 9 in place inside the loss", "error", "the loss changes the targets at each call"
)
def _() -> Blind:
    def shifted(out: Tensor, y: Tensor) -> Any:
        y -= 1
        return CE(out, y % 10)

    return setup(cnn(), draw=lambda: (lambda b: (b[0], b[1] + 1))(digits()), loss=shifted)


@FAULTS.add("a mask of 0 and 255 in BCE with logits", "error", "targets are not in [0, 1]: the loss falls without end")
def _() -> Blind:
    return setup(OneScale(), draw=lambda: (lambda b: (b[0], 255 * b[1]))(vessels()), loss=nn.BCEWithLogitsLoss())


@FAULTS.add("tags that are unknown, marked -1, go into BCE", "error", "targets of -1: the loss falls without end")
def _() -> Blind:
    def draw() -> Any:
        images, y = tags()
        return images, y.masked_fill(torch.rand_like(y) < 0.4, -1.0)

    return setup(cnn(3), draw=draw, loss=nn.BCEWithLogitsLoss())


@FAULTS.add(
    "kl_div of probabilities, without the logarithm",
    "error",
    "kl_div wants log-probabilities: the loss is wrong and can be below zero",
)
def _() -> Blind:
    teacher = trained(cnn()).eval()

    def draw() -> Any:
        images, _ = digits()
        with torch.no_grad():
            return images, teacher(images).softmax(1)

    return setup(nn.Sequential(mlp(768, 32, 10), nn.Softmax(1)), draw=draw, loss=nn.KLDivLoss(reduction="batchmean"))


@FAULTS.add(
    "code drawn by torch.normal(mean, deviation)", "error", "no gradient of the reconstruction reaches the encoder"
)
def _() -> Blind:
    class Drawn(Vae):
        def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            mu, logvar = self.encode(x).chunk(2, 1)
            return self.decode(torch.normal(mu, (logvar / 2).exp())), mu, logvar

    def elbo(network: Any, batch: Tensor) -> Any:
        out, mu, logvar = network(batch)
        kl = 0.5 * (mu**2 + logvar.exp() - 1 - logvar).sum(1).mean()
        return F.binary_cross_entropy_with_logits(out, batch, reduction="sum") / len(batch) + kl

    return setup(Drawn(), draw=pixels, loss=elbo)


@FAULTS.add(
    "distances by a bare square root, the diagonal included", "error", "the gradient of the root at zero is NaN"
)
def _() -> Blind:
    def hard(z: Tensor, labels: Tensor) -> Any:
        far = (z[:, None] - z[None]).pow(2).sum(2).sqrt()
        same = labels[:, None] == labels[None]
        return F.relu(0.5 + (far * same).amax(1) - far.masked_fill(same, 1e9).amin(1)).mean() + 0 * far.mean()

    return setup(nn.Sequential(trunk(), nn.Linear(32, 8)), loss=hard)


@FAULTS.add("the whole network in half precision, Adam's eps at 1e-8", "error", "eps is zero in half: NaN after a step")
def _() -> Blind:
    network = mlp(768, 64, 10).half()
    return setup(
        network,
        adam(network, 1e-3),
        lambda: (lambda b: (b[0].half(), b[1]))(digits()),
        lambda out, y: CE(out.float(), y),
    )


@FAULTS.add("coordinates in [0, 1] are cast to long", "error", "all targets are zero after the cast")
def _() -> Blind:
    return setup(
        cnn(4, 1), draw=lambda: (lambda b: (b[0], b[1].long()))(spots()), loss=lambda out, y: F.mse_loss(out, y.float())
    )
