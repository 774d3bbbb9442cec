"""The fewest pixels, against all sets of pixels of a small image."""

from itertools import combinations

import torch
from torch import nn

from snellen.instruments.attacks._fewest import fewest
from snellen.instruments.attacks._goal import Untargeted
from snellen.instruments.attacks._victim import Victim
from snellen.subject.network import Network


def test_next_to_the_fewest_of_all_sets_with_pixels_at_the_ends_of_their_range() -> None:
    torch.manual_seed(7)
    network = Network(nn.Sequential(nn.Flatten(), nn.Linear(9, 16), nn.ReLU(), nn.Linear(16, 2)))
    pixels = torch.rand(12, 1, 3, 3, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        network.module[3].bias[1] -= network.logits(pixels).diff(dim=1).median()
        labels = network.logits(pixels).argmax(dim=1)
        made = fewest(Victim(network, Untargeted(labels)), pixels, 30)
        reached = network.logits(made).argmax(dim=1) != labels
    changed = (made != pixels).flatten(1).sum(dim=1)
    assert reached.float().mean() >= 0.75
    least = [smallest(network, image, int(label)) for image, label in zip(pixels, labels, strict=True)]
    extra = [int(c) - n for c, n, won in zip(changed, least, reached, strict=True) if won]
    assert min(extra) >= 0
    assert sum(extra) <= 0.5 * len(extra)


def smallest(network: Network, image: torch.Tensor, label: int) -> int:
    for count in range(1, 10):
        tried = []
        for chosen in combinations(range(9), count):
            for ends in range(2**count):
                other = image.flatten().clone()
                for bit, place in enumerate(chosen):
                    other[place] = float(ends >> bit & 1)
                tried.append(other)
        with torch.no_grad():
            answers = network.logits(torch.stack(tried).view(-1, 1, 3, 3)).argmax(dim=1)
        if (answers != label).any():
            return count
    return 10
