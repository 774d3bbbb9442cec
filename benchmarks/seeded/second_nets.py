"""Small networks for a second set of set-ups: those of ``blind_nets.py`` are not among them."""

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def conv(cin: int, cout: int, stride: int = 1) -> nn.Sequential:
    """Convolution, batch normalisation, ReLU."""
    return nn.Sequential(nn.Conv2d(cin, cout, 3, stride, 1, bias=False), nn.BatchNorm2d(cout), nn.ReLU())


def encoder(out: int = 64) -> nn.Sequential:
    return nn.Sequential(conv(3, 16, 2), conv(16, 32, 2), conv(32, out, 2), nn.AdaptiveAvgPool2d(1), nn.Flatten())


class CRNN(nn.Module):
    """A line of digits, read from left to right: (t, n, classes) log-probabilities for CTC."""

    def __init__(self) -> None:
        super().__init__()
        self.cnn = nn.Sequential(conv(3, 16), nn.MaxPool2d(2), conv(16, 32), nn.MaxPool2d((2, 1)))
        self.rnn = nn.LSTM(128, 32, bidirectional=True)
        self.fc = nn.Linear(64, 11)

    def columns(self, x: Tensor) -> Tensor:
        return x.permute(3, 0, 1, 2).flatten(2)

    def forward(self, x: Tensor) -> Any:
        return self.fc(self.rnn(self.columns(self.cnn(x)))[0]).log_softmax(2)


def gn(cin: int, cout: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(cin, cout, 3, padding=1), nn.GroupNorm(4, cout), nn.SiLU())


class CleanUNet(nn.Module):
    """Predicts the noise and takes it off."""

    def __init__(self) -> None:
        super().__init__()
        self.down1, self.down2, self.mid = gn(3, 16), gn(16, 32), gn(32, 32)
        self.up2, self.up1, self.out = gn(64, 16), gn(32, 16), nn.Conv2d(16, 3, 1)

    def forward(self, x: Tensor) -> Any:
        a = self.down1(x)
        b = self.down2(F.avg_pool2d(a, 2))
        c = F.interpolate(self.mid(F.avg_pool2d(b, 2)), scale_factor=2)
        return x - self.out(self.up1(torch.cat([F.interpolate(self.up2(torch.cat([b, c], 1)), scale_factor=2), a], 1)))


class RepBlock(nn.Module):
    def __init__(self, dim: int) -> None:
        super().__init__()
        self.conv3 = nn.Sequential(nn.Conv2d(dim, dim, 3, padding=1, bias=False), nn.BatchNorm2d(dim))
        self.conv1 = nn.Sequential(nn.Conv2d(dim, dim, 1, bias=False), nn.BatchNorm2d(dim))
        self.identity = nn.BatchNorm2d(dim)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.conv3(x) + self.conv1(x) + self.identity(x))


class RepVGG(nn.Module):
    def __init__(self, classes: int = 10) -> None:
        super().__init__()
        self.stem = conv(3, 24, 2)
        self.blocks = nn.ModuleList(RepBlock(24) for _ in range(3))
        self.fc = nn.Linear(24, classes)

    def forward(self, x: Tensor) -> Any:
        x = self.stem(x)
        for block in self.blocks:
            x = block(x)
        return self.fc(x.mean((2, 3)))


def encoder_layer(dim: int = 48, **more: Any) -> nn.TransformerEncoderLayer:
    options: dict[str, Any] = {"dropout": 0.0, "activation": "gelu", "batch_first": True, "norm_first": True} | more
    return nn.TransformerEncoderLayer(dim, 4, 2 * dim, **options)


class RegisterViT(nn.Module):
    """Class token and two registers before the patches; the head sees the class token and the mean of the patches."""

    def __init__(self) -> None:
        super().__init__()
        self.patch = nn.Conv2d(3, 48, 4, 4)
        self.tokens = nn.Parameter(torch.randn(1, 3, 48) * 0.02)
        self.pos = nn.Parameter(torch.randn(1, 16, 48) * 0.02)
        self.layers = nn.ModuleList(encoder_layer() for _ in range(2))
        self.norm = nn.LayerNorm(48)
        self.head = nn.Linear(96, 10)

    def forward(self, x: Tensor) -> Any:
        x = torch.cat([self.tokens.expand(len(x), -1, -1), self.patch(x).flatten(2).transpose(1, 2) + self.pos], 1)
        for layer in self.layers:
            x = layer(x)
        x = self.norm(x)
        return self.head(torch.cat([x[:, 0], x[:, 3:].mean(1)], 1))


class PointNet(nn.Module):
    """Points (n, p, 2) turned by a small network that begins at the identity, then a maximum over them."""

    def __init__(self, out: int = 4) -> None:
        super().__init__()
        self.tnet = nn.Sequential(nn.Linear(2, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU())
        self.turn = nn.Linear(32, 4)
        nn.init.zeros_(self.turn.weight)
        self.turn.bias.data = torch.eye(2).flatten()
        self.mlp = nn.Sequential(
            nn.Conv1d(2, 32, 1), nn.BatchNorm1d(32), nn.ReLU(), nn.Conv1d(32, 64, 1), nn.BatchNorm1d(64), nn.ReLU()
        )
        self.head = nn.Sequential(nn.Linear(64, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Dropout(0.3), nn.Linear(32, out))

    def forward(self, x: Tensor) -> Any:
        x = x @ self.turn(self.tnet(x).amax(1)).view(-1, 2, 2)
        return self.head(self.mlp(x.transpose(1, 2)).amax(2))


class Siamese(nn.Module):
    """Are two images of the same class?"""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = encoder()
        self.head = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 1))

    def forward(self, a: Tensor, b: Tensor) -> Any:
        return self.head((self.encoder(a) - self.encoder(b)).abs())[:, 0]


class Coral(nn.Module):
    """Ordinal classes: one score, nine thresholds."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = encoder()
        self.score = nn.Linear(64, 1, bias=False)
        self.thresholds = nn.Parameter(torch.linspace(1, -1, 9))

    def forward(self, x: Tensor) -> Any:
        return self.score(self.encoder(x)) + self.thresholds


class Hourglass(nn.Module):
    """A heat map (n, 1, 16, 16) of where the shape's centre is, at half the resolution; no normalisation."""

    def __init__(self) -> None:
        super().__init__()
        self.down = nn.Sequential(
            nn.Conv2d(3, 16, 3, 2, 1), nn.ReLU(), nn.Conv2d(16, 32, 3, 2, 1), nn.ReLU(), nn.Conv2d(32, 32, 3, 2, 1),
            nn.ReLU(),
        )  # fmt: skip
        self.up = nn.Sequential(
            nn.ConvTranspose2d(32, 32, 4, 2, 1), nn.ReLU(), nn.ConvTranspose2d(32, 16, 4, 2, 1), nn.ReLU(),
            nn.Conv2d(16, 1, 1),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Any:
        return self.up(self.down(x))


class BetaVAE(nn.Module):
    """Returns the image, mean and logarithm of the variance of six latent numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.enc = nn.Sequential(
            nn.Conv2d(3, 16, 4, 2, 1), nn.ReLU(), nn.Conv2d(16, 32, 4, 2, 1), nn.ReLU(), nn.Flatten()
        )
        self.mu, self.logvar = nn.Linear(512, 6), nn.Linear(512, 6)
        self.dec = nn.Sequential(
            nn.Linear(6, 512), nn.ReLU(), nn.Unflatten(1, (32, 4, 4)), nn.ConvTranspose2d(32, 16, 4, 2, 1), nn.ReLU(),
            nn.ConvTranspose2d(16, 3, 4, 2, 1),
        )  # fmt: skip

    def sample(self, mu: Tensor, logvar: Tensor) -> Tensor:
        return mu + torch.randn_like(mu) * (0.5 * logvar).exp()

    def forward(self, x: Tensor) -> Any:
        h = self.enc(x)
        mu, logvar = self.mu(h), self.logvar(h)
        return self.dec(self.sample(mu, logvar)), mu, logvar


class RealNVP(nn.Module):
    """Affine couplings of 64 numbers; returns the log-likelihood of each image."""

    def __init__(self, depth: int = 4) -> None:
        super().__init__()
        self.nets = nn.ModuleList(
            nn.Sequential(nn.Linear(32, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 64))
            for _ in range(depth)
        )
        for net in self.nets:
            last: Any = net.get_submodule("4")
            nn.init.zeros_(last.weight)
            nn.init.zeros_(last.bias)

    def parts(self, x: Tensor) -> tuple[Tensor, Tensor]:
        a, b = x.chunk(2, 1)
        logdet = torch.zeros(len(x))
        for net in self.nets:
            s, t = net(a).chunk(2, 1)
            a, b = b * s.tanh().exp() + t, a
            logdet = logdet + s.tanh().sum(1)
        return torch.cat([a, b], 1), logdet

    def forward(self, x: Tensor) -> Any:
        z, logdet = self.parts(x)
        return -0.5 * (z**2 + math.log(2 * math.pi)).sum(1) + logdet


class Energy(nn.Module):
    """An energy of each image; its loss takes its gradient."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv2d(3, 32, 3, 2, 1), nn.SiLU(), nn.Conv2d(32, 32, 3, 2, 1), nn.SiLU(), nn.Flatten(),
            nn.Linear(512, 64), nn.SiLU(), nn.Linear(64, 1),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Any:
        return self.net(x)[:, 0]


def sign(x: Tensor) -> Tensor:
    """Straight through where |x| < 1."""
    soft = x.clamp(-1, 1)
    return soft + (torch.where(x >= 0, 1.0, -1.0) - soft).detach()


class BinaryConv(nn.Conv2d):
    def forward(self, x: Tensor) -> Tensor:
        scale = self.weight.abs().mean((1, 2, 3), keepdim=True).detach()
        return F.conv2d(sign(x), sign(self.weight) * scale, None, self.stride, self.padding)


class BinaryNet(nn.Module):
    """Weights and activations of one bit but in the first and last layers."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(3, 24, 3, 2, 1), nn.BatchNorm2d(24), BinaryConv(24, 32, 3, 1, 1, bias=False), nn.BatchNorm2d(32),
            BinaryConv(32, 48, 3, 2, 1, bias=False), nn.BatchNorm2d(48), nn.Hardtanh(), nn.AdaptiveAvgPool2d(2),
        )  # fmt: skip
        self.fc = nn.Linear(192, 10)

    def forward(self, x: Tensor) -> Any:
        return self.fc(self.body(x).flatten(1))


def spike(v: Tensor) -> Tensor:
    """A step, with the derivative of a steep sigmoid."""
    soft = torch.sigmoid(4 * v)
    return soft + ((v > 0).float() - soft).detach()


class Spiking(nn.Module):
    """Leaky neurons over six moments; the answer is the mean potential of the last layer."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.fc1, self.fc2 = nn.Conv2d(3, 16, 3, 2, 1), nn.Linear(1024, 64), nn.Linear(64, 10)

    def forward(self, x: Tensor) -> Any:
        current = self.conv(x)
        v1, v2, out = torch.zeros_like(current), torch.zeros(len(x), 64), []
        for _ in range(6):
            v1 = 0.8 * v1 + current
            s1 = spike(v1 - 1)
            v1 = v1 * (1 - s1.detach())
            v2 = 0.8 * v2 + self.fc1(s1.flatten(1))
            s2 = spike(v2 - 0.5)
            v2 = v2 * (1 - s2.detach())
            out.append(self.fc2(s2))
        return torch.stack(out).mean(0)
