"""Twins and statistics, against closed forms; the network they come from as it was."""

import pytest
import torch
from torch import Tensor, nn

from instruments.probes.pieces import cutter, quarters
from snellen import Network, NetworkError, NotApplicable, load_network
from snellen.instruments.probes.control import calibrated, has_statistics, random_twin
from toys import Toy, small_network
from untouched import untouched


def pixels(count: int, side: int = 6, channels: int = 3) -> Tensor:
    return torch.rand(count, channels, side, side, generator=torch.Generator().manual_seed(1)) * 0.5


def test_every_weight_is_drawn_anew_by_the_seed() -> None:
    network = load_network("builtin")
    one, same, other = (random_twin(network, seed=s).module.state_dict() for s in (0, 0, 1))
    for name, trained in network.module.state_dict().items():
        assert torch.equal(one[name], same[name]), name
        if trained.ndim > 1:
            assert not torch.equal(one[name], trained), name
            assert not torch.equal(one[name], other[name]), name
    norm = random_twin(network, seed=0).module.features[1]
    assert norm.weight.tolist() == [1.0] * 16
    assert norm.running_mean.tolist() == [0.0] * 16


def test_it_is_the_initialisation_of_the_layer() -> None:
    """A linear layer of torch draws its weights uniformly from -1/sqrt(d) to 1/sqrt(d): variance 1 / 3d."""
    layer = nn.Linear(400, 300)
    nn.init.constant_(layer.weight, 5.0)
    weight = random_twin(Network(layer), seed=0).module.weight.detach()
    assert float(weight.abs().max()) <= 1 / 20
    assert float(weight.var()) == pytest.approx(1 / 1200, rel=0.02)


def test_what_no_reset_covers_is_shuffled_and_said() -> None:
    module = Toy(lambda m, x: m.head(x.flatten(1)) * m.scale, head=nn.Linear(12, 3))
    module.scale = nn.Parameter(torch.arange(30.0).view(5, 6))
    twin = random_twin(Network(module), seed=0)
    assert sorted(twin.module.scale.flatten().tolist()) == list(range(30))
    assert twin.module.scale.flatten().tolist() != list(range(30))
    assert "1 parameters that no reset covers had their entries shuffled: scale" in twin.notes
    assert twin.name == "Toy, random weights"


def test_statistics_are_those_of_the_images() -> None:
    network = small_network()
    batch = pixels(40)
    inside = network.module[0](network.normalise(batch))
    norm = calibrated(network, [batch]).module[1]
    assert torch.allclose(norm.running_mean, inside.mean(dim=(0, 2, 3)), atol=1e-5)
    assert torch.allclose(norm.running_var, inside.var(dim=(0, 2, 3)), rtol=1e-4)
    halves = calibrated(network, batch.split(20)).module[1]
    assert torch.allclose(halves.running_mean, norm.running_mean, atol=1e-5), "an average over batches, not a decay"
    assert not calibrated(network, [batch]).module.training


def test_dropout_is_off_while_statistics_are_taken() -> None:
    net = Network(nn.Sequential(nn.Dropout(0.9), nn.BatchNorm2d(3), nn.Flatten(), nn.Linear(108, 2)).train())
    assert torch.allclose(calibrated(net, [pixels(30)]).module[1].running_mean, pixels(30).mean(dim=(0, 2, 3)))


def test_a_view_has_statistics_of_its_own() -> None:
    network, batch = cutter(), pixels(20, side=8)
    for view, seen in (("whole image", batch), ("quarters", quarters(batch))):
        inside = network.module.stack[0](network.normalise(seen))
        norm = calibrated(network, [batch], view=view).module.stack[1]
        assert torch.allclose(norm.running_var, inside.var(dim=(0, 2, 3)), rtol=1e-4), view


def test_a_last_batch_of_one_image() -> None:
    flat = Network(nn.Sequential(nn.Flatten(), nn.BatchNorm1d(108), nn.Linear(108, 2)))
    whole = calibrated(flat, [pixels(6)]).module[1].running_mean
    assert torch.equal(calibrated(flat, [pixels(6), pixels(1)]).module[1].running_mean, whole)
    with pytest.raises(NetworkError, match="more than 1 value per channel"):
        calibrated(flat, [pixels(1)])


def test_a_network_without_statistics_is_itself() -> None:
    plain = Network(nn.Sequential(nn.Conv2d(3, 4, 3), nn.GroupNorm(2, 4), nn.Flatten(), nn.Linear(64, 2)))
    assert not has_statistics(plain.module)
    assert calibrated(plain, [pixels(2)]) is plain
    assert has_statistics(small_network().module)


def test_the_network_is_left_as_it_was() -> None:
    network = small_network()
    with untouched(network.module):
        random_twin(network, seed=4)
        calibrated(network, [pixels(8)])
    with untouched(network.module), pytest.raises(NetworkError, match="raised on a batch"):
        calibrated(network, [pixels(8), pixels(8, side=9)])


def test_a_module_that_cannot_be_copied() -> None:
    stream = Toy(lambda _m, x: x.flatten(1))
    stream.lock = torch.ones(2, requires_grad=True) * 2
    with pytest.raises(NotApplicable, match=r"cannot be copied .* --against pixels"):
        random_twin(Network(stream), seed=0)
