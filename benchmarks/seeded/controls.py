"""Healthy set-ups: an audit must raise no error and hardly a warning on any of them."""

import copy
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn, optim
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.utils import parametrizations
from torch.utils.checkpoint import checkpoint

from seeded.architectures import Architecture, ids, layers, parts
from seeded.case import CE, Case, batch_of, digits, healthy, loss_of, pretrained, train, without


@dataclass(frozen=True)
class Control:
    """``make`` returns None for an architecture on which it makes no sense."""

    name: str
    make: Callable[[Architecture], Case | None]


CONTROLS: list[Control] = []
SPECIAL: list[tuple[str, Callable[[], Case]]] = []


def control(name: str) -> Callable[[Callable[[Architecture], Case | None]], None]:
    return lambda make: CONTROLS.append(Control(name, make))


def special(name: str) -> Callable[[Callable[[], Case]], None]:
    return lambda make: SPECIAL.append((name, make))


# On every architecture


@control("as made")
def _(at: Architecture) -> Case:
    return healthy(at)


@control("after 3 steps")
def _(at: Architecture) -> Case:
    case = healthy(at)
    train(at, case.network, case.optimizers, 3)
    return case


@control("after 20 steps")
def _(at: Architecture) -> Case:
    case = healthy(at)
    train(at, case.network, case.optimizers, 20)
    return case


@control("resumed: trained weights, new optimizer")
def _(at: Architecture) -> Case:
    return healthy(at, pretrained(at))


@control("He normal throughout, after 20 steps")
def _(at: Architecture) -> Case:
    network = at.make()
    for _, module in layers(network):
        for parameter in module.parameters(recurse=False):
            if parameter.ndim > 1:
                nn.init.kaiming_normal_(parameter)
    case = healthy(at, network)
    if not any(isinstance(m, nn.LayerNorm | _BatchNorm | nn.GroupNorm) for m in network.modules()):
        for group in case.optimizers.param_groups:
            group["lr"] *= 0.2
    train(at, network, case.optimizers, 20)
    return case


def _frozen(at: Architecture, steps: int) -> tuple[nn.Module, list[nn.Module]]:
    """A trained network with a new last layer, and its parts before that."""
    network = pretrained(at, steps)
    name, _ = layers(network)[-1]
    fresh = dict(at.make().named_modules())[name]
    parent, _, last = name.rpartition(".")
    setattr(network.get_submodule(parent), last, fresh)
    body = [m for m in parts(network) if fresh not in set(m.modules())]
    for module in body:
        module.requires_grad_(False)
    return network, body


@control("pretrained body frozen, eval mode, new head")
def _(at: Architecture) -> Case:
    network, body = _frozen(at, 40)
    for module in body:
        module.eval()
    return replace(healthy(at, network), optimizers=at.optimizer(without(network, ids(body))))


@control("pretrained body frozen, left in training mode")
def _(at: Architecture) -> Case:
    network, body = _frozen(at, 40)
    return replace(healthy(at, network), optimizers=at.optimizer(without(network, ids(body))))


@control("pretrained for 10 steps, frozen, all given to the optimizer")
def _(at: Architecture) -> Case:
    network, _ = _frozen(at, 10)
    return healthy(at, network)


@control("rates by group")
def _(at: Architecture) -> Case:
    network = pretrained(at)
    optimizer = at.optimizer(parts(network)[-1].parameters())
    rate = optimizer.param_groups[0]["lr"]
    early = without(network, ids([parts(network)[-1]]))
    optimizer.add_param_group({"params": early, "lr": rate / 100})
    return replace(healthy(at, network), optimizers=optimizer)


@control("no weight decay on gains and biases")
def _(at: Architecture) -> Case:
    case = healthy(at)
    flat = [p for p in case.network.parameters() if p.ndim < 2]
    optimizer = at.optimizer([p for p in case.network.parameters() if p.ndim > 1])
    optimizer.add_param_group({"params": flat, "weight_decay": 0.0})
    return replace(case, optimizers=optimizer)


@control("two optimizers, one a half")
def _(at: Architecture) -> Case:
    case = healthy(at)
    last = parts(case.network)[-1]
    both = [at.optimizer(without(case.network, ids([last]))), at.optimizer(last.parameters())]
    return replace(case, optimizers=both)


class WithHead(nn.Module):
    """A network with a head that this training does not use."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network, self.spare = network, nn.Linear(32, 5)

    def forward(self, x: Tensor) -> Any:
        return self.network(x)


@control("unused head")
def _(at: Architecture) -> Case:
    return healthy(at, WithHead(at.make()))


class MeanTeacher(nn.Module):
    """A student and the running mean of its weights."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.student, self.teacher = network, copy.deepcopy(network).requires_grad_(False)


@control("moving-average teacher")
def _(at: Architecture) -> Case:
    network = MeanTeacher(at.make())
    hard = loss_of(at)

    def loss(model: Any, batch: Any) -> Tensor:
        with torch.no_grad():
            wanted = model.teacher(batch[0])
        said = model.student(batch[0])
        total: Tensor = hard(said, batch[1]) + F.mse_loss(said, wanted)
        return total

    return Case(network, at.optimizer(network.student.parameters()), batch_of(at), loss)


@control("gradients gathered over 4 batches")
def _(at: Architecture) -> Case:
    case = healthy(at)
    calls = 0

    def step() -> None:
        nonlocal calls
        calls += 1
        (case.loss(case.network(case.batch[0]), case.batch[1]) / 4).backward()
        if calls % 4 == 0:
            case.optimizers.step()
            case.optimizers.zero_grad()

    return replace(case, extra={"step": step})


@control("loop with clipping to 1, and a validation")
def _(at: Architecture) -> Case:
    case = healthy(at)

    def step() -> None:
        case.optimizers.zero_grad()
        case.loss(case.network(case.batch[0]), case.batch[1]).backward()
        nn.utils.clip_grad_norm_(case.network.parameters(), 1.0)
        case.optimizers.step()

    def validate() -> None:
        case.network.eval()
        with torch.no_grad():
            case.network(case.batch[0])
        case.network.train()

    splits = {"train": digits(300, start=0), "test": digits(100, start=300)}
    return replace(case, extra={"step": step, "validate": validate, "splits": splits})


@control("bfloat16 autocast")
def _(at: Architecture) -> Case:
    case = healthy(at)

    def loss(model: nn.Module, batch: Any) -> Tensor:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            outputs = model(batch[0])
        value: Tensor = case.loss(outputs.float(), batch[1])
        return value

    return replace(case, loss=loss)


@control("warm-up from a thousandth")
def _(at: Architecture) -> Case:
    case = healthy(at)
    optim.lr_scheduler.LinearLR(case.optimizers, start_factor=1e-3, total_iters=100)
    return case


@control("one-cycle schedule")
def _(at: Architecture) -> Case:
    case = healthy(at)
    rate = case.optimizers.param_groups[0]["lr"]
    optim.lr_scheduler.OneCycleLR(case.optimizers, max_lr=rate, total_steps=100)
    return case


@control("label smoothing and mixed images")
def _(at: Architecture) -> Case | None:
    if at.image:
        return None
    case = healthy(at)
    images, labels = case.batch
    hot = F.one_hot(labels, 10).float()
    mixed = 0.7 * images + 0.3 * images.flip(0), 0.7 * hot + 0.3 * hot.flip(0)
    return replace(case, batch=mixed, loss=nn.CrossEntropyLoss(label_smoothing=0.1))


@control("several labels, BCE with logits")
def _(at: Architecture) -> Case | None:
    if at.image:
        return None
    case = healthy(at)
    many = (F.one_hot(case.batch[1], 10) + F.one_hot(case.batch[1] * 3 % 10, 10)).clamp(max=1).float()
    return replace(case, batch=(case.batch[0], many), loss=nn.BCEWithLogitsLoss())


@control("log-softmax and NLL")
def _(at: Architecture) -> Case | None:
    return None if at.image else replace(healthy(at), loss=lambda o, t: F.nll_loss(o.log_softmax(1), t))


@control("noise with labels drawn at random")
def _(at: Architecture) -> Case | None:
    if at.image:
        return None
    return replace(healthy(at), batch=(torch.randn(64, 3, 16, 16), torch.randint(0, 10, (64,))))


@control("a batch of 8")
def _(at: Architecture) -> Case:
    return replace(healthy(at), batch=batch_of(at, 8))


@control("statistics frozen when fine-tuning")
def _(at: Architecture) -> Case | None:
    network = pretrained(at)
    norms = [m for m in network.modules() if isinstance(m, _BatchNorm)]
    for norm in norms:
        norm.eval()
        norm.requires_grad_(False)
    optimizer = at.optimizer([p for p in network.parameters() if p.requires_grad])
    for group in optimizer.param_groups:
        group["lr"] /= 100  # at the rate of a training from scratch it diverges without batch statistics
    return replace(healthy(at, network), optimizers=optimizer) if norms else None


@control("last layer begins at 0")
def _(at: Architecture) -> Case:
    network = at.make()
    for parameter in layers(network)[-1][1].parameters():
        nn.init.zeros_(parameter)
    return healthy(at, network)


@control("orthogonal weights")
def _(at: Architecture) -> Case:
    network = at.make()
    for _, module in layers(network):
        for parameter in module.parameters(recurse=False):
            if parameter.ndim > 1:
                nn.init.orthogonal_(parameter)
    return healthy(at, network)


@control("DataParallel")
def _(at: Architecture) -> Case:
    return healthy(at, nn.DataParallel(at.make()))


class Checkpointed(nn.Module):
    """Computes its network again in the backward."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Any:
        return checkpoint(self.network, x, use_reentrant=False)


@control("checkpointed")
def _(at: Architecture) -> Case:
    return healthy(at, Checkpointed(at.make()))


def _other(make: Callable[[Any], optim.Optimizer]) -> Callable[[Architecture], Case]:
    def case(at: Architecture) -> Case:
        begun = healthy(at)
        return replace(begun, optimizers=make(begun.network.parameters()))

    return case


OPTIMIZERS: dict[str, Callable[[Any], optim.Optimizer]] = {
    "RMSprop": lambda p: optim.RMSprop(p, lr=3e-4),
    "Adagrad": lambda p: optim.Adagrad(p, lr=1e-2),
    "Adadelta": optim.Adadelta,
    "RAdam": lambda p: optim.RAdam(p, lr=1e-3),
    "NAdam": lambda p: optim.NAdam(p, lr=1e-3),
    "Adafactor": optim.Adafactor,
    "SGD, small and plain": lambda p: optim.SGD(p, lr=1e-3),
    "Rprop": lambda p: optim.Rprop(p, lr=1e-4),
}
for title, maker in OPTIMIZERS.items():
    CONTROLS.append(Control(f"optimizer {title}", _other(maker)))


class Adapted(nn.Module):
    """A frozen linear layer and a low-rank term that begins at 0."""

    def __init__(self, base: nn.Linear, rank: int = 4) -> None:
        super().__init__()
        self.base = base.requires_grad_(False)
        self.down = nn.Parameter(torch.empty(rank, base.in_features))
        self.up = nn.Parameter(torch.zeros(base.out_features, rank))
        nn.init.kaiming_uniform_(self.down, a=5**0.5)

    def forward(self, x: Tensor) -> Any:
        return self.base(x) + x @ self.down.T @ self.up.T


@control("low-rank adapters on pretrained linear layers")
def _(at: Architecture) -> Case | None:
    network = pretrained(at).requires_grad_(False)
    linear = [(n, m) for n, m in network.named_modules() if isinstance(m, nn.Linear)]
    for name, module in linear:
        parent, _, last = name.rpartition(".")
        setattr(network.get_submodule(parent), last, Adapted(module))
    free = [p for p in network.parameters() if p.requires_grad]
    return replace(healthy(at, network), optimizers=at.optimizer(free)) if linear else None


@control("weights normalised by a parametrisation")
def _(at: Architecture) -> Case:
    network = at.make()
    for _, module in layers(network):
        if isinstance(module, nn.Linear):
            parametrizations.weight_norm(module)
    return healthy(at, network)


# Of their own kind


def _gan() -> tuple[nn.ModuleDict, list[optim.Optimizer]]:
    made = nn.Sequential(
        nn.Linear(16, 128), nn.BatchNorm1d(128), nn.ReLU(), nn.Unflatten(1, (8, 4, 4)),
        nn.ConvTranspose2d(8, 8, 4, 2, 1), nn.BatchNorm2d(8), nn.ReLU(), nn.ConvTranspose2d(8, 3, 4, 2, 1), nn.Tanh(),
    )  # fmt: skip
    judge = nn.Sequential(
        nn.Conv2d(3, 8, 4, 2, 1), nn.LeakyReLU(0.2), nn.Conv2d(8, 16, 4, 2, 1), nn.BatchNorm2d(16), nn.LeakyReLU(0.2),
        nn.Flatten(), nn.Linear(256, 1),
    )  # fmt: skip
    both = [optim.Adam(m.parameters(), lr=2e-4, betas=(0.5, 0.999)) for m in (made, judge)]
    return nn.ModuleDict({"made": made, "judge": judge}), list(both)


def _bce(outputs: Tensor, value: float) -> Tensor:
    return F.binary_cross_entropy_with_logits(outputs, torch.full_like(outputs, value))


@special("GAN, the discriminator's phase")
def _() -> Case:
    network, both = _gan()

    def loss(nets: Any, real: Tensor) -> Tensor:
        fake = nets["made"](torch.randn(len(real), 16)).detach()
        return _bce(nets["judge"](real), 1.0) + _bce(nets["judge"](fake), 0.0)

    return Case(network, both, digits(32)[0], loss)


@special("GAN, the generator's phase")
def _() -> Case:
    network, both = _gan()
    return Case(
        network,
        both,
        digits(32)[0],
        lambda nets, real: _bce(nets["judge"](nets["made"](torch.randn(len(real), 16))), 1.0),
    )


@special("Wasserstein critic with gradient penalty")
def _() -> Case:
    network, both = _gan()
    network["judge"].add_module("3", nn.Identity())
    both[1] = optim.Adam(network["judge"].parameters(), lr=1e-4, betas=(0.0, 0.9))

    def loss(nets: Any, real: Tensor) -> Any:
        with torch.no_grad():
            fake = nets["made"](torch.randn(len(real), 16))
        mixed = (real + fake).div(2).requires_grad_(True)
        slope = torch.autograd.grad(nets["judge"](mixed).sum(), mixed, create_graph=True)[0]
        total: Tensor = nets["judge"](fake).mean() - nets["judge"](real).mean()
        return total + 10 * (slope.flatten(1).norm(dim=1) - 1).square().mean()

    return Case(network, both, digits(32)[0], loss)


@special("tied autoencoder")
def _() -> Case:
    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.encode, self.shift = nn.Linear(768, 64), nn.Parameter(torch.zeros(768))

        def forward(self, x: Tensor) -> Tensor:
            return F.linear(torch.tanh(self.encode(x.flatten(1))), self.encode.weight.T, self.shift).view_as(x)

    network, images = Tied(), digits()[0]
    return Case(network, optim.Adam(network.parameters(), lr=1e-3), (images, images), F.mse_loss)


@special("lazy modules after their first batch")
def _() -> Case:
    network = nn.Sequential(nn.LazyConv2d(16, 3), nn.LazyBatchNorm2d(), nn.ReLU(), nn.Flatten(), nn.LazyLinear(10))
    network(digits(4)[0])
    network.get_submodule("1").reset_running_stats()  # type: ignore[operator]
    return Case(network, optim.SGD(network.parameters(), lr=0.01, momentum=0.9), digits(), CE)


@special("variational autoencoder")
def _() -> Case:
    class Variational(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.hidden, self.mean, self.spread = nn.Linear(768, 64), nn.Linear(64, 8), nn.Linear(64, 8)
            self.back, self.out = nn.Linear(8, 64), nn.Linear(64, 768)

        def forward(self, x: Tensor) -> Any:
            h = F.relu(self.hidden(x.flatten(1)))
            mean, spread = self.mean(h), self.spread(h)
            z = mean + torch.randn_like(mean) * (0.5 * spread).exp()
            return self.out(F.relu(self.back(z))).view_as(x), mean, spread

    def loss(model: Any, batch: Any) -> Any:
        said, mean, spread = model(batch[0])
        distance = -0.5 * (1 + spread - mean.square() - spread.exp()).sum(1).mean()
        return F.mse_loss(said, batch[0], reduction="sum") / len(said) + distance

    network = Variational()
    return Case(network, optim.Adam(network.parameters(), lr=1e-3), digits(), loss)


def _encoder() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, 2, 1), nn.BatchNorm2d(16), nn.ReLU(), nn.Conv2d(16, 32, 3, 2, 1), nn.BatchNorm2d(32),
        nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
    )  # fmt: skip


@special("contrastive learning of two views")
def _() -> Case:
    network = nn.Sequential(_encoder(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 16))

    def loss(model: nn.Module, batch: Any) -> Tensor:
        one, two = (F.normalize(model(batch[0] + 0.1 * torch.randn_like(batch[0]))) for _ in range(2))
        return F.cross_entropy(one @ two.T / 0.2, torch.arange(len(one)))

    return Case(network, optim.Adam(network.parameters(), lr=1e-3), digits(), loss)


@special("stop-gradient twin (BYOL)")
def _() -> Case:
    online = nn.Sequential(_encoder(), nn.Linear(32, 16))
    network = nn.ModuleDict({"online": online, "slow": copy.deepcopy(online), "predict": nn.Linear(16, 16)})

    def loss(nets: Any, batch: Any) -> Tensor:
        said = F.normalize(nets["predict"](nets["online"](batch[0])))
        with torch.no_grad():
            wanted = F.normalize(nets["slow"](batch[0] + 0.1))
        return 2 - 2 * (said * wanted).sum(1).mean()

    free = [*network["online"].parameters(), *network["predict"].parameters()]
    return Case(network, optim.Adam(free, lr=1e-3), digits(), loss)


@special("triplets with a margin")
def _() -> Case:
    network = nn.Sequential(_encoder(), nn.Linear(32, 16))

    def loss(model: nn.Module, batch: Any) -> Tensor:
        said = model(batch[0])
        return F.triplet_margin_loss(said, said.roll(1, 0), said.roll(2, 0))

    return Case(network, optim.SGD(network.parameters(), lr=0.01), digits(), loss)


@special("focal loss written by hand")
def _() -> Case:
    network = nn.Sequential(_encoder(), nn.Linear(32, 10))

    def loss(outputs: Tensor, labels: Tensor) -> Tensor:
        chosen = outputs.log_softmax(1).gather(1, labels[:, None])[:, 0]
        return -((1 - chosen.exp()).square() * chosen).mean()

    return Case(network, optim.Adam(network.parameters(), lr=1e-3), digits(), loss)


@special("two heads, two losses")
def _() -> Case:
    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body, self.kind, self.size = _encoder(), nn.Linear(32, 10), nn.Linear(32, 1)

        def forward(self, x: Tensor) -> Any:
            h = self.body(x)
            return self.kind(h), self.size(h)

    def loss(outputs: Any, labels: Tensor) -> Tensor:
        return F.cross_entropy(outputs[0], labels) + F.mse_loss(outputs[1][:, 0], labels.float() / 10)

    network = Two()
    return Case(network, optim.Adam(network.parameters(), lr=1e-3), digits(), loss)


@special("segmentation with an ignored border")
def _() -> Case:
    network = nn.Sequential(nn.Conv2d(3, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.Conv2d(16, 2, 1))
    images = digits(16)[0]
    masks = (images[:, 0] > 0).long()
    masks[:, 0] = 255
    loss = nn.CrossEntropyLoss(ignore_index=255)
    return Case(network, optim.SGD(network.parameters(), lr=0.05, momentum=0.9), (images, masks), loss)


@special("regression on normalised targets")
def _() -> Case:
    network = nn.Sequential(_encoder(), nn.Linear(32, 1))
    images, labels = digits()
    return Case(network, optim.Adam(network.parameters(), lr=1e-3), (images, (labels[:, None] - 4.5) / 2.9), F.mse_loss)


@special("two classes, few of one")
def _() -> Case:
    network = nn.Sequential(_encoder(), nn.Linear(32, 2))
    images, labels = digits()
    return Case(network, optim.Adam(network.parameters(), lr=1e-3), (images, (labels == 0).long()), CE)


@special("spectral norm, hinge loss")
def _() -> Case:
    network = nn.Sequential(
        parametrizations.spectral_norm(nn.Conv2d(3, 16, 3, 2, 1)), nn.LeakyReLU(0.1), nn.Flatten(),
        parametrizations.spectral_norm(nn.Linear(1024, 1)),
    )  # fmt: skip
    images, labels = digits()
    signs = (labels[:, None] > 4).float() * 2 - 1
    return Case(
        network, optim.Adam(network.parameters(), lr=2e-4), (images, signs), lambda o, t: F.relu(1 - o * t).mean()
    )


@special("LBFGS")
def _() -> Case:
    network = nn.Sequential(nn.Flatten(), nn.Linear(768, 16), nn.Tanh(), nn.Linear(16, 10))
    return Case(network, optim.LBFGS(network.parameters(), lr=0.1), digits(), CE)


@special("residual branches that begin at 0")
def _() -> Case:
    class Branch(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.norm, self.gate = (
                nn.Conv2d(16, 16, 3, padding=1),
                nn.BatchNorm2d(16),
                nn.Parameter(torch.zeros(1)),
            )

        def forward(self, x: Tensor) -> Tensor:
            return x + self.gate * F.relu(self.norm(self.conv(x)))

    network = nn.Sequential(
        nn.Conv2d(3, 16, 3, 2, 1), Branch(), Branch(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 10)
    )
    return Case(network, optim.SGD(network.parameters(), lr=0.05, momentum=0.9), digits(), CE)


@special("value network and its target network")
def _() -> Case:
    now = nn.Sequential(nn.Flatten(), nn.Linear(768, 32), nn.ReLU(), nn.Linear(32, 4))
    network = nn.ModuleDict({"now": now, "target": copy.deepcopy(now)})

    def loss(nets: Any, batch: Any) -> Tensor:
        with torch.no_grad():
            wanted = nets["target"](batch[0].roll(1, 0)).amax(1) * 0.9 + batch[1].float() / 10
        return F.smooth_l1_loss(nets["now"](batch[0]).gather(1, batch[1][:, None] % 4)[:, 0], wanted)

    return Case(network, optim.Adam(network["now"].parameters(), lr=1e-3), digits(), loss)


@special("masked patches, places from sines")
def _() -> Case:
    class Masked(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embed, self.mask = nn.Linear(48, 32), nn.Parameter(torch.zeros(32))
            self.place: Tensor
            self.register_buffer("place", torch.sin(torch.arange(16)[:, None] / 10 ** torch.linspace(0, 3, 32)))
            layer = nn.TransformerEncoderLayer(32, 4, 64, batch_first=True, norm_first=True)
            self.encode = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
            self.out = nn.Linear(32, 48)

        def forward(self, x: Tensor) -> Any:
            patches = F.unfold(x, 4, stride=4).transpose(1, 2)
            hidden = torch.rand(patches.shape[:2]) < 0.5
            tokens = torch.where(hidden[..., None], self.mask, self.embed(patches)) + self.place
            return self.out(self.encode(tokens)), patches

    network = Masked()
    loss = lambda outputs, _: F.mse_loss(*outputs)  # noqa: E731
    return Case(network, optim.AdamW(network.parameters(), lr=1e-3), digits(), loss)


@special("a fixed random matrix as a buffer")
def _() -> Case:
    class Projected(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body, self.head = _encoder(), nn.Linear(16, 10)
            self.register_buffer("matrix", torch.randn(32, 16) / 32**0.5)

        def forward(self, x: Tensor) -> Any:
            return self.head(self.body(x) @ self.matrix)

    network = Projected()
    return Case(network, optim.Adam(network.parameters(), lr=1e-3), digits(), CE)
