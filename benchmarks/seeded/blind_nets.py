"""Small networks as people write them after 2020, for the set-ups of ``blind.py``."""

import itertools
import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm


class DropPath(nn.Module):
    """Stochastic depth, by image."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.rate == 0:
            return x
        shape = (len(x),) + (1,) * (x.ndim - 1)
        return x * torch.bernoulli(torch.full(shape, 1 - self.rate)) / (1 - self.rate)


class ConvNeXtBlock(nn.Module):
    def __init__(self, dim: int, rate: float) -> None:
        super().__init__()
        self.dwconv = nn.Conv2d(dim, dim, 7, padding=3, groups=dim)
        self.norm = nn.LayerNorm(dim, eps=1e-6)
        self.pwconv1 = nn.Linear(dim, 4 * dim)
        self.act = nn.GELU()
        self.pwconv2 = nn.Linear(4 * dim, dim)
        self.gamma = nn.Parameter(1e-6 * torch.ones(dim))
        self.drop_path = DropPath(rate)

    def forward(self, x: Tensor) -> Any:
        y = self.norm(self.dwconv(x).permute(0, 2, 3, 1))
        y = self.gamma * self.pwconv2(self.act(self.pwconv1(y)))
        return x + self.drop_path(y.permute(0, 3, 1, 2))


class LayerNorm2d(nn.LayerNorm):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class ConvNeXt(nn.Module):
    def __init__(self, classes: int = 10, widths: tuple[int, int] = (24, 48), depth: int = 2) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, widths[0], 2, 2), LayerNorm2d(widths[0]))
        self.stages = nn.ModuleList()
        self.stages.append(nn.Sequential(*[ConvNeXtBlock(widths[0], 0.05) for _ in range(depth)]))
        self.stages.append(nn.Sequential(*[ConvNeXtBlock(widths[1], 0.1) for _ in range(depth)]))
        self.downsample = nn.Sequential(LayerNorm2d(widths[0]), nn.Conv2d(widths[0], widths[1], 2, 2))
        self.norm = nn.LayerNorm(widths[1])
        self.head = nn.Linear(widths[1], classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.trunc_normal_(module.weight, std=0.02)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def forward_features(self, x: Tensor) -> Any:
        x = self.stages[0](self.stem(x))
        x = self.stages[1](self.downsample(x))
        return self.norm(x.mean((-2, -1)))

    def forward(self, x: Tensor) -> Any:
        return self.head(self.forward_features(x))


class SqueezeExcite(nn.Module):
    def __init__(self, dim: int, gate: nn.Module | None = None) -> None:
        super().__init__()
        self.fc1 = nn.Conv2d(dim, max(4, dim // 4), 1)
        self.fc2 = nn.Conv2d(max(4, dim // 4), dim, 1)
        self.gate = gate or nn.Sigmoid()

    def forward(self, x: Tensor) -> Any:
        return x * self.gate(self.fc2(F.relu(self.fc1(x.mean((2, 3), keepdim=True)))))


class InvertedResidual(nn.Module):
    """Expand, depthwise, squeeze-excite, project: MobileNetV3's with ``Hardswish``, EfficientNet's with ``SiLU``."""

    def __init__(
        self, cin: int, cout: int, *, expand: int, stride: int, act: type[nn.Module], gate: nn.Module, rate: float
    ) -> None:
        super().__init__()
        mid = cin * expand
        self.conv_pw = nn.Conv2d(cin, mid, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(mid)
        self.conv_dw = nn.Conv2d(mid, mid, 3, stride, 1, groups=mid, bias=False)
        self.bn2 = nn.BatchNorm2d(mid)
        self.act = act()
        self.se = SqueezeExcite(mid, gate)
        self.conv_pwl = nn.Conv2d(mid, cout, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(cout)
        self.drop_path = DropPath(rate)
        self.skip = stride == 1 and cin == cout

    def forward(self, x: Tensor) -> Any:
        y = self.act(self.bn1(self.conv_pw(x)))
        y = self.se(self.act(self.bn2(self.conv_dw(y))))
        y = self.bn3(self.conv_pwl(y))
        return x + self.drop_path(y) if self.skip else y


class Mobile(nn.Module):
    """MobileNetV3 or EfficientNet, by their activation, gate and drop path."""

    def __init__(self, act: type[nn.Module], gate: type[nn.Module], *, rate: float = 0.0, classes: int = 10) -> None:
        super().__init__()
        self.conv_stem = nn.Conv2d(3, 12, 3, 2, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(12)
        self.act1 = act()
        rows = [(12, 12, 2, 1), (12, 20, 3, 2), (20, 20, 3, 1), (20, 32, 3, 2)]
        self.blocks = nn.Sequential(
            *[InvertedResidual(a, b, expand=e, stride=s, act=act, gate=gate(), rate=rate) for a, b, e, s in rows]
        )
        self.conv_head = nn.Conv2d(32, 64, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(64)
        self.act2 = act()
        self.dropout = nn.Dropout(0.2)
        self.classifier = nn.Linear(64, classes)

    def forward(self, x: Tensor) -> Any:
        x = self.blocks(self.act1(self.bn1(self.conv_stem(x))))
        x = self.act2(self.bn2(self.conv_head(x))).mean((2, 3))
        return self.classifier(self.dropout(x))


def double_conv(cin: int, cout: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(cin, cout, 3, padding=1, bias=False),
        nn.BatchNorm2d(cout),
        nn.ReLU(inplace=True),
        nn.Conv2d(cout, cout, 3, padding=1, bias=False),
        nn.BatchNorm2d(cout),
        nn.ReLU(inplace=True),
    )


class UNet(nn.Module):
    """(n, 3, h, w) to (n, classes, h, w)."""

    def __init__(self, classes: int = 5, width: int = 8) -> None:
        super().__init__()
        self.inc = double_conv(3, width)
        self.down1 = double_conv(width, 2 * width)
        self.down2 = double_conv(2 * width, 4 * width)
        self.up1 = nn.ConvTranspose2d(4 * width, 2 * width, 2, 2)
        self.conv1 = double_conv(4 * width, 2 * width)
        self.up2 = nn.ConvTranspose2d(2 * width, width, 2, 2)
        self.conv2 = double_conv(2 * width, width)
        self.outc = nn.Conv2d(width, classes, 1)

    def forward(self, x: Tensor) -> Any:
        a = self.inc(x)
        b = self.down1(F.max_pool2d(a, 2))
        c = self.down2(F.max_pool2d(b, 2))
        y = self.conv1(torch.cat([b, self.up1(c)], 1))
        return self.outc(self.conv2(torch.cat([a, self.up2(y)], 1)))


class Attention(nn.Module):
    def __init__(self, dim: int, heads: int = 4) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)

    def forward(self, x: Tensor, bias: Tensor | None = None) -> Any:
        n, t, d = x.shape
        q, k, v = self.qkv(x).reshape(n, t, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=bias)
        return self.proj(y.transpose(1, 2).reshape(n, t, d))


class Mlp(nn.Sequential):
    def __init__(self, dim: int, hidden: int) -> None:
        super().__init__(nn.Linear(dim, hidden), nn.GELU(), nn.Dropout(0.0), nn.Linear(hidden, dim))


class ViTBlock(nn.Module):
    def __init__(self, dim: int, rate: float) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(dim)
        self.attn = Attention(dim)
        self.norm2 = nn.LayerNorm(dim)
        self.mlp = Mlp(dim, 2 * dim)
        self.drop_path = DropPath(rate)

    def forward(self, x: Tensor) -> Any:
        x = x + self.drop_path(self.attn(self.norm1(x)))
        return x + self.drop_path(self.mlp(self.norm2(x)))


class ViT(nn.Module):
    """With a class token, learned positions and, as in the JAX code, a head that starts at zero."""

    def __init__(self, classes: int = 10, dim: int = 48, depth: int = 3, patch: int = 4, side: int = 16) -> None:
        super().__init__()
        self.patch_embed = nn.Conv2d(3, dim, patch, patch)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, dim))
        self.pos_embed = nn.Parameter(torch.randn(1, (side // patch) ** 2 + 1, dim) * 0.02)
        self.blocks = nn.Sequential(*[ViTBlock(dim, 0.1 * i / depth) for i in range(depth)])
        self.norm = nn.LayerNorm(dim)
        self.head = nn.Linear(dim, classes)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.trunc_normal_(module.weight, std=0.02)
                nn.init.zeros_(module.bias)
        nn.init.zeros_(self.head.weight)

    def forward_features(self, x: Tensor) -> Any:
        x = self.patch_embed(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls_token.expand(len(x), -1, -1), x], 1) + self.pos_embed
        return self.norm(self.blocks(x))[:, 0]

    def forward(self, x: Tensor) -> Any:
        return self.head(self.forward_features(x))


class SwinBlock(nn.Module):
    """Attention in windows of 4 x 4 with relative position bias; shifted by half a window, or not (no mask)."""

    def __init__(self, dim: int, shift: int) -> None:
        super().__init__()
        self.shift = shift
        self.norm1 = nn.LayerNorm(dim)
        self.attn = Attention(dim, 2)
        self.relative_position_bias_table = nn.Parameter(torch.zeros(49, 2))
        at = torch.stack(torch.meshgrid(torch.arange(4), torch.arange(4), indexing="ij")).flatten(1)
        relative = at[:, :, None] - at[:, None, :] + 3
        self.relative_position_index: Tensor
        self.register_buffer("relative_position_index", relative[0] * 7 + relative[1])
        self.norm2 = nn.LayerNorm(dim)
        self.mlp = Mlp(dim, 2 * dim)
        nn.init.trunc_normal_(self.relative_position_bias_table, std=0.02)

    def forward(self, x: Tensor) -> Any:
        n, h, w, d = x.shape
        y = torch.roll(self.norm1(x), (-self.shift, -self.shift), (1, 2))
        y = y.view(n, h // 4, 4, w // 4, 4, d).transpose(2, 3).reshape(-1, 16, d)
        y = self.attn(y, self.relative_position_bias_table[self.relative_position_index].permute(2, 0, 1)[None])
        y = y.view(n, h // 4, w // 4, 4, 4, d).transpose(2, 3).reshape(n, h, w, d)
        x = x + torch.roll(y, (self.shift, self.shift), (1, 2))
        return x + self.mlp(self.norm2(x))


class Swin(nn.Module):
    def __init__(self, classes: int = 10, dim: int = 24) -> None:
        super().__init__()
        self.patch_embed = nn.Conv2d(3, dim, 2, 2)
        self.stage1 = nn.Sequential(SwinBlock(dim, 0), SwinBlock(dim, 2))
        self.merge = nn.Linear(4 * dim, 2 * dim, bias=False)
        self.merge_norm = nn.LayerNorm(4 * dim)
        self.stage2 = nn.Sequential(SwinBlock(2 * dim, 0))
        self.norm = nn.LayerNorm(2 * dim)
        self.head = nn.Linear(2 * dim, classes)

    def forward(self, x: Tensor) -> Any:
        x = self.stage1(self.patch_embed(x).permute(0, 2, 3, 1))
        x = torch.cat([x[:, i::2, j::2] for j in (0, 1) for i in (0, 1)], -1)
        return self.head(self.norm(self.stage2(self.merge(self.merge_norm(x)))).mean((1, 2)))


class MixerBlock(nn.Module):
    def __init__(self, tokens: int, dim: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(dim)
        self.token_mix = Mlp(tokens, 2 * tokens)
        self.norm2 = nn.LayerNorm(dim)
        self.channel_mix = Mlp(dim, 2 * dim)

    def forward(self, x: Tensor) -> Any:
        x = x + self.token_mix(self.norm1(x).transpose(1, 2)).transpose(1, 2)
        return x + self.channel_mix(self.norm2(x))


class Mixer(nn.Module):
    def __init__(self, classes: int = 10, dim: int = 48) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, dim, 4, 4)
        self.blocks = nn.Sequential(*[MixerBlock(16, dim) for _ in range(3)])
        self.norm = nn.LayerNorm(dim)
        self.head = nn.Linear(dim, classes)

    def forward(self, x: Tensor) -> Any:
        return self.head(self.norm(self.blocks(self.stem(x).flatten(2).transpose(1, 2))).mean(1))


class SEBlock(nn.Module):
    def __init__(self, cin: int, cout: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(cin, cout, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(cout)
        self.conv2 = nn.Conv2d(cout, cout, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(cout)
        self.se = SqueezeExcite(cout)
        self.downsample = (
            nn.Sequential(nn.Conv2d(cin, cout, 1, stride, bias=False), nn.BatchNorm2d(cout))
            if stride > 1 or cin != cout
            else nn.Identity()
        )
        nn.init.zeros_(self.bn2.weight)

    def forward(self, x: Tensor) -> Any:
        y = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.se(self.bn2(self.conv2(y))) + self.downsample(x))


class SEResNet(nn.Module):
    """The last gamma of each block starts at zero."""

    def __init__(self, classes: int = 10) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.layer1 = nn.Sequential(SEBlock(16, 16, 1), SEBlock(16, 16, 1))
        self.layer2 = nn.Sequential(SEBlock(16, 32, 2), SEBlock(32, 32, 1))
        self.layer3 = nn.Sequential(SEBlock(32, 48, 2))
        self.fc = nn.Linear(48, classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Any:
        x = F.relu(self.bn1(self.conv1(x)))
        return self.fc(self.layer3(self.layer2(self.layer1(x))).mean((2, 3)))


class VAE(nn.Module):
    """(n, 3, 16, 16) in [0, 1] to its reconstruction's logits, mean and log-variance."""

    def __init__(self, latent: int = 12) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(3, 16, 4, 2, 1), nn.LeakyReLU(0.2), nn.Conv2d(16, 32, 4, 2, 1), nn.LeakyReLU(0.2), nn.Flatten()
        )
        self.fc_mu = nn.Linear(512, latent)
        self.fc_logvar = nn.Linear(512, latent)
        self.decoder_input = nn.Linear(latent, 512)
        self.decoder = nn.Sequential(
            nn.Unflatten(1, (32, 4, 4)),
            nn.ConvTranspose2d(32, 16, 4, 2, 1),
            nn.LeakyReLU(0.2),
            nn.ConvTranspose2d(16, 3, 4, 2, 1),
        )

    def forward(self, x: Tensor) -> Any:
        hidden = self.encoder(x)
        mu, logvar = self.fc_mu(hidden), self.fc_logvar(hidden)
        z = mu + torch.randn_like(mu) * torch.exp(0.5 * logvar)
        return self.decoder(self.decoder_input(z)), mu, logvar


class MultiTask(nn.Module):
    """Which shape and where: no normalisation, ReLU, two heads over one trunk; returns a dict."""

    def __init__(self, classes: int = 4) -> None:
        super().__init__()
        self.trunk = nn.Sequential(
            nn.Conv2d(3, 16, 3, 2, 1), nn.ReLU(), nn.Conv2d(16, 24, 3, 2, 1), nn.ReLU(), nn.Conv2d(24, 32, 3, 2, 1),
            nn.ReLU(), nn.Flatten(), nn.Linear(512, 64), nn.ReLU(),
        )  # fmt: skip
        self.kind = nn.Linear(64, classes)
        self.place = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 2))

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        hidden = self.trunk(x)
        return {"kind": self.kind(hidden), "place": self.place(hidden)}


class RowLSTM(nn.Module):
    """A convolution, then an LSTM over the rows of the image; ``steps`` gives an output for each row (for CTC)."""

    def __init__(self, classes: int = 10, *, steps: bool = False, batch_first: bool = True) -> None:
        super().__init__()
        self.conv = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d((1, 2)))
        self.rnn = nn.LSTM(64, 40, bidirectional=True, batch_first=batch_first)
        self.fc = nn.Linear(80, classes)
        self.steps = steps

    def forward(self, x: Tensor) -> Any:
        hidden, _ = self.rnn(self.conv(x).permute(0, 2, 1, 3).flatten(2))
        return self.fc(hidden if self.steps else hidden.mean(1))


class WSConv2d(nn.Conv2d):
    """Scaled weight standardisation (Brock et al. 2021)."""

    def __init__(self, cin: int, cout: int, kernel: int, stride: int = 1) -> None:
        super().__init__(cin, cout, kernel, stride, kernel // 2)
        self.gain = nn.Parameter(torch.ones(cout, 1, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        var, mean = torch.var_mean(self.weight, dim=(1, 2, 3), keepdim=True)
        fan = self.weight[0].numel()
        weight = (self.weight - mean) * torch.rsqrt(torch.clamp(var * fan, min=1e-4)) * self.gain
        return F.conv2d(x, weight, self.bias, self.stride, self.padding)


class NFBlock(nn.Module):
    def __init__(self, cin: int, cout: int, stride: int, beta: float) -> None:
        super().__init__()
        self.beta = beta
        self.conv1 = WSConv2d(cin, cout, 3, stride)
        self.conv2 = WSConv2d(cout, cout, 3)
        self.shortcut = WSConv2d(cin, cout, 1, stride) if stride > 1 or cin != cout else nn.Identity()
        self.skipinit_gain = nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor) -> Any:
        y = F.gelu(x * self.beta) * 1.7
        skip = self.shortcut(y) if isinstance(self.shortcut, WSConv2d) else x
        y = self.conv2(F.gelu(self.conv1(y)) * 1.7)
        return skip + 0.2 * self.skipinit_gain * y


class NFNet(nn.Module):
    def __init__(self, classes: int = 10) -> None:
        super().__init__()
        self.stem = WSConv2d(3, 16, 3)
        self.body = nn.Sequential(NFBlock(16, 24, 2, 1.0), NFBlock(24, 24, 1, 0.98), NFBlock(24, 32, 2, 0.96))
        self.final_conv = WSConv2d(32, 64, 1)
        self.head = nn.Linear(64, classes)

    def forward(self, x: Tensor) -> Any:
        x = F.gelu(self.final_conv(self.body(self.stem(x)))) * 1.7
        return self.head(x.mean((2, 3)))


class DenseLayer(nn.Sequential):
    def __init__(self, cin: int, growth: int) -> None:
        super().__init__(nn.BatchNorm2d(cin), nn.ReLU(inplace=True), nn.Conv2d(cin, growth, 3, padding=1, bias=False))

    def forward(self, x: Tensor) -> Tensor:
        grown: Tensor = super().forward(x)  # type: ignore[no-untyped-call]
        return torch.cat([x, grown], 1)


class DenseNet(nn.Module):
    def __init__(self, classes: int = 10, growth: int = 8) -> None:
        super().__init__()
        self.conv0 = nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        self.denseblock1 = nn.Sequential(*[DenseLayer(16 + i * growth, growth) for i in range(3)])
        self.transition = nn.Sequential(
            nn.BatchNorm2d(40), nn.ReLU(inplace=True), nn.Conv2d(40, 20, 1, bias=False), nn.AvgPool2d(2)
        )
        self.denseblock2 = nn.Sequential(*[DenseLayer(20 + i * growth, growth) for i in range(3)])
        self.norm5 = nn.BatchNorm2d(44)
        self.classifier = nn.Linear(44, classes)

    def forward(self, x: Tensor) -> Any:
        x = self.denseblock2(self.transition(self.denseblock1(self.conv0(x))))
        return self.classifier(F.relu(self.norm5(x)).mean((2, 3)))


def small_encoder(width: int = 16, out: int = 64) -> nn.Sequential:
    """Convolution, batch normalisation and ReLU three times, then the mean over space."""
    widths = (3, width, 2 * width, out)
    layers: list[nn.Module] = []
    for cin, cout in itertools.pairwise(widths):
        layers += [nn.Conv2d(cin, cout, 3, 2, 1, bias=False), nn.BatchNorm2d(cout), nn.ReLU()]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten())


class SimCLR(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.encoder = small_encoder()
        self.projector = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 32))

    def forward(self, x: Tensor) -> Any:
        return F.normalize(self.projector(self.encoder(x)), dim=1)


class BYOL(nn.Module):
    """An online network, its predictor, and a target that is an average of the online network."""

    def __init__(self) -> None:
        super().__init__()
        self.online = nn.Sequential(
            small_encoder(), nn.Linear(64, 48), nn.BatchNorm1d(48), nn.ReLU(), nn.Linear(48, 24)
        )
        self.predictor = nn.Sequential(nn.Linear(24, 48), nn.BatchNorm1d(48), nn.ReLU(), nn.Linear(48, 24))
        self.target = nn.Sequential(
            small_encoder(), nn.Linear(64, 48), nn.BatchNorm1d(48), nn.ReLU(), nn.Linear(48, 24)
        )
        self.target.load_state_dict(self.online.state_dict())
        self.target.requires_grad_(False)

    def forward(self, x: Tensor) -> Any:
        return self.predictor(self.online(x))

    @torch.no_grad()
    def update(self) -> None:
        for a, b in zip(self.target.parameters(), self.online.parameters(), strict=True):
            a.lerp_(b, 0.01)


class Denoiser(nn.Module):
    """Predicts the noise in an image at a time; group normalisation, SiLU, its last convolution starts at zero."""

    def __init__(self, width: int = 24) -> None:
        super().__init__()
        self.frequencies: Tensor
        self.register_buffer("frequencies", torch.exp(-math.log(1e4) * torch.arange(8) / 8))
        self.time_mlp = nn.Sequential(nn.Linear(16, width), nn.SiLU(), nn.Linear(width, 2 * width))
        self.conv_in = nn.Conv2d(3, width, 3, padding=1)
        self.norm1 = nn.GroupNorm(4, width)
        self.conv1 = nn.Conv2d(width, width, 3, padding=1)
        self.norm2 = nn.GroupNorm(4, width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1)
        self.norm_out = nn.GroupNorm(4, width)
        self.conv_out = nn.Conv2d(width, 3, 3, padding=1)
        nn.init.zeros_(self.conv_out.weight)
        nn.init.zeros_(self.conv_out.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor, time: Tensor) -> Any:
        angle = time[:, None] * self.frequencies
        scale, shift = self.time_mlp(torch.cat([angle.sin(), angle.cos()], 1))[:, :, None, None].chunk(2, 1)
        x = self.conv_in(x)
        y = self.conv1(F.silu(self.norm1(x)))
        y = self.norm2(y) * (1 + scale) + shift
        x = x + self.conv2(F.silu(y))
        return self.conv_out(F.silu(self.norm_out(x)))


class DenseHead(nn.Module):
    """A detector without anchors on a grid of stride 4: logits of classes with the focal prior, and four distances."""

    def __init__(self, classes: int = 4) -> None:
        super().__init__()
        self.backbone = nn.Sequential(
            nn.Conv2d(3, 16, 3, 2, 1), nn.GroupNorm(4, 16), nn.ReLU(), nn.Conv2d(16, 32, 3, 2, 1), nn.GroupNorm(4, 32),
            nn.ReLU(), nn.Conv2d(32, 32, 3, 1, 1), nn.GroupNorm(4, 32), nn.ReLU(),
        )  # fmt: skip
        self.cls_tower = nn.Sequential(nn.Conv2d(32, 32, 3, 1, 1), nn.ReLU())
        self.box_tower = nn.Sequential(nn.Conv2d(32, 32, 3, 1, 1), nn.ReLU())
        self.cls_logits = nn.Conv2d(32, classes, 3, 1, 1)
        self.bbox_pred = nn.Conv2d(32, 4, 3, 1, 1)
        nn.init.normal_(self.cls_logits.weight, std=0.01)
        bias = self.cls_logits.bias
        assert bias is not None
        nn.init.constant_(bias, -math.log(99))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x = self.backbone(x)
        return self.cls_logits(self.cls_tower(x)), F.softplus(self.bbox_pred(self.box_tower(x)))


class PlainCNN(nn.Module):
    """No normalisation, ReLU, dropout before the last layer: for regression, several labels at once and others."""

    def __init__(self, out: int, side: int = 32, act: type[nn.Module] = nn.ReLU) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 16, 3, padding=1), act(), nn.MaxPool2d(2), nn.Conv2d(16, 32, 3, padding=1), act(),
            nn.MaxPool2d(2), nn.Conv2d(32, 32, 3, padding=1), act(), nn.MaxPool2d(2), nn.Flatten(),
        )  # fmt: skip
        self.fc1 = nn.Linear(32 * (side // 8) ** 2, 64)
        self.act = act()
        self.dropout = nn.Dropout(0.1)
        self.fc2 = nn.Linear(64, out)

    def forward(self, x: Tensor) -> Any:
        return self.fc2(self.dropout(self.act(self.fc1(self.features(x)))))


class GAN(nn.Module):
    """A generator and a discriminator with spectral normalisation."""

    def __init__(self) -> None:
        super().__init__()
        self.generator = nn.Sequential(
            nn.Linear(16, 512), nn.Unflatten(1, (32, 4, 4)), nn.BatchNorm2d(32), nn.ReLU(),
            nn.ConvTranspose2d(32, 16, 4, 2, 1), nn.BatchNorm2d(16), nn.ReLU(), nn.ConvTranspose2d(16, 3, 4, 2, 1),
            nn.Tanh(),
        )  # fmt: skip
        self.discriminator = nn.Sequential(
            spectral_norm(nn.Conv2d(3, 16, 4, 2, 1)), nn.LeakyReLU(0.2), spectral_norm(nn.Conv2d(16, 32, 4, 2, 1)),
            nn.LeakyReLU(0.2), nn.Flatten(), spectral_norm(nn.Linear(512, 1)),
        )  # fmt: skip

    def forward(self, z: Tensor) -> Any:
        return self.generator(z)


class VQVAE(nn.Module):
    """A straight-through code book; returns the reconstruction and the loss of the code book."""

    def __init__(self, codes: int = 32, dim: int = 16) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Conv2d(3, 32, 4, 2, 1), nn.ReLU(), nn.Conv2d(32, dim, 4, 2, 1))
        self.codebook = nn.Embedding(codes, dim)
        nn.init.uniform_(self.codebook.weight, -1 / codes, 1 / codes)
        self.decoder = nn.Sequential(
            nn.ConvTranspose2d(dim, 32, 4, 2, 1), nn.ReLU(), nn.ConvTranspose2d(32, 3, 4, 2, 1)
        )

    def forward(self, x: Tensor) -> Any:
        z = self.encoder(x).permute(0, 2, 3, 1)
        nearest = torch.cdist(z.reshape(-1, z.shape[-1]), self.codebook.weight).argmin(1).view(z.shape[:-1])
        q = self.codebook(nearest)
        extra = F.mse_loss(q, z.detach()) + 0.25 * F.mse_loss(z, q.detach())
        return self.decoder((z + (q - z).detach()).permute(0, 3, 1, 2)), extra


def sines(count: int, dim: int) -> Tensor:
    """(1, n, d) positions as sines and cosines."""
    angle = torch.arange(count)[:, None] / 1e4 ** (torch.arange(dim // 2) / (dim // 2))
    return torch.cat([angle.sin(), angle.cos()], 1)[None]


class MAE(nn.Module):
    """A masked autoencoder: a quarter of the patches in, all out."""

    def __init__(self, dim: int = 48) -> None:
        super().__init__()
        self.patch_embed = nn.Linear(48, dim)
        self.pos_embed = nn.Parameter(sines(16, dim), requires_grad=False)
        self.encoder = nn.Sequential(ViTBlock(dim, 0.0), ViTBlock(dim, 0.0), nn.LayerNorm(dim))
        self.mask_token = nn.Parameter(torch.zeros(1, 1, dim))
        self.decoder_pos_embed = nn.Parameter(sines(16, dim), requires_grad=False)
        self.decoder = nn.Sequential(ViTBlock(dim, 0.0), nn.LayerNorm(dim), nn.Linear(dim, 48))

    def forward(self, x: Tensor) -> Any:
        """The mean squared error of the hidden patches."""
        patches = F.unfold(x, 4, stride=4).transpose(1, 2)
        n = len(x)
        order = torch.rand(n, 16).argsort(1)
        keep, back = order[:, :6], order.argsort(1)
        tokens = self.patch_embed(patches) + self.pos_embed
        seen = self.encoder(tokens.gather(1, keep[..., None].expand(-1, -1, tokens.shape[-1])))
        full = torch.cat([seen, self.mask_token.expand(n, 10, -1)], 1)
        full = full.gather(1, back[..., None].expand(-1, -1, full.shape[-1])) + self.decoder_pos_embed
        hidden = (back >= 6).float()
        return (((self.decoder(full) - patches) ** 2).mean(-1) * hidden).sum() / hidden.sum()


class MoE(nn.Module):
    """Four experts, one chosen for each image: an expert may have no image in a batch."""

    def __init__(self, classes: int = 10) -> None:
        super().__init__()
        self.encoder = small_encoder()
        self.router = nn.Linear(64, 4)
        self.experts = nn.ModuleList(nn.Sequential(nn.Linear(64, 64), nn.GELU(), nn.Linear(64, 64)) for _ in range(4))
        self.head = nn.Linear(64, classes)

    def forward(self, x: Tensor) -> Any:
        x = self.encoder(x)
        weight, chosen = self.router(x).softmax(1).max(1)
        y = torch.zeros_like(x)
        for i, expert in enumerate(self.experts):
            rows = (chosen == i).nonzero()[:, 0]
            if len(rows):
                y = y.index_add(0, rows, expert(x[rows]) * weight[rows, None])
        return self.head(x + y)


class ArcFace(nn.Module):
    """Cosines with class centres, of scale 16; the loss takes the margin off the true class."""

    def __init__(self, classes: int = 10) -> None:
        super().__init__()
        self.encoder = nn.Sequential(small_encoder(), nn.Linear(64, 32))
        self.weight = nn.Parameter(torch.empty(classes, 32))
        nn.init.xavier_uniform_(self.weight)

    def forward(self, x: Tensor) -> Any:
        return F.linear(F.normalize(self.encoder(x)), F.normalize(self.weight))
