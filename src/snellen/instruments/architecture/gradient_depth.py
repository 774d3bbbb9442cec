"""How large gradients are, from the last layer of weights back to the first."""

import math

import torch
from torch import Tensor, nn

from snellen._errors import NetworkError, NotApplicable
from snellen.subject.network import Network
from snellen.subject.quiet import quiet

_LAYERS = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.Linear, nn.modules.conv._ConvTransposeNd)


def gradient_depth(
    network: Network, input_shape: tuple[int, ...], *, seed: int = 0, batch: int = 2
) -> tuple[tuple[str, float], ...]:
    """The root mean square of the gradient at the output of each layer of weights, in the order of their calls.

    The gradient is that of a random direction of the network's output, on noise of variance 1, in evaluation mode.

    Args:
        network: left as it was.
        input_shape: channels and axes.
        seed: of the noise and the direction.
        batch: images of noise.

    Returns:
        (name, root mean square) for each call.

    Raises:
        NotApplicable: fewer than two such layers were called, or no gradient comes back to them.
        NetworkError: the network raised.

    >>> net = nn.Sequential(nn.Linear(4, 4, bias=False), nn.Linear(4, 4, bias=False))
    >>> _ = [nn.init.eye_(layer.weight).data.mul_(0.5) for layer in net]
    >>> (_, first), (_, last) = gradient_depth(Network(net), (4,))
    >>> round(first / last, 6)
    0.5
    """
    generator = torch.Generator().manual_seed(seed)
    module = network.module
    seen: list[tuple[str, Tensor]] = []
    names: dict[nn.Module, str] = {m: name for name, m in module.named_modules() if isinstance(m, _LAYERS)}

    def note(layer: nn.Module, _inputs: object, output: Tensor) -> Tensor:
        output = output if output.requires_grad else output.detach().requires_grad_()
        seen.append((names[layer], output))
        return output.clone()  # what works in place behind it must not write into what is measured

    handles = [m.register_forward_hook(note) for m in names]
    try:
        with quiet(module, seed=seed), torch.enable_grad():
            noise = torch.randn(batch, *input_shape, generator=generator).to(network.device)
            try:
                output = module(noise)
            except Exception as error:
                raise NetworkError(
                    f"{network.name} raised on noise of shape {tuple(noise.shape)}: {type(error).__name__}: {error}."
                ) from error
            if not isinstance(output, Tensor) or not output.requires_grad or len(seen) < 2:
                raise NotApplicable("gradients by depth need a network of at least two layers that returns one tensor")
            direction = torch.randn(output.shape, generator=generator).to(output)
            found = torch.autograd.grad(output, [t for _, t in seen], direction, allow_unused=True)
    finally:
        for handle in handles:
            handle.remove()
    pairs = [(name, g) for (name, _), g in zip(seen, found, strict=True) if g is not None]
    if len(pairs) < 2:
        raise NotApplicable("no gradient comes back to two layers of weights or more")
    return tuple((name, math.sqrt(float(g.double().square().mean()))) for name, g in pairs)
