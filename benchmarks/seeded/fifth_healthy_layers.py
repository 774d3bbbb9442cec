"""Healthy classifiers whose layers look odd: parametrized, binary, complex, shared, rounded."""

import functools
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn, optim
from torch.nn.utils import parametrizations, parametrize, prune

from seeded import fifth_nets as nets
from seeded.blind_plans import Blind
from seeded.fifth_kit import adam, right, setup, sgd, shape4


@right
def weight_norm_on_each_layer() -> Blind:
    net = nets.vgg(norm=False)
    for m in net.modules():
        if isinstance(m, nn.Conv2d | nn.Linear):
            parametrizations.weight_norm(m)
    return setup(net)


@right
def pruned_by_half_and_trained_on() -> Blind:
    net = nets.LeNet()
    for m in net.modules():
        if isinstance(m, nn.Conv2d | nn.Linear):
            prune.l1_unstructured(m, "weight", 0.5)
    return setup(net)


@right
def positive_weights_by_a_parametrization() -> Blind:
    class Positive(nn.Module):
        def forward(self, x: Tensor) -> Any:
            return F.softplus(x - 4)

    net = nets.LeNet()
    parametrize.register_parametrization(net.features[0], "weight", Positive())
    return setup(net, adam(net, 5e-3))


class Sign(torch.autograd.Function):
    """The sign, with the gradient of a clamp."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Any:
        ctx.save_for_backward(x)
        return torch.where(x >= 0, 1.0, -1.0)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        (x,) = ctx.saved_tensors
        return grads[0] * (x.abs() <= 1)


@right
def binary_weights_straight_through() -> Blind:
    class Binary(nn.Conv2d):
        def forward(self, x: Tensor) -> Any:
            scale = self.weight.abs().mean((1, 2, 3), keepdim=True).detach()
            return F.conv2d(x, Sign.apply(self.weight) * scale, self.bias, 1, 1)  # type: ignore[no-untyped-call]

    net = nn.Sequential(
        nn.Conv2d(3, 16, 3, 2, 1), nn.BatchNorm2d(16), nn.Hardtanh(), Binary(16, 32, 3), nn.MaxPool2d(2),
        nn.BatchNorm2d(32), nn.Hardtanh(), Binary(32, 32, 3), nn.BatchNorm2d(32), nn.Flatten(), nn.Linear(512, 10),
    )  # fmt: skip
    return setup(net, adam(net, 5e-3))


@right
def rounded_to_eight_bits_by_detach() -> Blind:
    class Rounded(nn.Module):
        def forward(self, x: Tensor) -> Any:
            step = x.detach().abs().max() / 127 + 1e-8
            return x + ((x / step).round() * step - x).detach()

    net = nets.vgg()
    net.insert(3, Rounded())
    net.insert(8, Rounded())
    return setup(net)


@right
def swish_with_a_gradient_by_hand() -> Blind:
    class Swish(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Tensor) -> Any:
            ctx.save_for_backward(x)
            return x * x.sigmoid()

        @staticmethod
        def backward(ctx: Any, *grads: Any) -> Any:
            (x,) = ctx.saved_tensors
            s = x.sigmoid()
            return grads[0] * (s + x * s * (1 - s))

    class Act(nn.Module):
        def forward(self, x: Tensor) -> Any:
            return Swish.apply(x)  # type: ignore[no-untyped-call]

    return setup(nets.LeNet(act=Act))


@right
def spectrum_and_complex_weights() -> Blind:
    class Spectral(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.randn(16, 3, 16, 9, dtype=torch.cfloat) / 3)
            self.head = nn.Linear(16 * 16, 10)

        def forward(self, x: Tensor) -> Any:
            found = torch.einsum("nchw,ochw->nohw", torch.fft.rfft2(x, norm="ortho"), self.weight)
            made = torch.fft.irfft2(found, s=(16, 16), norm="ortho")
            return self.head(F.avg_pool2d(F.relu(made), 4).flatten(1))

    net = Spectral()
    return setup(net, optim.Adam(net.parameters(), 3e-3))


@right
def bfloat16_within_autocast() -> Blind:
    class Mixed(nets.ResNet):
        def forward(self, x: Tensor) -> Any:
            with torch.autocast("cpu", dtype=torch.bfloat16):
                out = super().forward(x)
            return out.float()

    return setup(Mixed())


@right
def one_block_used_four_times_on_purpose() -> Blind:
    class Recurrent(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem, self.step = nn.Conv2d(3, 24, 3, 2, 1), nn.Conv2d(24, 24, 3, padding=1)
            self.norms = nn.ModuleList(nn.BatchNorm2d(24) for _ in range(4))
            self.fc = nn.Linear(24, 10)

        def forward(self, x: Tensor) -> Any:
            x = self.stem(x)
            for norm in self.norms:
                x = x + F.relu(norm(self.step(x)))
            return self.fc(x.mean((2, 3)))

    return setup(Recurrent())


@right
def spatial_transformer_that_begins_as_identity() -> Blind:
    class Transformer(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.place = nn.Sequential(
                nn.Conv2d(3, 8, 5, 2), nn.ReLU(), nn.Flatten(), nn.Linear(288, 24), nn.ReLU(), nn.Linear(24, 6)
            )
            last: Any = self.place[-1]
            nn.init.zeros_(last.weight)
            last.bias.data.copy_(torch.tensor([1.0, 0, 0, 0, 1, 0]))
            self.net = nets.LeNet()

        def forward(self, x: Tensor) -> Any:
            grid = F.affine_grid(self.place(x).view(-1, 2, 3), list(x.shape), align_corners=False)
            return self.net(F.grid_sample(x, grid, align_corners=False))

    return setup(Transformer())


@right
def maxout_and_channels_last() -> Blind:
    class Maxout(nn.Conv2d):
        def forward(self, x: Tensor) -> Any:
            return super().forward(x).unflatten(1, (-1, 2)).amax(2)

    net = nn.Sequential(
        Maxout(3, 32, 3, 2, 1), nn.BatchNorm2d(16), Maxout(16, 64, 3, 2, 1), nn.BatchNorm2d(32), nn.Flatten(),
        nn.Linear(512, 10),
    )  # fmt: skip
    return setup(net.to(memory_format=torch.channels_last))  # type: ignore[call-overload]


@right
def four_shapes_at_the_largest_rate_that_goes() -> Blind:
    net = nets.ResNet(4)
    return setup(net, sgd(net, 0.5, weight_decay=1e-4), functools.partial(shape4, 128))
