"""The transfer matrix against the closed form of linear networks, on real networks, and what counts as a paradox."""

import pytest
import torch

from instruments.attacks.half_planes import PIXELS, curved, half_plane
from shared import SHARED, needs_shared
from snellen import load_images, load_network
from snellen._errors import ImagesError, UsageError
from snellen.instruments.attacks._norms import Linf
from snellen.instruments.attacks._transfer import Transfer, transfer
from snellen.instruments.attacks.bim import BIM
from snellen.instruments.attacks.fgsm import FGSM
from snellen.instruments.attacks.pgd import PGD
from snellen.subject.network import Network
from test_resnet20 import cifar_network
from test_small_vgg_of_cifar10 import KEPT
from toys import small_network
from untouched import untouched


def tilted(network: Network) -> Network:
    """A half plane whose normal is another: half of the weights are turned around, and the plane put in the middle."""
    twin, _ = half_plane()
    with torch.no_grad():
        twin.module[1].weight[:, 50:] *= -0.2
        twin.module[1].bias.copy_(-twin.module[1].weight @ PIXELS.flatten(1).mean(dim=0))
    assert twin is not network
    return twin


def test_between_linear_networks_fgsm_is_a_sum_over_signs() -> None:
    first, labels = half_plane()
    second = tilted(first)
    found = transfer({"first": first, "second": second}, PIXELS, labels, norm=Linf(6 / 255), attacks={"fgsm": FGSM()})
    right = second.outputs(PIXELS).argmax(dim=1) == labels
    assert torch.equal(found.shared, right)
    assert 3 < int(right.sum()) < len(PIXELS)
    for i, row in enumerate((first, second)):
        for j, column in enumerate((first, second)):
            made, seen = (n.module[1].weight.detach().diff(dim=0)[0] for n in (row, column))
            way = torch.where(labels == 0, 1, -1)[:, None] * made.sign()
            pushed = column.outputs(PIXELS).detach().diff(dim=1)[:, 0] + 6 / 255 * way @ seen
            expected = torch.where(labels == 0, pushed > 0, pushed < 0)[right]
            assert torch.equal(found.fooled["fgsm"][i, j], expected)
    assert found.count("fgsm", "first", "first") > found.count("fgsm", "second", "first")


def test_more_victims_may_be_any_function() -> None:
    network, labels = curved()
    found = transfer({"own": network}, PIXELS, labels, victims={"function": lambda x: 2 * network.outputs(x)})
    assert (found.rows, found.columns) == (("own",), ("own", "function"))
    for name in ("fgsm", "bim", "mi_fgsm"):
        assert found.count(name, "own", "own") == found.count(name, "own", "function") > 0


def test_it_is_reproducible_and_leaves_no_trace() -> None:
    first, second = small_network(), small_network(seed=7)
    labels = torch.arange(4).repeat_interleave(12)
    pixels = PIXELS.repeat(4, 1, 1, 1)
    with untouched(first.module), untouched(second.module):
        found = [
            transfer({"a": first, "b": second}, pixels, labels, norm=Linf(0.2), attacks={"pgd": PGD(steps=3)}, seed=1)
            for _ in range(2)
        ]
    assert found[0].shared.any()
    assert torch.equal(found[0].fooled["pgd"], found[1].fooled["pgd"])


def test_a_paradox_is_better_at_home_and_worse_abroad() -> None:
    def counts(*rows: tuple[int, int]) -> torch.Tensor:
        return torch.stack([torch.stack([torch.arange(10) < count for count in row]) for row in rows])

    names = ("a", "b")
    found = Transfer(
        names, names, torch.ones(10).bool(), {"fgsm": counts((5, 4), (3, 5)), "bim": counts((9, 2), (3, 9))}
    )
    assert found.paradoxes() == (("a", "b"),)
    assert found.paradoxes("bim", "fgsm") == ()


def test_wrong_input() -> None:
    network, labels = curved()
    with pytest.raises(ImagesError, match="no image of 12"):
        transfer({"own": network}, PIXELS, (labels + 1) % 4)
    with pytest.raises(UsageError, match="each name once"):
        transfer({"own": network}, PIXELS, labels, victims={"own": network})


@needs_shared
def test_the_transfer_paradox_of_iterated_fgsm_on_real_networks() -> None:
    """Published for ImageNet networks (Kurakin et al. 2017, arXiv 1611.01236): better at home, worse abroad."""
    resnet = cifar_network()
    victims = {"small VGG": load_network(str(KEPT / "network.safetensors"))}
    images = load_images(SHARED / "data" / "cifar10-jpeg" / "test.parquet").subset(range(40))
    labels, attacks = torch.as_tensor(images.labels), {"fgsm": FGSM(), "bim": BIM(steps=5)}
    found = transfer({"ResNet-20": resnet}, images.pixels(), labels, victims=victims, attacks=attacks)
    assert found.paradoxes() == (("ResNet-20", "small VGG"),)
    assert found.count("bim", "ResNet-20", "ResNet-20") == int(found.shared.sum())
