"""Pictures made on each of three networks and shown to all: FGSM, I-FGSM and MI-FGSM within 8 of 255 levels.

    snellen train classify --data TRAIN.parquet --network airbench --epochs 4 --out third
    python benchmarks/transfer.py --third third/network.safetensors [--images 500] [--levels 8]

ResNet-20 is a public checkpoint, the small VGG lies in tests/networks, the third is yours. The images are the first of
CIFAR-10's test set that all get right. No peer here: foolbox and ART have no matrix.
"""

import argparse
from pathlib import Path

import torch

from side_by_side import versions
from snellen import load_images, load_network
from snellen.findings.interval import wilson
from snellen.instruments.attacks._norms import Linf
from snellen.instruments.attacks._transfer import transfer

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"
WEIGHTS = SHARED / "models" / "resnet20_cifar10" / "resnet20-12fca82f.th"
IMAGES = SHARED / "data" / "cifar10-jpeg" / "test.parquet"
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def main() -> int:
    parser = argparse.ArgumentParser(description=str(__doc__).split("\n", 1)[0])
    parser.add_argument("--third", help="a network for CIFAR-10, as load_network takes it")
    parser.add_argument("--images", type=int, default=500)
    parser.add_argument("--levels", type=int, default=8)
    options = parser.parse_args()
    if not IMAGES.exists() or not WEIGHTS.exists():
        print(f"skipped: {SHARED} is not there")
        return 0
    print(versions(), vars(options))
    resnet = load_network(f"{ROOT / 'tests' / 'resnet20.py'}:resnet20", weights=WEIGHTS, mean=MEAN, std=STD)
    small = load_network(str(ROOT / "tests" / "networks" / "cifar10-small-vgg" / "network.safetensors"))
    networks = {"ResNet-20": resnet, "small VGG": small}
    if options.third:
        networks["third"] = load_network(options.third)
    images = load_images(IMAGES)
    assert images.labels is not None
    rows = list(range(options.images))
    labels = torch.from_numpy(images.labels[rows]).long()
    found = transfer(networks, images.pixels(indices=rows), labels, norm=Linf(options.levels / 255))
    shared = int(found.shared.sum())
    print(f"{shared} of {options.images} images are right in all; fooled of these, made on (row), shown to (column):")
    for attack in found.fooled:
        print(f"| {attack} | " + " | ".join(found.columns) + " |")
        for row in found.rows:
            counts = [found.count(attack, row, column) for column in found.columns]
            spans = ["{:.0%} ({:.0%} to {:.0%})".format(c / shared, *wilson(c, shared)) for c in counts]
            print(f"| {row} | " + " | ".join(spans) + " |")
    for row, column in found.paradoxes():
        print(f"I-FGSM made on {row} fools it at least as often as FGSM does, and {column} less often")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
