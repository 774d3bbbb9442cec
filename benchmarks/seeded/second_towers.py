"""More networks for the second set: of several parts, of several inputs, and of unusual numbers."""

import copy
import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from seeded.second_nets import conv, encoder


class ConvGRU(nn.Module):
    """Where does it move? Frames (n, t, 3, 16, 16)."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 12, 3, 2, 1), nn.ReLU())
        self.gates, self.candidate = nn.Conv2d(24, 24, 3, padding=1), nn.Conv2d(24, 12, 3, padding=1)
        self.fc = nn.Linear(12 * 16, 4)

    def carry(self, h: Tensor) -> Tensor:
        return h

    def forward(self, x: Tensor) -> Any:
        h = x.new_zeros(len(x), 12, 8, 8)
        for t in range(x.shape[1]):
            frame, h = self.stem(x[:, t]), self.carry(h)
            z, r = self.gates(torch.cat([frame, h], 1)).sigmoid().chunk(2, 1)
            h = (1 - z) * h + z * self.candidate(torch.cat([frame, r * h], 1)).tanh()
        return self.fc(F.avg_pool2d(h, 2).flatten(1))


class TopTwo(nn.Module):
    """Four experts, the best two for each image; returns the logits and the loss of balance."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = encoder()
        self.router = nn.Linear(64, 4)
        self.experts = nn.ModuleList(nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10)) for _ in range(4))

    def weigh(self, p: Tensor) -> Tensor:
        """(n, 4) probabilities to weights, two of them not zero."""
        best = p.topk(2, 1)
        kept = torch.zeros_like(p).scatter(1, best.indices, best.values)
        return kept / kept.sum(1, keepdim=True)

    def forward(self, x: Tensor) -> Any:
        x = self.encoder(x)
        p = self.router(x).softmax(1)
        weights = self.weigh(p)
        out = torch.stack([expert(x) for expert in self.experts], 1)
        balance = 4 * (p.mean(0) * (weights.detach() > 0).float().mean(0)).sum()
        return (out * weights[:, :, None]).sum(1), balance


class AuxNet(nn.Module):
    """A head after the first half helps in training; logits alone in evaluation."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = (
            nn.Sequential(conv(3, 16, 2), conv(16, 24)),
            nn.Sequential(conv(24, 32, 2), conv(32, 32)),
        )
        self.aux, self.fc = nn.Linear(24, 10), nn.Linear(32, 10)

    def forward(self, x: Tensor) -> Any:
        middle = self.first(x)
        out = self.fc(self.second(middle).mean((2, 3)))
        return (out, self.aux(middle.mean((2, 3)))) if self.training else out


class Clip(nn.Module):
    """Images and three words each, in one space; the temperature is learned."""

    def __init__(self) -> None:
        super().__init__()
        self.visual = nn.Sequential(encoder(), nn.Linear(64, 32))
        self.words = nn.Embedding(10, 32)
        self.text = nn.Sequential(nn.Linear(96, 64), nn.GELU(), nn.Linear(64, 32))
        self.logit_scale = nn.Parameter(torch.tensor(math.log(1 / 0.07)))

    def scale(self) -> Any:
        return self.logit_scale.exp()

    def forward(self, images: Tensor, words: Tensor) -> Any:
        a = F.normalize(self.visual(images), dim=1)
        return self.scale() * a @ F.normalize(self.text(self.words(words).flatten(1)), dim=1).T


class Captioner(nn.Module):
    """Says the digits of a strip one after another; 10 begins, 11 ends, 12 pads."""

    def __init__(self) -> None:
        super().__init__()
        self.cnn = nn.Sequential(conv(3, 24, 2), conv(24, 48, 2))
        self.place = nn.Parameter(torch.randn(1, 48, 48) * 0.02)
        self.words, self.order = nn.Embedding(13, 48, padding_idx=12), nn.Embedding(5, 48)
        layer = nn.TransformerDecoderLayer(48, 4, 96, dropout=0.0, batch_first=True, norm_first=True)
        self.decoder = nn.TransformerDecoder(layer, 2)
        self.head = nn.Linear(48, 13)

    def mask(self, length: int) -> Tensor | None:
        """True where a word may not look."""
        return torch.ones(length, length, dtype=torch.bool).triu(1)

    def look(self, x: Tensor) -> Any:
        return self.cnn(x).flatten(2).transpose(1, 2) + self.place

    def forward(self, x: Tensor, words: Tensor) -> Any:
        y = self.words(words) + self.order(torch.arange(words.shape[1]))
        return self.head(self.decoder(y, self.look(x), tgt_mask=self.mask(words.shape[1])))


class ComplexNet(nn.Module):
    """Complex layers on the Fourier transform of the image."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = (nn.Linear(a, b, dtype=torch.cfloat) for a, b in ((3 * 144, 64), (64, 32)))
        self.fc = nn.Linear(32, 10)

    def forward(self, x: Tensor) -> Any:
        z = self.first(torch.fft.rfft2(x, norm="ortho").flatten(1))
        z = self.second(torch.complex(z.real.relu(), z.imag.relu()))
        return self.fc(z.abs())


class PixelShuffleSR(nn.Module):
    """Doubles the resolution on top of the nearest neighbour."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(3, 32, 3, padding=1), nn.PReLU(), nn.Conv2d(32, 32, 3, padding=1), nn.PReLU()
        )
        self.tail = nn.Sequential(nn.Conv2d(32, 12, 3, padding=1), nn.PixelShuffle(2))

    def forward(self, x: Tensor) -> Any:
        return F.interpolate(x, scale_factor=2) + self.tail(self.body(x))


class SpatialTransformer(nn.Module):
    """Crops by a transform that it predicts, then reads."""

    def __init__(self) -> None:
        super().__init__()
        self.locate = nn.Sequential(conv(3, 8, 2), conv(8, 16, 2), nn.Flatten(), nn.Linear(256, 32), nn.ReLU())
        self.theta = nn.Linear(32, 6)
        nn.init.zeros_(self.theta.weight)
        self.theta.bias.data = torch.tensor([1.0, 0, 0, 0, 1, 0])
        self.read = nn.Sequential(encoder(), nn.Linear(64, 10))

    def transform(self, x: Tensor) -> Any:
        return self.theta(self.locate(x)).view(-1, 2, 3)

    def forward(self, x: Tensor) -> Any:
        grid = F.affine_grid(self.transform(x), list(x.shape), align_corners=False)
        return self.read(F.grid_sample(x, grid, align_corners=False))


class Tied(nn.Module):
    """One block, five times."""

    def __init__(self) -> None:
        super().__init__()
        self.inject = nn.Conv2d(3, 24, 3, 2, 1)
        self.block, self.norm = nn.Conv2d(24, 24, 3, padding=1), nn.GroupNorm(4, 24)
        self.fc = nn.Linear(24 * 4, 10)

    def forward(self, x: Tensor) -> Any:
        u = self.inject(x)
        z = torch.zeros_like(u)
        for _ in range(5):
            z = F.relu(self.norm(z + self.block(z) + u))
        return self.fc(F.adaptive_avg_pool2d(z, 2).flatten(1))


class Barlow(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.encoder = encoder()
        self.projector = nn.Sequential(nn.Linear(64, 64, bias=False), nn.BatchNorm1d(64), nn.ReLU(), nn.Linear(64, 24))
        self.norm = nn.BatchNorm1d(24, affine=False)

    def forward(self, x: Tensor) -> Any:
        return self.norm(self.projector(self.encoder(x)))


class DQN(nn.Module):
    """Values of ten actions, and a copy for the targets."""

    def __init__(self) -> None:
        super().__init__()
        self.online = nn.Sequential(
            nn.Conv2d(3, 16, 4, 2), nn.ReLU(), nn.Conv2d(16, 32, 3, 1), nn.ReLU(), nn.Flatten(), nn.Linear(800, 64),
            nn.ReLU(), nn.Linear(64, 10),
        )  # fmt: skip
        self.target = copy.deepcopy(self.online).requires_grad_(False)

    def forward(self, x: Tensor) -> Any:
        return self.online(x)

    def update(self) -> None:
        self.target.load_state_dict(self.online.state_dict())


class WGAN(nn.Module):
    """Hinge losses, and a penalty on the gradient of the critic."""

    def __init__(self) -> None:
        super().__init__()
        self.generator = nn.Sequential(
            nn.Linear(16, 512), nn.Unflatten(1, (32, 4, 4)), nn.ReLU(), nn.Upsample(scale_factor=2),
            nn.Conv2d(32, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.Upsample(scale_factor=2),
            nn.Conv2d(16, 3, 3, padding=1), nn.Tanh(),
        )  # fmt: skip
        self.critic = nn.Sequential(
            spectral_norm(nn.Conv2d(3, 24, 4, 2, 1)), nn.LeakyReLU(0.2), nn.Conv2d(24, 32, 4, 2, 1), nn.LeakyReLU(0.2),
            nn.Flatten(), nn.Linear(512, 1),
        )  # fmt: skip

    def forward(self, z: Tensor) -> Any:
        return self.generator(z)


class Perceiver(nn.Module):
    """Six latent vectors look at the pixels, then at one another."""

    def __init__(self) -> None:
        super().__init__()
        self.pixels = nn.Linear(12, 32)
        self.pos = nn.Parameter(torch.randn(1, 64, 32) * 0.1)
        self.latents = nn.Parameter(torch.randn(1, 6, 32) * 0.2)
        self.norms = nn.ModuleList(nn.LayerNorm(32) for _ in range(3))
        self.cross = nn.MultiheadAttention(32, 4, batch_first=True)
        self.mlp = nn.Sequential(nn.Linear(32, 64), nn.GELU(), nn.Linear(64, 32))
        self.inner = nn.TransformerEncoderLayer(32, 4, 64, 0.0, batch_first=True, norm_first=True)
        self.head = nn.Linear(32, 10)

    def forward(self, x: Tensor) -> Any:
        seen = self.norms[0](self.pixels(F.unfold(x, 2, stride=2).transpose(1, 2)) + self.pos)
        z = self.latents.expand(len(x), -1, -1)
        z = z + self.cross(self.norms[1](z), seen, seen, need_weights=False)[0]
        z = self.inner(z + self.mlp(self.norms[2](z)))
        return self.head(z.mean(1))


class ResMLP(nn.Module):
    """Linear layers across patches and across channels in turn, scaled by learned numbers that start small."""

    def __init__(self, depth: int = 3) -> None:
        super().__init__()
        self.patch = nn.Linear(48, 48)
        self.across = nn.ModuleList(nn.Linear(16, 16) for _ in range(depth))
        self.channel = nn.ModuleList(
            nn.Sequential(nn.Linear(48, 96), nn.GELU(), nn.Linear(96, 48)) for _ in range(depth)
        )
        self.scales = nn.Parameter(torch.full((depth, 2, 48), 0.1))
        self.head = nn.Linear(48, 10)

    def forward(self, x: Tensor) -> Any:
        x = self.patch(F.unfold(x, 4, stride=4).transpose(1, 2))
        for across, channel, scale in zip(self.across, self.channel, self.scales, strict=True):
            x = x + scale[0] * across(x.transpose(1, 2)).transpose(1, 2)
            x = x + scale[1] * channel(x)
        return self.head(x.mean(1))
