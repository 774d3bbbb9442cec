"""A linear layer applied to every position is a convolution with a kernel of one, and the other way round."""

import torch
from torch import nn

from snellen._errors import UsageError


def as_convolution(linear: nn.Linear) -> nn.Conv1d:
    """The Conv1d with a kernel of 1 that does at every position what the linear layer does to one vector.

    For x of shape (n, c, length): ``as_convolution(linear)(x)`` is ``linear(x.mT).mT``. The weights are copies.

    >>> linear, x = nn.Linear(3, 2), torch.rand(4, 3, 5)
    >>> torch.allclose(as_convolution(linear)(x), linear(x.mT).mT, atol=1e-6)
    True
    """
    bias = linear.bias is not None
    conv = nn.Conv1d(linear.in_features, linear.out_features, 1, bias=bias, device="meta")
    conv = conv.to_empty(device=linear.weight.device).to(linear.weight.dtype)
    with torch.no_grad():
        conv.weight.copy_(linear.weight[:, :, None])
        if conv.bias is not None:
            conv.bias.copy_(linear.bias)
    return conv.train(linear.training)


def as_linear(conv: nn.Conv1d) -> nn.Linear:
    """The linear layer that a Conv1d with a kernel of 1 applies to every position.

    Raises:
        UsageError: a kernel, stride or padding that makes it more than that, or groups.

    >>> as_linear(nn.Conv1d(3, 2, 1)).weight.shape
    torch.Size([2, 3])
    """
    padding = conv.padding if isinstance(conv.padding, str) else conv.padding[0]
    plain = conv.kernel_size == (1,) and conv.stride == (1,) and conv.groups == 1
    if not plain or padding not in (0, "same", "valid"):
        raise UsageError(
            f"only a Conv1d with kernel 1, stride 1, no padding and one group is a linear layer, got {conv}"
        )
    linear = nn.Linear(conv.in_channels, conv.out_channels, bias=conv.bias is not None, device="meta")
    linear = linear.to_empty(device=conv.weight.device).to(conv.weight.dtype)
    with torch.no_grad():
        linear.weight.copy_(conv.weight[:, :, 0])
        if conv.bias is not None:
            linear.bias.copy_(conv.bias)
    return linear.train(conv.training)
