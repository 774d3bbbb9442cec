"""Layers, parameters and multiply-adds against published counts, closed forms and sums."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from shared import SHARED, needs_shared
from snellen._errors import NetworkError, UsageError
from snellen.instruments.architecture.layer_table import LayerTable, layer_table
from snellen.nets.vgg import VGGS
from snellen.subject.load.network import load_network
from snellen.subject.network import Network
from snellen.subject.preprocessing import Preprocessing

# torchvision's weights.meta["num_params"] and ["_ops"]
PUBLISHED = {
    "vgg11": (132_863_336, 7_609_090_048),
    "vgg13": (133_047_848, 11_308_466_176),
    "vgg16": (138_357_544, 15_470_264_320),
    "vgg19": (143_667_240, 19_632_062_464),
}


def table_of(module: nn.Module, size: tuple[int, int] = (8, 8)) -> LayerTable:
    return layer_table(Network(module), input_size=size)


def hooks_of(module: nn.Module) -> list[int]:
    return [len(m._forward_hooks) + len(m._forward_pre_hooks) for m in module.modules()]


class Wrapped(nn.Module):
    """A module whose forward is given as a function of itself and its input."""

    def __init__(self, forward: Any, **parts: nn.Module) -> None:
        super().__init__()
        for name, part in parts.items():
            self.add_module(name, part)
        self.function = forward

    def forward(self, pixels: Tensor) -> Tensor:
        return self.function(self, pixels)


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_vgg_has_the_published_counts(name: str) -> None:
    with torch.device("meta"):
        module = VGGS[name]()
    table = table_of(module, (224, 224))
    assert (table.parameters, table.macs) == PUBLISHED[name]
    assert [layer.name for layer in table.layers] == [
        layer for layer, m in module.named_modules() if not list(m.children())
    ]
    assert table.layers[0].output_shape == (1, 64, 224, 224)
    assert table.layers[0].macs == 9 * 3 * 64 * 224 * 224


@needs_shared
def test_squeezenet_has_the_published_counts() -> None:
    network = load_network(f"{SHARED / 'models/squeezenet1_1/squeezenet1_1.py'}:SqueezeNet11")
    table = layer_table(network, input_size=(224, 224))
    assert (table.parameters, table.macs) == (1_235_496, 349_151_936)


def test_a_convolution_has_its_closed_form_and_its_shape() -> None:
    # floor((69 + 8 - 7) / 3) + 1 = 24, floor((90 + 8 - 5) / 3) + 1 = 32
    (layer,) = table_of(nn.Conv2d(3, 4, (7, 5), stride=3, padding=4), (69, 90)).layers
    assert layer.output_shape == (1, 4, 24, 32)
    assert layer.macs == 7 * 5 * 3 * 4 * 24 * 32
    assert layer.parameters == 7 * 5 * 3 * 4 + 4


def test_rows_add_up_where_modules_compute_and_own_things_themselves() -> None:
    class Attending(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.place = nn.Parameter(torch.zeros(16))
            self.scales = nn.ParameterList([nn.Parameter(torch.ones(16))])
            self.encoder = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True)
            self.spare = nn.Linear(3, 3)

        def forward(self, x: Tensor) -> Tensor:
            x = x.flatten(2).transpose(1, 2) + self.place
            return self.encoder(x * self.scales[0]) @ torch.eye(16, device=x.device)

    module = nn.Sequential(nn.Conv2d(3, 16, 1), Attending())
    table = table_of(module)
    assert table.parameters == sum(p.numel() for p in module.parameters())
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        module(torch.zeros(1, 3, 8, 8))
    assert table.macs == counter.get_total_flops() // 2
    rows = {layer.name: layer for layer in table.layers}
    assert rows["1"].parameters == 32
    assert rows["1"].macs == 64 * 16 * 16
    assert rows["1.encoder.self_attn"].parameters == 4 * 16 * 16 + 4 * 16
    assert [layer.name for layer in table.uncalled] == ["1.spare"]


def test_a_layer_called_twice_counts_its_work_twice_and_its_weights_once() -> None:
    module = Wrapped(lambda self, x: self.conv(self.conv(x)), conv=nn.Conv2d(3, 3, 1, bias=False))
    (layer,) = table_of(module, (4, 4)).layers
    assert (layer.calls, layer.parameters, layer.macs) == (2, 9, 2 * 9 * 16)


def test_shared_parameters_are_counted_in_the_first_row() -> None:
    module = nn.Sequential(nn.Conv2d(3, 3, 1), nn.Conv2d(3, 3, 1))
    module[1].weight = module[0].weight
    first, second = table_of(module).layers
    assert [(first.parameters, first.shared), (second.parameters, second.shared)] == [(12, 0), (3, 9)]


def test_layers_that_are_never_called_are_listed_with_their_parameters() -> None:
    module = Wrapped(lambda self, x: self.used(x), unused=nn.Linear(5, 4), used=nn.Conv2d(3, 2, 1))
    table = table_of(module)
    assert [(layer.name, layer.parameters, layer.calls) for layer in table.uncalled] == [("unused", 24, 0)]
    assert table.parameters == 24 + 8


def test_what_cannot_run_on_meta_is_run_for_real_and_noted() -> None:
    def forward(self: Any, x: Tensor) -> Tensor:
        self.steps = int(x.sum().item())
        return self.conv(x)

    module = Wrapped(forward, conv=nn.Conv2d(3, 2, 1))
    table = table_of(module, (4, 4))
    assert table.macs == 3 * 2 * 16
    assert "run on an image of zeros" in table.notes[0]
    assert not hasattr(module, "steps")


@pytest.mark.parametrize("breaks", [False, True])
def test_the_network_is_left_as_it_was(breaks: bool) -> None:
    def forward(self: Any, x: Tensor) -> Tensor:
        self.cache = x
        x = self.norm(self.conv(x))
        if breaks:
            raise ValueError("no")
        return x

    module = Wrapped(forward, conv=nn.Conv2d(3, 2, 1), norm=nn.BatchNorm2d(2)).train()
    module.conv.register_forward_hook(lambda *_: None)
    before = {key: value.clone() for key, value in module.state_dict().items()}
    hooks, generator = hooks_of(module), torch.get_rng_state()
    if breaks:
        with pytest.raises(NetworkError, match=r"raised on an input of shape \(1, 3, 4, 4\): ValueError: no"):
            table_of(module, (4, 4))
    else:
        assert table_of(module, (4, 4)).notes == ()
    assert hooks_of(module) == hooks
    assert not hasattr(module, "cache")
    assert all(torch.equal(value, before[key]) for key, value in module.state_dict().items())
    assert all(m.training for m in module.modules())
    assert all(p.requires_grad and p.grad is None and p.device.type == "cpu" for p in module.parameters())
    assert torch.equal(torch.get_rng_state(), generator)


def test_a_tensor_kept_as_an_attribute_leads_to_the_real_run() -> None:
    module = Wrapped(lambda self, x: self.conv(x) * self.scale, conv=nn.Conv2d(3, 2, 1))
    module.scale = torch.full((2, 1, 1), 3.0)  # type: ignore[assignment]  # neither parameter nor buffer
    assert table_of(module, (4, 4)).macs == 3 * 2 * 16
    assert module.scale.device.type == "cpu"


def test_the_size_comes_from_the_network_unless_given() -> None:
    grey = Preprocessing(size=(6, 5), channels="L")
    network = Network(nn.Conv2d(1, 2, 1), preprocessing=grey)
    assert layer_table(network).input_shape == (1, 1, 6, 5)
    assert layer_table(network, input_size=(3, 4)).input_shape == (1, 1, 3, 4)


def test_sizes_that_are_not_known_or_not_possible_are_refused() -> None:
    with pytest.raises(UsageError, match="give input_size"):
        layer_table(Network(nn.Conv2d(3, 2, 1)))
    with pytest.raises(UsageError, match="at least 1"):
        table_of(nn.Conv2d(3, 2, 1), (0, 4))
    with pytest.raises(NetworkError, match="raised on an input"):
        table_of(nn.Conv2d(4, 2, 1))


def test_a_network_that_is_not_initialised_is_refused() -> None:
    with pytest.raises(NetworkError, match="unknown shape"):
        table_of(nn.LazyLinear(3))
