"""A plain and a residual network of 40 layers: gradients by depth before training, and how far training gets."""

import copy
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from snellen._errors import UsageError
from snellen.findings.finding import Finding
from snellen.nets.deep_chain import DeepChain
from snellen.studies._base import Progress, Study, silent
from snellen.studies._chains import Chain, Chains, Design
from snellen.studies._digits import COUNT
from snellen.studies._residual_findings import findings
from snellen.subject.load.digits import digit_pixels

WIDTH, SIDE, BATCH, RATE, POINT = 8, 8, 64, 0.003, 10
MEAN, STD = 0.3, 0.37
SHALLOW = 10
"""Layers of the network that the deep one is compared with."""


@dataclass(frozen=True)
class ResidualConnections(Study[Chains]):
    """What residual connections give a CNN: gradients that reach the first layers, and depth that does no harm.

    Chains of 3 x 3 convolutions learn digits by Adam: plain and residual, with and without BatchNorm, 40
    layers and 10. Networks of one seed have the same images, order and, layer by layer, initial weights. Before
    training the gradient of the loss by every map between the pairs of convolutions is measured on one batch, also in a
    plain network with He's initialisation.

    Args:
        seeds: repetitions with other images, order and start, at least 2.
        layers: of the deep networks, even and more than 10.
        images: digits to learn.
        held: digits to measure on.
        steps: of the optimizer.

    Raises:
        UsageError: fewer than two seeds, too few layers, nothing to learn or to measure on.

    Example:
        >>> from snellen.studies.residual import ResidualConnections
        >>> found = ResidualConnections(seeds=2, layers=12, images=64, held=20, steps=10).run()
        >>> [chain.design.name for chain in found.chains[:3]]
        ['plain 10', 'plain 12', 'residual 12']

    Reference: IN5400 exam 2021, exercise 1a; He, Zhang, Ren and Sun 2016, arXiv:1512.03385; Balduzzi et al. 2017, The
    shattered gradients problem, arXiv:1702.08591.
    """

    title: ClassVar[str] = "What residual connections give"
    seeds: int = 5
    layers: int = 40
    images: int = 1_000
    held: int = 500
    steps: int = 100

    def __post_init__(self) -> None:
        if self.seeds < 2 or min(self.images, self.held) < 1 or self.steps < 2 * POINT:
            raise UsageError(
                f"a comparison needs at least 2 seeds, 1 image and {2 * POINT} steps, got seeds={self.seeds}, "
                f"images={self.images}, held={self.held}, steps={self.steps}"
            )
        if self.layers <= SHALLOW or self.layers % 2:
            raise UsageError(f"layers must be even and more than {SHALLOW}, got {self.layers}")
        if self.images + self.held > COUNT:
            raise UsageError(f"there are {COUNT:,} digits; images and held ask for {self.images + self.held:,}")

    @property
    def designs(self) -> tuple[Design, ...]:
        """The networks, in the order of the tables."""
        kinds = ((SHALLOW, False), (self.layers, False), (self.layers, True))
        return tuple(Design(layers, skip=skip, norm=norm) for norm in (False, True) for layers, skip in kinds)

    def run(self, *, seed: int = 0, progress: Progress = silent) -> Chains:
        """Train each network once a seed."""
        large, labels = digit_pixels("all")
        pixels = (F.avg_pool2d(large, large.shape[-1] // SIDE) - MEAN) / STD
        told: dict[Design, list[tuple[NDArray[np.float64], ...]]] = {design: [] for design in self.designs}
        he: list[NDArray[np.float64]] = []
        done, total = 0, self.seeds * len(told)
        for start in range(seed * 10_007, seed * 10_007 + self.seeds):
            order = torch.randperm(COUNT, generator=torch.Generator().manual_seed(start))
            taught, held = order[: self.images], order[self.images : self.images + self.held]
            batch = pixels[taught[:BATCH]], labels[taught[:BATCH]]
            he.append(gradients(he_network(self.layers, seed=start), *batch))
            for design, rows in told.items():
                net = network(design, seed=start)
                slopes = gradients(net, *batch)
                curve = train(net, pixels[taught], labels[taught], steps=self.steps, seed=start)
                rows.append((slopes, curve, np.array(accuracy(net, pixels[held], labels[held]))))
                done += 1
                progress("training", done, total)
        chains = tuple(_chain(design, rows) for design, rows in told.items())
        return Chains(chains, tuple(range(POINT, self.steps + 1, POINT)), np.stack(he))

    def findings(self, result: Chains) -> tuple[Finding, ...]:
        """The two advantages of the exam's question."""
        return findings(result, self.layers)

    def about(self) -> dict[str, Any]:
        """What was trained on what."""
        return {
            "images": f"scikit-learn digits, {self.images:,} to learn, {self.held:,} to measure on",
            "networks": f"3 x 3 convolutions of {WIDTH} channels on 4 x 4 maps, Adam at {RATE:g}, "
            f"{self.steps} steps of {BATCH} images",
            "repetitions": self.seeds,
        }


def network(design: Design, *, seed: int) -> DeepChain:
    """A new network; plain and residual ones of a seed begin with the same weights."""
    return DeepChain(design.layers, width=WIDTH, skip=design.skip, norm=design.norm, seed=seed)


def he_network(layers: int, *, seed: int) -> DeepChain:
    """A plain network with He's initialisation, N(0, 2 / fan in) and no biases to begin with.

    Reference: He, Zhang, Ren and Sun 2015, arXiv:1502.01852.
    """
    net = network(Design(layers, skip=False, norm=False), seed=seed)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        for module in net.modules():
            if isinstance(module, nn.Conv2d) and module.bias is not None:
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                nn.init.zeros_(module.bias)
    return net


def gradients(net: DeepChain, pixels: Tensor, labels: Tensor) -> NDArray[np.float64]:
    """(maps,) the norm of the gradient of the mean loss by the first map and by the output of every pair.

    In training mode, in float64: in float32 a gradient that vanishes ends at 0.
    """
    twin = copy.deepcopy(net).double()
    maps = [torch.relu(twin.norm(twin.first(pixels.double())))]
    for pair in twin.pairs:
        maps.append(pair(maps[-1]))
    loss = F.cross_entropy(twin.last(maps[-1].mean((2, 3))), labels)
    found = torch.autograd.grad(loss, maps)
    return np.array([float(slope.norm()) for slope in found])


def train(net: nn.Module, pixels: Tensor, labels: Tensor, *, steps: int, seed: int) -> NDArray[np.float64]:
    """(points,) the mean loss of every ten steps; the network is trained and left in evaluation mode."""
    optimizer = torch.optim.Adam(net.parameters(), lr=RATE, foreach=True)
    generator = torch.Generator().manual_seed(seed)
    losses: list[float] = []
    while len(losses) < steps:
        for rows in torch.randperm(len(pixels), generator=generator).split(BATCH)[: steps - len(losses)]:
            optimizer.zero_grad()
            loss = F.cross_entropy(net(pixels[rows]), labels[rows])
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    net.eval()
    points = losses[: steps // POINT * POINT]
    return np.array([np.mean(points[i : i + POINT]) for i in range(0, len(points), POINT)])


@torch.no_grad()
def accuracy(net: nn.Module, pixels: Tensor, labels: Tensor) -> float:
    """Share of right answers."""
    return float((net(pixels).argmax(1) == labels).double().mean())


def _chain(design: Design, rows: list[tuple[NDArray[np.float64], ...]]) -> Chain:
    slopes, curves, held = (np.stack(part) for part in zip(*rows, strict=True))
    size = sum(p.numel() for p in network(design, seed=0).parameters())
    return Chain(design, size, slopes, curves, held)
