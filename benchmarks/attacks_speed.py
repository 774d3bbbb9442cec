"""PGD of 40 steps, and robust accuracy at eight budgets, on ResNet-20: Snellen and foolbox, in turn, in one process.

    python benchmarks/attacks_speed.py [--images 500] [--rounds 5] [--data FOLDER] [--weights FILE] [--only pgd|curve]

Wanted: PGD in no more time than foolbox's LinfPGD with the same steps and at least its success; the curve at least
four times as fast as eight runs of LinfPGD with at most its robust accuracy at every budget. Both are judged here
alike, outside the time: the pictures are rounded to 8 bits and shown to the network one at a time. Each time includes
the judging that the package does by itself. foolbox runs on a network in evaluation mode whose parameters ask for
gradients, as it comes; the ratio against one whose parameters do not is printed too.
FOLDER holds ``test.parquet`` of CIFAR-10. foolbox is needed (``pip install foolbox``).
"""

import argparse
import importlib.util
import statistics
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from side_by_side import in_turn, ratio, versions
from snellen import Network, load_images, load_network
from snellen.instruments.attacks._curve import Curve, curve
from snellen.instruments.attacks._norms import Linf
from snellen.instruments.attacks.pgd import PGD

SHARED = Path(__file__).resolve().parents[2] / "shared"
DATA = SHARED / "data" / "cifar10-jpeg"
WEIGHTS = SHARED / "models" / "resnet20_cifar10" / "resnet20-12fca82f.th"
FACTORY = f"{Path(__file__).resolve().parents[1] / 'tests' / 'resnet20.py'}:resnet20"
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
STEPS, LEVELS, BUDGETS = 40, 8, (1, 2, 3, 4, 6, 8, 12, 16)
BATCH = 64


def subject(weights: Path, data: Path, count: int) -> tuple[Network, Tensor, Tensor]:
    """The network and the first images that it gets right, with their classes."""
    network = load_network(FACTORY, weights=weights, mean=MEAN, std=STD)
    images = load_images(data / "test.parquet").subset(range(2 * count))
    pixels, labels = images.pixels(), torch.as_tensor(images.labels)
    network.module.eval()
    with torch.no_grad():
        right = torch.cat([network.logits(p).argmax(dim=1) for p in pixels.split(BATCH)]) == labels
    return network, pixels[right][:count], labels[right][:count]


def still_right(network: Network, pictures: Tensor, labels: Tensor) -> Tensor:
    """As pictures of 8 bits, one at a time."""
    pictures = (pictures * 255).round().clamp(0, 255) / 255
    with torch.no_grad():
        answers = torch.cat([network.logits(picture[None]).argmax(dim=1) for picture in pictures])
    return answers == labels


def foolbox_pgd(network: Network, pixels: Tensor, labels: Tensor, levels: int) -> Tensor:
    """The pictures of foolbox's LinfPGD within so many levels, its settings as they come but for the steps."""
    import foolbox

    shape = (-1, 1, 1)
    normalisation = {"mean": torch.tensor(MEAN).view(shape), "std": torch.tensor(STD).view(shape)}
    model = foolbox.PyTorchModel(network.module, bounds=(0, 1), device="cpu", preprocessing=normalisation)
    attack = foolbox.attacks.LinfPGD(steps=STEPS)
    parts = zip(pixels.split(BATCH), labels.split(BATCH), strict=True)
    return torch.cat([attack(model, part, own, epsilons=levels / 255)[1] for part, own in parts])


def frozen(module: nn.Module, run: Callable[[], Any]) -> Any:
    """Run while no parameter asks for a gradient: foolbox's own backward then costs less."""
    module.requires_grad_(False)
    try:
        return run()
    finally:
        module.requires_grad_(True)


def pgd(network: Network, pixels: Tensor, labels: Tensor, rounds: int) -> None:
    """One budget, 40 steps."""
    made: dict[str, Tensor] = {}

    def ours() -> None:
        made["snellen"] = PGD(Linf(LEVELS / 255), steps=STEPS)(network, pixels, labels, batch_size=BATCH).images

    def theirs() -> None:
        made["foolbox"] = foolbox_pgd(network, pixels, labels, LEVELS)

    ways = {"snellen": ours, "foolbox": theirs, "foolbox, frozen": lambda: frozen(network.module, theirs)}
    seconds = in_turn(ways, rounds=rounds)
    print(f"PGD, {STEPS} steps, eps {LEVELS}/255, {len(pixels)} images")
    said(seconds)
    for name, pictures in made.items():
        far = int(((pictures - pixels) * 255).round().abs().max())
        fooled = int((~still_right(network, pictures, labels)).sum())
        print(f"{name:16} fools {fooled} of {len(pixels)} (at most {far} levels away)")
    print(f"{ratio(seconds, 'foolbox', 'snellen'):.2f} x foolbox's speed (at least 1.0 wanted)")
    print(f"{ratio(seconds, 'foolbox, frozen', 'snellen'):.2f} x where no parameter asks for a gradient")


def eight_budgets(network: Network, pixels: Tensor, labels: Tensor, rounds: int) -> None:
    """The curve in one pass, and eight runs of foolbox."""
    found: dict[str, Curve] = {}
    made: dict[int, Tensor] = {}

    def ours() -> None:
        eps = [levels / 255 for levels in BUDGETS]
        found["snellen"] = curve(PGD(steps=STEPS), network, pixels, labels, eps=eps, batch_size=BATCH)

    def theirs() -> None:
        for levels in BUDGETS:
            made[levels] = foolbox_pgd(network, pixels, labels, levels)

    def warm() -> None:
        curve(PGD(steps=STEPS), network, pixels[:BATCH], labels[:BATCH], eps=[1 / 255], batch_size=BATCH)
        foolbox_pgd(network, pixels[:BATCH], labels[:BATCH], BUDGETS[0])

    seconds = in_turn({"snellen": ours, "foolbox": theirs}, rounds=rounds, warm=warm)
    print(f"robust accuracy at {len(BUDGETS)} budgets, {STEPS} steps each, {len(pixels)} images")
    said(seconds)
    print("levels            " + " ".join(f"{levels:4}" for levels in BUDGETS))
    print("snellen, robust   " + " ".join(f"{count:4}" for count in found["snellen"].robust))
    robust = [int(still_right(network, made[levels], labels).sum()) for levels in BUDGETS]
    print("foolbox, robust   " + " ".join(f"{count:4}" for count in robust))
    print(
        f"{ratio(seconds, 'foolbox', 'snellen'):.2f} x the speed of {len(BUDGETS)} runs of foolbox (at least 4 wanted)"
    )


def said(seconds: dict[str, list[float]]) -> None:
    """Median and range of each way."""
    for name, values in seconds.items():
        print(f"{name:16} median {statistics.median(values):.2f} s ({min(values):.2f} to {max(values):.2f})")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    parser.add_argument("--only", choices=["pgd", "curve"])
    options = parser.parse_args()
    if importlib.util.find_spec("foolbox") is None:
        sys.exit("foolbox is not installed: pip install foolbox")
    if not (options.data / "test.parquet").is_file() or not options.weights.is_file():
        sys.exit(f"no test.parquet in {options.data} or no {options.weights} (--data, --weights)")
    network, pixels, labels = subject(options.weights, options.data, options.images)
    print(versions("foolbox"))
    if options.only != "curve":
        pgd(network, pixels, labels, options.rounds)
    if options.only != "pgd":
        eight_budgets(network, pixels, labels, options.rounds)


if __name__ == "__main__":
    main()
