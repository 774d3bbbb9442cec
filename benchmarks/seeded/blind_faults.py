"""Faults as people make them, in the networks of ``blind_nets.py``, and what should be said of each."""

import copy
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn, optim
from torch.nn.utils.parametrizations import weight_norm
from torch.utils.checkpoint import checkpoint

from seeded import blind_nets as nets
from seeded.blind_healthy import WithAverage, resume
from seeded.blind_optimizers import Lion
from seeded.blind_plans import (
    ARCHITECTURES,
    CE,
    Blind,
    adversarial,
    ddpm,
    dice_logits,
    digits01,
    gan_pair,
    info_nce,
    noise_batch,
    pretrained,
    radius_batch,
    segment_batch,
    tags_batch,
)
from seeded.case import digits

AT = ARCHITECTURES
Fault = tuple[str, str, str, Callable[[], Blind]]


class Post(nn.Module):
    """Something more is done to the outputs."""

    def __init__(self, network: nn.Module, how: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.network = network
        self.how = how

    def forward(self, x: Tensor) -> Any:
        return self.how(self.network(x))


class Within(nn.Module):
    """A part of a network, and what its author did to its inputs or outputs."""

    def __init__(self, part: nn.Module, how: Callable[[nn.Module, Tensor], Tensor]) -> None:
        super().__init__()
        self.part = part
        self.how = how

    def forward(self, x: Tensor) -> Any:
        return self.how(self.part, x)


def after(name: str, how: Callable[[Tensor], Tensor], **more: Any) -> Callable[[], Blind]:
    return lambda: AT[name].case(Post(AT[name].make(), how), **more)


def within(name: str, part: str, how: Callable[[nn.Module, Tensor], Tensor]) -> Callable[[], Blind]:
    def build() -> Blind:
        network = AT[name].make()
        network.set_submodule(part, Within(network.get_submodule(part), how))
        return AT[name].case(network)

    return build


def with_loss(name: str, loss: Callable[..., Any], draw: Callable[[], Any] | None = None) -> Callable[[], Blind]:
    return lambda: AT[name].case(loss=loss, draw=draw)


def with_optimizer(name: str, make: Callable[[Iterable[Any]], Any]) -> Callable[[], Blind]:
    def build() -> Blind:
        network = AT[name].make()
        return AT[name].case(network, optimizer=make(network.parameters()))

    return build


def changed(name: str, change: Callable[[Any], Any]) -> Callable[[], Blind]:
    """The network is changed before its optimizer is made."""

    def build() -> Blind:
        network = AT[name].make()
        change(network)
        return AT[name].case(network)

    return build


def stale(
    name: str, change: Callable[[Any], Any], *, first: Callable[[], nn.Module] | None = None
) -> Callable[[], Blind]:
    """The network is changed after its optimizer was made."""

    def build() -> Blind:
        network = (first or AT[name].make)()
        optimizer = AT[name].optimizer(network.parameters())
        change(network)
        return AT[name].case(network, optimizer=optimizer)

    return build


def only(name: str, keep: Callable[[str], bool], *, frozen: bool = False) -> Callable[[], Blind]:
    """The optimizer has some parameters; the others are left, or frozen."""

    def build() -> Blind:
        network = AT[name].make()
        kept = [p for n, p in network.named_parameters() if keep(n)]
        known = {id(p) for p in kept}
        if frozen:
            for p in network.parameters():
                p.requires_grad_(id(p) in known)
        return AT[name].case(network, optimizer=AT[name].optimizer(kept))

    return build


# --- parameters that are forgotten ---


def no_grad(part: nn.Module, x: Tensor) -> Tensor:
    with torch.no_grad():
        return part(x)  # type: ignore[no-any-return]


def listed(network: Any) -> None:
    """``self.stages = [...]``, not a ``ModuleList``."""
    stages = list(network.stages)
    del network.stages
    network.stages = stages


class Loop:
    """Blocks in a plain list and a loop over them."""

    def __init__(self, blocks: Iterable[nn.Module]) -> None:
        self.blocks = list(blocks)

    def __call__(self, x: Tensor) -> Tensor:
        for block in self.blocks:
            x = block(x)
        return x


def looped(network: Any) -> None:
    blocks = list(network.blocks)
    del network.blocks
    network.blocks = Loop(blocks)


def towers(network: Any) -> None:
    """Two towers in a dict."""
    parts = {"cls": network.cls_tower, "box": network.box_tower}
    del network.cls_tower, network.box_tower
    network.cls_tower = lambda x: parts["cls"](x)
    network.box_tower = lambda x: parts["box"](x)


def plain_positions(network: Any) -> None:
    """The positions and the class token are tensors that want gradients, not parameters."""
    for name in ("pos_embed", "cls_token"):
        value = getattr(network, name).detach().clone()
        delattr(network, name)
        setattr(network, name, value.requires_grad_())


def new_stem(network: Any) -> None:
    network.conv_stem = nn.Conv2d(3, 12, 5, 2, 2, bias=False)


def new_parameters(network: Any) -> None:
    """An initialisation that puts new parameters in place of the old."""
    for module in network.modules():
        if isinstance(module, nn.Linear):
            module.weight = nn.Parameter(torch.randn_like(module.weight) * 0.05)


def assigned(network: Any) -> None:
    """Weights loaded with ``assign=True`` after the optimizer was made."""
    network.load_state_dict({k: v.clone() for k, v in AT["unet"].make().state_dict().items()}, assign=True)


def normed_later(network: Any) -> None:
    for module in list(network.modules()):
        if isinstance(module, nn.Conv2d):
            weight_norm(module)


def copied() -> Blind:
    """The optimizer is of the network that was copied."""
    network = AT["efficientnet"].make()
    optimizer = AT["efficientnet"].optimizer(network.parameters())
    return AT["efficientnet"].case(copy.deepcopy(network), optimizer=optimizer)


def exhausted() -> Blind:
    """A generator was counted before it was given to the optimizer's group."""
    network = AT["seresnet"].make()
    backbone = (p for n, p in network.named_parameters() if not n.startswith("fc"))
    sum(p.numel() for p in backbone)
    groups = [{"params": backbone, "lr": 0.05}, {"params": network.get_submodule("fc").parameters(), "lr": 0.1}]
    return AT["seresnet"].case(network, optimizer=optim.SGD(groups, momentum=0.9))


def generator_forgotten() -> Blind:
    network = nets.GAN()
    return AT["vae"].case(network, optimizer=gan_pair(network)[:1], draw=noise_batch, loss=adversarial)


def of_the_average() -> Blind:
    """The optimizer was given the parameters of the average."""
    network = WithAverage(AT["densenet"].make())
    return AT["densenet"].case(network, optimizer=optim.SGD(network.ema.module.parameters(), lr=0.1, momentum=0.9))


def strict_false() -> Blind:
    """Weights with other names, loaded with ``strict=False``: none was; then all but the head is frozen."""
    network = AT["seresnet"].make()
    state = {f"module.{k}": v for k, v in pretrained(AT["seresnet"]).state_dict().items()}
    network.load_state_dict(state, strict=False)
    for name, p in network.named_parameters():
        p.requires_grad_(name.startswith("fc"))
    optimizer = optim.SGD([p for p in network.parameters() if p.requires_grad], lr=0.1, momentum=0.9)
    return AT["seresnet"].case(network, optimizer=optimizer)


class HardMoE(nets.MoE):
    """The expert's output is not weighted: the router has no gradient."""

    def forward(self, x: Tensor) -> Any:
        x = self.encoder(x)
        chosen = self.router(x).argmax(1)
        y = torch.stack([expert(x) for expert in self.experts], 1)
        return self.head(x + y[torch.arange(len(x)), chosen])


class NewLayer(nn.Module):
    """A projection that is made anew at each call."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nets.small_encoder()
        self.head = nn.Linear(48, 10)

    def forward(self, x: Tensor) -> Any:
        return self.head(nn.Linear(64, 48)(self.encoder(x)).relu())


class SkipsStage(nets.Swin):
    """``stage2`` is built and never called."""

    def forward(self, x: Tensor) -> Any:
        x = self.stage1(self.patch_embed(x).permute(0, 2, 3, 1))
        x = torch.cat([x[:, i::2, j::2] for j in (0, 1) for i in (0, 1)], -1)
        return self.head(self.norm(self.merge(self.merge_norm(x))).mean((1, 2)))


def rate_of_zero() -> Blind:
    network = AT["mixer"].make()
    rest = [p for n, p in network.named_parameters() if not n.startswith("head")]
    groups = [{"params": rest, "lr": 0.0}, {"params": network.get_submodule("head").parameters(), "lr": 1e-3}]
    return AT["mixer"].case(network, optimizer=optim.AdamW(groups))


def twice() -> Blind:
    network = AT["densenet"].make()
    make = AT["densenet"].optimizer
    return AT["densenet"].case(network, optimizer=[make(network.parameters()), make(network.parameters())])


def tiny_hooks() -> Blind:
    network = AT["seresnet"].make()
    for p in network.parameters():
        p.register_hook(lambda grad: grad.clamp(-1e-6, 1e-6))
    return AT["seresnet"].case(network)


# --- modes ---


def in_eval(name: str, part: str = "") -> Callable[[], Blind]:
    return changed(name, lambda network: network.get_submodule(part).eval())


def resumed_in_eval() -> Blind:
    """``train()`` was not called again after a validation."""
    case = resume("efficientnet")
    case.network.eval()
    return case


class FunctionalNorm(nn.Module):
    """``F.batch_norm`` without ``training``: the fresh statistics are used, and never change."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(3, 16, 3, 2, 1, bias=False), nn.Conv2d(16, 32, 3, 2, 1, bias=False)
        self.bn1, self.bn2 = nn.BatchNorm2d(16), nn.BatchNorm2d(32)
        self.fc = nn.Linear(32, 10)

    def forward(self, x: Tensor) -> Any:
        for conv, bn in ((self.conv1, self.bn1), (self.conv2, self.bn2)):
            x = F.relu(F.batch_norm(conv(x), bn.running_mean, bn.running_var, bn.weight, bn.bias))
        return self.fc(x.mean((2, 3)))


class AlwaysDropout(nets.PlainCNN):
    def forward(self, x: Tensor) -> Any:
        return self.fc2(F.dropout(self.act(self.fc1(self.features(x))), 0.5))


def validates_in_train(name: str) -> Callable[[], Blind]:
    """The validation calls the network as it is."""

    def build() -> Blind:
        case = resume(name)
        held = digits(64)

        def validate() -> float:
            with torch.no_grad():
                return float((case.network(held[0]).argmax(1) == held[1]).float().mean())

        return replace(case, extra={"validate": validate})

    return build


def momentum_of_norms(value: float) -> Callable[[Any], None]:
    def change(network: Any) -> None:
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.momentum = value

    return change


def dropout(rate: float) -> Callable[[Any], None]:
    def change(network: Any) -> None:
        network.dropout.p = rate

    return change


# --- units and first weights ---


def bias(part: str, value: float) -> Callable[[Any], Any]:
    return lambda network: nn.init.constant_(network.get_submodule(part).bias, value)


def weights(how: Callable[[Tensor], Any]) -> Callable[[Any], None]:
    def change(network: Any) -> None:
        for module in network.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                how(module.weight)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    return change


def scaled(factor: float) -> Callable[[Tensor], Any]:
    return lambda weight: weight.data.mul_(factor)


def deep_sigmoids() -> Blind:
    layers: list[nn.Module] = [nn.Flatten(), nn.Linear(768, 64), nn.Sigmoid()]
    for _ in range(7):
        layers += [nn.Linear(64, 64), nn.Sigmoid()]
    network = nn.Sequential(*layers, nn.Linear(64, 10))
    return AT["seresnet"].case(network, optimizer=optim.SGD(network.parameters(), lr=0.05, momentum=0.9))


# --- losses and labels ---


def rewrapped(outputs: Tensor, targets: Tensor) -> Any:
    return torch.tensor(CE(outputs, targets).item(), requires_grad=True)


def of_argmax(outputs: Tensor, targets: Tensor) -> Any:
    return F.mse_loss(outputs.argmax(1).float().requires_grad_(), targets.float())


def broadcast() -> Blind:
    """(n, 1) against (n,): (n, n)."""

    def draw() -> tuple[Tensor, Tensor]:
        images, targets = radius_batch()
        return images, targets[:, 0]

    return AT["regressor"].case(nets.PlainCNN(1), draw=draw, loss=nn.MSELoss())


def sums_to_two(outputs: Tensor, targets: Tensor) -> Any:
    """Mixup that forgot 1 - share for the second label."""
    hot = F.one_hot(targets, 10).float()
    return CE(outputs, hot + 1.0 * hot[torch.randperm(len(hot))])


def shuffled() -> tuple[Tensor, Tensor]:
    images, labels = digits()
    return images, labels[torch.randperm(len(labels))]


def mid_training(name: str, draw: Callable[[], Any]) -> Callable[[], Blind]:
    def build() -> Blind:
        case = resume(name)
        return replace(case, batch=draw(), draw=draw)

    return build


def fine_tuned(name: str, draw: Callable[[], Any]) -> Callable[[], Blind]:
    """Pretrained weights, all of them trained on, and the wrong inputs."""
    return lambda: AT[name].case(pretrained(AT[name], 150), draw=draw)


def one_class() -> tuple[Tensor, Tensor]:
    """A loader that does not shuffle sorted files."""
    images, labels = digits(1500)
    rows = (labels == 0).nonzero()[:64, 0]
    return images[rows], labels[rows]


def nothing_labelled() -> tuple[Tensor, Tensor]:
    images, mask = segment_batch()
    return images, torch.full_like(mask, 255)


def sum_of_losses(outputs: Tensor, targets: Tensor) -> Any:
    return F.cross_entropy(outputs, targets, reduction="sum")


def distilled(network: nn.Module, batch: Any) -> Any:
    """``kl_div`` of probabilities, not of their logarithms."""
    out = network(batch[0])
    return F.kl_div(out.softmax(1), F.one_hot(batch[1], 10).float() * 0.9 + 0.01, reduction="batchmean")


def unnormalised_contrast(network: nn.Module, batch: Any) -> Any:
    """Dot products of vectors of any length, at a temperature of 0.01."""
    part = network.get_submodule
    a, b = (part("projector")(part("encoder")(view)) for view in batch)
    return CE(a @ b.T / 0.01, torch.arange(len(a)))


class Positive(nn.Module):
    """The network with a ReLU on its outputs."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, *args: Tensor) -> Tensor:
        return F.relu(self.network(*args))


def autoencoder() -> nn.Module:
    vae = nets.VAE()
    return nn.Sequential(vae.encoder, nn.Linear(512, 512), vae.decoder, nn.Sigmoid())


# --- images ---


def pixels_of(how: Callable[[Tensor], Tensor]) -> Callable[[], tuple[Tensor, Tensor]]:
    """Digits whose pixels in [0, 1] go through this instead of the normalisation."""

    def draw() -> tuple[Tensor, Tensor]:
        images, labels = digits()
        return how(images * 0.35 + 0.3), labels

    return draw


def with_nan(images: Tensor) -> Tensor:
    images = images.clone()
    images[3, 0, 5, 5] = torch.nan
    return images


def seen_as_channels_first(images: Tensor) -> Tensor:
    """NHWC in memory, and ``view`` instead of ``permute``."""
    normal = (images - 0.3) / 0.35
    return normal.permute(0, 2, 3, 1).contiguous().view(images.shape)


class MeanOfBatch(nn.Module):
    """Global pooling over the batch as well."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 24, 3, 2, 1), nn.GroupNorm(4, 24), nn.ReLU(), nn.Conv2d(24, 48, 3, 2, 1))
        self.norm = nn.LayerNorm(48)
        self.fc = nn.Linear(48, 10)

    def forward(self, x: Tensor) -> Any:
        y = self.body(x).mean((2, 3))
        return self.fc(self.norm(y.mean(0, keepdim=True).expand_as(y)))


class WrongView(nn.Module):
    """``view`` where ``permute`` was meant: the features of an image are those of others."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 24, 3, 2, 1), nn.ReLU(), nn.Conv2d(24, 48, 3, 2, 1), nn.ReLU())
        self.fc = nn.Linear(48, 10)

    def forward(self, x: Tensor) -> Any:
        y = self.body(x).flatten(2).permute(2, 1, 0).contiguous().view(len(x), 16, 48)  # meant: permute(0, 2, 1)
        return self.fc(y.mean(1))


class TokensFirst(nn.Module):
    """``nn.MultiheadAttention`` without ``batch_first``, given (n, t, d)."""

    def __init__(self) -> None:
        super().__init__()
        self.patch_embed = nn.Conv2d(3, 48, 4, 4)
        self.norm = nn.LayerNorm(48)
        self.attn = nn.MultiheadAttention(48, 4)
        self.mlp = nn.Sequential(nn.LayerNorm(48), nn.Linear(48, 96), nn.GELU(), nn.Linear(96, 48))
        self.head = nn.Linear(48, 10)

    def forward(self, x: Tensor) -> Any:
        x = self.patch_embed(x).flatten(2).transpose(1, 2)
        y = self.norm(x)
        x = x + self.attn(y, y, y, need_weights=False)[0]
        return self.head((x + self.mlp(x)).mean(1))


class BatchSoftmax(nn.Module):
    """Attention pooling whose softmax is over the batch."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 48, 4, 4), nn.GELU(), nn.Conv2d(48, 48, 1), nn.GELU())
        self.score = nn.Linear(48, 1)
        self.head = nn.Linear(48, 10)

    def forward(self, x: Tensor) -> Any:
        tokens = self.body(x).flatten(2).transpose(1, 2)
        return self.head((self.score(tokens).softmax(0) * tokens).sum(1))


# --- rates and steps ---


def never_cleared(name: str) -> Callable[[], Blind]:
    def build() -> Blind:
        case = AT[name].case()

        def step() -> None:
            case.loss(case.network(case.batch[0]), case.batch[1]).backward()
            case.optimizers.step()

        return replace(case, extra={"step": step})

    return build


def leaked() -> Blind:
    images, labels = digits(200, start=0)
    splits = {"train": (images[:150], labels[:150]), "test": (images[120:], labels[120:])}
    return replace(AT["densenet"].case(), extra={"splits": splits})


def adam_of(rate: float, **more: Any) -> Callable[[Iterable[Any]], Any]:
    return lambda ps: optim.AdamW(ps, lr=rate, **more)


def sgd_of(rate: float, momentum: float = 0.9, **more: Any) -> Callable[[Iterable[Any]], Any]:
    return lambda ps: optim.SGD(ps, lr=rate, momentum=momentum, **more)


def constant(weight: Tensor) -> Any:
    return nn.init.constant_(weight, 0.05)


FORGOTTEN = "forgotten: random and never trained: "
FAULTS: list[Fault] = [
    ("blocks in a list, convnext", "error", FORGOTTEN + "the blocks in the list `stages`", changed("convnext", listed)),
    ("blocks in a list and a loop, vit", "error", FORGOTTEN + "the transformer's blocks", changed("vit", looped)),
    ("towers in a dict, detector", "error", FORGOTTEN + "both towers", changed("detector", towers)),
    (
        "head replaced after the optimizer, seresnet",
        "error",
        FORGOTTEN + "fc; stale in the optimizer: the old one",
        stale("seresnet", lambda n: setattr(n, "fc", nn.Linear(48, 10)), first=lambda: pretrained(AT["seresnet"])),
    ),
    (
        "head replaced after the optimizer, vit",
        "error",
        FORGOTTEN + "head; stale optimizer",
        stale("vit", lambda n: setattr(n, "head", nn.Linear(48, 10))),
    ),
    (
        "stem replaced after the optimizer, mobilenetv3",
        "error",
        FORGOTTEN + "conv_stem; stale optimizer",
        stale("mobilenetv3", new_stem),
    ),
    (
        "name typo, convnext",
        "error",
        FORGOTTEN + "stem, stages, downsample",
        only("convnext", lambda n: n.startswith(("head", "norm", "block"))),
    ),
    ("group left out, swin", "error", FORGOTTEN + "stage1", only("swin", lambda n: not n.startswith("stage1"))),
    ("only heads, multitask", "error", FORGOTTEN + "trunk", only("multitask", lambda n: not n.startswith("trunk"))),
    ("one conv of a unet left out", "error", FORGOTTEN + "down1", only("unet", lambda n: not n.startswith("down1"))),
    (
        "group without decay left out, vit",
        "warning",
        FORGOTTEN + "norms, biases",
        only("vit", lambda n: not n.endswith("bias") and "norm" not in n),
    ),
    ("exhausted generator, seresnet", "error", FORGOTTEN + "all but fc", exhausted),
    (
        "detach before the head, efficientnet",
        "error",
        FORGOTTEN + "all before the detach",
        within("efficientnet", "act2", lambda part, x: part(x).detach()),
    ),
    (
        "no_grad around the trunk, seresnet",
        "error",
        FORGOTTEN + "layer1, layer2 and before",
        within("seresnet", "layer2", no_grad),
    ),
    ("no_grad around the backbone, detector", "error", FORGOTTEN + "backbone", within("detector", "backbone", no_grad)),
    (
        ".data in the forward, unet",
        "error",
        "no gradient: inc, down1 reach the loss by the skips, down2 does not",
        within("unet", "down2", lambda part, x: part(x).data),
    ),
    (
        ".data of the latent, vae",
        "error",
        FORGOTTEN + "the encoder's convolutions",
        within("vae", "encoder", lambda part, x: part(x).data),
    ),
    (
        "numpy within, densenet",
        "error",
        FORGOTTEN + "conv0, denseblock1",
        within("densenet", "transition", lambda part, x: torch.from_numpy(part(x).detach().numpy().copy())),
    ),
    (
        "random block frozen, nfnet",
        "error",
        FORGOTTEN + "body.1, frozen",
        only("nfnet", lambda n: not n.startswith("body.1"), frozen=True),
    ),
    (
        "random stage frozen, swin",
        "error",
        FORGOTTEN + "stage1, frozen",
        only("swin", lambda n: not n.startswith("stage1"), frozen=True),
    ),
    (
        "all frozen but the head, nothing loaded, mobilenetv3",
        "error",
        FORGOTTEN + "all but classifier",
        only("mobilenetv3", lambda n: n.startswith("classifier"), frozen=True),
    ),
    ("strict=False loaded nothing, frozen, seresnet", "error", FORGOTTEN + "all but fc", strict_false),
    (
        "optimizer of the original, network a copy",
        "error",
        "stale optimizer: nothing of the network is stepped",
        copied,
    ),
    ("load_state_dict(assign=True) after the optimizer, unet", "error", "stale optimizer", stale("unet", assigned)),
    (
        "new Parameters after the optimizer, mixer",
        "error",
        FORGOTTEN + "all linear weights; stale optimizer",
        stale("mixer", new_parameters),
    ),
    (
        "weight norm after the optimizer, multitask",
        "error",
        FORGOTTEN + "conv weights (original0/1); stale optimizer",
        stale("multitask", normed_later),
    ),
    (
        "positions are plain tensors, vit",
        "error",
        FORGOTTEN + "pos_embed, cls_token: not parameters",
        changed("vit", plain_positions),
    ),
    (
        "a layer made in the forward",
        "error",
        "a layer that is new at each call, not of the network; never trained",
        lambda: AT["seresnet"].case(NewLayer(), optimizer=None),
    ),
    ("generator's optimizer not given, gan", "error", FORGOTTEN + "generator", generator_forgotten),
    (
        "optimizer of the average",
        "error",
        "nothing that is used is stepped; the optimizer has the ema's",
        of_the_average,
    ),
    (
        "a stage never called, swin",
        "warning",
        "stage2 is not used: no path to the loss",
        lambda: AT["swin"].case(SkipsStage()),
    ),
    (
        "rounding in the forward, densenet",
        "error",
        "zero gradient before the rounding: denseblock1, conv0",
        within("densenet", "transition", lambda part, x: part(x).round()),
    ),
    (
        "thresholding in the forward, mobilenetv3",
        "error",
        "no gradient before the threshold",
        within("mobilenetv3", "act1", lambda part, x: (part(x) > 0).float()),
    ),
    (
        "the router is not weighted, moe",
        "error",
        "router: no gradient, no path to the loss",
        lambda: AT["moe"].case(HardMoE()),
    ),
    ("rate of 0 for all but the head, mixer", "error", FORGOTTEN + "a learning rate of 0", rate_of_zero),
    (
        "reentrant checkpoint of the stem, unet",
        "error",
        FORGOTTEN + "inc",
        within("unet", "inc", lambda part, x: checkpoint(part, x, use_reentrant=True)),
    ),
    ("two optimizers of the same parameters", "warning", "parameters in two optimizers", twice),
    ("gradients clipped to 1e-6 by hooks, seresnet", "error", "steps far too small; tiny gradients", tiny_hooks),
    ("eval while training, seresnet", "error", "batch normalisation in eval mode", in_eval("seresnet")),
    (
        "eval while training, mobilenetv3",
        "error",
        "batch normalisation (and dropout) in eval mode",
        in_eval("mobilenetv3"),
    ),
    ("eval of a part, unet", "error", "batch normalisation of down2 in eval mode", in_eval("unet", "down2")),
    (
        "train() forgotten after a validation, efficientnet",
        "warning",
        "normalisation and dropout in eval mode",
        resumed_in_eval,
    ),
    (
        "F.dropout without training, tagger",
        "warning",
        "dropout is active in eval mode too",
        lambda: AT["tagger"].case(AlwaysDropout(6)),
    ),
    (
        "F.batch_norm without training",
        "warning",
        "batch normalisation never uses the batch's statistics",
        lambda: AT["seresnet"].case(FunctionalNorm()),
    ),
    (
        "validation in train mode, efficientnet",
        "error",
        "validation runs in train mode",
        validates_in_train("efficientnet"),
    ),
    ("dropout of 1.0, mobilenetv3", "error", "dropout removes all", changed("mobilenetv3", dropout(1.0))),
    (
        "dropout of 0.97 (keep rate meant), tagger",
        "warning",
        "dropout rate very high",
        changed("tagger", dropout(0.97)),
    ),
    (
        "momentum 0.99 of batch normalisation, densenet",
        "warning",
        "momentum of batch normalisation: other frameworks' convention",
        changed("densenet", momentum_of_norms(0.99)),
    ),
    (
        "momentum 0 of batch normalisation, seresnet",
        "warning",
        "running statistics never change",
        changed("seresnet", momentum_of_norms(0.0)),
    ),
    (
        "batch of 2 with batch normalisation",
        "warning",
        "batch too small for batch normalisation",
        lambda: AT["densenet"].case(draw=lambda: digits(2)),
    ),
    ("bias of -10, regressor", "error", "dead ReLUs: fc1", changed("regressor", bias("fc1", -10.0))),
    (
        "bias of -5 in a convolution, tagger",
        "error",
        "dead ReLUs: features.3",
        changed("tagger", bias("features.3", -5.0)),
    ),
    (
        "weights times 50, tanh",
        "warning",
        "saturated tanh",
        lambda: (lambda n: (weights(scaled(50))(n), AT["tagger"].case(n))[1])(nets.PlainCNN(6, act=nn.Tanh)),
    ),
    (
        "weights times 100, sigmoid",
        "warning",
        "saturated sigmoids",
        lambda: (lambda n: (weights(scaled(100))(n), AT["regressor"].case(n))[1])(nets.PlainCNN(3, act=nn.Sigmoid)),
    ),
    ("ReLU on the logits, seresnet", "warning", "ReLU on the logits", after("seresnet", F.relu)),
    ("ReLU on the logits, tagger", "error", "ReLU on the logits: no probability below a half", after("tagger", F.relu)),
    (
        "dead output, regressor",
        "error",
        "dead ReLU at the output",
        lambda: (lambda n: (nn.init.constant_(n.fc2.bias, -30.0), AT["regressor"].case(Post(n, F.relu)))[1])(
            nets.PlainCNN(3)
        ),
    ),
    (
        "all weights zero, multitask",
        "error",
        "zero weights: zero gradients, symmetry",
        changed("multitask", weights(nn.init.zeros_)),
    ),
    ("all weights equal, tagger", "error", "equal weights: symmetric units", changed("tagger", weights(constant))),
    (
        "normal weights of deviation 1, tagger",
        "error",
        "first weights far too large: initial loss far off",
        changed("tagger", weights(nn.init.normal_)),
    ),
    (
        "weights of deviation 1e-4, multitask",
        "warning",
        "first weights far too small: vanishing signals",
        changed("multitask", weights(lambda w: nn.init.normal_(w, std=1e-4))),
    ),
    ("eight layers of sigmoids", "error", "vanishing gradients through sigmoids", deep_sigmoids),
    ("softmax before CE, vit", "error", "softmax before cross-entropy", after("vit", lambda y: y.softmax(1))),
    ("softmax before CE, densenet", "error", "softmax before cross-entropy", after("densenet", lambda y: y.softmax(1))),
    ("softmax before CE, unet", "error", "softmax before cross-entropy", after("unet", lambda y: y.softmax(1))),
    (
        "softmax, then log_softmax and NLL, mixer",
        "error",
        "softmax twice",
        with_loss("mixer", lambda outputs, targets: F.nll_loss(outputs.softmax(1).log_softmax(1), targets)),
    ),
    (
        "log_softmax over the batch, convnext",
        "error",
        "softmax over the wrong dimension",
        with_loss("convnext", lambda outputs, targets: F.nll_loss(outputs.log_softmax(0), targets)),
    ),
    (
        "softmax over the batch before CE, efficientnet",
        "error",
        "softmax before cross-entropy, over the wrong dimension",
        after("efficientnet", lambda y: y.softmax(0)),
    ),
    ("logits into NLLLoss, mobilenetv3", "error", "logits into NLLLoss", with_loss("mobilenetv3", nn.NLLLoss())),
    (
        "probabilities into NLLLoss, swin",
        "error",
        "probabilities without logarithm into NLLLoss",
        with_loss("swin", lambda outputs, targets: F.nll_loss(outputs.softmax(1), targets)),
    ),
    ("sigmoid before BCEWithLogits, tagger", "error", "sigmoid before BCEWithLogits", after("tagger", torch.sigmoid)),
    (
        "log of sigmoid into BCEWithLogits, tagger",
        "error",
        "log-probabilities into BCEWithLogits",
        after("tagger", F.logsigmoid),
    ),
    ("squared error of argmax, seresnet", "error", "argmax has no gradient", with_loss("seresnet", of_argmax)),
    (
        "loss wrapped anew, convnext",
        "error",
        "the loss is cut off from the network: no gradient at all",
        with_loss("convnext", rewrapped),
    ),
    ("broadcast targets, regressor", "error", "shapes (n, 1) and (n,) broadcast", broadcast),
    (
        "class 0 ignored, vit",
        "warning",
        "ignore_index hides a real class",
        with_loss("vit", nn.CrossEntropyLoss(ignore_index=0)),
    ),
    (
        "labels shuffled, resumed seresnet",
        "error",
        "labels do not belong to images",
        mid_training("seresnet", shuffled),
    ),
    (
        "labels off by one, resumed densenet",
        "error",
        "labels do not belong to outputs",
        mid_training("densenet", lambda: ((b := digits())[0], (b[1] + 1) % 10)),
    ),
    (
        "labels shuffled, convnext from scratch",
        "error",
        "labels do not belong to images",
        lambda: AT["convnext"].case(draw=shuffled),
    ),
    (
        "one class in the batch, efficientnet",
        "warning",
        "all labels of the batch are the same",
        lambda: AT["efficientnet"].case(draw=one_class),
    ),
    (
        "one-hot labels that sum to 2, convnext",
        "warning",
        "targets do not sum to 1",
        with_loss("convnext", sums_to_two),
    ),
    (
        "one-hot labels of 255, mixer",
        "error",
        "targets do not sum to 1",
        with_loss("mixer", lambda outputs, targets: CE(outputs, 255.0 * F.one_hot(targets, 10))),
    ),
    ("logits times 100, densenet", "warning", "initial loss far above ln C", after("densenet", lambda y: 100 * y)),
    (
        "contrast without normalisation",
        "warning",
        "initial loss far above ln n; logits too large",
        with_loss("simclr", unnormalised_contrast),
    ),
    ("sum of losses, seresnet", "warning", "rate too high for a summed loss", with_loss("seresnet", sum_of_losses)),
    (
        "sign reversed, swin",
        "error",
        "the loss is maximised; negative loss",
        with_loss("swin", lambda outputs, targets: -CE(outputs, targets)),
    ),
    (
        "sign reversed, simclr",
        "error",
        "the loss is maximised; negative loss",
        with_loss("simclr", lambda network, batch: -info_nce(network, batch)),
    ),
    (
        "kl_div of probabilities, mobilenetv3",
        "error",
        "kl_div wants log-probabilities",
        with_loss("mobilenetv3", distilled),
    ),
    ("dice of logits, unet", "error", "dice of logits, not of probabilities", with_loss("unet", dice_logits)),
    (
        "ReLU output for noise, denoiser",
        "error",
        "the output cannot be negative, the target is",
        lambda: AT["denoiser"].case(loss=lambda network, batch: ddpm(Positive(network), batch)),
    ),
    (
        "sigmoid output for normalised images, autoencoder",
        "warning",
        "the output's range does not reach the targets",
        lambda: AT["vae"].case(autoencoder(), draw=lambda: ((b := digits()[0]), b), loss=nn.MSELoss()),
    ),
    (
        "class weights of 0, mobilenetv3",
        "warning",
        "classes with weight 0 are not trained",
        with_loss("mobilenetv3", nn.CrossEntropyLoss(weight=torch.tensor([1.0] * 5 + [0.0] * 5))),
    ),
    (
        "no pixel labelled, unet",
        "error",
        "non-finite loss: all targets are ignored",
        lambda: AT["unet"].case(draw=nothing_labelled),
    ),
    (
        "a NaN pixel, convnext",
        "error",
        "NaN in the images",
        lambda: AT["convnext"].case(draw=pixels_of(lambda x: with_nan((x - 0.3) / 0.35))),
    ),
    (
        "an infinite pixel, tagger",
        "error",
        "infinity in the images; non-finite loss",
        lambda: AT["tagger"].case(
            draw=lambda: ((b := tags_batch())[0].index_fill(0, torch.tensor([2]), torch.inf), b[1])
        ),
    ),
    (
        "black images, mobilenetv3",
        "error",
        "images are constant",
        lambda: AT["mobilenetv3"].case(draw=pixels_of(torch.zeros_like)),
    ),
    ("black images, vit", "error", "images are constant", lambda: AT["vit"].case(draw=pixels_of(torch.zeros_like))),
    (
        "the same image each time, swin",
        "error",
        "all images are the same",
        lambda: AT["swin"].case(draw=pixels_of(lambda x: x[:1].expand_as(x))),
    ),
    (
        "mean over the batch",
        "error",
        "images of the batch are mixed; outputs all equal",
        lambda: AT["convnext"].case(MeanOfBatch()),
    ),
    ("view for permute", "error", "images of the batch are mixed", lambda: AT["convnext"].case(WrongView())),
    (
        "LSTM without batch_first",
        "error",
        "images of the batch are mixed: rnn",
        lambda: AT["rowlstm"].case(nets.RowLSTM(batch_first=False)),
    ),
    (
        "attention without batch_first",
        "error",
        "images of the batch are mixed: attn",
        lambda: AT["vit"].case(TokensFirst()),
    ),
    (
        "attention's softmax over the batch",
        "error",
        "images of the batch are mixed",
        lambda: AT["vit"].case(BatchSoftmax()),
    ),
    (
        "pixels of 255 into pretrained, nfnet",
        "error",
        "inputs not normalised",
        fine_tuned("nfnet", pixels_of(lambda x: x * 255)),
    ),
    (
        "pixels of 255 into pretrained, vit",
        "error",
        "inputs not normalised",
        fine_tuned("vit", pixels_of(lambda x: x * 255)),
    ),
    (
        "pixels of 255 from scratch, tagger",
        "error",
        "inputs not normalised",
        lambda: AT["tagger"].case(draw=lambda: ((b := tags_batch())[0] * 56 + 64, b[1])),
    ),
    (
        "pixels in [0, 1] into pretrained, convnext",
        "warning",
        "inputs not normalised",
        fine_tuned("convnext", digits01),
    ),
    (
        "normalised twice, pretrained mixer",
        "warning",
        "inputs not normalised",
        fine_tuned("mixer", pixels_of(lambda x: ((x - 0.3) / 0.35 - 0.3) / 0.35)),
    ),
    (
        "divided by 255 twice, tagger",
        "warning",
        "inputs tiny",
        lambda: AT["tagger"].case(draw=lambda: ((b := tags_batch())[0] / 255, b[1])),
    ),
    (
        "NHWC seen as NCHW, pretrained seresnet",
        "warning",
        "images scrambled",
        fine_tuned("seresnet", pixels_of(seen_as_channels_first)),
    ),
    ("AdamW 0.5, vit", "error", "rate too high", with_optimizer("vit", adam_of(0.5))),
    ("AdamW 0.3, convnext", "error", "rate too high", with_optimizer("convnext", adam_of(0.3))),
    ("AdamW 0.1, rowlstm", "error", "rate too high", with_optimizer("rowlstm", adam_of(0.1))),
    ("AdamW 0.1, unet", "error", "rate too high", with_optimizer("unet", adam_of(0.1))),
    ("SGD 30, seresnet", "error", "rate too high", with_optimizer("seresnet", sgd_of(30.0))),
    ("SGD 2, multitask", "error", "rate too high", with_optimizer("multitask", sgd_of(2.0))),
    ("SGD 3, detector", "error", "rate too high", with_optimizer("detector", sgd_of(3.0))),
    (
        "RMSprop 0.5, mobilenetv3",
        "error",
        "rate too high",
        with_optimizer("mobilenetv3", lambda ps: optim.RMSprop(ps, lr=0.5)),
    ),
    ("Lion 0.1, mixer", "error", "rate too high", with_optimizer("mixer", lambda ps: Lion(ps, 0.1))),
    ("AdamW 1e-9, swin", "error", "rate too low", with_optimizer("swin", adam_of(1e-9))),
    ("SGD 1e-7, seresnet", "error", "rate too low", with_optimizer("seresnet", sgd_of(1e-7))),
    ("SGD 1e-6, tagger", "warning", "rate too low", with_optimizer("tagger", sgd_of(1e-6))),
    ("Lion 1e-9, convnext", "error", "rate too low", with_optimizer("convnext", lambda ps: Lion(ps, 1e-9))),
    (
        "weight decay 100, swin",
        "error",
        "weight decay far too large",
        with_optimizer("swin", adam_of(1e-3, weight_decay=100.0)),
    ),
    (
        "weight decay 1, SGD, densenet",
        "error",
        "weight decay far too large",
        with_optimizer("densenet", sgd_of(0.1, weight_decay=1.0)),
    ),
    ("momentum 0.999, densenet", "warning", "momentum too high", with_optimizer("densenet", sgd_of(0.1, 0.999))),
    ("eps of 1, rowlstm", "warning", "eps too large: steps tiny", with_optimizer("rowlstm", adam_of(3e-3, eps=1.0))),
    ("betas swapped, vit", "warning", "betas swapped", with_optimizer("vit", adam_of(1e-3, betas=(0.999, 0.9)))),
    ("maximize, densenet", "error", "the loss is maximised", with_optimizer("densenet", sgd_of(0.1, maximize=True))),
    (
        "loss divided by a million, seresnet",
        "error",
        "steps far too small",
        with_loss("seresnet", lambda outputs, targets: CE(outputs, targets) / 1e6),
    ),
    ("gradients never cleared, vit", "error", "zero_grad missing", never_cleared("vit")),
    ("gradients never cleared, densenet", "error", "zero_grad missing", never_cleared("densenet")),
    ("test images in train", "error", "train and test share images", leaked),
]
