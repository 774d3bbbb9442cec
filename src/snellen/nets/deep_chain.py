"""A chain of many equal convolutions, with or without residual connections around each two."""

import torch
from torch import Tensor, nn

from snellen._errors import UsageError


class Pair(nn.Module):
    """Two 3 x 3 convolutions, each with its ReLU; with ``skip`` the input is added before the second ReLU."""

    def __init__(self, width: int, *, skip: bool, norm: bool) -> None:
        super().__init__()
        self.skip = skip
        self.conv1, self.conv2 = (nn.Conv2d(width, width, 3, padding=1, bias=not norm) for _ in range(2))
        self.norm1, self.norm2 = (nn.BatchNorm2d(width) if norm else nn.Identity() for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        """Maps of the same shape."""
        y = self.norm2(self.conv2(torch.relu(self.norm1(self.conv1(x)))))
        return torch.relu(y + x if self.skip else y)


class DeepChain(nn.Module):
    """A first convolution, pairs of convolutions, the mean over all places, a linear layer.

    The plain and the residual network of He et al. differ in nothing but the additions: the same layers, the same
    parameters, the same initial weights for the same seed. There is no pooling between the pairs, so that all layers
    have the same shape and their gradients can be compared.

    Args:
        layers: with weights, at least 4 and even: the first convolution, the pairs, the linear layer.
        width: channels.
        skip: add the input of every pair to its output.
        norm: BatchNorm behind every convolution, which then has no bias.
        stride: of the first convolution.
        classes: scores that come out.
        seed: of the weights, drawn as PyTorch draws them; its generator is left as it was.

    Raises:
        UsageError: an odd number of layers or fewer than 4.

    Reference: He, Zhang, Ren and Sun 2016, Deep residual learning for image recognition, arXiv:1512.03385, section
    4.2.

    >>> DeepChain(10, width=4, skip=True, norm=False)(torch.rand(2, 1, 8, 8)).shape
    torch.Size([2, 10])
    """

    def __init__(
        self,
        layers: int,
        *,
        width: int,
        skip: bool,
        norm: bool,
        stride: int = 2,
        classes: int = 10,
        seed: int = 0,
    ) -> None:
        super().__init__()
        if layers < 4 or layers % 2:
            raise UsageError(f"layers must be even and at least 4, got {layers}")
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)
            self.first = nn.Conv2d(1, width, 3, padding=1, stride=stride, bias=not norm)
            self.norm = nn.BatchNorm2d(width) if norm else nn.Identity()
            self.pairs = nn.ModuleList(Pair(width, skip=skip, norm=norm) for _ in range(layers // 2 - 1))
            self.last = nn.Linear(width, classes)

    def forward(self, images: Tensor) -> Tensor:
        """Scores (n, k) of images (n, 1, h, w)."""
        x = torch.relu(self.norm(self.first(images)))
        for pair in self.pairs:
            x = pair(x)
        scores: Tensor = self.last(x.mean((2, 3)))
        return scores
