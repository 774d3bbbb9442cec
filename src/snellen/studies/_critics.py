"""Critics of points: a small network, and how it is kept from being steep while it learns to tell two samples apart."""

from collections.abc import Callable
from typing import Literal, get_args

import torch
from torch import Tensor, nn

from snellen.instruments.losses.gradient_penalty import gradient_penalty

Kept = Literal["penalty", "clipping"]
KEPT: tuple[Kept, ...] = get_args(Kept)
Draw = Callable[[int, torch.Generator], tuple[Tensor, Tensor]]
"""A number and a generator -> so many points of A and of B."""
WIDTH, BATCH, RATE, STRENGTH, CLIP = 64, 128, 1e-3, 10.0, 0.01


def points_network(inputs: int, outputs: int, *, width: int = WIDTH, flat: bool = False, seed: int) -> nn.Sequential:
    """inputs - width - width - outputs with leaky ReLU, drawn as PyTorch draws it; its generator is left as it was.

    With ``flat`` the last layer begins with zeros: the first step is then along what tells the samples apart. A
    gradient penalty pulls every slope to length 1, also a slope that points the wrong way.

    >>> points_network(2, 1, flat=True, seed=0)(torch.ones(3, 2)).abs().sum().item()
    0.0
    """
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        layers = nn.Linear(inputs, width), nn.LeakyReLU(0.2), nn.Linear(width, width), nn.LeakyReLU(0.2)
        net = nn.Sequential(*layers, nn.Linear(width, outputs))
    if flat:
        for parameter in net[-1].parameters():
            nn.init.zeros_(parameter)
    return net


def taught_critic(draw: Draw, inputs: int, *, kept: Kept, steps: int, seed: int, flat: bool = True) -> nn.Module:
    """A critic after so many steps up mean_A f - mean_B f, in evaluation mode.

    ``penalty``: Adam, less 10 times the mean of (|grad f| - 1)^2 on lines between the samples (WGAN-GP).
    ``clipping``: RMSProp, every weight put back into [-0.01, 0.01] after each step (the first WGAN). The rate falls
    linearly to 0.

    Args:
        draw: the samples.
        inputs: coordinates of a point.
        kept: what keeps the critic from being steep.
        steps: of the optimizer.
        seed: of the first weights, the samples and the lines.
        flat: the last layer begins with zeros.

    Reference: Gulrajani et al. 2017, arXiv:1704.00028; Arjovsky, Chintala and Bottou 2017, arXiv:1701.07875.
    """
    generator = torch.Generator().manual_seed(seed)
    critic = points_network(inputs, 1, flat=flat and kept == "penalty", seed=seed)
    optimizer: torch.optim.Optimizer
    if kept == "penalty":
        optimizer = torch.optim.Adam(critic.parameters(), RATE, betas=(0.5, 0.9))
    else:
        optimizer = torch.optim.RMSprop(critic.parameters(), RATE)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 - step / steps)
    for _ in range(steps):
        a, b = draw(BATCH, generator)
        loss = critic(b).mean() - critic(a).mean()
        if kept == "penalty":
            loss = loss + STRENGTH * gradient_penalty(critic, a, b, torch.rand(BATCH, generator=generator))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if kept == "clipping":
            with torch.no_grad():
                for parameter in critic.parameters():
                    parameter.clamp_(-CLIP, CLIP)
    return critic.eval()


@torch.no_grad()
def told(critic: nn.Module, a: Tensor, b: Tensor) -> float:
    """Mean score of A less mean score of B, in float64."""
    return float(critic(a).double().mean() - critic(b).double().mean())
