"""MC dropout of VGG16 at 224 x 224, T = 50, batch 1: Snellen against the naive loop, in turn, in one process.

    python benchmarks/mc_dropout.py [--samples 50] [--rounds 5]

Two settings of ours: exact, the samples of the loop bit for bit, and exact=False, the same masks with the products of
all samples done at once. The bound is T trunk + T rest over trunk + T rest in multiply-adds, 46.9 at T = 50.
What is claimed of the samples is checked in every round.
"""

import argparse
import statistics
import time

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
    settings = {"exact": MCDropout(options.samples), "at once": MCDropout(options.samples, exact=False)}
    print(versions())
    naive(network.module, pixels, 2, 0)
    for method in settings.values():
        method(network, pixels, seed=0)
    ratios: dict[str, list[float]] = {name: [] for name in settings}
    for seed in range(options.rounds):
        began = time.perf_counter()
        expected = naive(network.module, pixels, options.samples, seed)
        loop = time.perf_counter() - began
        said = [f"round {seed}: naive {loop:.2f} s"]
        for name, method in settings.items():
            began = time.perf_counter()
            result = method(network, pixels, seed=seed, keep_samples=True)
            seconds = time.perf_counter() - began
            assert result.samples is not None
            difference = float((result.samples - expected).abs().max() / expected.abs().max())
            ratios[name].append(loop / seconds)
            said.append(f"{name} {seconds:.3f} s = {loop / seconds:.1f}x (largest difference {difference:.0e})")
        print(", ".join(said))
    trunk, rest = result.details["trunk_macs"], result.details["rest_macs"]
    bound = options.samples * (trunk + rest) / (trunk + options.samples * rest)
    for name, values in ratios.items():
        print(f"{name}: median {statistics.median(values):.1f}x the naive loop (at least 35 wanted; bound {bound:.1f})")


if __name__ == "__main__":
    main()
