"""What a unit sees, found by gradients: an independent way to a receptive field."""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call
from torch.overrides import TorchFunctionMode

from snellen._errors import NotApplicable
from snellen.subject.network import Network
from snellen.subject.quiet import quiet


@dataclass(frozen=True)
class Support:
    """The pixels whose gradient is not 0.

    Args:
        unit: of the layer, one index for each axis.
        box: the first and the last such pixel of the image on each axis.
    """

    unit: tuple[int, ...]
    box: tuple[tuple[int, int], ...]


def gradient_support(
    network: Network,
    layer: str,
    number: int,
    input_shape: tuple[int, ...],
    units: Sequence[tuple[int, ...]],
) -> tuple[Support, ...]:
    """The pixels that units of a layer depend on, by backpropagation.

    In a copy every weight is positive and the same, biases are 0, activations and normalisations pass their input on,
    and maxima are means, so that no path cancels another or is shut: a gradient is 0 exactly where no path leads.
    Computed in float64.

    Args:
        network: left as it was.
        layer: a submodule's qualified name.
        number: which of its calls.
        input_shape: channels and axes.
        units: indices of the layer's last dimensions, one for each axis of the image; the channel is the first.

    Raises:
        NotApplicable: the layer's output has no dimensions for these units, or the copy cannot run.

    Reference: Araujo, Norris, Sim 2019, Computing receptive fields of convolutional neural networks, Distill.
    """
    with quiet(network.module):
        module = copy.deepcopy(network.module).eval()
    tensors = {
        name: (torch.full(t.shape, 1.0 / max(t[0].numel(), 1), dtype=torch.float64) if t.ndim > 1 else _flat(name, t))
        for name, t in [*module.named_parameters(), *module.named_buffers()]
    }
    pixels = torch.ones(1, *input_shape, dtype=torch.float64, requires_grad=True)
    seen: list[Tensor] = []
    calls = 0

    def stop(_module: nn.Module, _inputs: object, output: Any) -> None:
        nonlocal calls
        calls += 1
        if calls == number:
            seen.append(output if isinstance(output, Tensor) else next(v for v in output if isinstance(v, Tensor)))
            raise _Seen

    handle = module.get_submodule(layer).register_forward_hook(stop)
    try:
        with torch.enable_grad(), _Transparent():
            functional_call(module, tensors, (pixels,))
    except _Seen:
        pass
    except Exception as error:
        raise NotApplicable(f"the copy for the check by gradients raised {type(error).__name__}: {error}") from error
    finally:
        handle.remove()
    output, axes = seen[0], len(input_shape) - 1
    if output.ndim != axes + 2:
        raise NotApplicable(
            f"the check by gradients needs an output (n, c, {', '.join('hwd'[:axes])}); {layer or 'the network'} "
            f"returns {tuple(output.shape)}. Choose an earlier layer."
        )
    return tuple(Support(tuple(unit), _box(output, pixels, unit)) for unit in units)


class _Seen(Exception):  # noqa: N818  it ends the forward, and nothing has failed
    """The layer has been called; what follows is not needed."""


def _flat(name: str, tensor: Tensor) -> Tensor:
    """Biases are 0; all else of one dimension, such as scales, is 1."""
    if not tensor.is_floating_point():
        return tensor.clone()
    return torch.full(tensor.shape, 0.0 if name.endswith("bias") else 1.0, dtype=torch.float64)


def _box(output: Tensor, pixels: Tensor, unit: Sequence[int]) -> tuple[tuple[int, int], ...]:
    (gradient,) = torch.autograd.grad(output[(0, 0, *unit)], pixels, retain_graph=True)
    reached = gradient[0].ne(0).any(dim=0)
    box = []
    for axis in range(reached.ndim):
        others = [d for d in range(reached.ndim) if d != axis]
        places = reached.any(dim=others[0]) if len(others) == 1 else reached.amax(dim=others) if others else reached
        found = places.nonzero()[:, 0]
        box.append((int(found[0]), int(found[-1])) if len(found) else (0, -1))
    return tuple(box)


_PASSED = [
    "relu",
    "relu_",
    "relu6",
    "leaky_relu",
    "leaky_relu_",
    "elu",
    "elu_",
    "selu",
    "celu",
    "gelu",
    "silu",
    "mish",
    "hardtanh",
    "hardtanh_",
    "hardswish",
    "hardsigmoid",
    "sigmoid",
    "sigmoid_",
    "tanh",
    "tanh_",
    "softplus",
    "softsign",
    "logsigmoid",
    "threshold",
    "prelu",
    "rrelu",
    "dropout",
    "dropout1d",
    "dropout2d",
    "dropout3d",
    "alpha_dropout",
    "feature_alpha_dropout",
    "batch_norm",
    "instance_norm",
    "group_norm",
    "layer_norm",
    "local_response_norm",
    "rms_norm",
    "clamp",
    "clamp_",
    "clip",
    "abs",
]
_MAXIMA = ("max_pool1d", "max_pool2d", "max_pool3d")
_ADAPTIVE: dict[str, Callable[..., Tensor]] = {
    f"adaptive_max_pool{n}d": getattr(F, f"adaptive_avg_pool{n}d") for n in (1, 2, 3)
}


class _Transparent(TorchFunctionMode):
    """Nothing is shut and nothing is scaled away."""

    def __torch_function__(self, func: Any, _types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        name = getattr(func, "__name__", "")
        if name in _PASSED:
            return args[0]
        if name in _MAXIMA:
            return _mean_pool(*args, **kwargs)
        if name in _ADAPTIVE:
            return _ADAPTIVE[name](*args[:2])
        return func(*args, **kwargs)


def _mean_pool(
    value: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Tensor:
    """The mean over a window, dilated or not, as a convolution of each channel with itself."""
    del return_indices
    axes = value.ndim - 2
    pool: Callable[..., Tensor] = (F.avg_pool1d, F.avg_pool2d, F.avg_pool3d)[axes - 1]
    if dilation in (1, (1,) * axes):
        return pool(value, kernel_size, stride, padding, ceil_mode)
    kernel = (kernel_size,) * axes if isinstance(kernel_size, int) else tuple(kernel_size)
    convolve: Callable[..., Tensor] = (F.conv1d, F.conv2d, F.conv3d)[axes - 1]
    weight = torch.ones(value.shape[1], 1, *kernel, dtype=value.dtype)
    return convolve(value, weight, None, stride or kernel, padding, dilation, value.shape[1])
