"""A VGG with one fully-connected layer fewer and one more, on a data set of fixed size: parameters and the gap."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from snellen._errors import UsageError
from snellen.findings.finding import Finding
from snellen.nets.vgg import vgg
from snellen.studies._base import Progress, Study, silent
from snellen.studies._capacity_findings import findings
from snellen.studies._digits import COUNT
from snellen.studies._variants import Capacities, Variant
from snellen.subject.load.digits import digit_pixels

FEWER, ORIGINAL, MORE = 2, 3, 4
"""Fully-connected layers: VGG has three."""
WIDTHS, SIDE, BATCH, RATE = (8, 16, 32), 16, 50, 1e-3
LAST = (SIDE // 2 ** len(WIDTHS)) ** 2 * WIDTHS[-1]
WIDE = 4096


@dataclass(frozen=True)
class Capacity(Study[Capacities]):
    """One fully-connected layer fewer, as it is, and one more: parameters, and the gap between training and validation.

    Small VGGs (two 3 x 3 convolutions before each of three poolings, then 2, 3 or 4 linear layers) learn the same few
    digits by Adam, without dropout or augmentation, so that nothing but their size holds them back. For each seed all
    three have the same split and the same order of images. The gap is the accuracy on the training images less that on
    the others, and the loss on the others less that on the training images.

    Args:
        seeds: repetitions with another split, start and order, at least 2.
        images: digits to learn; the gap is measured on as many others as ``held``.
        held: digits of the validation part.
        epochs: passes through the images.
        hidden: units of each hidden linear layer; 4096 in VGG-16.

    Raises:
        UsageError: fewer than two seeds, nothing to learn or to measure on, or more than the 1,797 digits.

    Example:
        >>> from snellen.studies.capacity import Capacity
        >>> found = Capacity(seeds=2, images=20, held=20, epochs=1).run()
        >>> [variant.layers for variant in found.variants]
        [2, 3, 4]

    Reference: IN5400 exam 2021, exercise 13b; Simonyan and Zisserman 2015, arXiv:1409.1556; Zhang et al. 2017,
    Understanding deep learning requires rethinking generalization, arXiv:1611.03530.
    """

    title: ClassVar[str] = "One fully-connected layer fewer, and one more"
    seeds: int = 40
    images: int = 100
    held: int = 600
    epochs: int = 30
    hidden: int = 256

    def __post_init__(self) -> None:
        if self.seeds < 2 or min(self.images, self.held, self.epochs, self.hidden) < 1:
            raise UsageError(
                "a comparison needs at least 2 seeds, and 1 image, epoch and hidden unit, got "
                f"seeds={self.seeds}, images={self.images}, held={self.held}, epochs={self.epochs}, "
                f"hidden={self.hidden}"
            )
        if self.images + self.held > COUNT:
            raise UsageError(f"there are {COUNT:,} digits; images and held ask for {self.images + self.held:,}")

    def run(self, *, seed: int = 0, progress: Progress = silent) -> Capacities:
        """Train each variant once a seed."""
        large, labels = digit_pixels("all")
        pixels = F.avg_pool2d(large, large.shape[-1] // SIDE)
        rows: dict[int, list[tuple[float, ...]]] = {FEWER: [], ORIGINAL: [], MORE: []}
        done, total = 0, self.seeds * len(rows)
        for start in range(seed * 10_007, seed * 10_007 + self.seeds):
            order = torch.randperm(COUNT, generator=torch.Generator().manual_seed(start))
            taught, held = order[: self.images], order[self.images : self.images + self.held]
            for layers, told in rows.items():
                net = taught_network(
                    layers, pixels[taught], labels[taught], hidden=self.hidden, epochs=self.epochs, seed=start
                )
                told.append(
                    (*measured(net, pixels[taught], labels[taught]), *measured(net, pixels[held], labels[held]))
                )
                done += 1
                progress("training", done, total)
        return Capacities(tuple(self._variant(layers, np.array(told)) for layers, told in rows.items()))

    def findings(self, result: Capacities) -> tuple[Finding, ...]:
        """Parameters, gaps, and the answer."""
        return findings(result)

    def about(self) -> dict[str, Any]:
        """What was trained on what."""
        return {
            "images": f"scikit-learn digits, {self.images} to learn, {self.held:,} to measure on",
            "networks": f"convolutions {'-'.join(map(str, WIDTHS))}, linear layers of {self.hidden}, Adam at {RATE:g}, "
            f"{self.epochs} epochs",
            "repetitions": self.seeds,
        }

    def _variant(self, layers: int, told: NDArray[np.float64]) -> Variant:
        small = sum(p.numel() for p in network(layers, hidden=self.hidden, seed=0).parameters())
        return Variant(layers, small, vgg16_parameters(layers), *told.T)


def network(layers: int, *, hidden: int, seed: int) -> nn.Sequential:
    """A small VGG with so many linear layers, drawn by He's initialisation; torch's generator is left as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = nn.Sequential(*_convolutions(), nn.Flatten(), *_linear(LAST, hidden, layers, 10))
        for module in net:
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
    return net


def taught_network(
    layers: int, pixels: Tensor, labels: Tensor, *, hidden: int, epochs: int, seed: int
) -> nn.Sequential:
    """A new small VGG after its training on these images."""
    net = network(layers, hidden=hidden, seed=seed)
    adam = torch.optim.Adam(net.parameters(), lr=RATE)
    generator = torch.Generator().manual_seed(seed)
    for _ in range(epochs):
        for rows in torch.randperm(len(pixels), generator=generator).split(BATCH):
            adam.zero_grad()
            F.cross_entropy(net(pixels[rows]), labels[rows]).backward()
            adam.step()
    return net.eval()


@torch.no_grad()
def measured(net: nn.Module, pixels: Tensor, labels: Tensor) -> tuple[float, float]:
    """Accuracy and mean cross-entropy in nats."""
    scores = net(pixels)
    right = (scores.argmax(1) == labels).double().mean()
    return right.item(), F.cross_entropy(scores, labels).item()


def vgg16_parameters(layers: int) -> int:
    """Parameters of VGG-16 with so many fully-connected layers in place of its three, all hidden ones of 4096 units.

    >>> vgg16_parameters(3)
    138357544
    """
    with torch.device("meta"):
        features = vgg(16).features
        head = nn.Sequential(*_linear(512 * 7 * 7, WIDE, layers, 1000))
    return sum(p.numel() for part in (features, head) for p in part.parameters())


def _convolutions() -> Iterator[nn.Module]:
    channels = 1
    for width in WIDTHS:
        for inside in (channels, width):
            yield nn.Conv2d(inside, width, 3, padding=1)
            yield nn.ReLU()
        yield nn.MaxPool2d(2)
        channels = width


def _linear(inside: int, hidden: int, layers: int, classes: int) -> Iterator[nn.Module]:
    for _ in range(layers - 1):
        yield nn.Linear(inside, hidden)
        yield nn.ReLU()
        inside = hidden
    yield nn.Linear(inside, classes)
