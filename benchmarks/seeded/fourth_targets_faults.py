"""Faulty set-ups of ``fourth.py``: targets and inputs that are wrong, losses that see too little."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seeded.blind_plans import shapes
from seeded.case import digits
from seeded.fourth_kit import (
    CE,
    Blind,
    Faults,
    Of,
    adam,
    ages,
    cnn,
    fcn,
    groups,
    mlp,
    pixels,
    scaled_ages,
    setup,
    sgd,
    spots,
    tags,
    trunk,
    twins,
    unit,
    vessels,
)
from seeded.fourth_nets import OneScale

FAULTS = Faults()


@FAULTS.add("each image divided by its deviation, one of them is blank", "error", "inputs have NaN")
def _() -> Blind:
    def draw() -> Any:
        images, labels = digits()
        images[5] = 0
        return images / images.std((1, 2, 3), keepdim=True), labels

    return setup(cnn(), draw=draw)


@FAULTS.add(
    "the data set returns its first image for every index",
    "error",
    "all images of the batch are the same, the labels are not",
)
def _() -> Blind:
    first = digits(1)[0]
    return setup(cnn(norm=groups), draw=lambda: (first.expand(64, -1, -1, -1).clone(), digits()[1]))


@FAULTS.add("means of outputs and of targets compared", "error", "outputs are averaged over the batch before the loss")
def _() -> Blind:
    return setup(cnn(4, 1), draw=spots, loss=lambda out, y: F.mse_loss(out.mean(0), y.mean(0)))


@FAULTS.add("only the first image of the batch is in the loss", "error", "the loss does not depend on the other images")
def _() -> Blind:
    return setup(cnn(norm=groups), loss=lambda out, y: CE(out[0], y[0]))


@FAULTS.add(
    "CosineEmbeddingLoss with 0 for pairs that differ",
    "error",
    "targets of 0 have no loss: all images go to one vector",
)
def _() -> Blind:
    def cosine(network: Any, batch: Any) -> Any:
        return F.cosine_embedding_loss(network(batch[0]), network(batch[1]), batch[2])

    return setup(nn.Sequential(trunk(norm=groups), nn.Linear(32, 8)), draw=twins, loss=cosine)


@FAULTS.add("hinge of signs with targets 0 and 1", "error", "a target of 0 gives a constant: all outputs are pushed up")
def _() -> Blind:
    return setup(cnn(3, norm=groups), draw=tags, loss=lambda out, y: F.relu(1 - y * out).mean())


@FAULTS.add(
    "weights of the tasks learned as plain factors", "error", "the factors fall below zero: the loss falls without end"
)
def _() -> Blind:
    network = Of(
        lambda s, x: (s.kind(s.body(x)), s.tag(s.body(x)), s.factors),
        body=trunk(norm=groups),
        kind=nn.Linear(32, 10),
        tag=nn.Linear(32, 1),
        factors=nn.Parameter(torch.ones(2)),
    )

    def weighted(out: Any, y: Tensor) -> Any:
        losses = torch.stack([CE(out[0], y), F.binary_cross_entropy_with_logits(out[1][:, 0], (y % 2).float())])
        return (out[2] * losses).sum()

    return setup(
        network,
        [adam([p for n, p in network.named_parameters() if n != "factors"]), sgd([network.factors], 0.05)],
        loss=weighted,
    )


@FAULTS.add("CTC with fewer columns than characters, zero_infinity", "error", "no path fits: the loss is zero for all")
def _() -> Blind:
    network = Of(
        lambda s, x: s.out(s.body(x).squeeze(2).permute(2, 0, 1)).log_softmax(2),
        body=nn.Sequential(unit(3, 16, 2), unit(16, 32, 2), unit(32, 32, (4, 6))),
        out=nn.Linear(32, 11),
    )

    def draw() -> Any:
        images, labels = digits(96)
        return images.view(32, 3, 3, 16, 16).permute(0, 2, 3, 1, 4).flatten(3), labels.view(32, 3) + 1

    def ctc(out: Tensor, labels: Tensor) -> Any:
        n = len(labels)
        return F.ctc_loss(out, labels, torch.full((n,), len(out)), torch.full((n,), 3), zero_infinity=True)

    return setup(network, None, draw, ctc)


@FAULTS.add("deviation of a Gaussian is the root of the raw output", "error", "the root of a negative variance: NaN")
def _() -> Blind:
    return setup(
        cnn(2, 1),
        draw=scaled_ages,
        loss=lambda out, y: (out[:, 1:].sqrt().log() + (y - out[:, :1]) ** 2 / out[:, 1:] / 2).mean(),
    )


@FAULTS.add(
    "boxes in pixels against anchors in [0, 1]: no positive, mean of none",
    "error",
    "no anchor is positive: the mean of nothing is NaN",
)
def _() -> Blind:
    network = nn.Sequential(unit(3, 16, 2), unit(16, 24, 2), unit(24, 32, 2), nn.Conv2d(32, 4, 1))
    axis = (torch.arange(4) + 0.5) / 4
    anchors = torch.stack(torch.meshgrid(axis, axis, indexing="ij"), 0)

    def detect(network: Any, batch: Any) -> Any:
        out = network(batch["image"])
        near = ((batch["centre"][:, :, None, None] - anchors) ** 2).sum(1) < 0.03
        box = (out[:, 1:3] - batch["centre"][:, :, None, None]).abs().sum(1)
        return F.binary_cross_entropy_with_logits(out[:, 0], near.float()) + box[near].mean()

    return setup(network, None, lambda: (lambda s: {"image": s.pixels, "centre": s.centre})(shapes(24)), detect)


@FAULTS.add(
    "noise drawn again for the target of the denoiser",
    "error",
    "the target is independent noise: nothing can be learned",
)
def _() -> Blind:
    def ddpm(network: Any, batch: Tensor) -> Any:
        a = torch.rand(len(batch), 1, 1, 1)
        noisy = a * batch + (1 - a**2).sqrt() * torch.randn_like(batch)
        return F.mse_loss(network(torch.cat([noisy, a.expand_as(noisy)], 1)), torch.randn_like(batch))

    return setup(fcn(2, 1, norm=groups), None, lambda: pixels() * 2 - 1, ddpm)


@FAULTS.add(
    "flow without the logarithm of its determinant", "error", "scales have no cost: the flow shrinks all to zero"
)
def _() -> Blind:
    network = Of(
        lambda s, x: x * s.scale.exp() + s.shift + s.net(x * s.mask) * (1 - s.mask),
        scale=nn.Parameter(torch.zeros(64)),
        shift=nn.Parameter(torch.zeros(64)),
        net=mlp(64, 48, 64),
    )
    network.register_buffer("mask", (torch.arange(64) % 2).float())

    def nll(network: Any, batch: Tensor) -> Any:
        z = network(F.avg_pool2d(batch, 2).flatten(1) + 0.03 * torch.randn(len(batch), 64))
        return 0.5 * (z**2 + 1.8379).sum(1).mean()

    return setup(network, adam(network, 1e-2), pixels, nll)


@FAULTS.add(
    "the mask to be found is a channel of the input", "error", "the input has the target: nothing else is learned"
)
def _() -> Blind:
    return setup(OneScale(2), draw=lambda: (lambda b: (torch.cat(b, 1), b[1]))(vessels()), loss=nn.BCEWithLogitsLoss())


@FAULTS.add("class weights by integer division", "error", "weights are zero for all classes but the rarest")
def _() -> Blind:
    counts = torch.tensor([178, 182, 177, 183, 181, 182, 181, 179, 174, 180])
    weights = (174 // counts).float()
    return setup(cnn(), loss=nn.CrossEntropyLoss(weight=weights))


@FAULTS.add("ages of 5 to 80 by a sigmoid", "error", "the targets cannot be reached: the output is in [0, 1]")
def _() -> Blind:
    return setup(nn.Sequential(cnn(1, 1), nn.Sigmoid()), draw=ages, loss=nn.L1Loss())
