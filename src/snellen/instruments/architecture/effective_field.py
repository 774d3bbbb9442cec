"""What a unit does look at: the size of the gradient at every pixel."""

from typing import Any

import torch
from torch import Tensor, nn

from snellen._errors import NotApplicable
from snellen._shapes import Pixels
from snellen.subject.network import Network
from snellen.subject.quiet import quiet


def effective_field(network: Network, layer: str, unit: tuple[int, int], pixels: Pixels, *, number: int = 1) -> Tensor:
    """The mean over channels of |d sum_c layer[c, unit] / d pixel|, for each image by itself.

    The theoretical field is where these can be other than 0; within it they fall off towards its border.

    Args:
        network: left as it was.
        layer: a submodule's qualified name, whose output is (n, c, h, w).
        unit: row and column in that output.
        pixels: (n, c, h, w) in [0, 1].
        number: which call of the layer.

    Returns:
        (n, h, w) float32.

    Raises:
        NotApplicable: the layer's output has no rows and columns, or no gradient comes back from it.

    Reference: Luo et al. 2016, Understanding the effective receptive field, arXiv:1701.04128.

    >>> net = Network(nn.Conv2d(1, 1, 3, padding=1))
    >>> (effective_field(net, "", (2, 2), torch.rand(1, 1, 5, 5)) > 0).sum().item()
    9
    """
    found: list[Tensor] = []
    calls = 0

    def note(_module: nn.Module, _inputs: object, output: Any) -> None:
        nonlocal calls
        calls += 1
        if calls == number and isinstance(output, Tensor):
            found.append(output.clone())  # what follows may work in place

    handle = network.module.get_submodule(layer).register_forward_hook(note)
    try:
        with quiet(network.module), torch.enable_grad():
            leaf = pixels.detach().clone().to(network.device).requires_grad_()
            network.module(network.normalise(leaf))
            if not found or found[0].ndim != 4 or not found[0].requires_grad:
                got = tuple(found[0].shape) if found else "no tensor"
                raise NotApplicable(
                    f"{layer or 'the network'} must return (n, c, h, w) with a gradient to show what a unit looks at; "
                    f"got {got}. Choose an earlier layer."
                )
            row, column = unit
            (gradient,) = torch.autograd.grad(found[0][:, :, row, column].sum(), leaf)
    finally:
        handle.remove()
    return gradient.abs().mean(dim=1).float().cpu()
