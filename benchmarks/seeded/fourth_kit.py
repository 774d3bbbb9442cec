"""What the set-ups of ``fourth.py`` share: how they are listed, small networks, and data with a rule to learn."""

import itertools
from collections.abc import Callable, Iterable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn, optim

from seeded.blind_plans import Blind as Blind
from seeded.case import digits

CE = nn.CrossEntropyLoss()
Build = Callable[[], Blind]


class Healthy(list[tuple[str, Build]]):
    """Healthy set-ups, by name."""

    def add(self, name: str) -> Callable[[Build], Build]:
        def keep(build: Build) -> Build:
            self.append((name, build))
            return build

        return keep


class Faults(list[tuple[str, str, str, Build]]):
    """Faulty set-ups: name, severity, what should be said."""

    def add(self, name: str, severity: str, say: str) -> Callable[[Build], Build]:
        def keep(build: Build) -> Build:
            self.append((name, severity, say, build))
            return build

        return keep


class Of(nn.Module):
    """Named parts, and a function of them and the inputs."""

    def __init__(self, how: Callable[..., Any], **parts: Any) -> None:
        super().__init__()
        self.how = how
        for name, part in parts.items():
            setattr(self, name, part)

    def __getattr__(self, name: str) -> Any:
        return super().__getattr__(name)

    def forward(self, *inputs: Any) -> Any:
        return self.how(self, *inputs)


def setup(
    network: nn.Module,
    optimizers: Any = None,
    draw: Callable[[], Any] = digits,
    loss: Callable[..., Any] = CE,
    after: Callable[[], Any] = lambda: None,
) -> Blind:
    """A set-up; by default cross-entropy on digits by Adam."""
    given = optimizers if optimizers is not None else adam(network)
    return Blind(network, given, draw(), loss, {}, draw, after)


def adam(of: nn.Module | Iterable[Any], rate: float = 2e-3, **more: Any) -> optim.Optimizer:
    return optim.Adam(of.parameters() if isinstance(of, nn.Module) else of, lr=rate, **more)


def sgd(of: nn.Module | Iterable[Any], rate: float = 0.05, momentum: float = 0.9, **more: Any) -> optim.Optimizer:
    return optim.SGD(of.parameters() if isinstance(of, nn.Module) else of, lr=rate, momentum=momentum, **more)


def unit(inside: int, out: int, stride: Any = 1, norm: Any = nn.BatchNorm2d, act: Any = nn.ReLU) -> nn.Sequential:
    """Convolution, norm, activation."""
    return nn.Sequential(nn.Conv2d(inside, out, 3, stride, 1), norm(out), act())


def trunk(channels: int = 3, width: int = 16, norm: Any = nn.BatchNorm2d) -> nn.Sequential:
    """Features of an image: a vector of 2 × width."""
    return nn.Sequential(
        unit(channels, width, 1, norm),
        nn.MaxPool2d(2),
        unit(width, 2 * width, 1, norm),
        nn.AdaptiveAvgPool2d(2),
        nn.Flatten(),
        nn.Linear(8 * width, 2 * width),
        nn.ReLU(),
    )


def cnn(out: int = 10, channels: int = 3, width: int = 16, norm: Any = nn.BatchNorm2d) -> nn.Sequential:
    return nn.Sequential(trunk(channels, width, norm), nn.Linear(2 * width, out))


def fcn(channels: int, out: int, width: int = 16, norm: Any = nn.BatchNorm2d) -> nn.Sequential:
    """An image of the same size, with some sight around each pixel."""
    return nn.Sequential(
        unit(channels, width, 1, norm),
        nn.Conv2d(width, width, 3, 1, 2, dilation=2),
        norm(width),
        nn.ReLU(),
        nn.Conv2d(width, width, 3, 1, 4, dilation=4),
        nn.ReLU(),
        nn.Conv2d(width, out, 1),
    )


def mlp(*sizes: int, act: Any = nn.ReLU) -> nn.Sequential:
    layers: list[nn.Module] = [nn.Flatten()]
    for inside, out in itertools.pairwise(sizes):
        layers += [nn.Linear(inside, out), act()]
    return nn.Sequential(*layers[:-1])


def flat(_: int) -> nn.Module:
    """No norm."""
    return nn.Identity()


def groups(width: int) -> nn.Module:
    return nn.GroupNorm(4, width)


def grey(count: int = 64) -> tuple[Tensor, Tensor]:
    """(n, 1, 16, 16) digits in [0, 1] and their classes."""
    images, labels = digits(count)
    return (images[:, :1] * 0.35 + 0.3).clamp(0, 1), labels


def pixels(count: int = 64) -> Tensor:
    return grey(count)[0]


def spots(count: int = 32, size: int = 24) -> tuple[Tensor, Tensor]:
    """A bright and a dark spot on grey; x, y of both in [0, 1]."""
    places = 0.15 + 0.7 * torch.rand(count, 4)
    axis = (torch.arange(size) + 0.5) / size

    def blob(at: Tensor) -> Tensor:
        far = (axis[None, None] - at[:, 0, None, None]) ** 2 + (axis[None, :, None] - at[:, 1, None, None]) ** 2
        return torch.exp(-far / 0.01)

    return (blob(places[:, :2]) - blob(places[:, 2:]))[:, None] + 0.05 * torch.randn(count, 1, size, size), places


def ages(count: int = 64) -> tuple[Tensor, Tensor]:
    """Wrinkles: the older, the denser the stripes; 5 to 80 years, (n, 1)."""
    years = 5 + 75 * torch.rand(count, 1)
    axis = torch.arange(16) / 16
    waves = torch.sin(6.28 * axis * (0.5 + years / 16) + 0.5 * torch.randn(count, 1))
    return waves[:, None, :, None].expand(-1, 1, -1, 16) + 0.1 * torch.randn(count, 1, 16, 16), years


def scaled_ages(count: int = 64) -> tuple[Tensor, Tensor]:
    images, years = ages(count)
    return images, (years - 42.5) / 21.6


def vessels(count: int = 16, size: int = 24) -> tuple[Tensor, Tensor]:
    """A thin slanted line in noise, and its mask (n, 1, s, s): about 5 % of the pixels."""
    axis = torch.arange(size).float()
    slope, cut = torch.rand(count, 1, 1) - 0.5, size * (0.3 + 0.4 * torch.rand(count, 1, 1))
    line = ((axis[None, :, None] - cut - slope * (axis[None, None] - size / 2)).abs() < 0.8).float()
    return (line + 0.35 * torch.randn(count, size, size))[:, None], line[:, None]


def stripes(count: int = 64, kinds: int = 4, size: int = 20) -> tuple[Tensor, Tensor]:
    """Textures of so many directions."""
    kind = torch.randint(0, kinds, (count,))
    angle = (kind / kinds * 3.1416)[:, None, None]
    axis = torch.arange(size).float()
    along = torch.cos(angle) * axis[None, None] + torch.sin(angle) * axis[None, :, None]
    wave = torch.sin(along + 6.28 * torch.rand(count, 1, 1))[:, None]
    return wave * torch.tensor([1.0, 0.8, 0.6])[:, None, None] + 0.3 * torch.randn(count, 3, size, size), kind


def tags(count: int = 64) -> tuple[Tensor, Tensor]:
    """Digits; is it even, is it above 4, is it round."""
    images, labels = digits(count)
    round_ = (labels == 0) | (labels == 6) | (labels == 8) | (labels == 9)
    return images, torch.stack([labels % 2 == 0, labels > 4, round_], 1).float()


def views(count: int = 48) -> tuple[Tensor, Tensor]:
    """Two augmented views of the same digits."""
    images, _ = digits(count)

    def view() -> Tensor:
        shifted = torch.roll(images, tuple(torch.randint(-2, 3, (2,)).tolist()), (2, 3))
        return shifted * (0.7 + 0.6 * torch.rand(count, 1, 1, 1)) + 0.2 * torch.randn_like(images)

    return view(), view()


def twins(count: int = 48) -> tuple[Tensor, Tensor, Tensor]:
    """Pairs of digits and whether both are the same: about half."""
    images, labels = digits(2 * count)
    order = labels.argsort()
    images, labels = images[order], labels[order]
    other = torch.where(torch.rand(2 * count) < 0.5, torch.arange(2 * count) ^ 1, torch.randperm(2 * count))
    pick = torch.randperm(2 * count)[:count]
    return images[pick], images[other[pick]], (labels[pick] == labels[other[pick]]).float()


def small_large(count: int = 16) -> tuple[Tensor, Tensor]:
    """Textures of half the size, and whole."""
    whole = F.interpolate(digits(count)[0], size=24, mode="bicubic")
    return F.avg_pool2d(whole, 2), whole


def trained(network: nn.Module, draw: Callable[[], Any] = digits, steps: int = 60) -> nn.Module:
    """The network after some steps of cross-entropy: stands for a pretrained one."""
    optimizer = adam(network, 3e-3)
    network.train()
    for _ in range(steps):
        images, labels = draw()
        optimizer.zero_grad()
        CE(network(images), labels).backward()
        optimizer.step()
    optimizer.zero_grad()
    return network


def frozen(network: nn.Module) -> nn.Module:
    return network.requires_grad_(False)
