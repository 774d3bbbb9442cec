"""Adaptive instance normalisation: the maps of one image with the mean and spread of another's."""

from jaxtyping import Float
from torch import Tensor, nn

from snellen._errors import UsageError

EPSILON = 1e-5


def statistics(maps: Float[Tensor, "n c *space"]) -> tuple[Float[Tensor, "n c"], Float[Tensor, "n c"]]:
    """Mean and standard deviation of every sample's every channel, over its positions.

    The variance is divided by the number of positions, as in ``InstanceNorm2d``, and 1e-5 is added to it.

    >>> import torch
    >>> mean, std = statistics(torch.tensor([[[1.0, 3.0]]]))
    >>> round(mean.item(), 3), round(std.item(), 3)
    (2.0, 1.0)
    """
    flat = maps.flatten(2)
    return flat.mean(2), (flat.var(2, unbiased=False) + EPSILON).sqrt()


def adapt(
    content: Float[Tensor, "n c *space"], *, mean: Float[Tensor, "n c"], std: Float[Tensor, "n c"]
) -> Float[Tensor, "n c *space"]:
    """The content's maps with this mean and standard deviation, one of each for every sample and channel.

    A generator computes both from its style vector by a linear layer.
    """
    wide = (*mean.shape, *(1 for _ in content.shape[2:]))
    own_mean, own_std = (part.view(wide) for part in statistics(content))
    return (content - own_mean) / own_std * std.view(wide) + mean.view(wide)


class AdaIN(nn.Module):
    """Give the content's maps the mean and standard deviation that the style's maps have, channel by channel.

    AdaIN(x, y) = σ(y) (x − μ(x)) / σ(x) + μ(y), with μ and σ over the positions of each sample and channel. So
    AdaIN(x, x) = x, and AdaIN(x, y) is InstanceNorm(x) scaled by σ(y) and shifted by μ(y). Nothing is learned and
    nothing is kept between calls; training and evaluation are the same. The style may have another height and width.

    Raises:
        UsageError: batches or channels that differ, maps with fewer than two positions.

    Reference: Huang and Belongie 2017, Arbitrary Style Transfer in Real-time with Adaptive Instance Normalization,
    arXiv:1703.06868. The authors divide the variance by one position fewer.

    >>> import torch
    >>> x = torch.rand(2, 3, 8, 8)
    >>> torch.allclose(AdaIN()(x, x), x, atol=1e-6)
    True
    """

    def forward(
        self, content: Float[Tensor, "n c *space"], style: Float[Tensor, "n c *style"]
    ) -> Float[Tensor, "n c *space"]:
        """The content (n, c, h, w) with the style's (n, c, h2, w2) statistics."""
        if content.shape[:2] != style.shape[:2]:
            raise UsageError(
                f"content and style must agree in samples and channels, got {tuple(content.shape)} and "
                f"{tuple(style.shape)}"
            )
        if min(content[:1, :1].numel(), style[:1, :1].numel()) < 2:
            raise UsageError(
                f"a spread needs at least two positions, got maps of {tuple(content.shape)} and {tuple(style.shape)}"
            )
        mean, std = statistics(style)
        return adapt(content, mean=mean, std=std)
