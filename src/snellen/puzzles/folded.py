"""A de-shuffler for answering only: BatchNorm folded into the layers before it, once, on a copy."""

import copy

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.fusion import fuse_conv_bn_eval

from snellen.nets.deshuffler import Deshuffler, Seam


def folded(solver: nn.Module) -> nn.Module:
    """The same function with fewer operations; the module given is left as it is.

    In evaluation mode BatchNorm is a scale and a shift for each channel, which the weights of a linear layer
    before it can take over. Networks other than a :class:`Deshuffler` are only copied.

    >>> solver = Deshuffler().eval()
    >>> pieces = torch.rand(2, 4, 3, 16, 16)
    >>> torch.allclose(folded(solver)(pieces).beside, solver(pieces).beside, atol=1e-4)
    True
    """
    twin = copy.deepcopy(solver).eval()
    if not isinstance(twin, Deshuffler):
        return twin
    for module in list(twin.modules()):
        if isinstance(module, nn.Sequential):
            _fold_sequence(module)
        elif isinstance(module, Seam):
            _fold_start(module)
    return twin


def _fold_sequence(sequence: nn.Sequential) -> None:
    for number in range(len(sequence) - 1):
        convolution, norm = sequence[number], sequence[number + 1]
        if isinstance(convolution, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
            fused: nn.Conv2d = fuse_conv_bn_eval(convolution, norm)
            sequence[number] = _FourChannels(fused) if fused.in_channels == 3 else fused
            sequence[number + 1] = nn.Identity()
    for number, module in enumerate(sequence):
        if isinstance(module, nn.ReLU):
            sequence[number] = nn.ReLU(inplace=True)


class _FourChannels(nn.Module):
    """A convolution of colours with a fourth channel of zeros: the library's kernels want an even number."""

    def __init__(self, convolution: nn.Conv2d) -> None:
        super().__init__()
        self.weight = nn.Parameter(F.pad(convolution.weight.detach(), (0, 0, 0, 0, 0, 1)), requires_grad=False)
        self.bias = convolution.bias

    def forward(self, pixels: Tensor) -> Tensor:
        return F.conv2d(F.pad(pixels, (0, 0, 0, 0, 0, 1)), self.weight, self.bias, padding=1)


def _fold_start(seam: Seam) -> None:
    """Both halves of the first layer are scaled; the shift goes into one of them, for they are added."""
    norm = seam.start
    assert isinstance(norm, nn.BatchNorm2d)
    assert norm.running_mean is not None
    assert norm.running_var is not None
    with torch.no_grad():
        scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
        shift = norm.bias - norm.running_mean * scale
        near = nn.Linear(seam.near.in_features, seam.near.out_features)
        near.weight.copy_(seam.near.weight * scale[:, None])
        near.bias.copy_(shift)
        seam.far.weight.mul_(scale[:, None])
    seam.near, seam.start = near.to(norm.weight.device), nn.Identity()
