"""Small networks of known styles for ``fourth.py``."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seeded.fourth_kit import unit


class ZeroRes(nn.Module):
    """A residual block whose last norm begins at zero."""

    def __init__(self, width: int, zero: bool = True) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width)
        if zero:
            nn.init.zeros_(self.bn2.weight)

    def forward(self, x: Tensor) -> Any:
        return F.relu(x + self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))))


def resnet(zero: bool = True, width: int = 16, blocks: int = 2) -> nn.Sequential:
    return nn.Sequential(
        unit(3, width, 2),
        *[ZeroRes(width, zero) for _ in range(blocks)],
        nn.AdaptiveAvgPool2d(2),
        nn.Flatten(),
        nn.Linear(4 * width, 10),
    )


class SkipInit(nn.Module):
    """A residual branch without norm, scaled by a scalar that begins at zero."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.branch = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1), nn.ReLU(), nn.Conv2d(width, width, 3, padding=1)
        )
        self.alpha = nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor) -> Any:
        return x + self.alpha * self.branch(F.relu(x))


class Attention(nn.Module):
    """A transformer's block, norm first, with its own attention."""

    def __init__(self, width: int, heads: int = 2, across: bool = False) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attend = nn.MultiheadAttention(width, heads, batch_first=not across)
        self.mlp = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))

    def forward(self, x: Tensor, **more: Any) -> Any:
        y = self.norm1(x)
        x = x + self.attend(y, y, y, need_weights=False, **more)[0]
        return x + self.mlp(self.norm2(x))


class Vit(nn.Module):
    """Patches of 4, a class token."""

    def __init__(self, out: int = 10, width: int = 32, depth: int = 2, across: bool = False) -> None:
        super().__init__()
        self.patch = nn.Conv2d(3, width, 4, 4)
        self.token = nn.Parameter(torch.zeros(1, 1, width))
        self.place = nn.Parameter(0.02 * torch.randn(1, 17, width))
        self.blocks = nn.ModuleList(Attention(width, across=across) for _ in range(depth))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, out)
        nn.init.zeros_(self.head.weight)

    def tokens(self, x: Tensor) -> Tensor:
        x = self.patch(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(len(x), -1, -1), x], 1) + self.place
        for block in self.blocks:
            x = block(x)
        found: Tensor = self.norm(x)
        return found

    def forward(self, x: Tensor) -> Any:
        return self.head(self.tokens(x)[:, 0])


class MixerBlock(nn.Module):
    def __init__(self, tokens: int, width: int) -> None:
        super().__init__()
        self.n1, self.n2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.across = nn.Sequential(nn.Linear(tokens, 2 * tokens), nn.GELU(), nn.Linear(2 * tokens, tokens))
        self.along = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))

    def forward(self, x: Tensor) -> Any:
        x = x + self.across(self.n1(x).transpose(1, 2)).transpose(1, 2)
        return x + self.along(self.n2(x))


class Inverted(nn.Module):
    """MobileNetV2's block: widen, depthwise, narrow without activation."""

    def __init__(self, width: int) -> None:
        super().__init__()
        wide = 4 * width
        self.body = nn.Sequential(
            nn.Conv2d(width, wide, 1, bias=False),
            nn.BatchNorm2d(wide),
            nn.ReLU6(),
            nn.Conv2d(wide, wide, 3, padding=1, groups=wide, bias=False),
            nn.BatchNorm2d(wide),
            nn.ReLU6(),
            nn.Conv2d(wide, width, 1, bias=False),
            nn.BatchNorm2d(width),
        )

    def forward(self, x: Tensor) -> Any:
        return x + self.body(x)


class Dense(nn.Module):
    """DenseNet's block: each layer sees all before it."""

    def __init__(self, width: int, growth: int = 8, depth: int = 3) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            nn.Sequential(
                nn.BatchNorm2d(width + i * growth), nn.ReLU(), nn.Conv2d(width + i * growth, growth, 3, padding=1)
            )
            for i in range(depth)
        )

    def forward(self, x: Tensor) -> Any:
        for layer in self.layers:
            x = torch.cat([x, layer(x)], 1)
        return x


class Unet(nn.Module):
    """Two scales; ``deep`` gives an output at each."""

    def __init__(self, channels: int = 1, out: int = 1, width: int = 12, norm: Any = nn.BatchNorm2d) -> None:
        super().__init__()
        self.enter, self.down = unit(channels, width, 1, norm), unit(width, 2 * width, 2, norm)
        self.deep = unit(2 * width, 2 * width, 1, norm)
        self.up = nn.ConvTranspose2d(2 * width, width, 2, 2)
        self.leave = unit(2 * width, width, 1, norm)
        self.head, self.low = nn.Conv2d(width, out, 1), nn.Conv2d(2 * width, out, 1)

    def scales(self, x: Tensor) -> tuple[Tensor, Tensor]:
        high = self.enter(x)
        low = self.deep(self.down(high))
        return self.head(self.leave(torch.cat([high, self.up(low)], 1))), self.low(low)


class OneScale(Unet):
    def __init__(self, channels: int = 1, out: int = 1, width: int = 12, norm: Any = nn.BatchNorm2d) -> None:
        super().__init__(channels, out, width, norm)
        del self.low

    def forward(self, x: Tensor) -> Any:
        high = self.enter(x)
        return self.head(self.leave(torch.cat([high, self.up(self.deep(self.down(high)))], 1)))


class Vae(nn.Module):
    """Pixels to logits of pixels, mean and log-variance."""

    def __init__(self, code: int = 8) -> None:
        super().__init__()
        self.encode = nn.Sequential(nn.Flatten(), nn.Linear(256, 96), nn.ReLU(), nn.Linear(96, 2 * code))
        self.decode = nn.Sequential(nn.Linear(code, 96), nn.ReLU(), nn.Linear(96, 256), nn.Unflatten(1, (1, 16, 16)))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        mu, logvar = self.encode(x).chunk(2, 1)
        z = mu + torch.randn_like(mu) * (logvar / 2).exp()
        return self.decode(z), mu, logvar


def generator(code: int = 12) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(code, 64), nn.LeakyReLU(0.2), nn.Linear(64, 256), nn.Tanh(), nn.Unflatten(1, (1, 16, 16))
    )


def critic() -> nn.Sequential:
    return nn.Sequential(nn.Flatten(), nn.Linear(256, 64), nn.LeakyReLU(0.2), nn.Linear(64, 1))


class Ste(torch.autograd.Function):
    """Sign, with the gradient of a clipped identity."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return x.sign()

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Any:
        (x,) = ctx.saved_tensors
        return grads[0] * (x.abs() < 1)


class Reverse(torch.autograd.Function):
    """Identity, with the gradient reversed."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:  # noqa: ARG004
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Any:  # noqa: ARG004
        return -grads[0]


def sign(x: Tensor) -> Any:
    return Ste.apply(x)  # type: ignore[no-untyped-call]


def reverse(x: Tensor) -> Any:
    return Reverse.apply(x)  # type: ignore[no-untyped-call]
