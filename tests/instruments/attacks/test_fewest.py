"""The fewest pixels, against all sets of pixels of a small image."""

from itertools import combinations

import torch
from torch import nn

from snellen.instruments.attacks._draws import Draws
from snellen.instruments.attacks._fewest import fewest
from snellen.instruments.attacks._goal import Untargeted
from snellen.instruments.attacks._norms import L0
from snellen.instruments.attacks._victim import Victim
from snellen.instruments.attacks.carlini_wagner import CarliniWagner
from snellen.subject.network import Network


def small() -> tuple[Network, torch.Tensor, torch.Tensor]:
    """Nine pixels and two classes; all images well within the first."""
    torch.manual_seed(7)
    network = Network(nn.Sequential(nn.Flatten(), nn.Linear(9, 16), nn.ReLU(), nn.Linear(16, 2)))
    pixels = torch.rand(12, 1, 3, 3, generator=torch.Generator().manual_seed(2)).mul(255).round() / 255
    with torch.no_grad():
        network.module[3].bias[1] -= network.logits(pixels).diff(dim=1).median() + 0.2
        labels = network.logits(pixels).argmax(dim=1)
    assert not labels.any()
    return network, pixels, labels


def test_next_to_the_fewest_of_all_sets_with_pixels_at_the_ends_of_their_range() -> None:
    network, pixels, labels = small()
    victim = Victim(network, Untargeted(labels))
    with torch.no_grad():
        start = CarliniWagner().perturb(victim, pixels, Draws.of((255 * pixels).byte(), 0))
        made = fewest(victim, pixels, start)
        reached = network.logits(made).argmax(dim=1) != labels
    changed = (made != pixels).flatten(1).sum(dim=1)
    least = [smallest(network, image, int(label)) for image, label in zip(pixels, labels, strict=True)]
    extra = [int(c) - n for c, n in zip(changed, least, strict=True)]
    assert reached.all()
    assert torch.equal((made * 255).round() / 255, made)
    assert min(extra) >= 0
    assert sum(extra) <= 0.5 * len(extra)


def test_what_was_found_stays_where_no_set_of_pixels_suffices() -> None:
    network, pixels, labels = small()
    network.module[3].bias.data[0] += 100.0
    victim = Victim(network, Untargeted(labels))
    start = pixels.flip(0)
    with torch.no_grad():
        assert torch.equal(fewest(victim, pixels, start), start)


def test_a_batch_is_the_loop() -> None:
    network, pixels, labels = small()
    attack = CarliniWagner(L0(), precision="float32")
    found = attack(network, pixels, labels)
    for i in (0, 5):
        one = attack(network, pixels[i : i + 1], labels[i : i + 1])
        assert torch.equal(one.images, found.images[i : i + 1])


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
