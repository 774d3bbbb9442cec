"""Where features are taken by default, for networks whose stages are known."""

import pytest
import torch
from torch import Tensor, nn

from instruments.probes.pieces import cutter
from snellen import Network, UsageError, load_network
from snellen.instruments.probes.default_taps import default_taps
from snellen.instruments.probes.taps import features
from snellen.nets.vgg import vgg
from toys import Toy, small_network
from untouched import untouched


def images(side: int, channels: int = 3) -> Tensor:
    return torch.rand(2, channels, side, side, generator=torch.Generator().manual_seed(0))


def test_the_end_of_every_stage_and_the_penultimate_features() -> None:
    taps = default_taps(load_network("builtin"), images(32, 1))
    assert taps == ("features.5", "features.12", "features.19", "features", "classifier.4:input")
    assert features(load_network("builtin"), [images(32, 1)], taps)["classifier.4:input"].shape == (2, 64)


def test_never_more_than_six_and_the_last_ones() -> None:
    with torch.device("meta"):
        net = vgg(11)
    net.features.to_empty(device="cpu")
    for parameter in net.features.parameters():
        nn.init.normal_(parameter, std=0.02)
    for place, layer in ((0, nn.Linear(512 * 49, 8)), (3, nn.Linear(8, 8)), (6, nn.Linear(8, 10))):
        net.classifier[place] = layer
    taps = default_taps(Network(net), images(32))
    assert len(taps) == 6
    assert taps[-2:] == ("avgpool", "classifier.6:input")


def test_a_block_is_tapped_at_its_end_and_not_inside() -> None:
    block = nn.Sequential(nn.Conv2d(3, 4, 3, stride=2, padding=1), nn.ReLU())
    net = nn.Sequential(nn.Conv2d(3, 3, 1), block, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2))
    assert default_taps(Network(net), images(8)) == ("0", "1", "4:input")


def test_networks_of_tokens_and_of_vectors() -> None:
    blocks = nn.Sequential(*(nn.Sequential(nn.Linear(3, 3), nn.ReLU()) for _ in range(8)))
    tokens = Toy(lambda m, x: m.head(m.blocks(x.flatten(2).mT).mean(1)), blocks=blocks, head=nn.Linear(3, 2))
    assert default_taps(Network(tokens), images(4))[-1] == "head:input"
    assert 3 <= len(default_taps(Network(tokens), images(4))) <= 6
    dense = nn.Sequential(nn.Flatten(), nn.Linear(48, 9), nn.ReLU(), nn.Linear(9, 7), nn.ReLU(), nn.Linear(7, 2))
    assert default_taps(Network(dense), images(4)) == ("3:input", "5:input")


def test_views_share_the_places() -> None:
    taps = default_taps(cutter(), images(8))
    assert taps == ("quarters/stack", "quarters/head:input", "whole image/2")


def test_a_network_without_a_place_and_one_left_as_it_was() -> None:
    with pytest.raises(UsageError, match="no place to take features"):
        default_taps(Network(Toy(lambda _m, x: x.flatten(1))), images(4))
    network = small_network()
    with untouched(network.module):
        default_taps(network, images(6))
