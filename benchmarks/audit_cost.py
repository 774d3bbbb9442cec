"""What an audit costs beside a training step: VGG16 at 224 x 224, 138 million parameters.

    python benchmarks/audit_cost.py [--batch 16] [--rounds 3]

Wanted: at most 3 training steps (forward, backward, SGD with momentum). One audit is one forward that is watched, one
backward, one step, and two forwards of the same batch after it; and a copy of the parameters, so that it can be undone.
"""

import argparse
import statistics

import torch
from torch import nn, optim

from side_by_side import in_turn, ratio, versions
from snellen import audit_training
from snellen.nets.vgg import vgg


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    torch.manual_seed(0)
    network, loss = vgg(16), nn.CrossEntropyLoss()
    optimizer = optim.SGD(network.parameters(), lr=0.01, momentum=0.9)
    images, labels = torch.randn(options.batch, 3, 224, 224), torch.randint(0, 1000, (options.batch,))

    def step() -> None:
        optimizer.zero_grad()
        loss(network(images), labels).backward()
        optimizer.step()

    print(versions())
    ways = {"training step": step, "audit": lambda: audit_training(network, optimizer, (images, labels), loss)}
    seconds = in_turn(ways, rounds=options.rounds)
    for name, values in seconds.items():
        print(f"{name:14} median {statistics.median(values):.2f} s ({min(values):.2f} to {max(values):.2f})")
    print(f"an audit costs {ratio(seconds, 'audit', 'training step'):.2f} training steps (at most 3 wanted)")


if __name__ == "__main__":
    main()
