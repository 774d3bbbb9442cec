"""Networks whose forwards are written in different styles, each with the same forward and one residual connection.

``STYLES``: name -> (network, start, end, the forward with the connection, written by hand).
"""

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def conv(inside: int = 4, outside: int = 4, **settings: Any) -> nn.Conv2d:
    return nn.Conv2d(inside, outside, 3, padding=1, **settings)


class Exam(nn.Module):
    """The subnet of the exam, with its names."""

    def __init__(self) -> None:
        super().__init__()
        self.convblock17 = conv(3)
        self.convblock3 = conv()
        self.strangeblock1 = nn.Sequential(conv(), nn.BatchNorm2d(4), nn.ReLU())
        self.convblock11 = conv()
        self.convblock9 = conv()
        self.strangeblock2 = nn.Tanh()
        self.convblock81 = conv()

    def forward(self, x):

        x = self.convblock17(x)
        x = self.convblock3(x)
        x = self.strangeblock1(x)
        x = self.convblock11(x)  # narrow
        x = self.convblock9(x)
        x = self.strangeblock2(x)
        x = self.convblock81(x)

        return x  # noqa: RET504  as in the exam


def exam_by_hand(net: Any, x: Tensor) -> Tensor:
    x = net.convblock3(net.convblock17(x))
    y = net.convblock9(net.convblock11(net.strangeblock1(x))) + x
    return net.convblock81(net.strangeblock2(y))


def sequential() -> nn.Sequential:
    return nn.Sequential(OrderedDict(a=conv(3), b=nn.ReLU(inplace=True), c=conv(), d=nn.Sigmoid(), e=conv()))


def sequential_by_hand(net: Any, x: Tensor) -> Tensor:
    x = net.a(x)
    return net.e(net.d(net.c(F.relu(x)) + x))


class Nested(nn.Module):
    """A Sequential that is called as a whole, as in VGG."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(conv(3), nn.ReLU(), conv(4, 8, stride=2), nn.ReLU(), conv(8, 8), nn.ReLU())
        self.classifier = nn.Linear(8, 5)

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.features(x).mean((2, 3)))  # scores


def nested_by_hand(net: Any, x: Tensor) -> Tensor:
    f = net.features
    x = f[1](f[0](x))
    y = f[4](f[3](f[2](x))) + net.shortcut(x)
    return net.classifier(f[5](y).mean((2, 3)))


class Functional(nn.Module):
    """Functions between the modules, calls inside calls."""

    def __init__(self) -> None:
        super().__init__()
        self.first = conv(3)
        self.second = conv()
        self.third = conv()

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.first(x))
        return F.avg_pool2d(F.relu(self.third(F.elu(self.second(x)))), 2)


def functional_by_hand(net: Any, x: Tensor) -> Tensor:
    x = F.relu(net.first(x))
    return F.avg_pool2d(F.relu(net.third(F.elu(net.second(x))) + x), 2)


class Branches(nn.Module):
    """Two paths that meet in a concatenation."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = conv(3)
        self.left = nn.Conv2d(4, 4, 1)
        self.right = conv(4, 4)
        self.join = conv(8, 6)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        left, right = self.left(x), self.right(x)
        return self.join(torch.cat([left, right.tanh()], 1))


def branches_by_hand(net: Any, x: Tensor) -> Tensor:
    x = net.stem(x)
    y = torch.cat([net.left(x), net.right(x).tanh()], 1)
    return net.join(y) + net.shortcut(x)


class InPlace(nn.Module):
    """Every activation writes into its input, also the one that the connection comes from."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = conv(3), conv()
        self.act = nn.ReLU(inplace=True)
        self.late = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        x = self.a(x)
        x = self.act(x)
        x = self.b(x)
        x.add_(1)
        return self.late(x)


def in_place_by_hand(net: Any, x: Tensor) -> Tensor:
    x = net.a(x)
    return F.relu(net.b(F.relu(x)) + x + 1)


class Loop(nn.Module):
    """A ModuleList in a loop; one layer of it is called twice."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = conv(3)
        self.layers = nn.ModuleList(conv() for _ in range(4))

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        for layer in self.layers:
            x = torch.relu(layer(x))
        for _ in range(2):
            x = self.layers[3](x)
        return x


def loop_by_hand(net: Any, x: Tensor) -> Tensor:
    x = net.stem(x)
    x = net.layers[0](x).relu()
    kept = x
    x = net.layers[1](x).relu()
    x = (net.layers[2](x) + kept).relu()
    x = net.layers[3](x).relu()
    return net.layers[3](net.layers[3](x))


class Keyed(nn.Module):
    """A dict of modules, chosen by a key, called with a keyword."""

    def __init__(self) -> None:
        super().__init__()
        self.parts = nn.ModuleDict({"in": conv(3), "mid": conv(), "out": conv(4, 2)})

    def forward(self, x: Tensor) -> Tensor:
        x = self.parts["in"](input=x)
        x = self.parts["mid"](input=x.tanh())
        return self.parts["out"](x)


def keyed_by_hand(net: Any, x: Tensor) -> Tensor:
    x = net.parts["in"](x).tanh()
    return net.parts["out"](net.parts["mid"](x) + x)


class Returns(nn.Module):
    """Several returns; which one is taken depends on the numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.body, self.head = conv(3), conv(), conv()

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        y = self.body(x)
        if y.mean() > 0:
            return self.head(y)
        while x.abs().max() > 1.5:
            x = x / 2
        return self.head(x + y)


def returns_by_hand(net: Any, x: Tensor) -> Tensor:
    x = net.stem(x)
    y = net.body(x) + x
    if y.mean() > 0:
        return net.head(y)
    while x.abs().max() > 1.5:
        x = x / 2
    return net.head(x + y)


class Repeated(nn.Module):
    """The same two modules, three times."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.one, self.two = conv(3), conv(), conv()

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        for _ in range(3):
            x = self.one(x)
            x = torch.tanh(x)
            x = self.two(x)
        return x


def repeated_by_hand(net: Any, x: Tensor) -> Tensor:
    x = net.stem(x)
    for _ in range(3):
        x = net.two(torch.tanh(net.one(x))) + x
    return x


Style = tuple[Callable[[], nn.Module], str, str, Callable[[Any, Tensor], Tensor]]
STYLES: dict[str, Style] = {
    "exam": (Exam, "strangeblock1", "convblock9", exam_by_hand),
    "sequential": (sequential, "b", "c", sequential_by_hand),
    "nested": (Nested, "features.2", "features.4", nested_by_hand),
    "functional": (Functional, "second", "third", functional_by_hand),
    "branches": (Branches, "left", "join", branches_by_hand),
    "in place": (InPlace, "act", "b", in_place_by_hand),
    "loop": (Loop, "layers.1", "layers.2", loop_by_hand),
    "keyed": (Keyed, "parts.mid", "parts.mid", keyed_by_hand),
    "returns": (Returns, "body", "body", returns_by_hand),
    "repeated": (Repeated, "one", "two", repeated_by_hand),
}
