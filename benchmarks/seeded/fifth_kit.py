"""How the set-ups of ``fifth.py`` are listed, and the batches that they share."""

import functools
from collections.abc import Callable, Iterable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn, optim

from seeded.blind_plans import Blind, digits01, normalised, shapes
from seeded.case import digits

CE = nn.CrossEntropyLoss()
Build = Callable[[], Blind]
HEALTHY: list[tuple[str, Build]] = []
FAULTS: list[tuple[str, str, str, Build]] = []


def right(build: Build) -> Build:
    """List a healthy set-up under the name of its function."""
    HEALTHY.append((build.__name__, build))
    return build


def wrong(say: str, severity: str = "error") -> Callable[[Build], Build]:
    """List a faulty set-up under the name of its function."""

    def listed(build: Build) -> Build:
        FAULTS.append((build.__name__, severity, say, build))
        return build

    return listed


def setup(
    network: nn.Module,
    optimizers: Any = None,
    draw: Callable[[], Any] = digits,
    loss: Callable[..., Any] = CE,
    after: Callable[[], Any] = lambda: None,
) -> Blind:
    """A set-up; AdamW on all parameters where no optimizer is given."""
    chosen = optimizers if optimizers is not None else adam(network)
    return Blind(network, chosen, draw(), loss, {}, draw, after)


def adam(network: nn.Module, rate: float = 2e-3, **more: Any) -> optim.Optimizer:
    return optim.AdamW(network.parameters(), lr=rate, **more)


def sgd(network: nn.Module, rate: float = 0.05, **more: Any) -> optim.Optimizer:
    return optim.SGD(network.parameters(), lr=rate, **({"momentum": 0.9} | more))


def fitted(network: nn.Module, draw: Callable[[], Any] = digits, loss: Any = CE, steps: int = 50) -> nn.Module:
    """Trained a little: a stand-in for downloaded weights."""
    optimizer = adam(network)
    for _ in range(steps):
        inputs, targets = draw()
        optimizer.zero_grad()
        loss(network(inputs), targets).backward()
        optimizer.step()
    optimizer.zero_grad()
    return network


def few(count: int) -> Callable[[], Any]:
    return functools.partial(digits, count)


def bytes255(count: int = 64) -> tuple[Tensor, Tensor]:
    """Pixels as a camera gives them: uint8."""
    images, labels = digits01(count)
    return (images * 255).to(torch.uint8), labels


def odd(count: int = 64) -> tuple[Tensor, Tensor]:
    """Whether the digit is odd: 0. or 1."""
    images, labels = digits(count)
    return images, (labels % 2).float()


def clean(count: int = 64) -> Tensor:
    """Pixels in [0, 1], with no labels."""
    return digits01(count)[0]


def shape4(count: int = 64, size: int = 16) -> tuple[Tensor, Tensor]:
    scene = shapes(count, size)
    return normalised(scene.pixels), scene.kind


def faces(count: int = 64) -> tuple[Tensor, Tensor]:
    """A stand-in for faces and ages, 10 to 90 years: the larger the shape, the older."""
    scene = shapes(count, 16)
    return normalised(scene.pixels), 10 + 80 * (scene.radius / 16 - 0.15) / 0.15


def points(count: int = 64) -> tuple[Tensor, Tensor]:
    """The centre of the shape in pixels, (n, 2)."""
    scene = shapes(count, 16)
    return normalised(scene.pixels), scene.centre


def masks(count: int = 24) -> tuple[Tensor, Tensor]:
    """Class of each pixel, 0 for background."""
    scene = shapes(count, 16)
    return normalised(scene.pixels), scene.mask


def lesions(count: int = 24) -> tuple[Tensor, Tensor]:
    """Foreground of each pixel, (n, 16, 16), 0. or 1."""
    images, mask = masks(count)
    return images, (mask > 0).float()


def tags(count: int = 64) -> tuple[Tensor, Tensor]:
    """Six labels of an image: its shape, whether it is large, whether it is reddish."""
    scene = shapes(count, 16)
    large, red = (scene.radius > 3.6).float(), (scene.pixels.amax((2, 3))[:, 0] > 0.7).float()
    return normalised(scene.pixels), torch.cat([F.one_hot(scene.kind, 4).float(), large[:, None], red[:, None]], 1)


def pairs(count: int = 48) -> tuple[Tensor, Tensor, Tensor]:
    """Two images and whether they show the same digit, about half of them."""
    a, ya = digits(count * 4)
    b, yb = digits(count * 4)
    same = ya == yb
    first, other = same.nonzero()[:, 0][: count // 2], (~same).nonzero()[:, 0][: count - count // 2]
    rows = torch.cat([first, other])
    return a[rows], b[rows], same[rows].float()


def named(network: nn.Module, *parts: str) -> list[nn.Parameter]:
    """Parameters whose name begins with one of these."""
    return [p for name, p in network.named_parameters() if name.startswith(parts)]


def flat(parameters: Iterable[Tensor]) -> Tensor:
    return torch.cat([p.flatten() for p in parameters])
