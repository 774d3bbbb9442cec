"""MC dropout of VGG16 at 224 x 224, T = 50, batch 1: Snellen against the naive loop, in turn, in one process.

    python benchmarks/mc_dropout.py [--samples 50] [--rounds 5]

The bound is T trunk + T rest over trunk + T rest in multiply-adds, 46.9 at T = 50. Both sides give the same samples,
bit for bit; that is checked in every round.
"""

import argparse
import statistics
import time
from functools import partial

import torch
from torch import Tensor, nn

from side_by_side import versions
from snellen.instruments.uncertainty.mc_dropout import MCDropout
from snellen.nets.vgg import vgg
from snellen.subject.network import Network


def naive(module: nn.Module, pixels: Tensor, samples: int, seed: int) -> Tensor:
    """What everybody writes: dropout in training mode, T whole forwards."""
    module.eval()
    for layer in module.modules():
        if isinstance(layer, nn.Dropout):
            layer.train()
    torch.manual_seed(seed)
    with torch.no_grad():
        logits = torch.stack([module(pixels) for _ in range(samples)])
    module.eval()
    return logits


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    torch.manual_seed(0)
    network = Network(vgg(16), name="VGG16, random weights")
    pixels = torch.rand(1, 3, 224, 224)
    ours = partial(MCDropout(options.samples), network, pixels, keep_samples=True)
    print(versions())
    ours(seed=0)
    naive(network.module, pixels, 2, 0)
    ratios = []
    for seed in range(options.rounds):
        began = time.perf_counter()
        expected = naive(network.module, pixels, options.samples, seed)
        middle = time.perf_counter()
        result = ours(seed=seed)
        ended = time.perf_counter()
        assert result.samples is not None
        same = torch.equal(result.samples, expected)
        ratios.append((middle - began) / (ended - middle))
        print(
            f"round {seed}: naive {middle - began:.2f} s, Snellen {ended - middle:.3f} s, {ratios[-1]:.1f}x, "
            f"same samples: {same}"
        )
    trunk, rest = result.details["trunk_macs"], result.details["rest_macs"]
    bound = options.samples * (trunk + rest) / (trunk + options.samples * rest)
    print(f"median {statistics.median(ratios):.1f}x the naive loop (at least 35 wanted; bound {bound:.1f})")


if __name__ == "__main__":
    main()
