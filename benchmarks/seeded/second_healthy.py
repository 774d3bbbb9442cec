"""Healthy set-ups of the second set: (name, set-up)."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn, optim

from seeded import second_nets as nets
from seeded import second_towers as towers
from seeded.blind_plans import CE, Blind, adam, normalised, shapes, two_views
from seeded.case import digits
from seeded.second_pairs import adapted, dino, distilled, dqn, grouped, simsiam, slower_locator, still, warm, wgan
from seeded.second_plans import PLANS, next_word, noisy
from seeded.second_ways import changed, lost, optimised, plain, resumed

AT = PLANS


def cutmix() -> tuple[Tensor, Tensor]:
    images, labels = digits()
    other, hot = torch.randperm(64), F.one_hot(labels, 10).float()
    images = images.clone()
    images[:, :, :, 10:] = images[other][:, :, :, 10:]
    return images, 0.625 * hot + 0.375 * hot[other]


def double() -> Blind:
    return AT["resmlp"].case(towers.ResMLP().double(), draw=lambda: ((b := digits())[0].double(), b[1]))


def lengths(outputs: Tensor, targets: Tensor) -> Any:
    """The pinball loss of three quantiles of the radius."""
    q = torch.tensor([0.1, 0.5, 0.9])
    error = targets - outputs
    return torch.maximum(q * error, (q - 1) * error).mean()


def radii() -> tuple[Tensor, Tensor]:
    """Points in pixels about their mean, tenth part; the radius as a column."""
    scene = shapes(64)
    at = torch.multinomial((scene.mask > 0).flatten(1).float(), 48, replacement=True)
    xy = torch.stack([at % 32, at // 32], 2).float()
    return (xy - xy.mean(1, keepdim=True)) / 6, (scene.radius[:, None] - 7) / 1.5


def looped(clear: bool) -> Callable[[], Blind]:
    """The loop's own step is given too."""

    def build() -> Blind:
        case = AT["tied"].case()

        def step() -> None:
            if clear:
                case.optimizers.zero_grad()
            case.loss(case.network(case.batch[0]), case.batch[1]).backward()
            case.optimizers.step()

        return replace(case, extra={"step": step})

    return build


def validated(quiet: bool) -> Callable[[], Blind]:
    def build() -> Blind:
        case = AT["repvgg"].case()
        images, labels = digits(32)

        def validate() -> float:
            case.network.train(not quiet)
            with torch.no_grad():
                right = (case.network(images).argmax(1) == labels).float().mean()
            case.network.train()
            return float(right)

        return replace(case, extra={"validate": validate})

    return build


def split(leak: int) -> Callable[[], Blind]:
    def build() -> Blind:
        images, labels = digits(400)
        apart = {"train": (images[:300], labels[:300]), "test": (images[300 - leak :], labels[300 - leak :])}
        return replace(AT["resmlp"].case(), extra={"splits": apart})

    return build


def zero_gamma(network: Any) -> None:
    """The last normalisation of each branch starts at zero (Goyal et al. 2017)."""
    for block in network.blocks:
        nn.init.zeros_(block.conv3[1].weight)


def orthogonal(network: nn.Module) -> None:
    for p in network.parameters():
        if p.ndim > 1:
            nn.init.orthogonal_(p)


def zero_head(network: Any) -> None:
    nn.init.zeros_(network.head.weight)
    nn.init.zeros_(network.head.bias)


HEALTHY: list[tuple[str, Callable[[], Blind]]] = [
    *[(f"plain {name}", plain(name)) for name in AT if name != "dqn"],
    *[(f"resumed {name}", resumed(name)) for name in ("realnvp", "hourglass", "complex", "sr")],
    ("decay for matrices alone", grouped),
    ("warm-up then cosine", warm),
    ("slower locator, two optimizers", slower_locator),
    ("adapters", adapted),
    ("frozen encoder kept still", still),
    ("distilled", distilled),
    ("DINO", dino),
    ("SimSiam", simsiam),
    ("hinge GAN with gradient penalty", wgan),
    ("deep Q-learning", dqn),
    ("CutMix", lambda: AT["repvgg"].case(draw=cutmix)),
    ("float64", double),
    ("bfloat16 weights at a high rate", lambda: AT["resmlp"].case(
        towers.ResMLP().bfloat16(), draw=lambda: ((b := digits())[0].bfloat16(), b[1])
    )),
    ("quantiles", lambda: AT["pointnet"].case(nets.PointNet(3), draw=radii, loss=lengths)),
    ("own step", looped(clear=True)),
    ("own validation", validated(quiet=True)),
    ("splits apart", split(0)),
    ("branches that start at zero", changed("repvgg", zero_gamma)),
    ("orthogonal weights", changed("hourglass", orthogonal)),
    ("head that starts at zero", changed("resmlp", zero_head)),
    ("fixed positions", changed("registers", lambda network: network.pos.requires_grad_(False))),
    ("instance normalisation and dropout by channel", lambda: AT["cleaner"].case(nn.Sequential(
        nn.Conv2d(3, 24, 3, padding=1), nn.InstanceNorm2d(24, affine=True), nn.Mish(), nn.Dropout2d(0.1),
        nn.Conv2d(24, 24, 3, padding=1), nn.InstanceNorm2d(24, affine=True), nn.GLU(1), nn.Conv2d(12, 3, 1)
    ))),
    ("label smoothing in a caption", lost("captioner", lambda network, batch: F.cross_entropy(
        network(batch[0], batch[1][:, :-1]).flatten(0, 1), batch[1][:, 1:].flatten(), ignore_index=12,
            label_smoothing=0.1
    ))),
    ("sum of the loss, small rate", lambda: AT["complex"].case(loss=nn.CrossEntropyLoss(reduction="sum"))),
    ("loss of thousands", lost("hourglass", lambda outputs, targets: 1000 * F.mse_loss(outputs, targets))),
    ("caption scaled for accumulation", lost("captioner", lambda network, batch: next_word(network, batch) / 4)),
    ("Charbonnier loss", lost("cleaner", lambda outputs, targets: ((outputs - targets) ** 2 + 1e-6).sqrt().mean())),
    ("RAdam", optimised("complex", lambda ps: optim.RAdam(ps, lr=1e-2))),
    ("Adamax", optimised("stn", lambda ps: optim.Adamax(ps, lr=4e-3))),
    ("averaged SGD", optimised("tied", lambda ps: optim.ASGD(ps, lr=0.3))),
    ("SGD with Nesterov, decoupled groups", optimised("repvgg", lambda ps: optim.SGD(
        [{"params": [p]} for p in ps], lr=0.05, momentum=0.9, nesterov=True
    ))),
    ("Adam with a large epsilon", optimised("repvgg", lambda ps: optim.Adam(ps, lr=0.03, eps=1e-3))),
    ("strong decoupled decay", optimised("registers", adam(2e-3, weight_decay=0.5))),
    ("batch of 4", lambda: AT["resmlp"].case(draw=lambda: digits(4))),
    ("grey noise and two views", lambda: AT["barlow"].case(draw=lambda: tuple(
        v.mean(1, keepdim=True).expand(-1, 3, -1, -1) for v in two_views()
    ))),
    ("cleaner of normalised noise", lambda: AT["cleaner"].case(draw=lambda: tuple(t * 0.5 for t in noisy()))),
    ("shapes by a class", lambda: AT["stn"].case(
        nn.Sequential(nets.encoder(), nn.Dropout(0.5), nn.Linear(64, 4)),
        draw=lambda: ((s := shapes(64)) and (normalised(s.pixels), s.kind)), loss=CE,
    )),
]  # fmt: skip
