"""Healthy set-ups of other tasks than to classify: masks, places, ages, images compared."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seeded import fifth_nets as nets
from seeded.blind_plans import Blind
from seeded.case import digits
from seeded.fifth_kit import CE, adam, faces, lesions, masks, pairs, points, right, setup, tags
from seeded.fifth_makers import encoder


@right
def unet_dice_with_entropy_and_pixels_ignored() -> Blind:
    def bordered() -> Any:
        images, mask = masks()
        mask[:, :2] = 255
        return images, mask

    def both(outputs: Tensor, targets: Tensor) -> Any:
        known = (targets != 255)[:, None]
        hot = F.one_hot(targets * known[:, 0], 5).permute(0, 3, 1, 2) * known
        soft = outputs.softmax(1) * known
        dice = 2 * (soft * hot).sum((0, 2, 3)) / ((soft + hot).sum((0, 2, 3)) + 1)
        return F.cross_entropy(outputs, targets, ignore_index=255) + 1 - dice.mean()

    return setup(nets.UNet(), draw=bordered, loss=both)


@right
def lesions_by_tversky_and_three_depths() -> Blind:
    """Deep supervision: a mask from each of two depths too."""

    class Deep(nets.UNet):
        def __init__(self) -> None:
            super().__init__(1)
            self.side = nn.Conv2d(24, 1, 1)

        def forward(self, x: Tensor) -> Any:
            a = self.down1(x)
            b = self.down2(F.max_pool2d(a, 2))
            x = self.right2(torch.cat([b, self.up2(self.bottom(F.max_pool2d(b, 2)))], 1))
            return self.last(self.right1(torch.cat([a, self.up1(x)], 1))), F.interpolate(self.side(x), scale_factor=2)

    def tversky(outputs: Any, targets: Tensor) -> Any:
        total = torch.zeros(())
        for weight, out in zip((1.0, 0.4), outputs, strict=True):
            p, t = out[:, 0].sigmoid(), targets
            hit, extra, missed = (p * t).sum(), (p * (1 - t)).sum(), ((1 - p) * t).sum()
            total = total + weight * (1 - (hit + 1) / (hit + 0.3 * extra + 0.7 * missed + 1))
        return total

    return setup(Deep(), draw=lesions, loss=tversky)


@right
def labels_partly_unknown() -> Blind:
    """A third of the labels are NaN, and count for nothing."""

    def unsure() -> Any:
        images, labels = tags()
        return images, labels.where(torch.rand_like(labels) > 0.33, torch.tensor(torch.nan))

    def known(outputs: Tensor, targets: Tensor) -> Any:
        there = ~targets.isnan()
        return F.binary_cross_entropy_with_logits(outputs[there], targets[there])

    return setup(nets.ResNet(6), draw=unsure, loss=known)


@right
def centre_by_a_soft_argmax_of_a_heat_map() -> Blind:
    class Heat(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = nn.Sequential(nets.pair(3, 16), nets.pair(16, 16), nn.Conv2d(16, 1, 1))

        def forward(self, x: Tensor) -> Any:
            heat = self.net(x).flatten(1).softmax(1).view(-1, 16, 16)
            axis = torch.arange(16) + 0.5
            return torch.stack([(heat.sum(1) * axis).sum(1), (heat.sum(2) * axis).sum(1)], 1)

    net = Heat()
    return setup(net, adam(net, 5e-3), points, nn.L1Loss())


@right
def age_as_ranks_with_shared_weights() -> Blind:
    """CORAL: is the face older than 20, 30, ... 80? One weight vector, a bias for each."""

    class Ranks(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = nets.ResNet(1)
            self.net.fc.bias = None  # type: ignore[assignment]
            self.bias = nn.Parameter(torch.linspace(1, -1, 7))

        def forward(self, x: Tensor) -> Any:
            return self.net(x) + self.bias

    def coral(outputs: Tensor, targets: Tensor) -> Any:
        older = (targets[:, None] > torch.arange(20, 90, 10)).float()
        return F.binary_cross_entropy_with_logits(outputs, older)

    return setup(Ranks(), draw=faces, loss=coral)


@right
def age_scaled_within_the_loss() -> Blind:
    """The network gives standard scores; the targets are years."""

    def scaled(outputs: Tensor, targets: Tensor) -> Any:
        return F.smooth_l1_loss(outputs[:, 0], (targets - 50) / 23)

    return setup(nets.MobileNet(1), draw=faces, loss=scaled)


@right
def siamese_pairs_pulled_and_pushed() -> Blind:
    def contrastive(network: nn.Module, batch: Any) -> Any:
        a, b, same = batch
        far = (((network(a) - network(b)) ** 2).sum(1) + 1e-6).sqrt()
        return (same * far**2 + (1 - same) * F.relu(1 - far) ** 2).mean()

    return setup(encoder(8), draw=pairs, loss=contrastive)


@right
def each_triplet_of_the_batch() -> Blind:
    def triplets(network: nn.Module, batch: Any) -> Any:
        found = F.normalize(network(batch[0]), dim=1)
        far = 2 - 2 * found @ found.T
        same = batch[1][:, None] == batch[1]
        counts = (same & ~torch.eye(len(same), dtype=torch.bool))[:, :, None] & ~same[:, None, :]
        return F.relu(far[:, :, None] - far[:, None, :] + 0.2)[counts].mean()

    return setup(encoder(16), draw=digits, loss=triplets)


class Reversed(torch.autograd.Function):
    """Identity whose gradient is turned."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Any:  # noqa: ARG004
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:  # noqa: ARG004
        return -0.1 * grads[0]


@right
def domain_head_behind_a_reversed_gradient() -> Blind:
    class Adapting(nets.ResNet):
        def __init__(self) -> None:
            super().__init__()
            self.domain = nn.Sequential(nn.Linear(48, 16), nn.ReLU(), nn.Linear(16, 1))

        def forward(self, x: Tensor) -> Any:
            found = self.features(x)
            return self.fc(found), self.domain(Reversed.apply(found))[:, 0]  # type: ignore[no-untyped-call]

    def adapted(network: nn.Module, batch: Any) -> Any:
        images, labels = batch
        other = torch.arange(len(images)) % 2
        images = torch.where(other[:, None, None, None] == 1, -0.7 * images, images)
        logits, domain = network(images)
        told = CE(logits[other == 0], labels[other == 0])
        return told + F.binary_cross_entropy_with_logits(domain, other.float())

    return setup(Adapting(), draw=digits, loss=adapted)


@right
def two_tasks_weighed_by_their_uncertainty() -> Blind:
    class Tasks(nets.ResNet):
        def __init__(self) -> None:
            super().__init__()
            self.parity = nn.Linear(48, 1)
            self.log_var = nn.Parameter(torch.zeros(2))

        def forward(self, x: Tensor) -> Any:
            found = self.features(x)
            return {"digit": self.fc(found), "odd": self.parity(found)[:, 0], "log_var": self.log_var}

    def weighed(outputs: Any, targets: Tensor) -> Any:
        each = torch.stack(
            [
                CE(outputs["digit"], targets),
                F.binary_cross_entropy_with_logits(outputs["odd"], (targets % 2).float()),
            ]
        )
        return (each * (-outputs["log_var"]).exp() + 0.5 * outputs["log_var"]).sum()

    return setup(Tasks(), loss=weighed)


@right
def rotations_as_their_own_labels() -> Blind:
    def turned() -> Any:
        images, _ = digits(24)
        return torch.cat([torch.rot90(images, k, (2, 3)) for k in range(4)]), torch.arange(4).repeat_interleave(24)

    return setup(nets.ResNet(4), draw=turned)


@right
def few_shots_by_the_nearest_mean() -> Blind:
    def nearest(network: nn.Module, batch: Any) -> Any:
        found, labels = network(batch[0]), batch[1]
        hot = F.one_hot(labels[:64], 10).float()
        means = hot.T @ found[:64] / hot.sum(0).clamp_min(1)[:, None]
        return CE(-(torch.cdist(found[64:], means) ** 2) / 4, labels[64:])

    return setup(encoder(16), draw=lambda: digits(96), loss=nearest)


@right
def two_views_one_of_them_without_gradient() -> Blind:
    """SimSiam."""

    class Siam(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = nn.Sequential(encoder(32), nn.BatchNorm1d(32))
            self.guess = nn.Sequential(nn.Linear(32, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 32))

        def forward(self, x: Tensor) -> Any:
            found = self.net(x)
            return self.guess(found), found.detach()

    def views() -> Any:
        images, _ = digits(64)
        return tuple(torch.roll(images, k, 3) + 0.3 * torch.randn_like(images) for k in (-1, 1))

    def alike(network: nn.Module, batch: Any) -> Any:
        (p, z), (q, w) = network(batch[0]), network(batch[1])
        return -(F.cosine_similarity(p, w).mean() + F.cosine_similarity(q, z).mean()) / 2

    return setup(Siam(), draw=views, loss=alike)
