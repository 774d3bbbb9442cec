"""Does training against PGD make a network robust, and does autoattack say so too? On the built-in digits.

    python benchmarks/robust_digits.py [--epochs 16] [--images 200]

The same small network is trained twice by the recipe of ``snellen train classify --network small_vgg --batch-size 64``:
plainly, and with ``--adversarial pgd --eps 32/255``. The first IMAGES of the 500 test images are then attacked within
16 and 32 levels of 255: by PGD of 40 steps with 3 restarts, and by autoattack with 1,000 queries. What is printed is
the table of images still right; autoattack counts what no attack of it changes, so that it is to be at most what PGD
leaves. Seconds are of the wall.
"""

import argparse
import time

import torch

from snellen import Network
from snellen.instruments.attacks._base import Attack
from snellen.instruments.attacks._norms import Linf
from snellen.instruments.attacks.autoattack import AutoAttack
from snellen.instruments.attacks.pgd import PGD
from snellen.training.adversarial import Adversary
from snellen.training.classify import train
from snellen.training.dataset import Dataset, load_dataset
from snellen.training.lesson import prepare
from snellen.training.settings import Settings

BUDGETS = (16, 32)
"""In levels of 255."""
TRAINED = 32
TRAININGS = {"plain": None, "trained against PGD": Adversary(eps=TRAINED / 255)}


def attacks(levels: int) -> dict[str, Attack]:
    """What each network has to stand within a budget."""
    budget = Linf(levels / 255)
    return {"PGD": PGD(budget, steps=40, restarts=3), "autoattack": AutoAttack(budget, queries=1000)}


def trained(data: Dataset, epochs: int, adversary: Adversary | None) -> Network:
    """The network of one training."""
    settings = Settings(network="small_vgg", epochs=epochs, batch=64, adversary=adversary)
    saved = train(prepare(data, settings)).saved
    return Network(saved.module, mean=saved.mean, std=saved.std)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=16)
    parser.add_argument("--images", type=int, default=200)
    options = parser.parse_args()
    torch.set_num_threads(1)
    data = load_dataset("digits")
    assert data.test is not None
    pixels, labels = data.test.images[: options.images].float() / 255, data.test.labels[: options.images]
    columns = [f"{levels} levels: {name}" for levels in BUDGETS for name in attacks(levels)]
    print(f"torch {torch.__version__}, one thread, {len(pixels)} of {len(data.test)} test images")
    print(f"| network | seconds of training | unchanged | {' | '.join(columns)} |")
    print("|---" * (len(columns) + 3) + "|", flush=True)
    for name, adversary in TRAININGS.items():
        began = time.perf_counter()
        network = trained(data, options.epochs, adversary)
        taken = time.perf_counter() - began
        cells = []
        for levels in BUDGETS:
            for attack in attacks(levels).values():
                found = attack(network, pixels, labels, batch_size=len(pixels))
                cells.append(str(int((~found.success).sum())))
                unchanged = int((~found.already).sum())
        print(f"| {name} | {taken:.0f} | {unchanged} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
