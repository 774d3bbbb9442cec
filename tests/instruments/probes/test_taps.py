"""Features against the layers computed by hand; the network as it was, also after a raise."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from instruments.probes.pieces import cutter, quarters
from snellen import Network, NetworkError, UsageError
from snellen.instruments.probes.taps import features, tap_names
from toys import Counting, Toy, small_network
from untouched import untouched


def pixels(count: int = 5, side: int = 6) -> Tensor:
    return torch.rand(count, 3, side, side, generator=torch.Generator().manual_seed(0))


def test_maps_are_averaged_and_vectors_stay() -> None:
    network = small_network()
    batch = pixels()
    found = features(network, batch.split(2), ["1", "4:input", "4"])
    net = network.module.eval()
    with torch.no_grad():
        normalised = net[1](net[0](network.normalise(batch)))
        hidden = net[4](net[3](net[2](normalised.clone())))
    quarters_of_map = normalised.view(5, 5, 2, 3, 2, 3).mean(dim=(3, 5)).flatten(1)
    assert torch.allclose(found["1"], quarters_of_map, atol=1e-6), "or the in-place ReLU has been at it"
    assert torch.allclose(found["4"], hidden, atol=1e-6)
    assert found["4:input"].shape == (5, 180)
    assert torch.allclose(features(network, [batch], ["1"], pool=1)["1"], normalised.mean(dim=(2, 3)), atol=1e-6)


def test_a_map_smaller_than_the_pool_is_not_blown_up() -> None:
    net = Network(nn.Sequential(nn.Conv2d(3, 4, 6), nn.Flatten(), nn.Linear(4, 2)))
    assert features(net, [pixels()], ["0"], pool=3)["0"].shape == (5, 4)


def test_tokens_are_averaged() -> None:
    net = Network(Toy(lambda m, x: m.head(m.mix(x.flatten(2).mT).mean(1)), mix=nn.Linear(3, 7), head=nn.Linear(7, 2)))
    expected = net.module.mix(pixels().flatten(2).mT).mean(dim=1)
    assert torch.allclose(features(net, [pixels()], ["mix"])["mix"], expected, atol=1e-6)


def test_pieces_of_an_image_are_put_side_by_side_in_their_order() -> None:
    network = cutter()
    batch = pixels(side=8)
    found = features(network, [batch], ["quarters/stack", "whole image/0", "quarters/head:input"])
    network.module.eval()
    with torch.no_grad():
        each = network.module.stack(network.normalise(quarters(batch))).mean(dim=(2, 3))
        whole = F.adaptive_avg_pool2d(network.module.stack[0](network.normalise(batch)), 2).flatten(1)
    assert torch.allclose(found["quarters/stack"], each.view(5, 20), atol=1e-6)
    assert torch.allclose(found["quarters/head:input"], each.view(5, 20), atol=1e-6)
    assert torch.allclose(found["whole image/0"], whole, atol=1e-6)


def test_a_module_called_twice_gives_both_vectors() -> None:
    net = Network(Toy(lambda m, x: m.conv(x) + m.conv(-x), conv=nn.Conv2d(3, 4, 3)))
    found = features(net, [pixels()], ["conv"])["conv"]
    both = [net.module.conv(sign * pixels()).mean(dim=(2, 3)) for sign in (1, -1)]
    assert torch.allclose(found, torch.cat(both, dim=1), atol=1e-6)


def test_names() -> None:
    assert tap_names(small_network().module) == tuple("012345678"[:8])
    assert "whole image/0" in tap_names(cutter().module)
    assert "quarters/stack.1" in tap_names(cutter().module)
    assert "stack" not in tap_names(cutter().module)


def test_the_network_is_left_as_it_was() -> None:
    network = small_network()
    with untouched(network.module):
        features(network, [pixels(), pixels()], ["1", "4"])
    network = small_network(Counting(raise_on=2))
    with untouched(network.module), pytest.raises(NetworkError, match="call 2 raises on purpose"):
        features(network, [pixels(), pixels()], ["1", "4"])


@pytest.mark.parametrize(
    ("taps", "words"),
    [
        (["features"], "no tap of .* named 'features'"),
        ([], "at least one tap"),
        (["idle"], "has the module idle, but its forward never calls it"),
    ],
)
def test_wrong_taps(taps: list[str], words: str) -> None:
    net = Network(Toy(lambda m, x: m.conv(x), conv=nn.Conv2d(3, 4, 3), idle=nn.Linear(2, 2)))
    with pytest.raises(UsageError, match=words):
        features(net, [pixels()], taps)


def test_features_that_are_none() -> None:
    def bad(module: nn.Module) -> Network:
        return Network(Toy(lambda m, x: m.act(x), act=module))

    with pytest.raises(NetworkError, match="hold NaN or infinite"):
        features(bad(Toy(lambda _m, x: x / 0)), [pixels()], ["act"])
    with pytest.raises(NetworkError, match=r"got the shape \(3, 3, 6, 6\) for 5 images"):
        features(bad(Toy(lambda _m, x: x[:3])), [pixels()], ["act"])
    with pytest.raises(NetworkError, match="as long for every batch"):
        features(bad(nn.Flatten()), [pixels(), pixels(side=8)], ["act"])
    with pytest.raises(UsageError, match="at least one image"):
        features(bad(nn.Flatten()), [], ["act"])
    with pytest.raises(NetworkError, match="no tensor is seen at act, but str"):
        features(bad(Toy(lambda _m, x: ("text", x))), [pixels()], ["act"])
    found = features(bad(Toy(lambda _m, x: {"maps": (x, 1)})), [pixels()], ["act"])
    assert found["act"].shape == (5, 12)
