"""A fully-connected head as convolutions: the same scores at its size, those of every window of the maps elsewhere."""

from collections import OrderedDict
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from snellen._errors import NotApplicable, UsageError
from snellen.instruments.architecture.convolutionalise import convolutionalise
from snellen.nets import vgg
from snellen.nets.small_vgg import SmallVGG
from untouched import untouched


def small_vgg11(monkeypatch: pytest.MonkeyPatch, **settings: Any) -> vgg.VGG:
    """VGG11 with few channels, its head with 16 hidden units, 6 classes and no tiny weights."""
    monkeypatch.setattr(vgg, "WIDTHS", (2, 3, 4, 4, 4))
    with torch.device("meta"):
        net = vgg.vgg(11, classes=6, **settings)
    layers: Any = net.classifier
    layers[0], layers[3], layers[6] = nn.Linear(196, 16), nn.Linear(16, 16), nn.Linear(16, 6)
    net = net.to_empty(device="cpu").eval()
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, tensor in net.state_dict().items():
            if tensor.is_floating_point():
                fan = tensor[0].numel() if tensor.ndim > 1 else 16
                tensor.copy_(torch.randn(tensor.shape, generator=generator) * (2 / fan) ** 0.5)
                if "running_var" in name:
                    tensor.abs_().add_(0.5)
    return net


def head_on_windows(net: Any, x: Tensor, size: int) -> Tensor:
    """The old head on every window of the feature map, one by one."""
    maps = net.features(x)
    places = [(i, j) for i in range(maps.shape[2] - size + 1) for j in range(maps.shape[3] - size + 1)]
    windows = [net.avgpool(maps[:, :, i : i + size, j : j + size]).flatten(1) for i, j in places]
    return torch.stack([net.classifier(window) for window in windows], 2)


def near(got: Tensor, expected: Tensor) -> bool:
    return bool((got - expected).abs().max() <= 1e-5 * expected.abs().max().clamp(min=1))


@pytest.mark.parametrize("batch_norm", [False, True])
def test_a_vgg_at_224_and_above(batch_norm: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    net = small_vgg11(monkeypatch, batch_norm=batch_norm)
    generator = torch.Generator().manual_seed(1)
    x, large = (torch.randn(1, 3, *size, generator=generator) for size in ((224, 224), (288, 256)))
    with untouched(net):
        dense = convolutionalise(net)
    with torch.no_grad():
        expected = net(x)
        assert near(dense(x)[:, :, 0, 0], expected)
        assert dense(x).shape == (1, 6, 1, 1)
        assert expected.abs().max() > 0.1
        maps = dense(large)
        assert maps.shape == (1, 6, 3, 2)
        assert near(maps.flatten(2), head_on_windows(net, large, 7))
        assert torch.equal(dense.scores(large), maps.mean((2, 3)))
        assert not near(dense.scores(large), net(large)), "the old pooling would do something else"


@pytest.mark.parametrize(("side", "size"), [(32, 1), (96, 3), (320, 10)])
def test_a_pooling_that_is_no_identity_is_multiplied_in(side: int, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """At 32 pixels the pooling copies one place to 49, at 320 it averages 10 x 10 to 7 x 7 in windows that overlap."""
    net = small_vgg11(monkeypatch)
    dense = convolutionalise(net, input_shape=(3, side, side))
    first = dense.head[0]
    assert isinstance(first, nn.Conv2d)
    assert first.kernel_size == (size, size)
    x, large = torch.randn(2, 3, side, side), torch.randn(1, 3, side + 32, side)
    with torch.no_grad():
        assert near(dense(x)[:, :, 0, 0], net(x))
        assert near(dense(large).flatten(2), head_on_windows(net, large, size))


class Block(nn.Module):
    """A residual block: the modules around it are in order, it is not."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(4, 4, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.conv(x)) + x


class Residual(nn.Module):
    """As torchvision's ResNet: an average over all places, a flatten in the forward, one linear layer."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3, stride=2)
        self.layer1 = nn.Sequential(Block(), Block())
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(4, 5)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(torch.flatten(self.avgpool(self.layer1(self.stem(x))), 1))


def test_other_networks() -> None:
    net = Residual().eval()
    dense = convolutionalise(net, input_shape=(3, 9, 11))
    x = torch.randn(2, 3, 9, 11)
    assert near(dense(x)[:, :, 0, 0], net(x))
    wide = torch.randn(1, 3, 9, 15)
    maps = net.layer1(net.stem(wide))
    windows = torch.stack([net.fc(maps[:, :, :, j : j + 5].mean((2, 3))) for j in range(3)], 2)
    assert near(dense(wide).flatten(2), windows)
    small = SmallVGG(side=8, widths=(3, 4), hidden=5)
    assert near(
        convolutionalise(small, input_shape=(1, 8, 8)).eval()(x[:, :1, :8, :8])[:, :, 0, 0],
        small.eval()(x[:, :1, :8, :8]),
    )
    head = OrderedDict(c=nn.Conv2d(3, 4, 3), d=nn.Dropout(), f=nn.Flatten(), a=nn.Linear(36, 6), b=nn.BatchNorm1d(6))
    normed = nn.Sequential(head).train()
    normed(torch.randn(8, 3, 5, 5))
    dense = convolutionalise(normed, input_shape=(3, 5, 5))
    assert near(dense.eval()(x[:, :, :5, :5])[:, :, 0, 0], normed.eval()(x[:, :, :5, :5]))


def test_modes_and_gradients_are_those_of_the_network() -> None:
    net = Residual().train()
    net.layer1.eval()
    net.fc.weight.requires_grad_(False)
    dense = convolutionalise(net, input_shape=(3, 9, 9))
    modes = {name: module.training for name, module in dense.body.named_children()}
    assert modes == {"0": True, "1": False, "2": False}
    kernel, bias = dense.head[0].parameters()
    assert not kernel.requires_grad
    assert bias.requires_grad
    assert all(p.requires_grad for p in dense.body.parameters())
    with torch.no_grad():
        next(dense.body.parameters()).zero_()
    assert net.stem.weight.any()


class Odd(nn.Module):
    """Its forward does more than its modules."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.fc = nn.Conv2d(3, 4, 3), nn.Linear(36, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(torch.relu(self.conv(x)).flatten(1))


@pytest.mark.parametrize(
    ("net", "words"),
    [
        (nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU()), "has no linear layer.*Conv2d, ReLU"),
        (Odd(), "does more than its modules one after the other"),
        (nn.Sequential(nn.Flatten(), nn.Linear(75, 4)), None),
        (nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(36, 4), nn.LayerNorm(4)), "a LayerNorm in the head"),
        (nn.Sequential(nn.Linear(5, 4), nn.Flatten(), nn.Linear(60, 2)), "the first linear layer takes 5 numbers"),
        (nn.Sequential(nn.Conv2d(1, 4, 3), nn.Flatten(), nn.Linear(36, 4)), "do not run one after the other"),
    ],
)
def test_what_cannot_be_rewritten(net: nn.Module, words: str | None) -> None:
    if words is None:
        dense = convolutionalise(net, input_shape=(3, 5, 5))
        x = torch.rand(1, 3, 5, 5)
        assert near(dense(x)[:, :, 0, 0], net(x))
        return
    with untouched(net), pytest.raises(NotApplicable, match=words):
        convolutionalise(net, input_shape=(3, 5, 5))


def test_a_shape_that_is_none() -> None:
    with pytest.raises(UsageError, match="channels, height, width"):
        convolutionalise(nn.Linear(2, 2), input_shape=(3, 224))
