"""Twelve small networks of truly different kinds, half of them held out while rules were written."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn, optim

CLASSES = 10
Half = Literal["development", "held out"]


@dataclass(frozen=True)
class Architecture:
    """A network of (n, 3, 16, 16) to (n, 10) scores, or to an image, and an optimizer that trains it well."""

    name: str
    half: Half
    make: Callable[[], nn.Module]
    optimizer: Callable[[Any], optim.Optimizer]
    image: bool = False


def _sgd(rate: float) -> Callable[[Any], optim.Optimizer]:
    return lambda parameters: optim.SGD(parameters, lr=rate, momentum=0.9, weight_decay=5e-4)


def _adam(rate: float) -> Callable[[Any], optim.Optimizer]:
    return lambda parameters: optim.Adam(parameters, lr=rate)


def _adamw(rate: float) -> Callable[[Any], optim.Optimizer]:
    return lambda parameters: optim.AdamW(parameters, lr=rate, weight_decay=0.05)


def _conv(inside: int, outside: int, stride: int = 1, groups: int = 1, size: int = 3) -> nn.Conv2d:
    return nn.Conv2d(inside, outside, size, stride, size // 2, groups=groups, bias=False)


def plain() -> nn.Module:
    """Convolution, BatchNorm, ReLU, three times."""

    def block(i: int, o: int, stride: int) -> nn.Module:
        return nn.Sequential(nn.Conv2d(i, o, 3, stride, 1), nn.BatchNorm2d(o), nn.ReLU(inplace=True))

    return nn.Sequential(
        block(3, 16, 1), block(16, 24, 2), block(24, 32, 2), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10)
    )


class Basic(nn.Module):
    """The basic block of ResNet."""

    def __init__(self, i: int, o: int, stride: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = _conv(i, o, stride), nn.BatchNorm2d(o)
        self.conv2, self.bn2 = _conv(o, o), nn.BatchNorm2d(o)
        self.short = nn.Sequential(_conv(i, o, stride, size=1), nn.BatchNorm2d(o)) if stride > 1 else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(y + self.short(x))


def resnet() -> nn.Module:
    """Initialised as torchvision does it: He normal, fan out."""
    stem = nn.Sequential(_conv(3, 16), nn.BatchNorm2d(16), nn.ReLU())
    tail = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(48, 10))
    network = nn.Sequential(stem, Basic(16, 16, 1), Basic(16, 32, 2), Basic(32, 48, 2), tail)
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    return network


class Attends(nn.Module):
    """A pre-norm transformer block with one matrix for queries, keys and values."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm1, self.qkv, self.proj = nn.LayerNorm(width), nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.norm2, self.up, self.down = nn.LayerNorm(width), nn.Linear(width, 2 * width), nn.Linear(2 * width, width)
        self.drop = nn.Dropout(0.1)

    def forward(self, x: Tensor) -> Any:
        n, t, d = x.shape
        q, k, v = self.qkv(self.norm1(x)).reshape(n, t, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        x = x + self.drop(self.proj(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(n, t, d)))
        return x + self.drop(self.down(F.gelu(self.up(self.norm2(x)))))


class Patches(nn.Module):
    """Patches as tokens, with a class token and learnt places."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, width, 4, stride=4)
        self.token = nn.Parameter(torch.zeros(1, 1, width))
        self.place = nn.Parameter(torch.randn(1, 17, width) * 0.02)

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.proj(x).flatten(2).transpose(1, 2)
        return torch.cat([self.token.expand(len(x), -1, -1), tokens], dim=1) + self.place


class FirstToken(nn.Module):
    """Scores from the class token."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm, self.fc = nn.LayerNorm(width), nn.Linear(width, CLASSES)

    def forward(self, x: Tensor) -> Any:
        return self.fc(self.norm(x[:, 0]))


def vit() -> nn.Module:
    """A vision transformer, linear layers from a truncated normal of 0.02 as timm has them."""
    network = nn.Sequential(Patches(48), Attends(48, 4), Attends(48, 4), Attends(48, 4), FirstToken(48))
    for module in network.modules():
        if isinstance(module, nn.Linear):
            nn.init.trunc_normal_(module.weight, std=0.02)
            nn.init.zeros_(module.bias)
    return network


def tanh_mlp() -> nn.Module:
    """Four tanh layers, Xavier uniform."""
    sizes = [768, 64, 64, 64, 64]
    layers: list[nn.Module] = [nn.Flatten()]
    for i, o in pairwise(sizes):
        layers += [nn.Linear(i, o), nn.Tanh()]
    network = nn.Sequential(*layers, nn.Linear(64, CLASSES))
    for module in network.modules():
        if isinstance(module, nn.Linear):
            nn.init.xavier_uniform_(module.weight)
            nn.init.zeros_(module.bias)
    return network


class UNet(nn.Module):
    """Two levels, leaky ReLU, no normalisation; an image in, an image out."""

    def __init__(self) -> None:
        super().__init__()
        self.enter, self.down = nn.Conv2d(3, 12, 3, padding=1), nn.Conv2d(12, 24, 3, 2, 1)
        self.middle, self.up = nn.Conv2d(24, 24, 3, padding=1), nn.ConvTranspose2d(24, 12, 2, 2)
        self.join, self.leave = nn.Conv2d(24, 12, 3, padding=1), nn.Conv2d(12, 3, 1)

    def forward(self, x: Tensor) -> Any:
        top = F.leaky_relu(self.enter(x), 0.1)
        low = F.leaky_relu(self.middle(F.leaky_relu(self.down(top), 0.1)), 0.1)
        return self.leave(F.leaky_relu(self.join(torch.cat([top, self.up(low)], dim=1)), 0.1))


class Inverted(nn.Module):
    """MobileNet-v2's block: expand, depthwise, project."""

    def __init__(self, i: int, o: int, stride: int) -> None:
        super().__init__()
        wide = 3 * i
        self.same = stride == 1 and i == o
        self.body = nn.Sequential(
            _conv(i, wide, size=1), nn.BatchNorm2d(wide), nn.ReLU6(), _conv(wide, wide, stride, wide),
            nn.BatchNorm2d(wide), nn.ReLU6(), _conv(wide, o, size=1), nn.BatchNorm2d(o),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Any:
        return x + self.body(x) if self.same else self.body(x)


def mobilenet() -> nn.Module:
    """Depthwise convolutions, BatchNorm, ReLU6, dropout before the last layer."""
    stem = nn.Sequential(_conv(3, 12), nn.BatchNorm2d(12), nn.ReLU6())
    tail = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.2), nn.Linear(24, CLASSES))
    return nn.Sequential(stem, Inverted(12, 16, 2), Inverted(16, 16, 1), Inverted(16, 24, 2), tail)


def vgg() -> nn.Module:
    """No normalisation, two dropouts; initialised as torchvision does it."""

    def block(i: int, o: int) -> nn.Module:
        return nn.Sequential(
            nn.Conv2d(i, o, 3, padding=1), nn.ReLU(True), nn.Conv2d(o, o, 3, padding=1), nn.ReLU(True), nn.MaxPool2d(2)
        )

    hidden = nn.Sequential(nn.Flatten(), nn.Linear(128, 64), nn.ReLU(True), nn.Dropout(0.5))
    more = nn.Sequential(nn.Linear(64, 64), nn.ReLU(True), nn.Dropout(0.5))
    network = nn.Sequential(block(3, 16), block(16, 24), block(24, 32), hidden, more, nn.Linear(64, CLASSES))
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        if isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, 0, 0.01)
        if isinstance(module, nn.Conv2d | nn.Linear) and module.bias is not None:
            nn.init.zeros_(module.bias)
    return network


class Next(nn.Module):
    """ConvNeXt's block, with a layer scale of 1e-6."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.deep = nn.Conv2d(width, width, 5, padding=2, groups=width)
        self.norm, self.up, self.down = nn.LayerNorm(width), nn.Linear(width, 3 * width), nn.Linear(3 * width, width)
        self.scale = nn.Parameter(torch.full((width,), 1e-6))

    def forward(self, x: Tensor) -> Any:
        y = self.norm(self.deep(x).permute(0, 2, 3, 1))
        return x + (self.scale * self.down(F.gelu(self.up(y)))).permute(0, 3, 1, 2)


class ChannelNorm(nn.LayerNorm):
    """LayerNorm over the channels of an image."""

    def forward(self, x: Tensor) -> Any:
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


def convnext() -> nn.Module:
    """LayerNorm, GELU, layer scale, truncated normal of 0.02."""
    stem = nn.Sequential(nn.Conv2d(3, 24, 2, 2), ChannelNorm(24))
    less = nn.Sequential(ChannelNorm(24), nn.Conv2d(24, 32, 2, 2))
    tail = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.LayerNorm(32), nn.Linear(32, CLASSES))
    network = nn.Sequential(stem, Next(24), Next(24), less, Next(32), tail)
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.trunc_normal_(module.weight, std=0.02)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    return network


class Rows(nn.Module):
    """The rows of an image as a sequence."""

    def forward(self, x: Tensor) -> Tensor:
        return x.permute(0, 2, 1, 3).flatten(2)


class Recurrent(nn.Module):
    """A GRU that hands on all its states."""

    def __init__(self, i: int, o: int) -> None:
        super().__init__()
        self.cell = nn.GRU(i, o, batch_first=True)

    def forward(self, x: Tensor) -> Any:
        return self.cell(x)[0]


class Last(nn.Module):
    """The last state of a sequence."""

    def forward(self, x: Tensor) -> Tensor:
        return x[:, -1]


def gru() -> nn.Module:
    """Two recurrent layers over the rows."""
    tail = nn.Sequential(Last(), nn.Linear(40, 32), nn.ReLU(), nn.Linear(32, CLASSES))
    return nn.Sequential(Rows(), Recurrent(48, 40), Recurrent(40, 40), tail)


class Standardised(nn.Conv2d):
    """A convolution whose filters are brought to mean 0 and deviation 1 over their fan-in."""

    def forward(self, x: Tensor) -> Tensor:
        flat = self.weight.flatten(1)
        flat = (flat - flat.mean(1, keepdim=True)) / (flat.std(1, keepdim=True) * flat.shape[1] ** 0.5 + 1e-5)
        return F.conv2d(x, flat.view_as(self.weight), self.bias, self.stride, self.padding)


def group_norm() -> nn.Module:
    """GroupNorm with weight standardisation, SiLU."""

    def block(i: int, o: int, stride: int) -> nn.Module:
        return nn.Sequential(Standardised(i, o, 3, stride, 1), nn.GroupNorm(4, o), nn.SiLU())

    tail = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, CLASSES))
    return nn.Sequential(block(3, 16, 1), block(16, 24, 2), block(24, 32, 2), block(32, 32, 1), tail)


class Mixes(nn.Module):
    """MLP-mixer's block: over places, then over channels."""

    def __init__(self, tokens: int, width: int) -> None:
        super().__init__()
        self.norm1, self.place1, self.place2 = nn.LayerNorm(width), nn.Linear(tokens, 32), nn.Linear(32, tokens)
        self.norm2, self.wide1, self.wide2 = nn.LayerNorm(width), nn.Linear(width, 64), nn.Linear(64, width)

    def forward(self, x: Tensor) -> Any:
        y = self.norm1(x).transpose(1, 2)
        x = x + self.place2(F.gelu(self.place1(y))).transpose(1, 2)
        return x + self.wide2(F.gelu(self.wide1(self.norm2(x))))


class Tokens(nn.Module):
    """Patches as tokens."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, width, 4, stride=4)

    def forward(self, x: Tensor) -> Any:
        return self.proj(x).flatten(2).transpose(1, 2)


class MeanToken(nn.Module):
    """Scores from the mean token."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm, self.fc = nn.LayerNorm(width), nn.Linear(width, CLASSES)

    def forward(self, x: Tensor) -> Any:
        return self.fc(self.norm(x).mean(1))


def mixer() -> nn.Module:
    """PyTorch's default initialisation."""
    return nn.Sequential(Tokens(32), Mixes(16, 32), Mixes(16, 32), MeanToken(32))


class Dense(nn.Module):
    """DenseNet's layers: each works on all before it, normalised first; orthogonal weights."""

    def __init__(self, inside: int, growth: int, count: int) -> None:
        super().__init__()
        self.norms = nn.ModuleList(nn.BatchNorm2d(inside + growth * i) for i in range(count))
        convs = [_conv(inside + growth * i, growth) for i in range(count)]
        self.convs = nn.ModuleList(convs)
        for conv in convs:
            nn.init.orthogonal_(conv.weight)

    def forward(self, x: Tensor) -> Tensor:
        for norm, conv in zip(self.norms, self.convs, strict=True):
            x = torch.cat([x, conv(F.relu(norm(x)))], dim=1)
        return x


def densenet() -> nn.Module:
    """Two dense blocks with a pooling between them."""
    tail = nn.Sequential(nn.BatchNorm2d(48), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(48, CLASSES))
    return nn.Sequential(_conv(3, 16), Dense(16, 8, 2), nn.AvgPool2d(2), Dense(32, 8, 2), tail)


ARCHITECTURES = (
    Architecture("plain CNN, BatchNorm", "development", plain, _sgd(0.05)),
    Architecture("ResNet", "development", resnet, _sgd(0.05)),
    Architecture("vision transformer", "development", vit, _adamw(1e-3)),
    Architecture("tanh MLP", "development", tanh_mlp, _sgd(0.02)),
    Architecture("U-Net, regression", "development", UNet, _adam(1e-3), image=True),
    Architecture("MobileNet-like", "development", mobilenet, _adam(2e-3)),
    Architecture("VGG-like, dropout", "held out", vgg, _adam(1e-3)),
    Architecture("ConvNeXt-like", "held out", convnext, _adamw(1e-3)),
    Architecture("GRU", "held out", gru, _adam(2e-3)),
    Architecture("GroupNorm, standardised", "held out", group_norm, _sgd(0.05)),
    Architecture("MLP-mixer", "held out", mixer, _adamw(1e-3)),
    Architecture("DenseNet-like", "held out", densenet, _sgd(0.05)),
)


def parts(network: nn.Module) -> list[nn.Module]:
    """The modules with parameters that run one after the other, in that order."""
    return [m for m in network.children() if any(True for _ in m.parameters())]


def layers(network: nn.Module) -> list[tuple[str, nn.Module]]:
    """The modules that own a matrix or a kernel, in their order."""
    return [(n, m) for n, m in network.named_modules() if any(p.ndim > 1 for p in m.parameters(recurse=False))]


def ids(modules: Iterable[nn.Module]) -> set[int]:
    """The identities of all their parameters."""
    return {id(p) for m in modules for p in m.parameters()}
