"""Healthy set-ups of the third set: warm-ups by schedules, and pretrained networks tuned in many ways."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn, optim

from seeded import third_nets as nets
from seeded.blind_plans import CE, Blind
from seeded.case import digits
from seeded.third_tasks import fit, flat, small, steps_of, trained


def scheduled(net: nn.Module, optimizer: Any, schedule: Any) -> Blind:
    return fit(net, digits, CE, optimizer, schedule.step)


def lambda_warm() -> Blind:
    net = small()
    optimizer = optim.AdamW(net.parameters(), lr=3e-3)
    return scheduled(net, optimizer, optim.lr_scheduler.LambdaLR(optimizer, lambda t: max(1e-4, min(1, t / 10))))


def zero_warm() -> Blind:
    """The first rate is exactly zero, as in the schedules of transformers."""
    net = nets.Residual(0.1)
    optimizer = optim.AdamW(net.parameters(), lr=3e-3)
    return scheduled(net, optimizer, optim.lr_scheduler.LambdaLR(optimizer, lambda t: min(1, t / 10)))


def one_cycle() -> Blind:
    net = small()
    optimizer = optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    cycle = optim.lr_scheduler.OneCycleLR(optimizer, 0.3, total_steps=200, div_factor=1e5, pct_start=0.1)
    return scheduled(net, optimizer, cycle)


def sequential() -> Blind:
    net = nets.mobile()
    optimizer = optim.SGD(net.parameters(), lr=0.2, momentum=0.9, nesterov=True)
    parts = [
        optim.lr_scheduler.LinearLR(optimizer, 1e-5, total_iters=8),
        optim.lr_scheduler.CosineAnnealingLR(optimizer, 300),
    ]
    return scheduled(net, optimizer, optim.lr_scheduler.SequentialLR(optimizer, parts, [8]))


def by_hand() -> Blind:
    """The loop itself sets the rate; it begins at 1e-6."""
    net = flat(64, 10)
    optimizer = optim.AdamW(net.parameters(), lr=1e-6)
    now = [0]

    def rise() -> None:
        now[0] += 1
        for group in optimizer.param_groups:
            group["lr"] = 3e-3 * min(1.0, now[0] / 10)

    return fit(net, digits, CE, optimizer, rise)


def before(make: Callable[[], nn.Module], loss: Any = CE, draw: Any = digits, steps: int = 80) -> nn.Module:
    return trained(fit(make(), draw, loss, 3e-3), steps)


def tuned(rate: float) -> Callable[[], Blind]:
    """All of a pretrained network at a small rate, on darker images."""

    def darker() -> tuple[Tensor, Tensor]:
        x, y = digits()
        return 0.7 * x - 0.2, y

    return lambda: fit(before(lambda: flat(64, 10)), darker, CE, rate)


def layered() -> Blind:
    """Each layer at half the rate of the next (ULMFiT); a new head."""
    net: Any = before(lambda: flat(64, 64, 10))
    net[5] = nn.Linear(64, 10)
    return fit(net, digits, CE, steps_of({"1.": 2.5e-5, "3.": 1e-4, "5.": 1e-3})(net))


def probe(keep: bool) -> Callable[[], Blind]:
    """A frozen pretrained body, in eval mode or not given to the optimizer, and a new linear head."""

    def build() -> Blind:
        net: Any = before(lambda: flat(64, 10))
        net[3] = nn.Linear(64, 10)
        for p in net[1].parameters():
            p.requires_grad_(False)
        given = net.parameters() if keep else net[3].parameters()
        return fit(net, digits, CE, optim.AdamW(given, lr=5e-3))

    return build


def at_zero() -> Blind:
    """The body is given with rate 0 until the head is warm."""
    net: Any = before(lambda: flat(64, 10))
    net[3] = nn.Linear(64, 10)
    return fit(net, digits, CE, steps_of({"1.": 0.0, "3.": 5e-3})(net))


def low_rank() -> Blind:
    net: Any = before(lambda: flat(64, 64, 10))
    net[1], net[3] = nets.LowRank(net[1]), nets.LowRank(net[3])
    given = [p for p in net.parameters() if p.requires_grad]
    return fit(net, lambda: ((b := digits())[0].flip(3), b[1]), CE, optim.AdamW(given, lr=3e-3))


def prefix() -> Blind:
    """A prompt is learned: the network itself is frozen."""

    class Prompted(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.shift = nn.Parameter(torch.zeros(1, 3, 16, 16))
            self.net = before(lambda: flat(64, 10)).requires_grad_(False)

        def forward(self, x: Tensor) -> Any:
            return self.net(x + self.shift)

    net = Prompted()
    return fit(net, lambda: ((b := digits())[0].flip(2), b[1]), CE, optim.Adam([net.shift], lr=3e-2))


TUNED: list[tuple[str, Callable[[], Blind]]] = [
    ("warm-up by LambdaLR", lambda_warm),
    ("warm-up from exactly 0", zero_warm),
    ("one cycle from a hundred-thousandth", one_cycle),
    ("warm-up then cosine, SequentialLR", sequential),
    ("warm-up by hand from 1e-6", by_hand),
    ("fine-tuned at 1e-6", tuned(1e-6)),
    ("fine-tuned at 2e-5", tuned(2e-5)),
    ("layer-wise rates, new head", layered),
    ("linear probe, body frozen but given", probe(True)),
    ("linear probe, body frozen and not given", probe(False)),
    ("body at rate 0 while the head warms", at_zero),
    ("low-rank adapters", low_rank),
    ("learned prompt", prefix),
]
