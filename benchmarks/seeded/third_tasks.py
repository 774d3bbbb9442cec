"""Data for the third set: tables, words, waves, clips, graphs, sets, ratings."""

import copy
import itertools
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn, optim

from seeded.blind_plans import Blind, learn
from seeded.case import digits

WORDS = 20
_G = torch.Generator().manual_seed(7)
_MAP = torch.randn(8, 6, generator=_G)
_NEXT = torch.randint(3, WORDS, (WORDS,), generator=_G)
_USERS, _ITEMS = torch.randn(40, 3, generator=_G), torch.randn(30, 3, generator=_G)


def fit(
    network: nn.Module,
    draw: Callable[[], Any],
    loss: Callable[..., Any],
    optimizer: Any = 3e-3,
    after: Callable[[], Any] = lambda: None,
) -> Blind:
    """A set-up; a number is the rate of AdamW, a function makes the optimizer of the parameters."""
    if isinstance(optimizer, float):
        optimizer = optim.AdamW(network.parameters(), lr=optimizer)
    elif callable(optimizer):
        optimizer = optimizer(list(network.parameters()))
    return Blind(network, optimizer, draw(), loss, {}, draw, after)


def trained(case: Blind, steps: int = 60) -> nn.Module:
    """A copy of its network after some steps."""
    learn(case, steps)
    return copy.deepcopy(case.network)


def mlp(*widths: int, act: type[nn.Module] = nn.ReLU) -> nn.Sequential:
    layers: list[nn.Module] = []
    for i, (a, b) in enumerate(itertools.pairwise(widths)):
        layers += [nn.Linear(a, b)] + ([act()] if i < len(widths) - 2 else [])
    return nn.Sequential(*layers)


def flat(*widths: int, act: type[nn.Module] = nn.ReLU) -> nn.Sequential:
    """For digits, (n, 3, 16, 16)."""
    return nn.Sequential(nn.Flatten(), *mlp(768, *widths, act=act))


def small(out: int = 10, width: int = 16) -> nn.Sequential:
    """A convolutional network with batch normalisation."""
    return nn.Sequential(
        nn.Conv2d(3, width, 3, 2, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU(),
        nn.Conv2d(width, 2 * width, 3, 2, 1, bias=False), nn.BatchNorm2d(2 * width), nn.ReLU(),
        nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(8 * width, out),
    )  # fmt: skip


def table(count: int = 64) -> tuple[Tensor, Tensor]:
    """(n, 8) numbers and a (n, 1) number of them, about 0 +- 1."""
    x = torch.randn(count, 8)
    return x, ((x @ _MAP).tanh().sum(1, keepdim=True)) / 2


def sorts() -> tuple[Tensor, Tensor]:
    """(n, 8) numbers, one of 6 classes."""
    x = torch.randn(64, 8)
    return x, (x @ _MAP).argmax(1)


def words(count: int = 32, length: int = 10) -> Tensor:
    """A word follows from the one before, but for one time in six. 0 pads, 1 begins, 2 masks."""
    out = [torch.randint(3, WORDS, (count,))]
    for _ in range(length - 1):
        out.append(torch.where(torch.rand(count) < 5 / 6, _NEXT[out[-1]], torch.randint(3, WORDS, (count,))))
    return torch.stack(out, 1)


def masked() -> tuple[Tensor, Tensor]:
    """Words of which a few are hidden; targets are those alone (-100 elsewhere)."""
    said = words()
    hidden = torch.rand(said.shape) < 0.2
    hidden[0, 0] = True
    return said.masked_fill(hidden, 2), said.masked_fill(~hidden, -100)


def word_loss(outputs: Tensor, targets: Tensor) -> Any:
    return F.cross_entropy(outputs.flatten(0, 1), targets.flatten())


def following() -> tuple[Tensor, Tensor]:
    said = words()
    return said[:, :-1], said[:, 1:]


def waves(count: int = 32) -> tuple[Tensor, Tensor]:
    """24 moments of the past (n, 24, 1), 8 of the future (n, 8, 1)."""
    t = torch.arange(32.0)
    speed, phase = 0.2 + 0.4 * torch.rand(count, 1), 6.28 * torch.rand(count, 1)
    x = torch.sin(speed * t + phase)[:, :, None]
    return x[:, :24] + 0.02 * torch.randn(count, 24, 1), x[:, 24:]


def tones() -> tuple[Tensor, Tensor]:
    """Raw audio (n, 1, 256) of amplitude 0.01 to 0.5, and which of four tones."""
    kind = torch.randint(0, 4, (32,))
    t = torch.arange(256.0)
    speed = (kind + 1)[:, None] * 0.15
    x = torch.sin(speed * t + 6.28 * torch.rand(32, 1)) * (0.01 + 0.5 * torch.rand(32, 1))
    return (x + 0.01 * torch.randn_like(x))[:, None], kind


def clips3d() -> tuple[Tensor, Tensor]:
    """(n, 1, t, h, w): a bar that goes one of four ways."""
    way, at = torch.randint(0, 4, (16,)), torch.randint(0, 12, (16,)).tolist()
    clips = torch.zeros(16, 1, 6, 12, 12)
    for i, w in enumerate(way.tolist()):
        for t in range(6):
            place = (at[i] + (2 * t if w % 2 else -2 * t)) % 12
            if w < 2:
                clips[i, 0, t, place] = 1
            else:
                clips[i, 0, t, :, place] = 1
    return clips + 0.1 * torch.randn_like(clips), way


def graphs() -> tuple[tuple[Tensor, Tensor], Tensor]:
    """Adjacency (n, 9, 9), features (n, 9, 4); is the mean of the neighbours' first feature of the hub positive?"""
    links = (torch.rand(48, 9, 9) < 0.3).float().triu(1)
    links[:, 0, 1:4] = 1
    links = links + links.transpose(1, 2)
    x = torch.randn(48, 9, 4)
    wanted = ((links @ x)[:, 0, 0] > 0).long()
    return (links, x), wanted


def bags() -> tuple[Tensor, Tensor]:
    """Sets (n, 10, 2), of which some members are there twice; the largest first coordinate less the smallest."""
    x = torch.randn(48, 10, 2)
    x[:, 5:8] = x[:, 0:3]
    return x, (x[..., 0].amax(1) - x[..., 0].amin(1))[:, None]


def ratings() -> tuple[tuple[Tensor, Tensor], Tensor]:
    """User, item, and stars about 3.5."""
    u, i = torch.randint(0, 40, (128,)), torch.randint(0, 30, (128,))
    return (u, i), 3.5 + 0.6 * (_USERS[u] * _ITEMS[i]).sum(1) + 0.1 * torch.randn(128)


def rare_tags() -> tuple[Tensor, Tensor]:
    """Twelve tags, the last three of which are almost never there."""
    x, y = digits()
    hot = torch.zeros(64, 12)
    hot[torch.arange(64), y % 9] = 1
    hot[:, 0] = (y > 4).float()
    return x, hot


def reversed_words() -> tuple[tuple[Tensor, Tensor], Tensor]:
    """Source, target shifted to the right, target: the source turned round."""
    source = torch.randint(3, WORDS, (48, 5))
    target = source.flip(1)
    return (source, torch.cat([torch.ones(48, 1, dtype=torch.long), target[:, :-1]], 1)), target


def steps_of(rates: dict[str, float]) -> Callable[[nn.Module], optim.Optimizer]:
    """Groups by the beginning of the parameters' names."""

    def build(network: nn.Module) -> optim.Optimizer:
        groups = [
            {"params": [p for n, p in network.named_parameters() if n.startswith(begin)], "lr": rate}
            for begin, rate in rates.items()
        ]
        return optim.AdamW(groups, lr=1e-3)

    return build
