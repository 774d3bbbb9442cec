"""Healthy set-ups of the third set with odd optimizers, beginnings and units. Schedules: ``third_tuned``."""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn, optim
from torch.nn.utils import parametrizations, prune

from seeded import third_losses as losses
from seeded import third_nets as nets
from seeded import third_tasks as tasks
from seeded.blind_plans import CE, Blind
from seeded.case import digits
from seeded.third_tasks import fit, flat, mlp, small, sorts, table
from seeded.third_tuned import TUNED, before

MSE = F.mse_loss


def weight_normed() -> nn.Module:
    w = parametrizations.weight_norm
    return nn.Sequential(nn.Flatten(), w(nn.Linear(768, 64)), nn.ReLU(), w(nn.Linear(64, 10)))


def spectral() -> nn.Module:
    s = parametrizations.spectral_norm
    return nn.Sequential(nn.Flatten(), s(nn.Linear(768, 64)), nn.ReLU(), nn.Linear(64, 10))


def pruned() -> Any:
    net: Any = before(lambda: flat(64, 10))
    for at in (1, 3):
        prune.l1_unstructured(net[at], "weight", amount=0.6)
    return net


def began(make: Callable[[], nn.Module], how: Callable[[Any], Any]) -> nn.Module:
    net = make()
    how(net)
    return net


def zero_last(net: Any) -> None:
    nn.init.zeros_(net[-1].weight)
    nn.init.zeros_(net[-1].bias)


def orthogonal(net: nn.Module) -> None:
    for p in net.parameters():
        nn.init.orthogonal_(p, 1.4) if p.ndim > 1 else nn.init.zeros_(p)


def fixup(net: Any) -> None:
    for block in net.blocks:
        nn.init.zeros_(block[2].weight)
        block[0].weight.data *= 0.5


class Scaled(nn.Module):
    """Outputs divided by the width, as in muP."""

    def __init__(self) -> None:
        super().__init__()
        self.net = flat(128, 10)

    def forward(self, x: Tensor) -> Any:
        return self.net(x) * (4 / 128) * 4


def momentum(value: float | None) -> nn.Module:
    net = small()
    for m in net.modules():
        if isinstance(m, nn.BatchNorm2d):
            m.momentum = value
    return net


def doubled(rows: Any) -> Any:
    return tuple(t.double() if t.is_floating_point() else t for t in rows)


def halved() -> tuple[Tensor, Tensor]:
    x, y = digits()
    return x.bfloat16(), y


def times(scale: float, loss: Any = CE) -> Any:
    return lambda outputs, targets: loss(outputs, targets) * scale


def unscaled() -> Blind:
    """A scale of 65536 against underflow, taken off by a hook before each step."""
    net = flat(64, 10)
    optimizer = optim.SGD(net.parameters(), lr=0.05, momentum=0.9)

    def divide(optimizer: Any, *_: Any) -> None:
        for group in optimizer.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    p.grad.div_(65536)

    optimizer.register_step_pre_hook(divide)
    return fit(net, digits, times(65536.0), optimizer)


def clipped() -> Blind:
    """Hooks that clip each gradient by its norm."""
    net = nets.Forecast()
    for p in net.parameters():
        p.register_hook(lambda g: g * (1.0 / g.norm().clamp(min=1.0)))
    return fit(net, tasks.waves, MSE, 5e-3)


class Lars(optim.Optimizer):
    """A rate by layer: the norm of its weights over that of its gradient (You et al. 2017), times 0.02."""

    def __init__(self, params: Any, lr: float) -> None:
        super().__init__(params, {"lr": lr})

    @torch.no_grad()
    def step(self, _: Any = None) -> Any:
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    trust = 0.02 * p.norm() / (p.grad.norm() + 1e-9) if p.ndim > 1 else torch.tensor(0.02)
                    p.sub_(group["lr"] * trust * p.grad)


def split_optimizers() -> Blind:
    """SGD for embeddings, Adam for the rest, on one loss."""
    net = nets.Attend(True)
    rest = [p for n, p in net.named_parameters() if not n.startswith(("emb", "pos"))]
    pair = [optim.SGD([*net.emb.parameters(), *net.pos.parameters()], lr=1.0), optim.Adam(rest, lr=3e-3)]
    return fit(net, tasks.following, tasks.word_loss, pair)


def by(make: Callable[..., Any], **options: Any) -> Any:
    return lambda params: make(params, **options)


def lbfgs(params: Any) -> Any:
    optimizer: Any = optim.LBFGS(params, lr=0.5, max_iter=4)
    optimizer.needs_closure = True
    return optimizer


FULL = table(128)

ODD: list[tuple[str, Callable[[], Blind]]] = [
    *TUNED,
    ("SGD at 1 with batch normalisation", lambda: fit(small(), digits, CE, by(optim.SGD, lr=1.0))),
    ("SGD at 1, language", lambda: fit(
        nets.Attend(True), tasks.following, tasks.word_loss, by(optim.SGD, lr=1.0))),
    ("weight normalisation, SGD at 0.2", lambda: fit(weight_normed(), digits, CE, by(optim.SGD, lr=0.2))),
    ("LARS by hand at 2", lambda: fit(small(), digits, CE, by(Lars, lr=2.0))),
    ("spectral normalisation", lambda: fit(spectral(), digits, CE, 3e-3)),
    ("pruned and fine-tuned", lambda: fit(pruned(), digits, CE, 1e-3)),
    ("last layer at zero", lambda: fit(began(lambda: flat(64, 10), zero_last), digits, CE)),
    ("orthogonal, gain 1.4", lambda: fit(began(lambda: flat(64, 64, 10), orthogonal), digits, CE)),
    ("Fixup", lambda: fit(began(lambda: nets.Residual(1.0), fixup), digits, CE)),
    ("outputs scaled by width", lambda: fit(Scaled(), digits, CE, 5e-3)),
    ("RMS normalisation by hand", lambda: fit(nn.Sequential(
        nn.Flatten(), nn.Linear(768, 48), nets.RMSNorm(48), nn.SiLU(), nn.Linear(48, 10)), digits, CE)),
    ("LayerNorm of four features", lambda: fit(nn.Sequential(
        nn.Linear(8, 4), nn.LayerNorm(4), nn.Linear(4, 32), nn.Tanh(), nn.Linear(32, 6)), sorts, CE, 1e-2)),
    ("batch normalisation, momentum 0.01", lambda: fit(momentum(0.01), digits, CE)),
    ("batch normalisation, cumulative", lambda: fit(momentum(None), digits, CE)),
    ("one-hot inputs", lambda: fit(mlp(20, 32, 20), lambda: (
        F.one_hot((w := tasks.words(64, 2))[:, 0], 20).float(), w[:, 1]), CE, 1e-2)),
    ("a batch of one", lambda: fit(flat(64, 10), lambda: digits(1), CE, 1e-3)),
    ("a batch of two, group normalisation", lambda: fit(nn.Sequential(
        nn.Conv2d(3, 16, 3, 2, 1), nn.GroupNorm(1, 16), nn.ReLU(), nn.Flatten(), nn.Linear(1024, 10)),
        lambda: digits(2), CE, 1e-3)),
    ("accumulated, loss over 16", lambda: fit(flat(64, 10), digits, times(1 / 16), 2e-3)),
    ("scaled by 65536 and unscaled", unscaled),
    ("clipped by hooks", clipped),
    ("float64 and a sum", lambda: fit(
        mlp(8, 48, 1).double(), lambda: doubled(table()), nn.MSELoss(reduction="sum"))),
    ("bfloat16 weights", lambda: fit(flat(64, 10).bfloat16(), halved, lambda outputs, targets: CE(
        outputs.float(), targets), 1e-2)),
    ("two optimizers on one loss", split_optimizers),
    ("Rprop", lambda: fit(mlp(8, 48, 1), lambda: FULL, MSE, by(optim.Rprop, lr=1e-3))),
    ("L-BFGS", lambda: fit(mlp(8, 16, 1), lambda: FULL, MSE, lbfgs)),
    ("Adagrad", lambda: fit(small(), digits, CE, by(optim.Adagrad, lr=0.05))),
    ("Adadelta", lambda: fit(small(), digits, CE, by(optim.Adadelta, lr=1.0))),
    ("NAdam, foreach", lambda: fit(small(), digits, CE, by(optim.NAdam, lr=3e-3, foreach=True))),
    ("Adafactor", lambda: fit(flat(64, 10), digits, CE, by(optim.Adafactor, lr=2e-2))),
    ("Adam, fused and AMSGrad", lambda: fit(small(), digits, CE, by(optim.Adam, lr=3e-3, fused=True, amsgrad=True))),
    ("RMSprop, centred", lambda: fit(small(), digits, CE, by(optim.RMSprop, lr=1e-3, centered=True, momentum=0.5))),
    ("loss that is negative, by a thousand", lambda: fit(mlp(1, 64, 2), losses.narrow, lambda network, batch: (
        losses.flow(network, batch) - 1000))),
    ("maximised by the optimizer", lambda: fit(flat(64, 10), digits, times(-1.0), by(
        optim.AdamW, lr=3e-3, maximize=True))),
    ("labels not balanced", lambda: fit(small(), lambda: ((b := digits(200)) and uneven(b)), CE)),
]  # fmt: skip


def uneven(batch: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    """Nine in ten are of classes 0 and 1."""
    x, y = batch
    few = torch.cat([(y < 2).nonzero()[:, 0], (y >= 2).nonzero()[:4, 0]])
    return x[few], y[few]
