"""How much one layer can stretch a difference: its Lipschitz constant, exactly or from above."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from snellen.instruments.transport.convolution_norm import convolution_norm

GELU = 0.5 * (1 + math.erf(1.0)) + math.exp(-1.0) / math.sqrt(math.pi)
"""The steepest place of x Phi(x) is sqrt 2, where 2 phi(x) = x^2 phi(x): Phi(sqrt 2) + sqrt 2 phi(sqrt 2)."""
SELU = 1.0507009873554805 * 1.6732632423543772


@dataclass(frozen=True)
class Slope:
    """The Lipschitz constant of a layer.

    Attributes:
        bound: never below it.
        how: how it was found, in a few words.
    """

    bound: float
    how: str


def layer_slope(layer: nn.Module, shape: Sequence[int]) -> Slope | None:
    """The Lipschitz constant of a layer in evaluation mode, or None where no bound is known.

    Linear: the largest singular value. Convolutions: by Fourier transform
    (:func:`snellen.instruments.transport.convolution_norm.convolution_norm`). Activations: their steepest slope.
    Pooling: each value stands in at most c windows, c the product of ceil(kernel / stride), so a maximum stretches by
    at most sqrt(c), and a mean of k values by sqrt(c / k). BatchNorm: the largest |gamma| / sqrt(var + eps), with the
    running statistics.

    Args:
        layer: a module of ``torch.nn`` with its own forward.
        shape: of its input, without the batch.

    >>> layer_slope(nn.LeakyReLU(0.2), (4,)).bound, layer_slope(nn.Sigmoid(), (4,)).bound
    (1.0, 0.25)
    >>> layer_slope(nn.LayerNorm(4), (4,)) is None
    True

    Reference: Gouk et al. 2021, Regularisation of neural networks by enforcing Lipschitz continuity, arXiv:1804.04368.
    """
    kind = _kind(layer)
    return None if kind is None else RULES[kind](layer, tuple(shape))


def _kind(layer: nn.Module) -> type[nn.Module] | None:
    """The known class whose forward this is; a subclass with a forward of its own is not known."""
    forward = getattr(type(layer), "forward", None)
    return next((k for k in type(layer).__mro__ if k in RULES and forward is getattr(k, "forward", None)), None)


def _linear(layer: Any, _shape: tuple[int, ...]) -> Slope:
    return Slope(float(torch.linalg.matrix_norm(layer.weight.detach().double(), 2)), "singular value")


def _convolution(layer: Any, shape: tuple[int, ...]) -> Slope:
    found = convolution_norm(layer, shape)
    return Slope(found.bound, "Fourier, exact" if found.exact else "Fourier, a bound")


def _batch_norm(layer: Any, _shape: tuple[int, ...]) -> Slope | None:
    if layer.running_var is None:
        return None
    gain = (layer.running_var.double() + layer.eps).rsqrt()
    weight = 1.0 if layer.weight is None else layer.weight.detach().double()
    return Slope(float((gain * weight).abs().max()), "with the running statistics")


def _windows(layer: Any, axes: int) -> tuple[list[int], int]:
    """Sizes of the kernel, and in how many windows a value stands at most."""
    kernel, stride = (list(_each(x, axes)) for x in (layer.kernel_size, layer.stride))
    dilation = list(_each(getattr(layer, "dilation", 1), axes))
    most = (k if d > 1 else math.ceil(k / s) for k, s, d in zip(kernel, stride, dilation, strict=True))
    return kernel, math.prod(most)


def _each(value: Any, axes: int) -> tuple[int, ...]:
    return (int(value),) * axes if isinstance(value, int) else tuple(int(v) for v in value)


def _max_pool(layer: Any, shape: tuple[int, ...]) -> Slope:
    return Slope(math.sqrt(_windows(layer, len(shape) - 1)[1]), "windows a value stands in")


def _mean_pool(layer: Any, shape: tuple[int, ...]) -> Slope | None:
    kernel, most = _windows(layer, len(shape) - 1)
    padded = any(_each(layer.padding, len(shape) - 1))
    if layer.ceil_mode or getattr(layer, "divisor_override", None) or (padded and not layer.count_include_pad):
        return None
    return Slope(math.sqrt(most / math.prod(kernel)), "windows a value stands in")


def _to_size(layer: Any, shape: tuple[int, ...]) -> Slope | None:
    """The mean over equal parts; parts that overlap are not known."""
    sizes = _each(layer.output_size, len(shape) - 1) if None not in _listed(layer.output_size) else ()
    if not sizes or any(n % size for n, size in zip(shape[1:], sizes, strict=True)):
        return None
    return Slope(math.sqrt(math.prod(sizes) / math.prod(shape[1:])), "mean over equal parts")


def _listed(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, tuple | list) else (value,)


def _nearest(layer: Any, shape: tuple[int, ...]) -> Slope | None:
    scale = layer.scale_factor
    if layer.mode != "nearest" or scale is None or any(float(s) != int(s) for s in _listed(scale)):
        return None
    return Slope(math.sqrt(math.prod(_each_float(scale, len(shape) - 1))), "copies of a value")


def _each_float(value: Any, axes: int) -> tuple[float, ...]:
    return tuple(map(float, value)) if isinstance(value, tuple | list) else (float(value),) * axes


def _constant(bound: float) -> "Rule":
    return lambda _layer, _shape: Slope(bound, "steepest slope")


def _isometric(_layer: nn.Module, _shape: tuple[int, ...]) -> Slope:
    return Slope(1.0, "keeps lengths")


Rule = Callable[[Any, tuple[int, ...]], Slope | None]
RULES: Mapping[type[nn.Module], Rule] = {
    nn.Linear: _linear,
    **dict.fromkeys(
        (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d), _convolution
    ),
    **dict.fromkeys((nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d), _batch_norm),
    **dict.fromkeys((nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d), _max_pool),
    **dict.fromkeys((nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d), _mean_pool),
    **dict.fromkeys((nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d, nn.AdaptiveAvgPool3d), _to_size),
    nn.Upsample: _nearest,
    nn.UpsamplingNearest2d: _nearest,
    **dict.fromkeys((nn.ReLU, nn.ReLU6, nn.Tanh, nn.Softplus, nn.Softsign, nn.Hardtanh), _constant(1.0)),
    nn.Sigmoid: _constant(0.25),
    nn.SELU: _constant(SELU),
    nn.GELU: lambda layer, _: Slope(GELU, "steepest slope") if layer.approximate == "none" else None,
    nn.LeakyReLU: lambda layer, _: Slope(max(1.0, abs(layer.negative_slope)), "steepest slope"),
    nn.PReLU: lambda layer, _: Slope(max(1.0, float(layer.weight.abs().max())), "steepest slope"),
    nn.ELU: lambda layer, _: Slope(max(1.0, abs(layer.alpha)), "steepest slope"),
    **dict.fromkeys(
        (
            nn.Identity,
            nn.Flatten,
            nn.Unflatten,
            nn.Dropout,
            nn.Dropout2d,
            nn.PixelShuffle,
            nn.PixelUnshuffle,
            nn.ZeroPad2d,
        ),
        _isometric,
    ),
}
"""Class -> the rule for it."""
