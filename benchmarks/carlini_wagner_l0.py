"""Carlini and Wagner's L0 attack on ResNet-20 beside its L2 attack, FMN, and FMN of foolbox: how many pixels change.

    pip install foolbox
    python benchmarks/carlini_wagner_l0.py [--images 32] [--steps 100 1000]

Wanted: success at least that of the L2 attack, and a median number of changed pixels at most that of each other. The
images are the first of the test set that the network gets right. What each returns is rounded to 8 bits and judged
here, in one way: shown one image at a time; a pixel has changed if one of its channels has; a failure counts as
infinitely many. Time is processor time, on one thread. foolbox counts channels singly, and is left out if it is not
installed.
"""

import argparse
import time

import torch
from torch import Tensor

from carlini_wagner import BATCH, IMAGES, WEIGHTS, Attack, Whole, found, resnet20, right_ones
from side_by_side import versions
from snellen import Network
from snellen.instruments.attacks._base import Attack as Own
from snellen.instruments.attacks._lattice import LEVELS, levels
from snellen.instruments.attacks._norms import L0
from snellen.instruments.attacks.carlini_wagner import CarliniWagner
from snellen.instruments.attacks.fmn import FMN


def ours(attack: Own, network: Network) -> Attack:
    """An attack of Snellen as a peer."""
    return lambda pixels, labels: attack(network, pixels, labels, batch_size=BATCH).images


def foolbox(network: Network, steps: int) -> Attack:
    """L0FMNAttack of foolbox."""
    from foolbox import PyTorchModel
    from foolbox.attacks import L0FMNAttack

    model, attack = PyTorchModel(Whole(network).eval(), bounds=(0, 1)), L0FMNAttack(steps=steps)
    return lambda pixels, labels: attack(model, pixels, labels, epsilons=None)[0]


def line(name: str, files: Tensor, seconds: float, network: Network, pixels: Tensor, labels: Tensor) -> str:
    """Of the table: success, quartiles and mean of the changed pixels, seconds an image."""
    with torch.no_grad():
        won = torch.cat([network.logits(image[None]) for image in files]).argmax(dim=1) != labels
    changed = (levels(files) != levels(pixels)).any(dim=1).flatten(1).sum(dim=1).double()
    count = torch.where(won, changed, torch.inf).sort().values
    low, middle, high = (float(count[len(count) * part // 4]) for part in (1, 2, 3))
    return (
        f"| {name} | {100 * float(won.float().mean()):.1f} % | {middle:g} ({low:g} to {high:g}) "
        f"| {float(changed[won].mean()):.1f} | {seconds / len(files):.3f} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=32)
    parser.add_argument("--steps", type=int, nargs="*", default=[100, 1000])
    options = parser.parse_args()
    if not (WEIGHTS.is_file() and IMAGES.is_file()):
        print(f"skipped: {WEIGHTS} or {IMAGES} is absent")
        return
    torch.set_num_threads(1)
    network = resnet20()
    pixels, labels = right_ones(network, options.images)
    ways = {
        "Snellen CarliniWagner(L0())": ours(CarliniWagner(L0()), network),
        "Snellen CarliniWagner(), in L2": ours(CarliniWagner(), network),
        "Snellen FMN(L0())": ours(FMN(L0()), network),
    }
    installed = found("foolbox")
    if installed:
        ways |= {f"foolbox L0FMNAttack(steps={steps})": foolbox(network, steps) for steps in options.steps}
    print(versions(*["foolbox"] * installed))
    print("| attack | success | median pixels (quartiles) | mean where it succeeds | s an image |")
    print("|---|---|---|---|---|")
    for name, attack in ways.items():
        began = time.process_time()
        made = attack(pixels, labels).detach().float()
        seconds = time.process_time() - began
        network.module.eval()
        print(line(name, levels(made) / LEVELS, seconds, network, pixels, labels), flush=True)


if __name__ == "__main__":
    main()
