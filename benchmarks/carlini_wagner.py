"""Carlini and Wagner's attack on ResNet-20 beside foolbox, torchattacks and ART: success, distance and speed.

    pip install foolbox torchattacks adversarial-robustness-toolbox
    python benchmarks/carlini_wagner.py [--images 500] [--slow 32] [--more 40] [--rounds 5] [--keep FOLDER]

Wanted: success at least, and median L2 at most, that of each peer, at 3 x the speed of the fastest peer that succeeds
on 98 % of the images or more. The images are the first of the test set that the network gets right. What each returns
is judged here, in one way: shown one image at a time, as floats and as pictures of 8 bits; a failure counts as
infinitely far. Time is processor time, on one thread. Peers are timed once, in batches of 100; foolbox with nine
constants runs on the first MORE images, ART and torchattacks with more steps on the first SLOW (ART with more steps: a
quarter of them). What they found is kept in FOLDER, if given, and taken from there again. A peer that is not installed,
or has no images, is left out.
"""

import argparse
import importlib.util
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from side_by_side import versions
from snellen import Network, load_images, load_network
from snellen.instruments.attacks._lattice import LEVELS, levels
from snellen.instruments.attacks.carlini_wagner import CarliniWagner

HERE = Path(__file__).resolve().parents[1]
SHARED = HERE.parent / "shared"
WEIGHTS = SHARED / "models" / "resnet20_cifar10" / "resnet20-12fca82f.th"
IMAGES = SHARED / "data" / "cifar10-jpeg" / "test.parquet"
BATCH = 100
NEAR = 0.98
PACKAGES = {"foolbox": "foolbox", "torchattacks": "torchattacks", "adversarial-robustness-toolbox": "art"}
Attack = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Row:
    """What one attack found on the first images: success and L2 distance, as floats and of 8 bits; and its time."""

    name: str
    won: Tensor
    far: Tensor
    won_files: Tensor
    far_files: Tensor
    seconds: float

    @property
    def each(self) -> float:
        """Seconds an image."""
        return self.seconds / len(self.won)

    def line(self, own: "Row") -> str:
        """Of the table; beside a peer the medians of Snellen on the same images."""
        count = len(self.won)
        beside = f"{float(own.far[:count].median()):.4f}, {float(own.far_files[:count].median()):.4f}"
        return (
            f"| {self.name} | {count} | {100 * float(self.won.float().mean()):.1f} % | {float(self.far.median()):.4f} "
            f"| {100 * float(self.won_files.float().mean()):.1f} % | {float(self.far_files.median()):.4f} "
            f"| {self.each:.3f} ({self.each / own.each:.2f} x) | {beside} |"
        )


def judged(
    name: str, floats: Tensor, files: Tensor, seconds: float, network: Network, pixels: Tensor, labels: Tensor
) -> Row:
    """All in one way: images are shown singly, and a failure is infinitely far."""
    found = []
    for shown in (floats.clamp(0, 1), files):
        count = len(shown)
        with torch.no_grad():
            answers = torch.cat([network.logits(image[None]) for image in shown]).argmax(dim=1)
        won = answers != labels[:count]
        far = (shown - pixels[:count]).double().flatten(1).norm(dim=1)
        found += [won, torch.where(won, far, torch.inf)]
    won, far, won_files, far_files = found
    return Row(name, won, far, won_files, far_files, seconds)


class Whole(nn.Module):
    """The network with its normalisation inside, as the peers want it."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network, self.module = network, network.module

    def forward(self, pixels: Tensor) -> Tensor:
        return self.network.logits(pixels)


def torchattacks(module: nn.Module, **settings: Any) -> Attack:
    """CW of torchattacks."""
    from torchattacks import CW  # type: ignore[import-not-found]

    return lambda pixels, labels: CW(module, **settings)(pixels, labels)


def foolbox(module: nn.Module, **settings: Any) -> Attack:
    """L2CarliniWagnerAttack of foolbox."""
    from foolbox import PyTorchModel
    from foolbox.attacks import L2CarliniWagnerAttack

    model, attack = PyTorchModel(module, bounds=(0, 1)), L2CarliniWagnerAttack(**settings)
    return lambda pixels, labels: attack(model, pixels, labels, epsilons=None)[0]


def art(module: nn.Module, **settings: Any) -> Attack:
    """CarliniL2Method of ART."""
    from art.attacks.evasion import CarliniL2Method  # type: ignore[import-not-found]
    from art.estimators.classification import PyTorchClassifier  # type: ignore[import-not-found]

    loss = nn.CrossEntropyLoss()
    model = PyTorchClassifier(module, loss, input_shape=(3, 32, 32), nb_classes=10, clip_values=(0, 1))
    attack = CarliniL2Method(model, batch_size=BATCH, verbose=False, **settings)
    return lambda pixels, labels: torch.from_numpy(attack.generate(pixels.numpy(), labels.numpy()))


def peers(module: nn.Module, options: argparse.Namespace) -> Mapping[str, tuple[Attack, int]]:
    """Each peer that is installed, in a published setting and in one with more steps, and its number of images.

    Published: the defaults of torchattacks and of ART; for foolbox, whose default of 9 x 10,000 steps takes minutes an
    image, the setting of the comparison in the README of torchattacks.
    """
    ways: dict[str, tuple[Attack, int]] = {}
    if found("torchattacks"):
        ways["torchattacks CW()"] = torchattacks(module), options.images
        ways["torchattacks CW(steps=1000)"] = torchattacks(module, steps=1000), options.slow
    if found("foolbox"):
        one = foolbox(module, binary_search_steps=1, steps=100, stepsize=0.01, initial_const=1)
        ways["foolbox, 1 constant, 100 steps"] = one, options.images
        ways["foolbox, 9 constants, 100 steps"] = foolbox(module, steps=100, initial_const=0.1), options.more
    if found("art"):
        ways["ART CarliniL2Method()"] = art(module), options.slow
        ways["ART CarliniL2Method(max_iter=30)"] = art(module, max_iter=30), options.slow // 4
    return {name: (attack, count) for name, (attack, count) in ways.items() if count}


def found(package: str) -> bool:
    """Whether a peer is installed; says so if not."""
    there = importlib.util.find_spec(package) is not None
    if not there:
        print(f"{package} is not installed and is left out")
    return there


def timed(name: str, attack: Attack, pixels: Tensor, labels: Tensor, keep: Path | None) -> tuple[Tensor, float]:
    """The pictures of one run in batches and its seconds, or what an earlier one left in the folder."""
    file = keep / f"{name}, {len(pixels)} images.pt" if keep else None
    if file and file.is_file():
        kept = torch.load(file, weights_only=True)
        return kept["floats"], float(kept["seconds"])
    began = time.process_time()
    parts = zip(pixels.split(BATCH), labels.split(BATCH), strict=True)
    made = torch.cat([attack(*part) for part in parts]).detach().float()
    seconds = time.process_time() - began
    if file:
        file.parent.mkdir(parents=True, exist_ok=True)
        torch.save({"floats": made, "seconds": seconds}, file)
    return made, seconds


def resnet20() -> Network:
    """The network that is attacked, in evaluation mode."""
    network = load_network(
        f"{HERE / 'tests' / 'resnet20.py'}:resnet20",
        weights=WEIGHTS,
        mean=(0.485, 0.456, 0.406),
        std=(0.229, 0.224, 0.225),
    )
    network.module.eval()
    return network


def right_ones(network: Network, count: int) -> tuple[Tensor, Tensor]:
    """The first images that the network gets right, and their classes."""
    images = load_images(IMAGES)
    pixels, labels = images.pixels(indices=range(2 * count)), torch.as_tensor(images.labels)[: 2 * count]
    with torch.no_grad():
        right = network.logits(pixels).argmax(dim=1) == labels
    return pixels[right][:count], labels[right][:count]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=500)
    parser.add_argument("--slow", type=int, default=32)
    parser.add_argument("--more", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--keep", type=Path)
    options = parser.parse_args()
    if not (WEIGHTS.is_file() and IMAGES.is_file()):
        print(f"skipped: {WEIGHTS} or {IMAGES} is absent")
        return
    torch.set_num_threads(1)
    network = resnet20()
    pixels, labels = right_ones(network, options.images)
    ours = {
        "Snellen CarliniWagner()": CarliniWagner(),
        "Snellen CarliniWagner(patience=3)": CarliniWagner(patience=3),
    }
    installed = [package for package, module in PACKAGES.items() if importlib.util.find_spec(module)]
    print(versions(*installed))
    print(
        "| attack | images | success | median L2 | as 8 bits: success | median L2 | s an image | Snellen, same images |"
    )
    print("|---|---|---|---|---|---|---|---|")
    own, fastest = None, None
    for name, attack in ours.items():
        seconds = []
        for _ in range(options.rounds if own is None else 1):
            began = time.process_time()
            result = attack(network, pixels, labels, batch_size=BATCH)
            seconds.append(time.process_time() - began)
        row = judged(name, result.float_images, result.images, statistics.median(seconds), network, pixels, labels)
        own = own or row
        print(row.line(own), f"{min(seconds):.1f} to {max(seconds):.1f} s", flush=True)
    assert own is not None
    for name, (peer, count) in peers(Whole(network).eval(), options).items():
        made, cost = timed(name, peer, pixels[:count], labels[:count], options.keep)
        network.module.eval()
        row = judged(name, made, levels(made) / LEVELS, cost, network, pixels, labels)
        print(row.line(own), flush=True)
        if float(row.won.float().mean()) >= NEAR and (fastest is None or row.each < fastest.each):
            fastest = row
    if fastest:
        gain = fastest.each / own.each
        print(f"{gain:.2f} x the speed of {fastest.name}, the fastest peer that succeeds (at least 3 wanted)")


if __name__ == "__main__":
    main()
