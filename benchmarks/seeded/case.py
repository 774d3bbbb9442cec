"""The arguments of one audit, and the healthy set-up that faults and controls begin from."""

import copy
import functools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import Tensor, nn, optim

from seeded.architectures import Architecture

BATCH = 64
CE = nn.CrossEntropyLoss()


@dataclass(frozen=True, eq=False)
class Case:
    """What ``audit_training`` is given."""

    network: nn.Module
    optimizers: Any
    batch: Any
    loss: Callable[..., Any]
    extra: Mapping[str, Any] = field(default_factory=dict)


@functools.cache
def _digits() -> tuple[Tensor, Tensor]:
    found = load_digits()
    pixels = torch.from_numpy(found.images).float()[:, None] / 16
    return F.interpolate(pixels, size=16, mode="bilinear"), torch.from_numpy(found.target).long()


def digits(count: int = BATCH, *, start: int | None = None) -> tuple[Tensor, Tensor]:
    """(n, 3, 16, 16) normalised images of digits, tinted a little, and their classes; drawn by torch's generator."""
    pixels, labels = _digits()
    rows = torch.randperm(len(labels))[:count] if start is None else torch.arange(start, start + count)
    tint = torch.tensor([1.0, 0.9, 0.8])[:, None, None]
    return (pixels[rows] * tint - 0.3) / 0.35, labels[rows]


def batch_of(at: Architecture, count: int = BATCH) -> tuple[Tensor, Tensor]:
    """Images and classes; for a network that makes images, noisy images and clean ones."""
    images, labels = digits(count)
    return (images + 0.3 * torch.randn_like(images), images) if at.image else (images, labels)


def loss_of(at: Architecture) -> Callable[..., Any]:
    """Squared error for images, else cross-entropy."""
    return F.mse_loss if at.image else CE


def healthy(at: Architecture, network: nn.Module | None = None) -> Case:
    """The architecture, all of it trained by its optimizer."""
    made = network if network is not None else at.make()
    return Case(made, at.optimizer(made.parameters()), batch_of(at), loss_of(at))


def train(at: Architecture, network: nn.Module, optimizer: optim.Optimizer, steps: int) -> None:
    """Some steps on batches drawn anew."""
    network.train()
    loss = loss_of(at)
    for _ in range(steps):
        inputs, targets = batch_of(at)
        optimizer.zero_grad()
        loss(network(inputs), targets).backward()
        optimizer.step()
    optimizer.zero_grad()


_TRAINED: dict[tuple[str, int, int], nn.Module] = {}


def pretrained(at: Architecture, steps: int = 40) -> nn.Module:
    """A stand-in for pretrained weights: trained once for each of the bench's seeds, then copied."""
    key = (at.name, steps, torch.initial_seed() % 1000)
    if key not in _TRAINED:
        network = at.make()
        train(at, network, at.optimizer(network.parameters()), steps)
        _TRAINED[key] = network
    return copy.deepcopy(_TRAINED[key])


def without(network: nn.Module, left_out: set[int]) -> list[nn.Parameter]:
    """The parameters whose identity is not among these."""
    return [p for p in network.parameters() if id(p) not in left_out]


def cut(modules: Iterable[nn.Module], how: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
    """Replace the forward of modules by ``how(forward)``."""
    for module in modules:
        module.forward = how(module.forward)
