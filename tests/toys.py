"""Small networks that the tests share."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from snellen.subject.network import Network
from snellen.subject.preprocessing import Preprocessing


class Toy(nn.Module):
    """A forward given as a function of (module, input), over submodules given by name."""

    def __init__(self, run: Callable[[Any, Tensor], Tensor], **modules: nn.Module) -> None:
        super().__init__()
        self.run = run
        for name, module in modules.items():
            self.add_module(name, module)

    def forward(self, x: Tensor) -> Tensor:
        return self.run(self, x)


class Counting(nn.Module):
    """Passes its input on and counts its calls; raises on the call of a given number."""

    def __init__(self, raise_on: int = 0) -> None:
        super().__init__()
        self.calls, self.raise_on = 0, raise_on

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        if self.calls == self.raise_on:
            raise ValueError(f"call {self.calls} raises on purpose")
        return x


class RaisesBackward(nn.Module):
    """Passes its input on; its gradient raises."""

    def forward(self, x: Tensor) -> Tensor:
        if x.requires_grad:
            x = x.clone()
            x.register_hook(self.refuse)
        return x

    @staticmethod
    def refuse(_gradient: Tensor) -> None:
        raise ValueError("the backward raises on purpose")


def linear_network(classes: int = 3, channels: int = 3, size: int = 4) -> Network:
    """Scores that are linear in the pixels; the weights are ``module[1].weight``."""
    torch.manual_seed(11)
    layers = nn.Flatten(), nn.Linear(channels * size * size, classes)
    mean, std = ((0.4, 0.5, 0.6), (0.2, 0.3, 0.4)) if channels == 3 else ((0.4,), (0.2,))
    fit = Preprocessing(size=(size, size), channels="RGB" if channels == 3 else "L")
    return Network(nn.Sequential(*layers), mean=mean, std=std, preprocessing=fit)


def small_network(*extra: nn.Module, seed: int = 5) -> Network:
    """Conv, BatchNorm with statistics of its own, in-place ReLU, dropout, linear: 3 x 6 x 6 pixels to 4 classes.

    ``extra`` modules are put behind the ReLU. It comes as networks come: half of it in training mode, one parameter
    frozen, a gradient left over, a hook.
    """
    torch.manual_seed(seed)
    norm = nn.BatchNorm2d(5)
    norm(torch.randn(32, 5, 6, 6) * 2 - 1)
    layers = nn.Conv2d(3, 5, 3, padding=1), norm, nn.ReLU(inplace=True), *extra, nn.Flatten()
    module = nn.Sequential(*layers, nn.Linear(180, 16), nn.ReLU(), nn.Dropout(0.5), nn.Linear(16, 4))
    module[0].weight.grad = torch.randn_like(module[0].weight)
    module[0].bias.requires_grad_(False)
    module[1].eval()
    module[0].register_forward_hook(lambda *_: None)
    fit = Preprocessing(size=(6, 6))
    return Network(module, mean=(0.4, 0.5, 0.6), std=(0.2, 0.3, 0.4), preprocessing=fit)


def captum_toy() -> Network:
    """captum's BasicModel_ConvNet_One_Conv, rebuilt by hand; its input 0..16 is pixels times 16."""
    conv, head = nn.Conv2d(1, 2, 3), nn.Linear(8, 4)
    with torch.no_grad():
        conv.weight.fill_(1.0)
        conv.bias.copy_(torch.tensor([-50.0, -75.0]))
        head.weight.copy_(torch.tensor([1.0] * 5 + [-1.0] * 3).expand(4, 8))
        head.bias.zero_()
    module = nn.Sequential(conv, nn.ReLU(), nn.Flatten(), head, nn.ReLU())
    return Network(module, std=(1 / 16,), preprocessing=Preprocessing(channels="L"))


def captum_pixels(add: float = 0.0) -> Tensor:
    """captum's toy input arange(16) + ``add``, in the pixels of :func:`captum_toy`."""
    return (torch.arange(16.0).view(1, 1, 4, 4) + add) / 16
