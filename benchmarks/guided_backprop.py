"""Guided backpropagation of VGG16 at 224 x 224, batch 4: Snellen, captum, and the bare input gradient below both.

    python benchmarks/guided_backprop.py [--rounds 5]

Wanted: time at most 1.1 x a bare forward + input gradient; at least 1.0 x captum's speed in float32; at least 3 x
captum's speed in bfloat16, whose fidelity is printed. The weights are random with the variance of He et al., so that
activations keep their size through all 13 convolutions.
"""

import argparse
import statistics
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from captum.attr import GuidedBackprop as CaptumGuidedBackprop
from torch import Tensor, nn

from side_by_side import in_turn, ratio, versions
from snellen.instruments.attribution._fidelity import rank_correlation
from snellen.instruments.attribution.guided_backprop import GuidedBackprop
from snellen.nets.vgg import vgg
from snellen.subject.network import Network


def bare(module: nn.Module, pixels: Tensor, target: Tensor) -> Tensor:
    """A forward and the gradient of the target logits with respect to the input; no guiding."""
    leaf = pixels.clone().requires_grad_()
    scores = module(leaf).gather(1, target[:, None]).sum()
    return torch.autograd.grad(scores, leaf)[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    warnings.filterwarnings("ignore", message="Setting backward hooks on ReLU")
    torch.manual_seed(0)
    module = vgg(16).eval()
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    network = Network(module, name="VGG16, random weights")
    pixels = torch.rand(4, 3, 224, 224)
    target = torch.arange(4)
    captum = CaptumGuidedBackprop(module)
    ways: dict[str, Callable[[], Any]] = {
        "bare gradient": partial(bare, module, pixels, target),
        "captum": lambda: captum.attribute(pixels.clone().requires_grad_(), target=target),
        "snellen float32": partial(GuidedBackprop(), network, pixels, target=target),
        "snellen bfloat16": partial(GuidedBackprop("bfloat16"), network, pixels, target=target),
    }
    print(versions("captum"))
    seconds = in_turn(ways, rounds=options.rounds)
    for name, values in seconds.items():
        print(f"{name:17} median {statistics.median(values):.3f} s ({min(values):.3f} to {max(values):.3f})")
    exact = ways["snellen float32"]()
    peer = ways["captum"]()
    print(f"largest difference to captum on this chain of nn.ReLU: {float((exact.maps - peer).abs().max()):.2e}")
    agreement = rank_correlation(ways["snellen bfloat16"]().maps, exact.maps)
    print(f"bfloat16 rank correlation with float32, per image: {[round(float(a), 4) for a in agreement]}")
    print(f"{ratio(seconds, 'snellen float32', 'bare gradient'):.2f} x the bare gradient's time (at most 1.1 wanted)")
    print(f"{ratio(seconds, 'captum', 'snellen float32'):.2f} x captum's speed in float32 (at least 1.0 wanted)")
    print(f"{ratio(seconds, 'captum', 'snellen bfloat16'):.2f} x captum's speed in bfloat16 (at least 3 wanted)")


if __name__ == "__main__":
    main()
