"""Small image networks in the usual styles: 3 x 16 x 16 in, ten classes out where nothing else is said."""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class LeNet(nn.Module):
    def __init__(self, classes: int = 10, act: Callable[[], nn.Module] = nn.ReLU) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 8, 5, padding=2), act(), nn.AvgPool2d(2), nn.Conv2d(8, 16, 5), act(), nn.AvgPool2d(2)
        )
        self.classifier = nn.Sequential(nn.Linear(64, 60), act(), nn.Linear(60, classes))

    def forward(self, x: Tensor) -> Any:
        return self.classifier(self.features(x).flatten(1))


def vgg(classes: int = 10, norm: bool = True, drop: float = 0.2) -> nn.Sequential:
    layers: list[nn.Module] = []
    for i, o, pool in ((3, 16, False), (16, 16, True), (16, 32, False), (32, 32, True)):
        layers += [nn.Conv2d(i, o, 3, padding=1, bias=not norm)]
        layers += [nn.BatchNorm2d(o)] if norm else []
        layers += [nn.ReLU(inplace=True)] + ([nn.MaxPool2d(2)] if pool else [])
    head = [nn.Flatten(), nn.Linear(512, 64), nn.ReLU(inplace=True), nn.Dropout(drop), nn.Linear(64, classes)]
    return nn.Sequential(*layers, *head)


class Block(nn.Module):
    def __init__(self, i: int, o: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(i, o, 3, stride, 1, bias=False), nn.BatchNorm2d(o)
        self.conv2, self.bn2 = nn.Conv2d(o, o, 3, 1, 1, bias=False), nn.BatchNorm2d(o)
        self.short = (
            nn.Identity()
            if i == o and stride == 1
            else nn.Sequential(nn.Conv2d(i, o, 1, stride, bias=False), nn.BatchNorm2d(o))
        )

    def forward(self, x: Tensor) -> Any:
        out = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(out)) + self.short(x))


class ResNet(nn.Module):
    def __init__(self, classes: int = 10, width: int = 12) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU())
        self.layer1 = Block(width, width)
        self.layer2 = Block(width, width * 2, 2)
        self.layer3 = Block(width * 2, width * 4, 2)
        self.fc = nn.Linear(width * 4, classes)

    def features(self, x: Tensor) -> Any:
        return self.layer3(self.layer2(self.layer1(self.stem(x)))).mean((2, 3))

    def forward(self, x: Tensor) -> Any:
        return self.fc(self.features(x))


class DenseLayer(nn.Module):
    def __init__(self, i: int, growth: int) -> None:
        super().__init__()
        self.norm, self.conv = nn.BatchNorm2d(i), nn.Conv2d(i, growth, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Any:
        return torch.cat([x, self.conv(F.relu(self.norm(x)))], 1)


class DenseNet(nn.Module):
    def __init__(self, classes: int = 10) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 12, 3, padding=1)
        self.block1 = nn.Sequential(DenseLayer(12, 8), DenseLayer(20, 8))
        self.between = nn.Sequential(nn.BatchNorm2d(28), nn.ReLU(), nn.Conv2d(28, 14, 1), nn.AvgPool2d(2))
        self.block2 = nn.Sequential(DenseLayer(14, 8), DenseLayer(22, 8))
        self.norm, self.classifier = nn.BatchNorm2d(30), nn.Linear(30 * 16, classes)

    def forward(self, x: Tensor) -> Any:
        x = self.block2(self.between(self.block1(self.stem(x))))
        return self.classifier(F.avg_pool2d(F.relu(self.norm(x)), 2).flatten(1))


class Inverted(nn.Module):
    """An inverted residual of MobileNetV2, with squeeze and excitation."""

    def __init__(self, i: int, o: int, stride: int = 1) -> None:
        super().__init__()
        mid = 3 * i
        self.expand = nn.Sequential(nn.Conv2d(i, mid, 1, bias=False), nn.BatchNorm2d(mid), nn.ReLU6())
        self.depth = nn.Sequential(
            nn.Conv2d(mid, mid, 3, stride, 1, groups=mid, bias=False), nn.BatchNorm2d(mid), nn.ReLU6()
        )
        self.se = nn.Sequential(nn.Linear(mid, 8), nn.ReLU(), nn.Linear(8, mid), nn.Sigmoid())
        self.project = nn.Sequential(nn.Conv2d(mid, o, 1, bias=False), nn.BatchNorm2d(o))
        self.add = i == o and stride == 1

    def forward(self, x: Tensor) -> Any:
        out = self.depth(self.expand(x))
        out = self.project(out * self.se(out.mean((2, 3)))[:, :, None, None])
        return x + out if self.add else out


class MobileNet(nn.Module):
    def __init__(self, classes: int = 10) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 12, 3, padding=1, bias=False), nn.BatchNorm2d(12), nn.ReLU6())
        self.blocks = nn.Sequential(Inverted(12, 12), Inverted(12, 20, 2), Inverted(20, 20), Inverted(20, 32, 2))
        self.classifier = nn.Sequential(nn.Dropout(0.1), nn.Linear(32, classes))

    def forward(self, x: Tensor) -> Any:
        return self.classifier(self.blocks(self.stem(x)).mean((2, 3)))


class Fire(nn.Module):
    def __init__(self, i: int, squeeze: int, o: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(i, squeeze, 1)
        self.small, self.large = nn.Conv2d(squeeze, o, 1), nn.Conv2d(squeeze, o, 3, padding=1)

    def forward(self, x: Tensor) -> Any:
        x = F.relu(self.squeeze(x))
        return torch.cat([F.relu(self.small(x)), F.relu(self.large(x))], 1)


class SqueezeNet(nn.Module):
    """The classes are the channels of its last convolution."""

    def __init__(self, classes: int = 10) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), Fire(16, 8, 16), Fire(32, 8, 16),
            nn.MaxPool2d(2), Fire(32, 12, 24), nn.Dropout(0.1),
        )  # fmt: skip
        self.last = nn.Conv2d(48, classes, 1)

    def forward(self, x: Tensor) -> Any:
        return self.last(self.features(x)).mean((2, 3))


class Inception(nn.Module):
    """Gives (logits, auxiliary logits) while it trains."""

    def __init__(self, classes: int = 10) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 12, 3, padding=1), nn.BatchNorm2d(12), nn.ReLU(), nn.MaxPool2d(2))
        self.branches = nn.ModuleDict(
            {"one": nn.Conv2d(12, 8, 1), "three": nn.Conv2d(12, 12, 3, padding=1), "five": nn.Conv2d(12, 8, 5, 1, 2)}
        )
        self.norm = nn.BatchNorm2d(28)
        self.last = nn.Sequential(nn.Conv2d(28, 32, 3, 2, 1), nn.BatchNorm2d(32), nn.ReLU())
        self.aux, self.fc = nn.Linear(28, classes), nn.Linear(32, classes)

    def forward(self, x: Tensor) -> Any:
        x = self.stem(x)
        mixed = F.relu(self.norm(torch.cat([branch(x) for branch in self.branches.values()], 1)))
        logits = self.fc(self.last(mixed).mean((2, 3)))
        return (logits, self.aux(mixed.mean((2, 3)))) if self.training else logits


class Encoder(nn.Module):
    """A block of a transformer, normalised first."""

    def __init__(self, dim: int = 32, heads: int = 4) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.qkv, self.out = nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)
        self.mlp = nn.Sequential(nn.Linear(dim, 2 * dim), nn.GELU(), nn.Linear(2 * dim, dim))
        self.heads = heads

    def attend(self, x: Tensor) -> Any:
        n, t, d = x.shape
        q, k, v = self.qkv(x).reshape(n, t, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        weights = (q @ k.transpose(-2, -1) / (d // self.heads) ** 0.5).softmax(-1)
        return self.out((weights @ v).transpose(1, 2).reshape(n, t, d))

    def forward(self, x: Tensor) -> Any:
        x = x + self.attend(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class ViT(nn.Module):
    def __init__(self, classes: int = 10, dim: int = 32, depth: int = 2, block: Callable[[], nn.Module] = Encoder):
        super().__init__()
        self.patch = nn.Conv2d(3, dim, 4, 4)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, dim))
        self.pos_embed = nn.Parameter(0.02 * torch.randn(1, 17, dim))
        self.blocks = nn.Sequential(*[block() for _ in range(depth)])
        self.norm, self.head = nn.LayerNorm(dim), nn.Linear(dim, classes)

    def tokens(self, x: Tensor) -> Any:
        x = self.patch(x).flatten(2).transpose(1, 2)
        return torch.cat([self.cls_token.expand(len(x), -1, -1), x], 1) + self.pos_embed

    def forward(self, x: Tensor) -> Any:
        return self.head(self.norm(self.blocks(self.tokens(x)))[:, 0])


class MixerBlock(nn.Module):
    def __init__(self, tokens: int = 16, dim: int = 32) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.tokens = nn.Sequential(nn.Linear(tokens, 32), nn.GELU(), nn.Linear(32, tokens))
        self.channels = nn.Sequential(nn.Linear(dim, 64), nn.GELU(), nn.Linear(64, dim))

    def forward(self, x: Tensor) -> Any:
        x = x + self.tokens(self.norm1(x).transpose(1, 2)).transpose(1, 2)
        return x + self.channels(self.norm2(x))


class Mixer(nn.Module):
    def __init__(self, classes: int = 10) -> None:
        super().__init__()
        self.patch, self.blocks = nn.Conv2d(3, 32, 4, 4), nn.Sequential(MixerBlock(), MixerBlock())
        self.norm, self.head = nn.LayerNorm(32), nn.Linear(32, classes)

    def forward(self, x: Tensor) -> Any:
        return self.head(self.norm(self.blocks(self.patch(x).flatten(2).transpose(1, 2))).mean(1))


class NextBlock(nn.Module):
    """ConvNeXt: depthwise convolution, and a scale of each channel that begins very small."""

    def __init__(self, dim: int = 24, scale: float = 1e-6) -> None:
        super().__init__()
        self.depth, self.norm = nn.Conv2d(dim, dim, 5, padding=2, groups=dim), nn.LayerNorm(dim)
        self.up, self.down = nn.Linear(dim, 3 * dim), nn.Linear(3 * dim, dim)
        self.gamma = nn.Parameter(scale * torch.ones(dim))

    def forward(self, x: Tensor) -> Any:
        out = self.norm(self.depth(x).permute(0, 2, 3, 1))
        return x + (self.gamma * self.down(F.gelu(self.up(out)))).permute(0, 3, 1, 2)


class ConvNeXt(nn.Module):
    def __init__(self, classes: int = 10, scale: float = 1e-6) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 24, 2, 2)
        self.stages = nn.Sequential(
            NextBlock(scale=scale), NextBlock(scale=scale), nn.Conv2d(24, 24, 2, 2), NextBlock(scale=scale)
        )
        self.norm, self.head = nn.LayerNorm(24), nn.Linear(24, classes)

    def forward(self, x: Tensor) -> Any:
        return self.head(self.norm(self.stages(self.stem(x)).mean((2, 3))))


def pair(i: int, o: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(i, o, 3, padding=1), nn.BatchNorm2d(o), nn.ReLU())


class UNet(nn.Module):
    def __init__(self, classes: int = 5) -> None:
        super().__init__()
        self.down1, self.down2, self.bottom = pair(3, 12), pair(12, 24), pair(24, 32)
        self.up2, self.up1 = nn.ConvTranspose2d(32, 24, 2, 2), nn.ConvTranspose2d(24, 12, 2, 2)
        self.right2, self.right1, self.last = pair(48, 24), pair(24, 12), nn.Conv2d(12, classes, 1)

    def forward(self, x: Tensor) -> Any:
        a = self.down1(x)
        b = self.down2(F.max_pool2d(a, 2))
        x = self.right2(torch.cat([b, self.up2(self.bottom(F.max_pool2d(b, 2)))], 1))
        return self.last(self.right1(torch.cat([a, self.up1(x)], 1)))
