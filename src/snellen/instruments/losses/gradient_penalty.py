"""How steep a critic is at each image, and what it pays for a slope that is not 1."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from snellen._errors import UsageError

Critic = Callable[[Tensor], Tensor]
"""Samples (n, ...) -> one score each, (n,) or (n, 1); the score of one may not depend on the others (no BatchNorm)."""


def gradient_norms(
    critic: Critic, samples: Float[Tensor, "n ..."], *, differentiable: bool = False
) -> Float[Tensor, "n"]:
    """The length of the gradient of the score at each sample: over all channels and pixels of one image at once.

    ‖∇f(x_i)‖ = (Σ_chw (∂f(x_i) / ∂x_i,chw)²)^½. The norm over channels alone, ``norm(2, dim=1)`` of (n, c, h, w), is
    one number a pixel and no slope of f.

    Args:
        critic: what is asked.
        samples: (n, ...), where.
        differentiable: the norms are part of a loss, and their gradient reaches the critic's parameters.

    Returns:
        (n,), at least 0.

    Raises:
        UsageError: not one score a sample, or scores that do not depend on the samples.

    >>> gradient_norms(lambda x: 2 * x.flatten(1).sum(1), torch.rand(3, 1, 2, 2))
    tensor([4., 4., 4.])
    """
    places = samples.detach().requires_grad_(True)
    with torch.enable_grad():
        scores = critic(places)
        if scores.numel() != len(places):
            raise UsageError(
                f"a critic gives one score a sample; for {len(places)} samples it gave {tuple(scores.shape)}"
            )
        if not scores.requires_grad:
            raise UsageError("the scores of this critic do not depend on its samples; is it detached, or in no_grad?")
        (gradient,) = torch.autograd.grad(scores.sum(), places, create_graph=differentiable)
    return _length(gradient)


def gradient_penalty(
    critic: Critic, real: Float[Tensor, "n ..."], fake: Float[Tensor, "n ..."], mix: Float[Tensor, "n"]
) -> Float[Tensor, ""]:
    """What a critic pays that is not of slope 1 between real and generated samples: mean of (‖∇f(x̂)‖ - 1)².

    x̂ = mix · real + (1 - mix) · fake, one random number of [0, 1] a pair. The best critic of Wasserstein's distance
    has slope 1 almost everywhere on the lines between the pairs of an optimal plan; here the pairs are random ones.

    Args:
        critic: without BatchNorm: the penalty is about each sample by itself.
        real: (n, ...).
        fake: (n, ...), of the same shape.
        mix: (n,) in [0, 1], such as ``torch.rand(n, generator=...)``.

    Returns:
        A number at least 0, with a gradient for the critic's parameters and none for the samples.

    Raises:
        UsageError: shapes that differ, and as :func:`gradient_norms`.

    Reference: Gulrajani et al. 2017, Improved Training of Wasserstein GANs, arXiv 1704.00028.

    >>> x, y = torch.zeros(2, 1, 2, 2), torch.ones(2, 1, 2, 2)
    >>> gradient_penalty(lambda x: 2 * x.flatten(1).sum(1), x, y, torch.tensor([0.1, 0.9])).item()
    9.0
    """
    if real.shape != fake.shape or mix.shape != real.shape[:1]:
        raise UsageError(
            "expected real and generated samples of one shape and one mixing number a pair, got "
            f"{tuple(real.shape)}, {tuple(fake.shape)} and {tuple(mix.shape)}"
        )
    part = mix.view(-1, *(1 for _ in real.shape[1:]))
    between = part * real.detach() + (1 - part) * fake.detach()
    return (gradient_norms(critic, between, differentiable=True) - 1).square().mean()


def zero_centred_penalty(critic: Critic, real: Float[Tensor, "n ..."]) -> Float[Tensor, ""]:
    """R1: what a discriminator pays for any slope at real samples, ½ mean of ‖∇f(x)‖².

    Where generated samples are as real ones there is nothing to tell, and a discriminator without slope is at rest:
    the training of both converges near there, which it need not do without.

    Args:
        critic: the score before any sigmoid.
        real: (n, ...).

    Raises:
        UsageError: as :func:`gradient_norms`.

    Reference: Mescheder, Geiger and Nowozin 2018, Which Training Methods for GANs do actually Converge?,
    arXiv 1801.04406.

    >>> zero_centred_penalty(lambda x: 2 * x.flatten(1).sum(1), torch.rand(3, 1, 2, 2)).item()
    8.0
    """
    return gradient_norms(critic, real, differentiable=True).square().mean() / 2


def _length(gradient: Tensor) -> Tensor:
    """Of each sample's gradient; where it is zero its own slope is zero, and not the NaN of a square root."""
    squares = gradient.flatten(1).square().sum(1)
    there = squares > 0
    return torch.where(there, torch.where(there, squares, 1.0).sqrt(), 0.0)
