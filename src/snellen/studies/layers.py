"""Layers compared: a convolution with a fully-connected layer, BatchNorm with adaptive instance normalisation."""

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from snellen.findings.finding import Finding
from snellen.instruments.architecture.as_matrix import as_matrix
from snellen.instruments.architecture.batch_mates import change_with_mates
from snellen.instruments.architecture.convolutionalise import convolutionalise
from snellen.instruments.architecture.per_position import as_convolution
from snellen.nets.adain import AdaIN, statistics
from snellen.nets.small_vgg import SmallVGG
from snellen.studies._base import Progress, Study, silent
from snellen.studies._compared import Compared, Connected, Normalised
from snellen.studies._layers_findings import findings

INSIDE, OUTSIDE, KERNEL, LENGTHS = 2, 3, 3, (16, 32)
SIDES, WIDTHS, HIDDEN = (16, 32), (8, 16), 32
SAMPLES, CHANNELS, SIDE = 8, 4, 6


@dataclass(frozen=True)
class Layers(Study[Compared]):
    """What a fully-connected layer and a 1-d convolution share, and how BatchNorm and AdaIN differ, by computing both.

    A convolution is written as the matrix of a fully-connected layer: the outputs are the same, most entries are 0, and
    the others repeat few weights. A classifier's fully-connected head is turned into convolutions. Both normalisations
    get the same batch, with the other samples replaced, in training and in evaluation. Weights and batches are random,
    in float64.

    Example:
        >>> from snellen.studies.layers import Layers
        >>> found = Layers().run().connected
        >>> found.matrix.shape, found.weights, found.connections
        ((48, 32), 18, 276)

    Reference: IN5400 exam 2021, exercise 4; Ioffe and Szegedy 2015, arXiv:1502.03167; Huang and Belongie 2017,
    arXiv:1703.06868.
    """

    title: ClassVar[str] = "Layers compared"

    def run(self, *, seed: int = 0, progress: Progress = silent) -> Compared:
        """Compute both comparisons."""
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            torch.default_generator.manual_seed(seed)
            connected = _connected()
            progress("comparing", 1, 2)
            batch = torch.randn(SAMPLES, 2 * CHANNELS, SIDE, SIDE).double()
            batch = batch * torch.rand(SAMPLES, 2 * CHANNELS, 1, 1) * 2 + torch.randn(SAMPLES, 2 * CHANNELS, 1, 1)
            mates = 1 + 2 * torch.randn(SAMPLES - 1, 2 * CHANNELS, SIDE, SIDE).double()
            normalised = (
                _normalised("BatchNorm", nn.BatchNorm2d(CHANNELS).double(), batch[:, :CHANNELS], mates[:, :CHANNELS]),
                _normalised("AdaIN", _Styled(), batch, mates),
            )
            content, style = batch.chunk(2, 1)
            wanted, got = statistics(style), statistics(AdaIN()(content, style))
            progress("comparing", 2, 2)
            return Compared(
                connected,
                normalised,
                _away(AdaIN()(content, content), content),
                max(_away(one, other) for one, other in zip(wanted, got, strict=True)),
                SAMPLES,
                CHANNELS,
            )

    def findings(self, result: Compared) -> tuple[Finding, ...]:
        """The exam's two questions."""
        return findings(result)

    def about(self) -> dict[str, Any]:
        """What was compared."""
        return {
            "convolution": f"Conv1d of {INSIDE} to {OUTSIDE} channels, kernel {KERNEL}, on {LENGTHS[0]} positions",
            "batch": f"{SAMPLES} samples of {CHANNELS} channels, {SIDE} x {SIDE}, each with a style of its own",
        }


class _Styled(nn.Module):
    """AdaIN as a layer of one input: the first half of the channels is the content, the second the style."""

    def __init__(self) -> None:
        super().__init__()
        self.adain = AdaIN()

    def forward(self, both: Tensor) -> Tensor:
        content, style = both.chunk(2, 1)
        mixed: Tensor = self.adain(content, style)
        return mixed


def _connected() -> Connected:
    conv = nn.Conv1d(INSIDE, OUTSIDE, KERNEL, padding=1).double()
    found = as_matrix(conv, (INSIDE, LENGTHS[0]))
    x = torch.randn(4, INSIDE, LENGTHS[0]).double()
    linear = nn.Linear(INSIDE, OUTSIDE).double()
    net = SmallVGG(side=SIDES[0], widths=WIDTHS, hidden=HIDDEN).double().eval()
    dense = convolutionalise(net, input_shape=(1, SIDES[0], SIDES[0]))
    small, large = (torch.rand(1, 1, side, side).double() for side in SIDES)
    maps, window = dense(large), SIDES[0] // 2 ** len(WIDTHS)
    features = net.features(large)
    places = range(maps.shape[2])
    windows = [net.classifier(features[:, :, i : i + window, j : j + window]) for i in places for j in places]
    return Connected(
        found.matrix.to_dense().numpy(),
        found.weights,
        found.connections,
        tuple(found.uses.tolist()),
        _away(found.linear()(x.flatten(1)), conv(x).flatten(1)),
        _away(as_convolution(linear)(x), linear(x.mT).mT),
        LENGTHS,
        conv(torch.zeros(1, INSIDE, LENGTHS[1]).double()).shape[2],
        _away(dense(small)[:, :, 0, 0], net(small)),
        SIDES,
        (maps.shape[2], maps.shape[3]),
        _away(maps.flatten(2), torch.stack(windows, 2)),
    )


def _normalised(name: str, layer: nn.Module, batch: Tensor, mates: Tensor) -> Normalised:
    mates_of = {mode: change_with_mates(layer, batch, mates, training=mode) for mode in (True, False)}
    fresh = [buffer.clone() for buffer in layer.buffers()]
    evaluated, trained = layer.eval()(batch), layer.train()(batch)
    for buffer, value in zip(layer.buffers(), fresh, strict=True):
        buffer.copy_(value)
    return Normalised(
        name,
        mates_of[True],
        mates_of[False],
        _away(trained, evaluated),
        CHANNELS if fresh else SAMPLES * CHANNELS,
        sum(p.numel() for p in layer.parameters()),
        sum(b.numel() for b in layer.buffers() if b.ndim),
        float(trained.mean((2, 3)).std(0).mean()),
    )


def _away(one: Tensor, other: Tensor) -> float:
    return (one - other).abs().max().item()
