"""What is trained in the set-ups of ``blind.py``: data, losses and an optimizer for each network."""

import copy
import functools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn, optim

from seeded import blind_nets as nets
from seeded.case import Case, digits

CE = nn.CrossEntropyLoss()


@dataclass(frozen=True, eq=False)
class Blind(Case):
    """A case with what its own loop needs: fresh batches, and what follows a step (schedules, averages)."""

    draw: Callable[[], Any] | None = None
    after: Callable[[], Any] = field(default=lambda: None)


@dataclass(frozen=True)
class Plan:
    """A network and how it is trained well."""

    name: str
    make: Callable[[], nn.Module]
    draw: Callable[[], Any]
    loss: Callable[..., Any]
    optimizer: Callable[[Iterable[Any]], Any]

    def case(
        self,
        network: nn.Module | None = None,
        *,
        optimizer: Any = None,
        draw: Callable[[], Any] | None = None,
        loss: Callable[..., Any] | None = None,
        after: Callable[[], Any] = lambda: None,
        extra: Mapping[str, Any] | None = None,
    ) -> Blind:
        """The healthy set-up, or one that differs in what is given."""
        made = network if network is not None else self.make()
        given = optimizer if optimizer is not None else self.optimizer(made.parameters())
        drawn = draw or self.draw
        return Blind(made, given, drawn(), loss or self.loss, extra or {}, drawn, after)


def learn(case: Blind, steps: int) -> list[float]:
    """The losses of some steps on fresh batches, made as the set-up's author would."""
    assert case.draw is not None
    optimizers = case.optimizers if isinstance(case.optimizers, list) else [case.optimizers]
    losses = []
    for _ in range(steps):
        batch = case.draw()
        names = case.loss.__code__.co_varnames[:1] if hasattr(case.loss, "__code__") else ()

        def closure(batch: Any = batch, whole: bool = names == ("network",)) -> Any:
            for optimizer in optimizers:
                optimizer.zero_grad()
            value = case.loss(case.network, batch) if whole else case.loss(case.network(batch[0]), batch[1])
            value.backward()
            return value

        if any(getattr(optimizer, "needs_closure", False) for optimizer in optimizers):
            losses.append(float(optimizers[0].step(closure).detach()))
        else:
            losses.append(float(closure().detach()))
            for optimizer in optimizers:
                optimizer.step()
        case.after()
    for optimizer in optimizers:
        optimizer.zero_grad()
    return losses


_TRAINED: dict[tuple[str, int, int], nn.Module] = {}


def pretrained(plan: Plan, steps: int = 60) -> nn.Module:
    """Weights from some steps of its own plan: made once for a seed, then copied."""
    key = (plan.name, steps, torch.initial_seed())
    if key not in _TRAINED:
        case = plan.case()
        learn(case, steps)
        _TRAINED[key] = case.network
    return copy.deepcopy(_TRAINED[key])


@dataclass(frozen=True)
class Scene:
    """Pixels in [0, 1], (n, 3, s, s); class of each pixel, 0 for background; kind, centre and radius of the shape."""

    pixels: Tensor
    mask: Tensor
    kind: Tensor
    centre: Tensor
    radius: Tensor


def shapes(count: int, size: int = 32) -> Scene:
    """A disc, square, ring or cross of any colour on a dark background."""
    axis = torch.arange(size) + 0.5
    radius = (0.15 + 0.15 * torch.rand(count)) * size
    centre = radius[:, None] + torch.rand(count, 2) * (size - 2 * radius[:, None])
    dx = (axis[None, None, :] - centre[:, 0, None, None]) / radius[:, None, None]
    dy = (axis[None, :, None] - centre[:, 1, None, None]) / radius[:, None, None]
    distance, box, arm = (dx**2 + dy**2).sqrt(), torch.maximum(dx.abs(), dy.abs()), torch.minimum(dx.abs(), dy.abs())
    inside = torch.stack(
        [distance < 1, box < 0.9, (distance < 1) & (distance > 0.55), (arm < 0.3) & (box < 1)]
    )  # 4 n s s
    kind = torch.randint(0, 4, (count,))
    chosen = inside[kind, torch.arange(count)]
    colour, ground = 0.4 + 0.6 * torch.rand(count, 3, 1, 1), 0.3 * torch.rand(count, 3, 1, 1)
    pixels = torch.where(chosen[:, None], colour, ground) + 0.04 * torch.randn(count, 3, size, size)
    return Scene(pixels.clamp(0, 1), chosen * (kind + 1)[:, None, None], kind, centre, radius)


def normalised(pixels: Tensor) -> Tensor:
    """By about the mean and deviation of ``shapes``."""
    return (pixels - 0.25) / 0.22


def digits01(count: int = 64) -> tuple[Tensor, Tensor]:
    """Digits with pixels in [0, 1], and their classes."""
    images, labels = digits(count)
    return (images * 0.35 + 0.3).clamp(0, 1), labels


def shape_batch(count: int = 64) -> tuple[Tensor, Tensor]:
    scene = shapes(count)
    return normalised(scene.pixels), scene.kind


def segment_batch() -> tuple[Tensor, Tensor]:
    """Border pixels of the image are not labelled: 255."""
    scene = shapes(16)
    mask = scene.mask.clone()
    mask[:, :2] = mask[:, -2:] = 255
    return normalised(scene.pixels), mask


def place_batch() -> dict[str, Tensor]:
    scene = shapes(64)
    return {"image": normalised(scene.pixels), "kind": scene.kind, "place": scene.centre / 32}


def multitask(network: nn.Module, batch: dict[str, Tensor]) -> Any:
    out = network(batch["image"])
    return CE(out["kind"], batch["kind"]) + 10 * F.smooth_l1_loss(out["place"], batch["place"])


def radius_batch() -> tuple[Tensor, Tensor]:
    """Centre and radius in pixels: 5 to 27."""
    scene = shapes(64)
    return normalised(scene.pixels), torch.cat([scene.centre, scene.radius[:, None]], 1)


def tags_batch() -> tuple[Tensor, Tensor]:
    """Which of the shapes are there, and whether it is reddish and large."""
    a = shapes(64)
    large = (a.radius > 7).float()
    red = (a.pixels.amax((2, 3))[:, 0] > 0.7).float()
    return normalised(a.pixels), torch.cat([F.one_hot(a.kind, 4).float(), large[:, None], red[:, None]], 1)


def elbo(network: nn.Module, batch: Tensor) -> Any:
    logits, mu, logvar = network(batch)
    kl = -0.5 * (1 + logvar - mu**2 - logvar.exp()).sum(1).mean()
    return F.binary_cross_entropy_with_logits(logits, batch, reduction="none").sum((1, 2, 3)).mean() + kl


def two_views() -> tuple[Tensor, Tensor]:
    images, _ = digits(48)

    def view() -> Tensor:
        shifted = torch.roll(images, tuple(torch.randint(-2, 3, (2,)).tolist()), (2, 3))
        return shifted * (0.7 + 0.6 * torch.rand(48, 1, 1, 1)) + 0.2 * torch.randn_like(images)

    return view(), view()


def info_nce(network: nn.Module, batch: tuple[Tensor, Tensor]) -> Any:
    a, b = network(batch[0]), network(batch[1])
    similar = a @ b.T / 0.2
    labels = torch.arange(len(a))
    return (CE(similar, labels) + CE(similar.T, labels)) / 2


def byol(network: nn.Module, batch: tuple[Tensor, Tensor]) -> Any:
    with torch.no_grad():
        targets = network.get_submodule("target")(batch[0]), network.get_submodule("target")(batch[1])
    a, b = network(batch[0]), network(batch[1])
    return 2 - F.cosine_similarity(a, targets[1]).mean() - F.cosine_similarity(b, targets[0]).mean()


def noise_batch() -> Tensor:
    return digits01(32)[0] * 2 - 1


def ddpm(network: nn.Module, batch: Tensor) -> Any:
    time = torch.randint(0, 1000, (len(batch),)).float()
    alpha = torch.cos(time / 1000 * torch.pi / 2)[:, None, None, None] ** 2
    noise = torch.randn_like(batch)
    return F.mse_loss(network(alpha.sqrt() * batch + (1 - alpha).sqrt() * noise, time), noise)


def detect_batch() -> dict[str, Any]:
    scene = shapes(32)
    boxes = torch.cat([scene.centre - scene.radius[:, None], scene.centre + scene.radius[:, None]], 1)
    return {"images": normalised(scene.pixels), "targets": {"boxes": boxes, "labels": scene.kind}}


def focal(network: nn.Module, batch: dict[str, Any]) -> Any:
    """Focal loss at all places, L1 of the distances at the place of the centre."""
    logits, boxes = network(batch["images"])
    truth, labels = batch["targets"]["boxes"], batch["targets"]["labels"]
    centre = (truth[:, :2] + truth[:, 2:]) / 2
    at = (centre / 4).long().clamp(0, 7)
    rows = torch.arange(len(logits))
    wanted = torch.zeros_like(logits)
    wanted[rows, labels, at[:, 1], at[:, 0]] = 1
    entropy = F.binary_cross_entropy_with_logits(logits, wanted, reduction="none")
    p = logits.sigmoid()
    right = p * wanted + (1 - p) * (1 - wanted)
    classes = ((0.25 * wanted + 0.75 * (1 - wanted)) * (1 - right) ** 2 * entropy).sum() / len(logits)
    middle = (at + 0.5) * 4
    distances = torch.cat([middle - truth[:, :2], truth[:, 2:] - middle], 1) / 8
    return classes + F.l1_loss(boxes[rows, :, at[:, 1], at[:, 0]], distances)


def vq(network: nn.Module, batch: Tensor) -> Any:
    made, extra = network(batch)
    return F.mse_loss(made, batch) + extra


def margin(outputs: Tensor, targets: Tensor) -> Any:
    """ArcFace's loss with a margin on the cosine."""
    return CE(16 * (outputs - 0.35 * F.one_hot(targets, outputs.shape[1])), targets)


def itself(network: nn.Module, batch: Tensor) -> Any:
    return network(batch)


def adversarial(network: nn.Module, batch: Tensor) -> Any:
    """Both losses in one number; the discriminator is held still for the generator's."""
    generator, discriminator = network.get_submodule("generator"), network.get_submodule("discriminator")
    fake = generator(torch.randn(len(batch), 16))
    d_loss = F.softplus(-discriminator(batch)).mean() + F.softplus(discriminator(fake.detach())).mean()
    discriminator.requires_grad_(False)
    g_loss = F.softplus(-discriminator(fake)).mean()
    discriminator.requires_grad_(True)
    return d_loss + g_loss


def dice_logits(outputs: Tensor, targets: Tensor) -> Any:
    """Dice of logits: not bounded below."""
    hot = F.one_hot(targets.where(targets != 255, torch.zeros_like(targets)), 5).permute(0, 3, 1, 2)
    return 1 - 2 * (outputs * hot).sum() / (outputs.sum() + hot.sum() + 1)


def adam(rate: float, **more: Any) -> Callable[[Iterable[Any]], Any]:
    return functools.partial(optim.AdamW, lr=rate, **more)


def sgd(rate: float, **more: Any) -> Callable[[Iterable[Any]], Any]:
    return functools.partial(optim.SGD, lr=rate, momentum=0.9, **more)


def gan_pair(network: nn.Module) -> list[optim.Optimizer]:
    return [
        optim.Adam(network.get_submodule(name).parameters(), lr=2e-4 * 5, betas=(0.5, 0.999))
        for name in ("discriminator", "generator")
    ]


ARCHITECTURES = {
    plan.name: plan
    for plan in (
        Plan("convnext", nets.ConvNeXt, digits, CE, adam(2e-3, weight_decay=0.05)),
        Plan(
            "mobilenetv3", lambda: nets.Mobile(nn.Hardswish, nn.Hardsigmoid), digits, CE, sgd(0.05, weight_decay=4e-5)
        ),
        Plan("efficientnet", lambda: nets.Mobile(nn.SiLU, nn.Sigmoid, rate=0.1), digits, CE, adam(2e-3)),
        Plan("unet", nets.UNet, segment_batch, nn.CrossEntropyLoss(ignore_index=255), adam(2e-3)),
        Plan("vit", nets.ViT, digits, CE, adam(2e-3, weight_decay=0.05)),
        Plan("swin", nets.Swin, digits, CE, adam(1e-3, weight_decay=0.05)),
        Plan("mixer", nets.Mixer, digits, CE, adam(1e-3)),
        Plan("seresnet", nets.SEResNet, digits, CE, sgd(0.1, nesterov=True, weight_decay=5e-4)),
        Plan("vae", nets.VAE, lambda: digits01(64)[0], elbo, adam(1e-3)),
        Plan("multitask", nets.MultiTask, place_batch, multitask, adam(1e-3)),
        Plan("rowlstm", nets.RowLSTM, digits, CE, adam(3e-3)),
        Plan("nfnet", nets.NFNet, digits, CE, adam(2e-3)),
        Plan("densenet", nets.DenseNet, digits, CE, sgd(0.1, weight_decay=1e-4)),
        Plan("simclr", nets.SimCLR, two_views, info_nce, adam(1e-3)),
        Plan("denoiser", nets.Denoiser, noise_batch, ddpm, adam(1e-3)),
        Plan("detector", nets.DenseHead, detect_batch, focal, adam(1e-3)),
        Plan("regressor", lambda: nets.PlainCNN(3), radius_batch, nn.HuberLoss(), adam(1e-3)),
        Plan("tagger", lambda: nets.PlainCNN(6), tags_batch, nn.BCEWithLogitsLoss(), adam(1e-3)),
        Plan("vqvae", nets.VQVAE, lambda: digits01(64)[0], vq, adam(4e-3)),
        Plan("mae", nets.MAE, lambda: digits(64)[0], itself, adam(1e-3)),
        Plan("moe", nets.MoE, digits, CE, adam(2e-3)),
        Plan("arcface", nets.ArcFace, digits, margin, adam(2e-3)),
    )
}
