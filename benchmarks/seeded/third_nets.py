"""Small networks of the third set that other sets have not."""

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seeded.third_tasks import WORDS, mlp


class Siren(nn.Module):
    """Sines with omega 30 (Sitzmann et al. 2020); coordinates (n, 2) to colour."""

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(2, width), nn.Linear(width, width)])
        self.last = nn.Linear(width, 3)
        nn.init.uniform_(self.layers[0].weight, -0.5, 0.5)  # type: ignore[arg-type]
        for layer in (self.layers[1], self.last):
            nn.init.uniform_(layer.weight, -math.sqrt(6 / width) / 30, math.sqrt(6 / width) / 30)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Any:
        for layer in self.layers:
            x = torch.sin(30 * layer(x))
        return self.last(x)


class Fourier(nn.Module):
    b: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("b", torch.randn(2, 32) * 3)
        self.net = mlp(64, 64, 3)

    def forward(self, x: Tensor) -> Any:
        z = 2 * math.pi * x @ self.b
        return self.net(torch.cat([z.sin(), z.cos()], 1))


class Attend(nn.Module):
    """Transformer over words; causal or not; with a mask of padding; embeddings may be tied to the head."""

    def __init__(self, causal: bool, tied: bool = False, dim: int = 32) -> None:
        super().__init__()
        self.causal = causal
        self.emb = nn.Embedding(WORDS, dim, padding_idx=0)
        self.pos = nn.Embedding(16, dim)
        self.layer = nn.TransformerEncoderLayer(dim, 4, 64, dropout=0.1, batch_first=True, norm_first=True)
        self.norm, self.head = nn.LayerNorm(dim), nn.Linear(dim, WORDS, bias=False)
        if tied:
            nn.init.normal_(self.emb.weight, std=0.1)
            self.head.weight = self.emb.weight

    def forward(self, said: Tensor) -> Any:
        size = said.shape[1]
        mask = torch.full((size, size), -math.inf).triu(1) if self.causal else None
        x = self.emb(said) + self.pos(torch.arange(size))
        pad = torch.zeros(said.shape).masked_fill(said == 0, -math.inf)
        return self.head(self.norm(self.layer(x, src_mask=mask, src_key_padding_mask=pad)))


class Seq2Seq(nn.Module):
    """A bidirectional encoder and a decoder that is told the words before (teacher forcing), with attention."""

    def __init__(self, dim: int = 32) -> None:
        super().__init__()
        self.emb, self.said = nn.Embedding(WORDS, dim), nn.Embedding(WORDS, dim)
        self.enc = nn.GRU(dim, dim, bidirectional=True, batch_first=True)
        self.bridge = nn.Linear(2 * dim, dim)
        self.dec = nn.GRU(dim, dim, batch_first=True)
        self.att = nn.MultiheadAttention(dim, 2, batch_first=True)
        self.out = nn.Linear(2 * dim, WORDS)

    def forward(self, both: tuple[Tensor, Tensor]) -> Any:
        memory = self.bridge(self.enc(self.emb(both[0]))[0])
        state = self.dec(self.said(both[1]), memory[:, -1][None].contiguous())[0]
        seen = self.att(state, memory, memory, need_weights=False)[0]
        return self.out(torch.cat([state, seen], 2))


class Rewriter(nn.Module):
    """An autoencoder of sentences: a bidirectional encoder makes one vector, the decoder says the same words."""

    def __init__(self, dim: int = 48) -> None:
        super().__init__()
        self.emb = nn.Embedding(WORDS, dim)
        self.enc = nn.GRU(dim, dim, bidirectional=True, batch_first=True)
        self.mid = nn.Linear(2 * dim, 24)
        self.start = nn.Linear(24, dim)
        self.dec = nn.GRU(dim, dim, batch_first=True)
        self.out = nn.Linear(dim, WORDS)

    def forward(self, said: Tensor) -> Any:
        _, h = self.enc(self.emb(said))
        h0 = self.start(self.mid(torch.cat([h[0], h[1]], 1)))[None]
        before = torch.cat([torch.ones_like(said[:, :1]), said[:, :-1]], 1)
        return self.out(self.dec(self.emb(before), h0)[0])


class Forecast(nn.Module):
    """Encoder of the past; the decoder goes on from its own answers."""

    def __init__(self) -> None:
        super().__init__()
        self.enc, self.cell, self.out = nn.LSTM(1, 32, batch_first=True), nn.LSTMCell(1, 32), nn.Linear(32, 1)

    def forward(self, past: Tensor) -> Any:
        _, (h, c) = self.enc(past)
        h, c, x, said = h[0], c[0], past[:, -1], []
        for _ in range(8):
            h, c = self.cell(x, (h, c))
            x = x + self.out(h)
            said.append(x)
        return torch.stack(said, 1)


class Inverted(nn.Module):
    """MobileNetV2: the narrow ends are linear."""

    def __init__(self, cin: int, cout: int, stride: int) -> None:
        super().__init__()
        self.same = cin == cout and stride == 1
        self.body = nn.Sequential(
            nn.Conv2d(cin, 3 * cin, 1, bias=False), nn.BatchNorm2d(3 * cin), nn.ReLU6(),
            nn.Conv2d(3 * cin, 3 * cin, 3, stride, 1, groups=3 * cin, bias=False), nn.BatchNorm2d(3 * cin), nn.ReLU6(),
            nn.Conv2d(3 * cin, cout, 1, bias=False), nn.BatchNorm2d(cout),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        made: Tensor = self.body(x)
        return x + made if self.same else made


def mobile() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(3, 12, 3, 2, 1), nn.BatchNorm2d(12), nn.ReLU6(), Inverted(12, 12, 1), Inverted(12, 20, 2),
        Inverted(20, 20, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(20, 10),
    )  # fmt: skip


class Pyramid(nn.Module):
    """FPN: laterals and smoothing without activation; a class at each pixel."""

    def __init__(self) -> None:
        super().__init__()
        self.c1 = nn.Sequential(nn.Conv2d(3, 16, 3, 2, 1), nn.GroupNorm(1, 16), nn.ReLU())
        self.c2 = nn.Sequential(nn.Conv2d(16, 32, 3, 2, 1), nn.GroupNorm(1, 32), nn.ReLU())
        self.l1, self.l2, self.smooth = nn.Conv2d(16, 16, 1), nn.Conv2d(32, 16, 1), nn.Conv2d(16, 16, 3, padding=1)
        self.out = nn.Conv2d(16, 5, 1)

    def forward(self, x: Tensor) -> Any:
        a = self.c1(x)
        b = self.l2(self.c2(a))
        p = self.smooth(self.l1(a) + F.interpolate(b, scale_factor=2))
        return F.interpolate(self.out(p), scale_factor=2)


class Exits(nn.Module):
    """Three exits."""

    def __init__(self) -> None:
        super().__init__()
        self.stages = nn.ModuleList(
            nn.Sequential(nn.Conv2d(c, 16, 3, s, 1), nn.BatchNorm2d(16), nn.ReLU())
            for c, s in ((3, 2), (16, 2), (16, 1))
        )
        self.heads = nn.ModuleList(nn.Linear(16, 10) for _ in range(3))

    def forward(self, x: Tensor) -> Any:
        out = []
        for stage, head in zip(self.stages, self.heads, strict=True):
            x = stage(x)
            out.append(head(x.amax((2, 3))))
        return out


class Residual(nn.Module):
    """Linear last layer in each branch, scaled by what begins small or at zero (LayerScale, ReZero)."""

    def __init__(self, scale: float, depth: int = 4, dim: int = 48) -> None:
        super().__init__()
        self.stem, self.head = nn.Linear(768, dim), nn.Linear(dim, 10)
        self.norms = nn.ModuleList(nn.LayerNorm(dim) for _ in range(depth))
        self.blocks = nn.ModuleList(mlp(dim, 64, dim, act=nn.GELU) for _ in range(depth))
        self.scales = nn.ParameterList(nn.Parameter(torch.full((dim,), scale)) for _ in range(depth))

    def forward(self, x: Tensor) -> Any:
        x = self.stem(x.flatten(1))
        for norm, block, scale in zip(self.norms, self.blocks, self.scales, strict=True):
            x = x + scale * block(norm(x))
        return self.head(x)


class RMSNorm(nn.Module):
    def __init__(self, dim: int) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(dim))

    def forward(self, x: Tensor) -> Tensor:
        return x * x.square().mean(-1, keepdim=True).add(1e-6).rsqrt() * self.gain


class DeepSet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.phi, self.att, self.rho = mlp(2, 32, 32), nn.MultiheadAttention(32, 4, batch_first=True), mlp(32, 32, 1)

    def forward(self, x: Tensor) -> Any:
        h = self.phi(x)
        h = h + self.att(h, h, h, need_weights=False)[0]
        return self.rho(h.amax(1))


class GCN(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.one, self.two, self.out = nn.Linear(4, 24), nn.Linear(24, 24), nn.Linear(48, 2)

    def forward(self, graph: tuple[Tensor, Tensor]) -> Any:
        links, x = graph
        near = links + torch.eye(9)
        near = near / near.sum(2, keepdim=True)
        h = F.relu(near @ self.one(x))
        h = F.relu(near @ self.two(h))
        return self.out(torch.cat([h[:, 0], h.mean(1)], 1))


class Factors(nn.Module):
    """Matrix factorisation: nothing but products, and a mean."""

    def __init__(self, dim: int = 6) -> None:
        super().__init__()
        self.u, self.i = nn.Embedding(40, dim), nn.Embedding(30, dim)
        self.bu, self.bi = nn.Embedding(40, 1), nn.Embedding(30, 1)
        self.mean = nn.Parameter(torch.tensor(3.5))
        for e in (self.u, self.i, self.bu, self.bi):
            nn.init.normal_(e.weight, std=0.1)

    def forward(self, both: tuple[Tensor, Tensor]) -> Any:
        u, i = both
        return self.mean + (self.u(u) * self.i(i)).sum(1) + self.bu(u)[:, 0] + self.bi(i)[:, 0]


class LowRank(nn.Module):
    """A frozen layer and a low-rank change of it that begins at zero."""

    def __init__(self, base: nn.Linear, rank: int = 4) -> None:
        super().__init__()
        self.base = base.requires_grad_(False)
        self.a = nn.Parameter(torch.randn(rank, base.in_features) / base.in_features**0.5)
        self.b = nn.Parameter(torch.zeros(base.out_features, rank))

    def forward(self, x: Tensor) -> Tensor:
        kept: Tensor = self.base(x)
        return kept + (x @ self.a.T @ self.b.T) * 4


class Reverse(torch.autograd.Function):
    @staticmethod
    def forward(_: Any, x: Tensor) -> Tensor:
        return x.view_as(x)

    @staticmethod
    def backward(_: Any, grad: Tensor) -> Tensor:
        return -0.3 * grad


class Dann(nn.Module):
    """Domain-adversarial: the domain's head sees the features through a reversal."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Flatten(), nn.Linear(768, 48), nn.ReLU())
        self.kind, self.domain = mlp(48, 10), mlp(48, 24, 2)

    def forward(self, x: Tensor) -> Any:
        h = self.body(x)
        return self.kind(h), self.domain(Reverse.apply(h))  # type: ignore[no-untyped-call]
