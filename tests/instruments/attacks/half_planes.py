"""Two classes parted by a plane: the least change that crosses it is known; and a curved network with a plain climb."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from snellen.instruments.attacks._base import Attack
from snellen.instruments.attacks._draws import Draws
from snellen.instruments.attacks._goal import Untargeted
from snellen.instruments.attacks._victim import Victim
from snellen.subject.network import Network
from toys import Toy

PIXELS = torch.rand(12, 3, 6, 6, generator=torch.Generator().manual_seed(4)).mul(91).round().add(82) / 255
STD = (0.8, 1.0, 1.2)
"""From 82 to 173 levels: 8 of 255 more or less stay inside [0, 1], and so do 80."""


def half_plane(gain: float = 1.0) -> tuple[Network, Tensor]:
    """Scores linear in the pixels, the plane through their middle, and the answers."""
    generator = torch.Generator().manual_seed(9)
    layer = nn.Linear(108, 2)
    with torch.no_grad():
        layer.weight.copy_(torch.randn(2, 108, generator=generator) * gain)
        layer.bias.copy_(-layer.weight @ PIXELS.flatten(1).mean(dim=0))
    network = Network(nn.Sequential(nn.Flatten(), layer), name="half plane")
    return network, network.outputs(PIXELS).detach().argmax(dim=1)


def needed(network: Network, dual: int) -> Tensor:
    """|margin| / ||w||: the distance of each image to the plane, in Linf for the dual norm 1 and in L2 for 2."""
    layer = network.module[1]
    normal = (layer.weight[1] - layer.weight[0]).detach().double()
    margin = PIXELS.flatten(1).double() @ normal + (layer.bias[1] - layer.bias[0]).detach().double()
    return margin.abs() / normal.norm(p=dual)


def curved(seed: int = 3, classes: int = 4) -> tuple[Network, Tensor]:
    """A small network with bends, and its answers."""
    torch.manual_seed(seed)
    layers = nn.Conv2d(3, 6, 3, padding=1), nn.Tanh(), nn.Flatten(), nn.Linear(216, classes)
    network = Network(nn.Sequential(*layers), mean=(0.5, 0.5, 0.5), std=STD, name="curved")
    return network, network.outputs(PIXELS).detach().argmax(dim=1)


def wavy() -> tuple[Network, Tensor]:
    """A network whose slope turns around and grows many times within a few levels, and its answers."""
    torch.manual_seed(3)
    inner = nn.Conv2d(3, 6, 3, padding=1)
    head = Toy(lambda m, x: 20 * m.inner(x), inner=nn.Linear(216, 4))
    layers = Toy(lambda m, x: torch.sin(30 * m.inner(x)), inner=inner), nn.Flatten(), head
    network = Network(nn.Sequential(*layers), name="wavy")
    return network, network.outputs(PIXELS).detach().argmax(dim=1)


def proposed(attack: Attack, network: Network, labels: Tensor) -> Tensor:
    """What the method proposes for all images, whether it fools or not, in levels."""
    victim, draws = Victim(network, Untargeted(labels)), Draws.of((PIXELS * 255).round().byte(), 0)
    with torch.no_grad():
        return (attack.perturb(victim, PIXELS, draws) * 255).round()


def gradient(network: Network, picture: Tensor, label: Tensor) -> Tensor:
    """Of the cross-entropy of one picture (1, c, h, w)."""
    leaf = picture.clone().requires_grad_()
    with torch.enable_grad():
        loss = F.cross_entropy(network.outputs(leaf), label[None])
        (found,) = torch.autograd.grad(loss, leaf)
    return found


def plain_climb(
    network: Network,
    label: Tensor,
    original: Tensor,
    *,
    levels: int,
    steps: int,
    decay: float = 0.0,
    step: float | None = None,
    start: Tensor | None = None,
    ask: Callable[[Tensor, Tensor], Tensor] | None = None,
) -> Tensor:
    """One image (1, c, h, w), one step after another, as the papers write it: slow and without Snellen's parts.

    ``ask`` is given the picture and step * decay * velocity, and returns the gradient.
    """
    eps = levels / 255
    step = eps / steps if step is None else step
    exact = original.clone() if start is None else (original + (start - original).clamp(-eps, eps)).clamp(0, 1)
    velocity = torch.zeros_like(original)
    picture = (exact * 255).round() / 255
    for _ in range(steps):
        if network.outputs(picture).argmax() != label:
            break
        slope = gradient(network, picture, label) if ask is None else ask(picture, step * decay * velocity)
        velocity = decay * velocity + slope / slope.abs().mean()
        exact = (original + (exact + step * velocity.sign() - original).clamp(-eps, eps)).clamp(0, 1)
        picture = (exact * 255).round() / 255
    return picture
