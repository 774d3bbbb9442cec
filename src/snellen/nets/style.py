"""The style path of a generator: a latent vector becomes a style, and the style sets mean and spread of every map."""

from itertools import pairwise

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from snellen.nets.adain import adapt

SLOPE = 0.2
EPSILON = 1e-8


class Mapping(nn.Module):
    """Latent vectors (n, inside) -> styles (n, outside): scaled to the length √inside, then layers with a leaky ReLU.

    Args:
        inside: numbers of a latent vector, those of its class included.
        outside: numbers of a style.
        depth: layers.

    >>> import torch
    >>> Mapping(16, 8)(torch.rand(3, 16)).shape
    torch.Size([3, 8])
    """

    def __init__(self, inside: int, outside: int, depth: int = 3) -> None:
        super().__init__()
        sizes = [inside, *[outside] * depth]
        layers = [nn.Linear(a, b) for a, b in pairwise(sizes)]
        for layer in layers:
            nn.init.kaiming_normal_(layer.weight, SLOPE)  # or the styles would begin almost alike, and images stay so
            nn.init.zeros_(layer.bias)
        self.layers = nn.ModuleList(layers)

    def forward(self, latent: Float[Tensor, "n inside"]) -> Float[Tensor, "n outside"]:
        """The style of each."""
        style = latent / (latent.square().mean(dim=1, keepdim=True) + EPSILON).sqrt()
        for layer in self.layers:
            style = F.leaky_relu(layer(style), SLOPE)
        return style


class StyledNorm(nn.Module):
    """AdaIN, with mean and spread computed from a style by one linear layer: 0 and 1 for a style of zeros.

    Reference: Karras, Laine and Aila 2019, A Style-Based Generator Architecture for GANs, arXiv 1812.04948.

    >>> import torch
    >>> norm = StyledNorm(4, style=8)
    >>> maps = norm(torch.rand(2, 4, 5, 5), torch.zeros(2, 8))
    >>> torch.allclose(maps.mean(dim=(2, 3)), torch.zeros(2, 4), atol=1e-5)
    True
    """

    def __init__(self, channels: int, *, style: int) -> None:
        super().__init__()
        self.linear = nn.Linear(style, 2 * channels)
        nn.init.kaiming_normal_(self.linear.weight, nonlinearity="linear")
        nn.init.zeros_(self.linear.bias)

    def forward(self, maps: Float[Tensor, "n c h w"], style: Float[Tensor, "n s"]) -> Float[Tensor, "n c h w"]:
        """The maps with the mean and the spread that the style asks for."""
        mean, scale = self.linear(style).chunk(2, dim=1)
        return adapt(maps, mean=mean, std=1 + scale)
