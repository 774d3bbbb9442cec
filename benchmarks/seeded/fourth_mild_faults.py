"""Faulty set-ups of ``fourth.py`` that train, but badly or not as believed."""

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
    frozen,
    groups,
    mlp,
    pixels,
    setup,
    sgd,
    tags,
    trained,
    trunk,
    unit,
    views,
)
from seeded.fourth_nets import Attention, Vae, resnet

FAULTS = Faults()


@FAULTS.add("softmax in the network and in the loss", "warning", "softmax is applied twice: gradients are small")
def _() -> Blind:
    return setup(nn.Sequential(cnn(), nn.Softmax(1)))


@FAULTS.add(
    "sigmoid in the network and BCE with logits",
    "warning",
    "sigmoid is applied twice: probabilities stay in 0.5 to 0.73",
)
def _() -> Blind:
    return setup(nn.Sequential(cnn(3), nn.Sigmoid()), draw=tags, loss=nn.BCEWithLogitsLoss())


@FAULTS.add(
    "ReLU after the last layer, before cross-entropy", "warning", "logits below zero are cut, some have no gradient"
)
def _() -> Blind:
    return setup(nn.Sequential(cnn(), nn.ReLU()))


@FAULTS.add("Dropout(0.95) taken for the share that is kept", "warning", "dropout drops 95 %")
def _() -> Blind:
    return setup(nn.Sequential(trunk(), nn.Dropout(0.95), nn.Linear(32, 10)))


@FAULTS.add(
    "eval() left on after a validation, BatchNorm at its first statistics",
    "warning",
    "the network is in eval mode: BatchNorm and dropout do not train",
)
def _() -> Blind:
    return setup(nn.Sequential(trunk(), nn.Dropout(0.3), nn.Linear(32, 10)).eval())


@FAULTS.add("BatchNorm with momentum 0", "warning", "running statistics never move: evaluation is wrong")
def _() -> Blind:
    return setup(cnn(norm=lambda n: nn.BatchNorm2d(n, momentum=0.0)))


@FAULTS.add("[block] * 3 in a Sequential", "warning", "the three blocks are one: weights are shared")
def _() -> Blind:
    return setup(nn.Sequential(unit(3, 24, 2), *[unit(24, 24)] * 3, nn.AdaptiveAvgPool2d(2), mlp(96, 10)))


@FAULTS.add(
    "Adam's betas exchanged: 0.999, 0.9", "warning", "the first beta is too high: the steps are slow to turn, it swings"
)
def _() -> Blind:
    network = cnn()
    return setup(network, adam(network, 2e-3, betas=(0.999, 0.9)))


@FAULTS.add("F.dropout without training=", "warning", "dropout stays on in eval mode")
def _() -> Blind:
    return setup(Of(lambda s, x: s.head(F.dropout(s.body(x), 0.5)), body=trunk(), head=nn.Linear(32, 10)))


@FAULTS.add("three convolutions and no activation between", "warning", "the network is linear: no activation anywhere")
def _() -> Blind:
    network = nn.Sequential(
        nn.Conv2d(3, 16, 3, 2, 1),
        nn.Conv2d(16, 32, 3, 2, 1),
        nn.Conv2d(32, 32, 3, 2, 1),
        nn.Flatten(),
        nn.Linear(128, 10),
    )
    return setup(network)


@FAULTS.add("patches by a convolution of kernel 1 and stride 4", "warning", "15 of 16 pixels are never read")
def _() -> Blind:
    network = Of(
        lambda s, x: s.head(s.blocks(s.patch(x).flatten(2).mT + s.place).mean(1)),
        patch=nn.Conv2d(3, 32, 1, 4),
        place=nn.Parameter(0.02 * torch.randn(1, 16, 32)),
        blocks=nn.Sequential(Attention(32), Attention(32)),
        head=nn.Linear(32, 10),
    )
    return setup(network)


@FAULTS.add("pixels divided by 255 twice", "warning", "the inputs are hundreds of times too small")
def _() -> Blind:
    network = nn.Sequential(
        nn.Conv2d(3, 16, 3, 2, 1), nn.ReLU(), nn.Conv2d(16, 32, 3, 2, 1), nn.ReLU(), nn.Flatten(), nn.Linear(512, 10)
    )
    return setup(
        network, sgd(network, 0.01), lambda: (lambda b: ((b[0] * 0.35 + 0.3).clamp(0, 1) / 255, b[1]))(digits())
    )


@FAULTS.add(
    "KL summed over the batch, reconstruction averaged over pixels",
    "warning",
    "the KL outweighs the reconstruction: the code collapses",
)
def _() -> Blind:
    def elbo(network: Any, batch: Tensor) -> Any:
        out, mu, logvar = network(batch)
        kl = 0.5 * (mu**2 + logvar.exp() - 1 - logvar).sum()
        return F.binary_cross_entropy_with_logits(out, batch) + kl

    return setup(Vae(), draw=pixels, loss=elbo)


@FAULTS.add(
    "similarities multiplied by the temperature",
    "warning",
    "logits are nearly flat: the loss stays at the log of the batch",
)
def _() -> Blind:
    def nce(network: Any, batch: Any) -> Any:
        a, b = (F.normalize(network(v), dim=1) for v in batch)
        return CE(a @ b.T * 0.07, torch.arange(len(a)))

    return setup(nn.Sequential(trunk(), nn.Linear(32, 16)), draw=views, loss=nce)


@FAULTS.add("label_smoothing=0.9 taken for the weight of the label", "warning", "the targets are nearly uniform")
def _() -> Blind:
    return setup(cnn(), loss=nn.CrossEntropyLoss(label_smoothing=0.9))


@FAULTS.add("boxes in squared pixels drown the class", "warning", "one part of the loss is hundreds of times the other")
def _() -> Blind:
    network = Of(
        lambda s, x: (s.kind(s.body(x)), s.box(s.body(x))),
        body=nn.Sequential(nn.AvgPool2d(2), trunk(norm=groups)),
        kind=nn.Linear(32, 4),
        box=nn.Linear(32, 3),
    )

    def draw() -> Any:
        scene = shapes(48)
        return {
            "image": scene.pixels,
            "kind": scene.kind,
            "box": torch.cat([scene.centre, scene.radius[:, None]], 1) * 8,
        }

    def both(network: Any, batch: Any) -> Any:
        kind, box = network(batch["image"])
        return CE(kind, batch["kind"]) + F.mse_loss(box, batch["box"])

    return setup(network, draw=draw, loss=both)


@FAULTS.add(
    "a folder's order and no shuffling: one class in the batch", "warning", "all targets of the batch are one class"
)
def _() -> Blind:
    def draw() -> Any:
        images, labels = digits(800)
        rows = (labels == 2).nonzero()[:48, 0]
        return images[rows], labels[rows]

    return setup(cnn(norm=groups), draw=draw)


@FAULTS.add(
    "two optimizers both hold the shared body", "warning", "the body is moved twice in each step, by both optimizers"
)
def _() -> Blind:
    network = Of(
        lambda s, x: (s.kind(s.body(x)), s.tag(s.body(x))),
        body=trunk(norm=groups),
        kind=nn.Linear(32, 10),
        tag=nn.Linear(32, 1),
    )
    one = adam([*network.body.parameters(), *network.kind.parameters()])
    two = sgd([*network.body.parameters(), *network.tag.parameters()], 0.05)
    return setup(
        network,
        [one, two],
        loss=lambda out, y: CE(out[0], y) + F.binary_cross_entropy_with_logits(out[1][:, 0], (y > 4).float()),
    )


@FAULTS.add(
    "the forward takes the mean from the images in place", "warning", "the forward changes the batch it is given"
)
def _() -> Blind:
    def shift(s: Any, x: Tensor) -> Any:
        x -= 0.4
        x *= 2
        return s.body(x)

    return setup(Of(shift, body=cnn(norm=groups)))


@FAULTS.add(
    "frozen BatchNorm of images in [-1, 2], fed with 0 to 255",
    "warning",
    "inputs are far from the statistics of the frozen norms",
)
def _() -> Blind:
    network: Any = trained(resnet(False))
    network[5] = nn.Linear(64, 10)
    frozen(network)
    network[5].requires_grad_(True)
    network.eval()
    return setup(
        network,
        optim.Adam(network[5].parameters(), 1e-3),
        lambda: (lambda b: ((b[0] * 0.35 + 0.3) * 255, b[1]))(digits()),
    )
