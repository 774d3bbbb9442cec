"""Healthy set-ups as people have them, of the networks of ``blind_nets.py``."""

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn, optim
from torch.nn.utils import parametrize
from torch.nn.utils.parametrizations import spectral_norm, weight_norm
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.checkpoint import checkpoint

from seeded import blind_nets as nets
from seeded.blind_optimizers import LARS, SAM, Lion
from seeded.blind_plans import (
    ARCHITECTURES,
    CE,
    Blind,
    adversarial,
    byol,
    digits01,
    elbo,
    gan_pair,
    learn,
    multitask,
    noise_batch,
    normalised,
    place_batch,
    pretrained,
    radius_batch,
    shape_batch,
    shapes,
    two_views,
)
from seeded.case import digits

AT = ARCHITECTURES


def resume(name: str, steps: int = 60) -> Blind:
    """In the midst of training, the optimizer's state included."""
    case = AT[name].case()
    learn(case, steps)
    assert case.draw is not None
    return replace(case, batch=case.draw())


# --- schedules and rates ---


def hugging_face_warmup() -> Blind:
    """``get_linear_schedule_with_warmup``: the rate of the very first step is 0."""
    network = AT["vit"].make()
    optimizer = optim.AdamW(network.parameters(), lr=2e-3)
    schedule = optim.lr_scheduler.LambdaLR(optimizer, lambda step: min(1.0, step / 15))
    return AT["vit"].case(network, optimizer=optimizer, after=schedule.step)


def linear_warmup() -> Blind:
    network = AT["swin"].make()
    optimizer = optim.AdamW(network.parameters(), lr=2e-3, weight_decay=0.05)
    schedule = optim.lr_scheduler.LinearLR(optimizer, start_factor=1e-4, total_iters=20)
    return AT["swin"].case(network, optimizer=optimizer, after=schedule.step)


def hand_warmup() -> Blind:
    """The rate is written into the groups before each step, as in timm: 1e-6 at the first."""
    network = AT["convnext"].make()
    optimizer = optim.AdamW(network.parameters(), lr=1e-6)
    count = [0]

    def after() -> None:
        count[0] += 1
        for group in optimizer.param_groups:
            group["lr"] = min(2e-3, 1e-6 + count[0] * 1e-4)

    return AT["convnext"].case(network, optimizer=optimizer, after=after)


def one_cycle() -> Blind:
    network = AT["seresnet"].make()
    optimizer = optim.SGD(network.parameters(), lr=0.1, momentum=0.9)
    schedule = optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.4, total_steps=200)
    return AT["seresnet"].case(network, optimizer=optimizer, after=schedule.step)


def layer_decay() -> Blind:
    """BEiT's: 0.5 to the depth, no decay for norms and biases."""
    network = AT["vit"].make()
    groups: dict[tuple[int, bool], list[nn.Parameter]] = {}
    for name, p in network.named_parameters():
        depth = int(name.split(".")[1]) + 1 if name.startswith("blocks") else (0 if "embed" in name else 4)
        groups.setdefault((depth, p.ndim > 1), []).append(p)
    given = [
        {"params": ps, "lr": 2e-3 * 0.5 ** (4 - depth), "weight_decay": 0.05 * decay}
        for (depth, decay), ps in groups.items()
    ]
    return AT["vit"].case(network, optimizer=optim.AdamW(given))


def no_decay_groups() -> Blind:
    network = AT["mixer"].make()
    flat = [p for p in network.parameters() if p.ndim < 2]
    rest = [p for p in network.parameters() if p.ndim >= 2]
    groups = [{"params": flat, "weight_decay": 0.0}, {"params": rest, "weight_decay": 0.1}]
    return AT["mixer"].case(network, optimizer=optim.AdamW(groups, lr=1e-3))


def discriminative_rates() -> Blind:
    """A pretrained backbone at 1e-5, its new head at 1e-3."""
    network = pretrained(AT["efficientnet"])
    network.classifier = nn.Linear(64, 10)
    head = list(network.classifier.parameters())
    known = {id(p) for p in head}
    backbone = [p for p in network.parameters() if id(p) not in known]
    groups = [{"params": backbone, "lr": 1e-5}, {"params": head, "lr": 1e-3}]
    return AT["efficientnet"].case(network, optimizer=optim.AdamW(groups))


# --- optimizers ---


def optimizer_of(name: str, make: Callable[[list[nn.Parameter]], Any]) -> Callable[[], Blind]:
    def build() -> Blind:
        network = AT[name].make()
        return AT[name].case(network, optimizer=make(list(network.parameters())))

    return build


def muon() -> Blind:
    """Muon for the matrices within, AdamW for the rest."""
    network = AT["vit"].make()
    inner = [p for n, p in network.named_parameters() if n.startswith("blocks") and p.ndim == 2]
    known = {id(p) for p in inner}
    rest = [p for p in network.parameters() if id(p) not in known]
    return AT["vit"].case(network, optimizer=[optim.Muon(inner, lr=0.02), optim.AdamW(rest, lr=1e-3)])


# --- fine-tuning ---


def frozen_backbone(*, quiet: bool) -> Callable[[], Blind]:
    """A pretrained backbone frozen, its normalisation in eval mode or not, and a new head."""

    def build() -> Blind:
        network = pretrained(AT["seresnet"])
        network.requires_grad_(False)
        network.fc = nn.Linear(48, 10)
        network.train()
        if quiet:
            network.eval()
            network.fc.train()
        head = [p for p in network.parameters() if p.requires_grad]
        return AT["seresnet"].case(network, optimizer=optim.SGD(head, lr=0.1, momentum=0.9))

    return build


def frozen_not_filtered() -> Blind:
    """``requires_grad`` is off for the backbone, and the optimizer was given all parameters: usual and harmless."""
    network = pretrained(AT["convnext"])
    network.requires_grad_(False)
    network.head = nn.Linear(48, 10)
    return AT["convnext"].case(network)


def frozen_norms() -> Blind:
    """As in detectors: statistics and affine of the pretrained normalisation are held, all else is trained."""
    network = pretrained(AT["densenet"])
    with torch.no_grad():
        for _ in range(30):  # the statistics settle, as they have at the end of a long training
            network(digits()[0])
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eval()
            module.requires_grad_(False)
    optimizer = optim.SGD([p for p in network.parameters() if p.requires_grad], lr=0.01, momentum=0.9)
    return AT["densenet"].case(network, optimizer=optimizer)


class LoRA(nn.Module):
    def __init__(self, base: nn.Linear, rank: int = 4) -> None:
        super().__init__()
        self.base = base
        self.lora_a = nn.Parameter(torch.randn(rank, base.in_features) / rank)
        self.lora_b = nn.Parameter(torch.zeros(base.out_features, rank))

    def forward(self, x: Tensor) -> Any:
        return self.base(x) + x @ self.lora_a.T @ self.lora_b.T


def lora() -> Blind:
    network = pretrained(AT["vit"], 150)
    network.requires_grad_(False)
    blocks: Any = network.get_submodule("blocks")
    for block in blocks:
        block.attn.qkv = LoRA(block.attn.qkv)
    network.get_submodule("head").requires_grad_(True)
    optimizer = optim.AdamW([p for p in network.parameters() if p.requires_grad], lr=5e-3)
    return AT["vit"].case(network, optimizer=optimizer)


def bitfit() -> Blind:
    network = pretrained(AT["swin"], 100)
    for name, p in network.named_parameters():
        p.requires_grad_(name.endswith("bias") or name.startswith("head"))
    return AT["swin"].case(
        network, optimizer=optim.AdamW([p for p in network.parameters() if p.requires_grad], lr=5e-3)
    )


class Prompted(nn.Module):
    """Visual prompt tuning: learned tokens before a frozen transformer."""

    def __init__(self, vit: nn.Module) -> None:
        super().__init__()
        self.vit = vit.requires_grad_(False)
        self.prompt = nn.Parameter(torch.randn(1, 4, 48) * 0.1)
        self.head = nn.Linear(48, 10)

    def forward(self, x: Tensor) -> Any:
        vit: Any = self.vit
        x = vit.patch_embed(x).flatten(2).transpose(1, 2)
        x = torch.cat([vit.cls_token.expand(len(x), -1, -1), x], 1) + vit.pos_embed
        x = torch.cat([x[:, :1], self.prompt.expand(len(x), -1, -1), x[:, 1:]], 1)
        return self.head(vit.norm(vit.blocks(x))[:, 0])


def prompt_tuning() -> Blind:
    network = Prompted(pretrained(AT["vit"], 150))
    return AT["vit"].case(network, optimizer=optim.AdamW([network.prompt, *network.head.parameters()], lr=1e-2))


class Probe(nn.Module):
    """Features of a frozen encoder without gradients, a linear layer on them."""

    def __init__(self, encoder: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder
        self.linear = nn.Linear(64, 10)

    def train(self, mode: bool = True) -> "Probe":
        super().train(mode)
        self.encoder.eval()
        return self

    def forward(self, x: Tensor) -> Any:
        with torch.no_grad():
            features = self.encoder(x)
        return self.linear(features)


def linear_probe() -> Blind:
    network = Probe(pretrained(AT["simclr"]).get_submodule("encoder")).train()
    return AT["seresnet"].case(network, optimizer=optim.SGD(network.linear.parameters(), lr=0.5, momentum=0.9))


class Controlled(nn.Module):
    """ControlNet: a frozen trunk, a trained copy of its stem, joined by a convolution that starts at zero."""

    def __init__(self, trunk: nn.Module) -> None:
        super().__init__()
        self.control = nn.ModuleList(copy.deepcopy([trunk.get_submodule("conv_in"), trunk.get_submodule("conv1")]))
        self.zero_conv = nn.Conv2d(24, 3, 1)
        nn.init.zeros_(self.zero_conv.weight)
        nn.init.zeros_(self.zero_conv.bias)  # type: ignore[arg-type]
        self.trunk = trunk.requires_grad_(False)

    def forward(self, x: Tensor, time: Tensor) -> Any:
        return self.trunk(x, time) + self.zero_conv(self.control[1](F.silu(self.control[0](x))))


def control_net() -> Blind:
    network = Controlled(pretrained(AT["denoiser"], 30))
    optimizer = optim.AdamW([p for p in network.parameters() if p.requires_grad], lr=2e-3)
    return AT["denoiser"].case(network, optimizer=optimizer)


# --- more than one network ---


def gan() -> Blind:
    network = nets.GAN()
    return AT["vae"].case(network, optimizer=gan_pair(network), draw=noise_batch, loss=adversarial)


def byol_case() -> Blind:
    network = nets.BYOL()
    optimizer = optim.AdamW([*network.online.parameters(), *network.predictor.parameters()], lr=1e-3)
    return AT["simclr"].case(network, optimizer=optimizer, loss=byol, draw=two_views, after=network.update)


class WithAverage(nn.Module):
    """The average of the weights is kept within, as lightning modules do."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.ema = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(0.99))

    def forward(self, x: Tensor) -> Any:
        return self.network(x)

    def update(self) -> None:
        self.ema.update_parameters(self.network)


def ema() -> Blind:
    network = WithAverage(AT["efficientnet"].make())
    optimizer = optim.AdamW(network.network.parameters(), lr=2e-3)
    return AT["efficientnet"].case(network, optimizer=optimizer, after=network.update)


class MeanTeacher(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.student = AT["densenet"].make()
        self.teacher = copy.deepcopy(self.student)
        for p in self.teacher.parameters():
            p.detach_()
            p.requires_grad_(False)

    def forward(self, x: Tensor) -> Any:
        return self.student(x)

    @torch.no_grad()
    def update(self) -> None:
        for a, b in zip(self.teacher.parameters(), self.student.parameters(), strict=True):
            a.lerp_(b, 0.05)


def mean_teacher() -> Blind:
    network = MeanTeacher()

    def draw() -> Any:
        return *digits(32), digits(32)[0]

    def loss(network: nn.Module, batch: Any) -> Any:
        images, labels, unlabelled = batch
        both = torch.cat([images, unlabelled])
        with torch.no_grad():
            wanted = network.get_submodule("teacher")(both + 0.1 * torch.randn_like(both)).softmax(1)
        out = network(both + 0.1 * torch.randn_like(both))
        return CE(out[:32], labels) + 0.5 * F.mse_loss(out.softmax(1), wanted)

    optimizer = optim.SGD(network.student.parameters(), lr=0.05, momentum=0.9)
    return AT["densenet"].case(network, optimizer=optimizer, draw=draw, loss=loss, after=network.update)


def distillation() -> Blind:
    """The teacher lives outside the network that is audited, in the loss."""
    teacher = pretrained(AT["seresnet"]).eval().requires_grad_(False)

    def loss(network: nn.Module, batch: Any) -> Any:
        images, labels = batch
        out = network(images)
        with torch.no_grad():
            wanted = teacher(images)
        soft = F.kl_div(F.log_softmax(out / 4, 1), F.softmax(wanted / 4, 1), reduction="batchmean") * 16
        return 0.1 * CE(out, labels) + 0.9 * soft

    return AT["mobilenetv3"].case(loss=loss)


def random_distillation() -> Blind:
    """Novelty by random network distillation: the target is random on purpose."""
    network = nn.ModuleDict({"target": nets.small_encoder(), "predictor": nets.small_encoder()})
    network["target"].requires_grad_(False).eval()

    def loss(network: nn.Module, batch: Tensor) -> Any:
        with torch.no_grad():
            wanted = network.get_submodule("target")(batch)
        return F.mse_loss(network.get_submodule("predictor")(batch), wanted)

    optimizer = optim.Adam(network["predictor"].parameters(), lr=1e-3)
    return AT["simclr"].case(network, optimizer=optimizer, draw=lambda: digits(64)[0], loss=loss)


class MoCo(nn.Module):
    """A key encoder that is an average, and a queue of negatives."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder_q = nn.Sequential(nets.small_encoder(), nn.Linear(64, 32))
        self.encoder_k = copy.deepcopy(self.encoder_q).requires_grad_(False)
        self.register_buffer("queue", F.normalize(torch.randn(256, 32)))
        self.queue: Tensor

    def forward(self, q: Tensor, k: Tensor) -> Any:
        q = F.normalize(self.encoder_q(q))
        with torch.no_grad():
            for a, b in zip(self.encoder_k.parameters(), self.encoder_q.parameters(), strict=True):
                a.lerp_(b, 0.01)
            keys = F.normalize(self.encoder_k(k))
        out = torch.cat([(q * keys).sum(1, keepdim=True), q @ self.queue.clone().T], 1) / 0.2
        with torch.no_grad():
            self.queue.copy_(torch.cat([keys, self.queue])[:256])
        return out


def moco() -> Blind:
    network = MoCo()

    def loss(network: nn.Module, batch: Any) -> Any:
        out = network(*batch)
        return CE(out, torch.zeros(len(out), dtype=torch.long))

    optimizer = optim.SGD(network.encoder_q.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4)
    return AT["simclr"].case(network, optimizer=optimizer, loss=loss)


# --- losses ---


def loss_of(name: str, loss: Callable[..., Any], draw: Callable[[], Any] | None = None) -> Callable[[], Blind]:
    return lambda: AT[name].case(loss=loss, draw=draw)


def mixup() -> Blind:
    def draw() -> tuple[Tensor, Tensor]:
        images, labels = digits()
        share = float(torch.distributions.Beta(0.8, 0.8).sample())
        other = torch.randperm(64)
        hot = F.one_hot(labels, 10).float()
        return share * images + (1 - share) * images[other], share * hot + (1 - share) * hot[other]

    return AT["convnext"].case(draw=draw)


def dice_and_entropy(outputs: Tensor, targets: Tensor) -> Any:
    known = targets != 255
    hot = F.one_hot(targets.where(known, torch.zeros_like(targets)), 5).permute(0, 3, 1, 2) * known[:, None]
    p = outputs.softmax(1) * known[:, None]
    dice = 1 - (2 * (p * hot).sum((0, 2, 3)) + 1) / ((p + hot).sum((0, 2, 3)) + 1)
    return dice.mean() + F.cross_entropy(outputs, targets, ignore_index=255)


def triplet() -> Blind:
    network = nn.Sequential(nets.small_encoder(), nn.Linear(64, 16))

    def draw() -> Any:
        images, labels = digits(600)
        anchors = torch.arange(48)
        same = labels[:, None] == labels[None]
        same.fill_diagonal_(False)
        positive = torch.multinomial(same[anchors].float() + 1e-9, 1)[:, 0]
        negative = torch.multinomial((labels[anchors][:, None] != labels[None]).float(), 1)[:, 0]
        return {"anchor": images[anchors], "positive": images[positive], "negative": images[negative]}

    def loss(network: nn.Module, batch: Any) -> Any:
        return F.triplet_margin_loss(network(batch["anchor"]), network(batch["positive"]), network(batch["negative"]))

    return AT["simclr"].case(network, draw=draw, loss=loss)


def ctc() -> Blind:
    """The digit, read from rows: blank is class 0."""
    network = nets.RowLSTM(11, steps=True)

    def loss(network: nn.Module, batch: Any) -> Any:
        images, labels = batch
        rows = network(images).log_softmax(2).transpose(0, 1)
        n = len(labels)
        return F.ctc_loss(rows, labels[:, None] + 1, torch.full((n,), 16), torch.ones(n, dtype=torch.long))

    return AT["rowlstm"].case(network, loss=loss)


class Sigmoid(nn.Module):
    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Any:
        return self.network(x).sigmoid()


def probabilities() -> Blind:
    """A sigmoid in the network, and ``BCELoss`` for it."""
    return AT["tagger"].case(Sigmoid(nets.PlainCNN(6)), loss=nn.BCELoss())


def binary() -> Blind:
    """One logit: is the digit even?"""

    def draw() -> tuple[Tensor, Tensor]:
        images, labels = digits()
        return images, (labels % 2 == 0).float()[:, None]

    network = nets.Mobile(nn.SiLU, nn.Sigmoid, classes=1)
    return AT["efficientnet"].case(network, draw=draw, loss=nn.BCEWithLogitsLoss())


class Adversary(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Any:  # noqa: ARG004
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Any:  # noqa: ARG004
        return -0.1 * grads[0]


class DANN(nn.Module):
    """Classes, and domains behind a reversal of the gradient."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nets.small_encoder()
        self.classifier = nn.Linear(64, 10)
        self.domain = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 2))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        hidden = self.features(x)
        turned = Adversary.apply(hidden)  # type: ignore[no-untyped-call]
        return self.classifier(hidden), self.domain(turned)


def dann() -> Blind:
    def draw() -> Any:
        images, labels = digits()
        domain = torch.randint(0, 2, (64,))
        return images + 0.5 * domain[:, None, None, None], (labels, domain)

    def loss(outputs: Any, targets: Any) -> Any:
        return CE(outputs[0], targets[0]) + CE(outputs[1], targets[1])

    return AT["seresnet"].case(DANN(), draw=draw, loss=loss)


# --- networks ---


class Autocast(nn.Module):
    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Any:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return self.network(x).float()


class Checkpointed(nn.Module):
    def __init__(self, vit: nets.ViT) -> None:
        super().__init__()
        self.vit = vit

    def forward(self, x: Tensor) -> Any:
        vit = self.vit
        x = vit.patch_embed(x).flatten(2).transpose(1, 2)
        x = torch.cat([vit.cls_token.expand(len(x), -1, -1), x], 1) + vit.pos_embed
        for block in vit.blocks:
            x = checkpoint(block, x, use_reentrant=False)
        return vit.head(vit.norm(x)[:, 0])


def normed(name: str, how: Callable[[nn.Module], nn.Module]) -> Callable[[], Blind]:
    def build() -> Blind:
        network = AT[name].make()
        for module in list(network.modules()):
            if isinstance(module, nn.Conv2d | nn.Linear):
                how(module)
        return AT[name].case(network)

    return build


def lazy() -> Blind:
    network = nn.Sequential(
        nn.LazyConv2d(16, 3, 2, 1), nn.LazyBatchNorm2d(), nn.ReLU(), nn.Flatten(), nn.LazyLinear(64), nn.ReLU(),
        nn.LazyLinear(10),
    )  # fmt: skip
    network(digits(2)[0])
    return AT["seresnet"].case(network, optimizer=optim.Adam(network.parameters(), lr=2e-3))


class Scaled(nn.Module):
    """Bytes go in; the network divides by 255 and normalises them itself."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.mean: Tensor
        self.std: Tensor
        self.register_buffer("mean", torch.full((3, 1, 1), 0.3))
        self.register_buffer("std", torch.full((3, 1, 1), 0.35))

    def forward(self, x: Tensor) -> Any:
        return self.network((x.float() / 255 - self.mean) / self.std)


def bytes_inside() -> Blind:
    def draw() -> tuple[Tensor, Tensor]:
        pixels, labels = digits01()
        return (pixels * 255).byte(), labels

    return AT["mixer"].case(Scaled(AT["mixer"].make()), draw=draw)


def input_norm() -> Blind:
    """Pixels of 0 to 255 into a batch normalisation that stands first."""

    def draw() -> tuple[Tensor, Tensor]:
        pixels, labels = digits01()
        return pixels * 255, labels

    return AT["densenet"].case(nn.Sequential(nn.BatchNorm2d(3), AT["densenet"].make()), draw=draw)


class TiedAutoencoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(64, 768) / 768**0.5)
        self.hidden_bias = nn.Parameter(torch.zeros(64))
        self.bias = nn.Parameter(torch.zeros(768))

    def forward(self, x: Tensor) -> Any:
        hidden = F.linear(x.flatten(1), self.weight, self.hidden_bias).tanh()
        return F.linear(hidden, self.weight.T, self.bias).view_as(x)


def tied() -> Blind:
    network = TiedAutoencoder()

    def draw() -> tuple[Tensor, Tensor]:
        images, _ = digits()
        return images + 0.3 * torch.randn_like(images), images

    return AT["vae"].case(network, draw=draw, loss=F.mse_loss)


class StochasticDepth(nn.Module):
    """Blocks left out for a whole batch (Huang et al. 2016)."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 24, 3, 2, 1)
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.BatchNorm2d(24), nn.ReLU(), nn.Conv2d(24, 24, 3, 1, 1)) for _ in range(4)
        )
        self.fc = nn.Linear(24, 10)

    def forward(self, x: Tensor) -> Any:
        x = self.stem(x)
        for block in self.blocks:
            if not self.training or torch.rand(()) < 0.8:
                x = x + block(x)
        return self.fc(x.relu().mean((2, 3)))


class Conditional(nn.Module):
    """A denoiser that is told the class: an embedding of 100 classes of which a batch has a few."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(100, 16)
        self.net = nn.Sequential(
            nn.Conv2d(19, 24, 3, padding=1), nn.GroupNorm(4, 24), nn.SiLU(), nn.Conv2d(24, 3, 3, padding=1)
        )

    def forward(self, x: Tensor, label: Tensor) -> Any:
        return self.net(torch.cat([x, self.embed(label)[:, :, None, None].expand(-1, -1, *x.shape[2:])], 1))


def conditional() -> Blind:
    def loss(network: nn.Module, batch: Any) -> Any:
        images, labels = batch
        return F.mse_loss(network(images + 0.5 * torch.randn_like(images), labels), images)

    return AT["denoiser"].case(Conditional(), draw=digits, loss=loss)


class FakeQuantised(nn.Module):
    """Weights of 4 bits by a straight-through estimator."""

    def forward(self, w: Tensor) -> Tensor:
        scale = w.detach().abs().max() / 7
        return w + (torch.round(w / scale) * scale - w).detach()


def quantised() -> Blind:
    network = AT["densenet"].make()
    for module in list(network.modules()):
        if isinstance(module, nn.Conv2d):
            parametrize.register_parametrization(module, "weight", FakeQuantised())
    return AT["densenet"].case(network)


def clipped_by_hook() -> Blind:
    network = AT["rowlstm"].make()
    for p in network.parameters():
        p.register_hook(lambda grad: grad.clamp(-1, 1))
    return AT["rowlstm"].case(network)


def unused_head() -> Blind:
    """A second head for another phase; this one trains the first."""
    network = AT["convnext"].make()
    network.pretrain_head = nn.Linear(48, 100)
    return AT["convnext"].case(network)


def snn() -> Blind:
    """Self-normalising: SELU, LeCun's normal weights, alpha dropout."""
    network = nn.Sequential(
        nn.Flatten(), nn.Linear(768, 96), nn.SELU(), nn.AlphaDropout(0.05), nn.Linear(96, 64), nn.SELU(),
        nn.AlphaDropout(0.05), nn.Linear(64, 10),
    )  # fmt: skip
    for module in network:
        if isinstance(module, nn.Linear):
            nn.init.kaiming_normal_(module.weight, nonlinearity="linear")
            nn.init.zeros_(module.bias)
    return AT["seresnet"].case(network, optimizer=optim.SGD(network.parameters(), lr=0.05, momentum=0.9))


class Fourier(nn.Module):
    """A picture from coordinates by random Fourier features, fixed on purpose; siren-like sines after them."""

    def __init__(self) -> None:
        super().__init__()
        self.b: Tensor
        self.register_buffer("b", torch.randn(2, 32) * 3)
        self.net = nn.Sequential(
            nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 3), nn.Sigmoid()
        )

    def forward(self, x: Tensor) -> Any:
        angle = 2 * torch.pi * x @ self.b
        return self.net(torch.cat([angle.sin(), angle.cos()], -1))


def coordinates() -> Blind:
    picture = shapes(1).pixels[0]

    def draw() -> tuple[Tensor, Tensor]:
        at = torch.randint(0, 32, (512, 2))
        return at / 32, picture[:, at[:, 1], at[:, 0]].T

    return AT["vae"].case(Fourier(), draw=draw, loss=nn.MSELoss())


# --- batches ---


def few_of(classes: int, seen: int) -> Callable[[], Blind]:
    """A head for many classes, of which the batches have a few."""

    def draw() -> tuple[Tensor, Tensor]:
        images, labels = digits(300)
        rows = (labels < seen).nonzero()[:64, 0]
        return images[rows], labels[rows] * (classes // 10)

    return lambda: AT["seresnet"].case(nets.SEResNet(classes), draw=draw)


def imbalanced() -> Blind:
    """Nine of ten images are of one class."""

    def draw() -> tuple[Tensor, Tensor]:
        images, labels = digits(1200)
        rows = torch.cat([(labels == 0).nonzero()[:58, 0], (labels != 0).nonzero()[:6, 0]])
        return images[rows], labels[rows]

    weight = torch.tensor([0.2] + [1.0] * 9)
    return AT["mobilenetv3"].case(draw=draw, loss=nn.CrossEntropyLoss(weight=weight))


def ages() -> Blind:
    """Targets of 200 to 900, the last bias at their mean, the loss in units of their deviation."""
    network = nets.PlainCNN(1)
    nn.init.constant_(network.fc2.bias, 500)

    def draw() -> tuple[Tensor, Tensor]:
        scene = shapes(64)
        return normalised(scene.pixels), 100 * scene.radius[:, None] - 200

    def loss(outputs: Tensor, targets: Tensor) -> Any:
        return F.smooth_l1_loss(outputs / 150, targets / 150)

    return AT["regressor"].case(network, optimizer=optim.Adam(network.parameters(), lr=1e-3), draw=draw, loss=loss)


def nested() -> Blind:
    def draw() -> Any:
        scene = shapes(64)
        return [normalised(scene.pixels), [scene.kind, {"place": scene.centre / 32}]]

    def loss(network: nn.Module, batch: Any) -> Any:
        return multitask(network, {"image": batch[0], "kind": batch[1][0], **batch[1][1]})

    return AT["multitask"].case(draw=draw, loss=loss)


def elbo_parts(network: nn.Module, batch: Tensor) -> tuple[Tensor, dict[str, float]]:
    value = elbo(network, batch)
    return value, {"loss": float(value.detach())}


def plain(name: str) -> Callable[[], Blind]:
    return lambda: AT[name].case()


def wrapped(name: str, how: Callable[[Any], nn.Module]) -> Callable[[], Blind]:
    return lambda: AT[name].case(how(AT[name].make()))


HEALTHY: list[tuple[str, Callable[[], Blind]]] = [
    *[(f"plain {name}", plain(name)) for name in AT],
    *[
        (f"resumed {name}", lambda name=name: resume(name))
        for name in ("convnext", "seresnet", "tagger", "vqvae", "rowlstm")
    ],
    ("warm-up from a rate of 0", hugging_face_warmup),
    ("warm-up from a factor of 1e-4", linear_warmup),
    ("warm-up by hand from 1e-6", hand_warmup),
    ("one cycle at its start", one_cycle),
    ("layer-wise decay of the rate", layer_decay),
    ("groups with and without decay", no_decay_groups),
    ("pretrained backbone at 1e-5, new head at 1e-3", discriminative_rates),
    ("Lion", optimizer_of("vit", lambda ps: Lion(ps, 3e-4))),
    ("LARS", optimizer_of("seresnet", lambda ps: LARS(ps, 1.0))),
    ("SAM by a closure", optimizer_of("densenet", lambda ps: SAM(ps, optim.SGD, lr=0.05, momentum=0.9))),
    ("Adafactor", optimizer_of("mixer", lambda ps: optim.Adafactor(ps, lr=0.02))),
    ("Muon and AdamW", muon),
    ("NAdam", optimizer_of("densenet", lambda ps: optim.NAdam(ps, lr=2e-3))),
    ("RMSprop", optimizer_of("mobilenetv3", lambda ps: optim.RMSprop(ps, lr=1e-3, momentum=0.9, alpha=0.9))),
    ("Adagrad", optimizer_of("tagger", lambda ps: optim.Adagrad(ps, lr=0.01))),
    ("foreach SGD", optimizer_of("seresnet", lambda ps: optim.SGD(ps, lr=0.1, momentum=0.9, foreach=True))),
    ("fused Adam", optimizer_of("swin", lambda ps: optim.AdamW(ps, lr=1e-3, fused=True))),
    ("amsgrad", optimizer_of("rowlstm", lambda ps: optim.Adam(ps, lr=3e-3, amsgrad=True))),
    ("schedule-free-like SGD without momentum", optimizer_of("densenet", lambda ps: optim.SGD(ps, lr=0.3))),
    ("frozen backbone in eval mode", frozen_backbone(quiet=True)),
    ("frozen backbone in train mode (drift: a warning is right)", frozen_backbone(quiet=False)),
    ("frozen but all given to the optimizer", frozen_not_filtered),
    ("frozen batch normalisation", frozen_norms),
    ("LoRA", lora),
    ("BitFit", bitfit),
    ("visual prompt tuning", prompt_tuning),
    ("linear probe under no_grad", linear_probe),
    ("ControlNet", control_net),
    ("GAN", gan),
    ("BYOL", byol_case),
    ("EMA within", ema),
    ("mean teacher", mean_teacher),
    ("distillation", distillation),
    ("random network distillation", random_distillation),
    ("MoCo", moco),
    ("loss divided for accumulation", loss_of("swin", lambda outputs, targets: CE(outputs, targets) / 8)),
    ("class weights", loss_of("efficientnet", nn.CrossEntropyLoss(weight=torch.linspace(0.2, 3, 10)))),
    ("label smoothing", loss_of("convnext", nn.CrossEntropyLoss(label_smoothing=0.1))),
    (
        "log_softmax and NLLLoss",
        loss_of("densenet", lambda outputs, targets: F.nll_loss(outputs.log_softmax(1), targets)),
    ),
    (
        "log_softmax and CE (idle, harmless)",
        loss_of("mixer", lambda outputs, targets: CE(outputs.log_softmax(1), targets)),
    ),
    ("multi-margin loss", loss_of("seresnet", nn.MultiMarginLoss())),
    (
        "squared error of one-hot labels",
        loss_of("densenet", lambda outputs, targets: F.mse_loss(outputs, F.one_hot(targets, 10).float())),
    ),
    (
        "focal loss of classes",
        loss_of(
            "efficientnet",
            lambda outputs, targets: (
                (1 - (e := F.cross_entropy(outputs, targets, reduction="none")).neg().exp()) ** 2 * e
            ).mean(),
        ),
    ),
    ("dice and cross-entropy", loss_of("unet", dice_and_entropy)),
    ("positive weights", loss_of("tagger", nn.BCEWithLogitsLoss(pos_weight=torch.tensor([3.0, 3, 3, 3, 1, 1])))),
    (
        "cross-entropy with a decay in the loss",
        loss_of(
            "mixer",
            lambda network, batch: (
                CE(network(batch[0]), batch[1]) + 1e-4 * sum(p.square().sum() for p in network.parameters())
            ),
        ),
    ),
    ("a tuple's first", loss_of("vae", lambda network, batch: elbo_parts(network, batch)[0])),
    ("mixup", mixup),
    ("triplets in a dict", triplet),
    ("CTC", ctc),
    ("sigmoid and BCELoss", probabilities),
    ("one logit", binary),
    ("gradient reversal", dann),
    ("bfloat16 autocast", wrapped("vit", Autocast)),
    ("bfloat16 autocast with batch normalisation", wrapped("seresnet", Autocast)),
    ("checkpointed blocks", lambda: AT["vit"].case(Checkpointed(nets.ViT()))),
    ("spectral norm", normed("tagger", spectral_norm)),
    ("weight norm", normed("multitask", weight_norm)),
    ("channels last", lambda: AT["seresnet"].case(nets.SEResNet().to(memory_format=torch.channels_last))),  # type: ignore[call-overload]
    ("lazy modules", lazy),
    ("tied weights", tied),
    ("stochastic depth by batch", lambda: AT["seresnet"].case(StochasticDepth(), optimizer=None)),
    ("rare embeddings", conditional),
    ("quantisation-aware", quantised),
    ("gradients clamped to 1", clipped_by_hook),
    ("a head for another phase", unused_head),
    ("SELU", snn),
    ("tanh", lambda: AT["tagger"].case(nets.PlainCNN(6, act=nn.Tanh))),
    ("Fourier features", coordinates),
    ("bytes normalised inside", bytes_inside),
    ("pixels of 255 into a batch normalisation", input_norm),
    (
        "images in [0, 1]",
        lambda: AT["tagger"].case(
            draw=lambda: (
                (b := shapes(64)).pixels,
                torch.cat([F.one_hot(b.kind, 4), b.kind[:, None] > 1, b.radius[:, None] > 7], 1).float(),
            )
        ),
    ),
    ("images in [0, 1], batch normalisation", lambda: AT["seresnet"].case(draw=digits01)),
    ("images in [0, 1], transformer", lambda: AT["vit"].case(draw=digits01)),
    ("images in [-1, 1]", lambda: AT["convnext"].case(draw=lambda: ((b := digits01())[0] * 2 - 1, b[1]))),
    ("3 of 100 classes", few_of(100, 3)),
    ("1000 classes", few_of(1000, 10)),
    ("imbalanced labels with weights", imbalanced),
    ("large targets, bias at their mean", ages),
    ("place in a nested list", nested),
    ("small batch of 8 with batch normalisation", lambda: AT["efficientnet"].case(draw=lambda: digits(8))),
    ("radius with an L1 loss", loss_of("regressor", nn.L1Loss(), radius_batch)),
    ("plain network on shapes", lambda: AT["regressor"].case(nets.PlainCNN(4), draw=shape_batch, loss=CE)),
    ("dict of targets", loss_of("multitask", multitask, place_batch)),
]
