"""A classifier with a fully-connected head as a fully convolutional network: class maps for images of any size."""

import copy
from collections.abc import Iterator, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from snellen._errors import NotApplicable, UsageError
from snellen._shapes import Logits, Pixels
from snellen.subject.quiet import quiet

_POOLS = (nn.AdaptiveAvgPool2d, nn.AvgPool2d)
_SAME_ANYWHERE = (nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.ELU, nn.GELU, nn.SiLU, nn.Hardswish, nn.Tanh, nn.Sigmoid)
_LEFT_OUT = (nn.Flatten, nn.Identity)


class FullyConvolutional(nn.Module):
    """The convolutions of a classifier, and its fully-connected layers as convolutions behind them.

    ``forward`` gives the class maps (n, k, h, w): one row of scores for every place at which the head's first kernel
    fits on the feature map. At the size that the classifier was made for that is one place, and its scores are the
    classifier's. :meth:`scores` is their mean over the places, the dense evaluation of the VGG paper.
    """

    def __init__(self, body: nn.Sequential, head: nn.Sequential) -> None:
        super().__init__()
        self.body = body
        self.head = head

    def forward(self, inputs: Pixels) -> Float[Tensor, "n k y x"]:
        """Class maps (n, k, h, w) of normalised images (n, c, h, w), at least as large as the original's."""
        maps: Tensor = self.head(self.body(inputs))
        return maps

    def scores(self, inputs: Pixels) -> Logits:
        """The class maps' means (n, k)."""
        return self.forward(inputs).mean((2, 3))


def convolutionalise(network: nn.Module, *, input_shape: Sequence[int] = (3, 224, 224)) -> FullyConvolutional:
    """Rewrite the fully-connected head of a classifier as convolutions, with the same weights.

    The first linear layer becomes a convolution whose kernel is as large as the feature map is at ``input_shape``
    (7 x 7 in VGG), the others become 1 x 1 convolutions. An (adaptive) average pooling before the first one is linear
    in the feature map, so it is multiplied into that kernel: kernel = weight · pooling matrix. Without this the pooling
    would bring every larger image back to one row of scores. In VGG at 224 x 224 that matrix is the identity.

    Away from ``input_shape`` a place's scores are those of the head on a window of the feature map. They differ a
    little from the scores of the crop that the window stands for: a crop meets zero padding at its edges, and the
    window meets the image.

    Args:
        network: its modules, in the order in which they are registered, are its forward: convolutions (or blocks of
            them), poolings, then linear layers with activations and dropout between. VGG, AlexNet, ResNet and
            ``nn.Sequential`` are built so. It is left as it is; the result holds copies, in the same modes.
        input_shape: (c, h, w), at which the result gives the network's own scores.

    Raises:
        NotApplicable: no linear layer, something in the head that is none of these, or a forward that does more than
            its modules one after the other: the scores at ``input_shape`` are compared.

    Reference: Simonyan and Zisserman 2015, arXiv:1409.1556, section 3.2; Long, Shelhamer and Darrell 2015,
    arXiv:1411.4038.

    >>> net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(16, 5))
    >>> dense = convolutionalise(net, input_shape=(3, 8, 8))
    >>> dense(torch.rand(1, 3, 8, 8)).shape, dense(torch.rand(1, 3, 12, 9)).shape
    (torch.Size([1, 5, 1, 1]), torch.Size([1, 5, 5, 2]))
    """
    if len(input_shape) != 3 or min(input_shape) < 1:
        raise UsageError(f"input_shape must be (channels, height, width), got {tuple(input_shape)}")
    twin = copy.deepcopy(network)
    layers = list(_in_order(twin))
    first = next((i for i, layer in enumerate(layers) if isinstance(layer, nn.Linear)), None)
    if first is None:
        raise NotApplicable(
            f"{type(network).__name__} has no linear layer to turn into a convolution; its last modules are "
            f"{', '.join(type(layer).__name__ for layer in layers[-3:]) or 'none'}"
        )
    cut = first
    while cut and isinstance(layers[cut - 1], (*_POOLS, *_LEFT_OUT, nn.Dropout)):
        cut -= 1
    pools = nn.Sequential(*(layer for layer in layers[cut:first] if isinstance(layer, _POOLS)))
    drops = [layer for layer in layers[cut:first] if isinstance(layer, nn.Dropout)]
    body = nn.Sequential(*layers[:cut], *drops)
    example = next((p for p in twin.parameters() if p.is_floating_point()), torch.zeros(()))
    with quiet(twin, seed=0), torch.no_grad():
        inputs = torch.randn(1, *input_shape, dtype=example.dtype, device=example.device)
        try:
            expected, features = twin(inputs.clone()), body(inputs.clone())
        except (RuntimeError, ValueError, TypeError) as error:
            raise NotApplicable(
                f"the modules of {type(network).__name__} do not run one after the other on an input of "
                f"{tuple(input_shape)}: {error}"
            ) from error
    head = nn.Sequential(_first(layers[first], features, pools), *_others(layers[first + 1 :]))
    dense = FullyConvolutional(body, head)
    _check(type(network).__name__, dense, inputs, expected)
    return dense


def _in_order(network: nn.Module) -> Iterator[nn.Module]:
    """The children in the order in which they are registered, those of a Sequential in its place."""
    for child in network._modules.values():
        if child is not None and type(child).forward is nn.Sequential.forward:
            yield from _in_order(child)
        elif child is not None:
            yield child


def _first(linear: nn.Module, features: Tensor, pools: nn.Sequential) -> nn.Conv2d:
    """The first linear layer and the pooling before it, as one convolution over the whole feature map."""
    assert isinstance(linear, nn.Linear)
    if features.ndim != 4:
        raise NotApplicable(f"a feature map (n, c, h, w) should come before the head, got {tuple(features.shape)}")
    channels, height, width = features.shape[1:]
    pixels = torch.eye(height * width, dtype=torch.float64).view(-1, 1, height, width)
    pooling = pools(pixels).flatten(1).T
    if linear.in_features != channels * len(pooling):
        raise NotApplicable(
            f"the first linear layer takes {linear.in_features} numbers, and the feature map before it has "
            f"{channels} x {len(pooling)}"
        )
    kernel = linear.weight.detach().unflatten(1, (channels, -1))
    if not torch.equal(pooling, torch.eye(len(pooling), height * width, dtype=torch.float64)):
        kernel = kernel @ pooling.to(kernel)
    return _convolution(linear, kernel.unflatten(2, (height, width)))


def _others(layers: Sequence[nn.Module]) -> Iterator[nn.Module]:
    for layer in layers:
        if isinstance(layer, nn.Linear):
            yield _convolution(layer, layer.weight.detach()[:, :, None, None])
        elif isinstance(layer, (*_SAME_ANYWHERE, nn.Dropout)):
            yield layer
        elif isinstance(layer, nn.BatchNorm1d):
            norm = nn.BatchNorm2d(
                layer.num_features, layer.eps, layer.momentum, layer.affine, layer.track_running_stats
            )
            norm.load_state_dict(layer.state_dict())
            yield norm.to(next(iter(layer.state_dict().values()), torch.zeros(()))).train(layer.training)
        elif not isinstance(layer, _LEFT_OUT):
            raise NotApplicable(f"a {type(layer).__name__} in the head cannot be applied place by place")


def _convolution(linear: nn.Linear, kernel: Tensor) -> nn.Conv2d:
    outputs, inputs, *size = kernel.shape
    conv = nn.Conv2d(inputs, outputs, (size[0], size[1]), bias=linear.bias is not None, device="meta")
    conv = conv.to_empty(device=kernel.device).to(kernel.dtype)
    with torch.no_grad():
        conv.weight.copy_(kernel)
        if conv.bias is not None:
            conv.bias.copy_(linear.bias)
    conv.weight.requires_grad_(linear.weight.requires_grad)
    return conv.train(linear.training)


@torch.no_grad()
def _check(name: str, dense: FullyConvolutional, inputs: Tensor, expected: object) -> None:
    """A forward that does more than its modules one after the other shows in the scores."""
    with quiet(dense):
        got = dense(inputs.clone())[:, :, 0, 0]
    if not isinstance(expected, Tensor) or expected.shape != got.shape:
        shape = tuple(expected.shape) if isinstance(expected, Tensor) else type(expected).__name__
        raise NotApplicable(f"{name} should return scores of shape {tuple(got.shape)}, got {shape}")
    away = (got - expected).abs().max().item()
    if not away <= 1e-4 * max(1.0, expected.abs().max().item()):
        raise NotApplicable(
            f"the forward of {name} does more than its modules one after the other: their scores differ by {away:.3g}"
        )
