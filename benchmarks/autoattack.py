"""AutoAttack on ResNet-20 and CIFAR-10: Snellen beside the port in torchattacks, both judged as pictures of 8 bits.

    python benchmarks/autoattack.py [--images 100] [--levels 1 2] [--peers FOLDER] [--masking]

The published standard version on both sides: APGD-CE and APGD-T of 100 steps, FAB-T, Square of 5,000 queries. What the
peer returns is rounded to 8 bits within the budget, as a file would be, and judged one image at a time, as ours is.
``--peers`` is a folder that holds torchattacks; without it ours runs alone. ``--masking`` looks for a masked gradient
first. The weights and the images are those of ``tests/test_resnet20.py``.
"""

import argparse
import importlib
import sys
import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from side_by_side import versions
from snellen import Network, load_images, load_network
from snellen.findings.interval import wilson
from snellen.instruments.attacks._lattice import rounded
from snellen.instruments.attacks._masking import gradient_masking
from snellen.instruments.attacks._norms import Linf
from snellen.instruments.attacks.autoattack import AutoAttack

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"


class OnPixels(nn.Module):
    """The network as the peer wants it: pixels in, scores out."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.module, self.network = network.module, network

    def forward(self, pixels: Tensor) -> Tensor:
        return self.network.outputs(pixels)


def resnet20() -> Network:
    weights = SHARED / "models" / "resnet20_cifar10" / "resnet20-12fca82f.th"
    factory = f"{ROOT / 'tests' / 'resnet20.py'}:resnet20"
    network = load_network(factory, weights=weights, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))
    network.module.eval()
    return network


def judged(network: Network, changed: Tensor, pixels: Tensor, labels: Tensor, norm: Linf) -> tuple[Tensor, Tensor]:
    """Which are answered right as floats, and as pictures of 8 bits within the budget; one image at a time."""
    files = rounded(changed, pixels, norm)
    assert float(norm.size(files - pixels).max()) <= norm.radius + 1e-6
    with torch.no_grad():
        return tuple(  # type: ignore[return-value]
            torch.cat([network.outputs(image[None]).argmax(dim=1) for image in images]) == labels
            for images in (changed, files)
        )


def ours(network: Network, pixels: Tensor, labels: Tensor, norm: Linf) -> Tensor:
    began = time.process_time()
    found = AutoAttack(norm)(network, pixels, labels)
    _, standing = judged(network, found.images, pixels, labels, norm)
    assert torch.equal(standing, ~found.success)
    details: dict[str, Any] = dict(found.details)
    broken = ", ".join(f"{name} {len(places)}" for name, places in details["broken_by"].items())
    print(
        f"  Snellen       robust {said(standing)}; broken by {broken}; {int(found.already.sum())} were wrong before; "
        f"{details['queries']} forwards, {details['gradients']} gradients, {time.process_time() - began:.0f} CPU s"
    )
    return standing


def peer(network: Network, pixels: Tensor, labels: Tensor, norm: Linf) -> Tensor:
    port = importlib.import_module("torchattacks").AutoAttack
    began = time.process_time()
    changed = port(OnPixels(network).eval(), norm="Linf", eps=norm.radius, seed=0)(pixels, labels).detach()
    as_float, standing = judged(network, changed, pixels, labels, norm)
    print(
        f"  torchattacks  robust {said(standing)}; {said(as_float)} before rounding; "
        f"{time.process_time() - began:.0f} CPU s"
    )
    return standing


def said(standing: Tensor) -> str:
    low, high = wilson(float(standing.sum()), len(standing))
    return f"{int(standing.sum())} of {len(standing)} (95 %: {low:.1%} to {high:.1%})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=100)
    parser.add_argument("--levels", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--peers", type=Path)
    parser.add_argument("--masking", action="store_true")
    options = parser.parse_args()
    if options.peers:
        sys.path.append(str(options.peers))
    network = resnet20()
    images = load_images(SHARED / "data" / "cifar10-jpeg" / "test.parquet").subset(range(options.images))
    pixels = (images.pixels() * 255).round() / 255
    labels = torch.as_tensor(images.labels)
    print(versions())
    if options.masking:
        print(gradient_masking(network, pixels, labels, norm=Linf(2 / 255)))
    for levels in options.levels:
        norm = Linf(levels / 255)
        print(f"Linf, {levels} of 255 levels, {len(pixels)} images of CIFAR-10, ResNet-20")
        mine = ours(network, pixels, labels, norm)
        if options.peers:
            theirs = peer(network, pixels, labels, norm)
            print(
                f"  only Snellen breaks {int((theirs & ~mine).sum())}, only torchattacks {int((mine & ~theirs).sum())}"
            )


if __name__ == "__main__":
    main()
