"""The traced graph: whatever a forward looks like, against published counts and hand-drawn graphs."""

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from reference_nets import built
from snellen._errors import NetworkError, UsageError
from snellen.instruments.architecture.wiring import Wiring, wiring
from snellen.subject.network import Network
from snellen.subject.preprocessing import Preprocessing
from toys import Toy
from untouched import untouched

# torchvision's weights.meta["num_params"] and ["_ops"]; ViT with attention by its matrix products
PUBLISHED = {
    "alexnet": (61_100_840, 714_188_480),
    "vgg11": (132_863_336, 7_609_090_048),
    "vgg13": (133_047_848, 11_308_466_176),
    "vgg16": (138_357_544, 15_470_264_320),
    "vgg19": (143_667_240, 19_632_062_464),
    "resnet18": (11_689_512, 1_814_073_344),
    "resnet34": (21_797_672, 3_663_761_408),
    "resnet50": (25_557_032, 4_089_184_256),
    "resnet101": (44_549_160, 7_801_405_440),
    "resnet152": (60_192_808, 11_513_626_624),
    "squeezenet1_1": (1_235_496, 349_151_936),
    "mobilenet_v2": (3_504_872, 300_774_272),
    "densenet121": (7_978_856, 2_834_161_664),
    "vit_b_16": (86_567_656, 17_563_828_224),
}


def edges(wired: Wiring) -> list[tuple[str, tuple[str, ...]]]:
    """Each node's kind with those of its inputs."""
    return [(node.kind, tuple(wired.nodes[i].kind for i in node.inputs)) for node in wired.nodes[1:]]


@pytest.mark.parametrize("name", PUBLISHED)
def test_parameters_and_macs_as_published(name: str) -> None:
    wired = wiring(built(name), (3, 224, 224))
    assert (sum(wired.parameters.values()), wired.macs) == PUBLISHED[name]
    assert wired.device == "meta"
    assert wired.notes == ()


def test_functional_calls_are_seen_with_what_feeds_them() -> None:
    net = Toy(lambda n, x: torch.cat([F.relu(n.a(x)) + x, F.max_pool2d(x, 1)], 1).flatten(1), a=nn.Conv2d(3, 3, 1))
    assert edges(wiring(net, (3, 4, 4))) == [
        ("convolution", ("input",)),
        ("relu", ("convolution",)),
        ("add", ("relu", "input")),
        ("max_pool2d_with_indices", ("input",)),
        ("cat", ("add", "max_pool2d_with_indices")),
        ("view", ("cat",)),
    ]


def test_writing_in_place_is_followed_through_views() -> None:
    def run(n: Any, x: Tensor) -> Tensor:
        out = torch.zeros(1, 4, 4, 4, device=x.device)
        out[:, :2] = n.a(x)
        out[:, 2:] = n.b(x)
        return out

    wired = wiring(Toy(run, a=nn.Conv2d(3, 2, 1), b=nn.Conv2d(3, 2, 1)), (3, 4, 4))
    reaching = {name for i in wired.reaching for name in wired.nodes[i].parameters}
    assert reaching == {"a.weight", "a.bias", "b.weight", "b.bias"}


def test_shapes_alone_are_no_dependence() -> None:
    net = Toy(lambda n, x: n.a(x) + torch.zeros_like(x).sum(), a=nn.Conv2d(3, 3, 1), b=nn.Conv2d(3, 3, 1))
    assert [node.inputs for node in wiring(net, (3, 4, 4)).nodes] == [(), (0,), (1,)]


def test_parameters_are_followed_through_what_is_computed_from_them() -> None:
    class Scaled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.g, self.v = nn.Parameter(torch.ones(2, 1, 1, 1)), nn.Parameter(torch.ones(2, 3, 1, 1))

        def forward(self, x: Tensor) -> Tensor:
            return F.conv2d(x, self.g * self.v / self.v.norm())

    (_, node) = wiring(Scaled(), (3, 4, 4)).nodes
    assert node.parameters == ("g", "v")


def test_geometry_and_memory_of_each_operation() -> None:
    net = nn.Sequential(nn.Conv2d(3, 4, (3, 5), (1, 2), (0, 2), (2, 1)), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2))
    conv, relu, pool = wiring(net, (3, 12, 12)).nodes[1:]
    assert [(w.kernel, w.stride, w.padding, w.dilation) for w in conv.windows] == [(3, 1, 0, 2), (5, 2, 2, 1)]
    assert conv.macs == 3 * 3 * 5 * 4 * 8 * 6
    assert (conv.activation_bytes, relu.activation_bytes, pool.activation_bytes) == (4 * 4 * 8 * 6, 0, 4 * 4 * 3 * 2)
    assert [(w.kernel, w.stride) for w in pool.windows] == [(3, 2), (3, 2)]
    assert relu.pointwise
    assert (conv.module, relu.module, conv.where) == ("0", "1", "0: convolution")


def test_calls_know_their_parents_and_their_nodes() -> None:
    inner = Toy(lambda n, x: n.c(n.c(x)), c=nn.Conv2d(3, 3, 1))
    wired = wiring(nn.Sequential(inner, nn.Identity()), (3, 4, 4))
    assert [(c.module, c.kind, c.parent, c.number, c.nodes) for c in wired.calls] == [
        ("", "Sequential", -1, 1, (1, 3)),
        ("0", "Toy", 0, 1, (1, 3)),
        ("0.c", "Conv2d", 1, 1, (1, 2)),
        ("0.c", "Conv2d", 1, 2, (2, 3)),
        ("1", "Identity", 0, 1, (3, 3)),
    ]
    assert wired.calls[-1].outputs == wired.calls[-1].inputs == wired.outputs == (2,)


def test_a_way_that_depends_on_numbers_is_taken_on_the_cpu_and_told() -> None:
    net = Toy(lambda n, x: n.a(x) if n.a(x).sum() > 1e9 else n.b(x), a=nn.Conv2d(3, 2, 1), b=nn.Conv2d(3, 2, 3))
    wired = wiring(net, (3, 4, 4))
    assert wired.device == "cpu"
    assert "cannot run on the meta device" in wired.notes[0]
    assert wired.notes[1] == "its way depends on the numbers (in its forward): another image may take another way"
    assert wired.nodes[wired.outputs[0]].module == "b"


def test_loops_are_followed_turn_by_turn() -> None:
    def run(n: Any, x: Tensor) -> Tensor:
        for _ in range(3):
            x = n.a(x)
        return x

    wired = wiring(Toy(run, a=nn.Conv2d(3, 3, 3, padding=1)), (3, 4, 4))
    assert [node.inputs for node in wired.nodes] == [(), (0,), (1,), (2,)]


def test_training_mode_is_another_forward() -> None:
    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.main, self.side = nn.Conv2d(3, 2, 1), nn.Conv2d(3, 2, 1)

        def forward(self, x: Tensor) -> Any:
            return (self.main(x), self.side(x)) if self.training else self.main(x)

    net = Two().eval()
    with untouched(net):
        assert len(wiring(net, (3, 4, 4)).outputs) == 1
        assert len(wiring(net, (3, 4, 4), training=True).outputs) == 2


@pytest.mark.parametrize("breaks", [False, True])
def test_the_network_is_left_as_it_was(breaks: bool) -> None:
    def run(n: Any, x: Tensor) -> Tensor:
        n.cache = n.norm(n.conv(x))
        if breaks:
            raise ValueError("no")
        return n.cache

    net = Toy(run, conv=nn.Conv2d(3, 2, 1), norm=nn.BatchNorm2d(2)).train()
    net.norm.num_batches_tracked += 5
    with untouched(net):
        if breaks:
            with pytest.raises(NetworkError, match=r"raised on an input of shape \(1, 3, 4, 4\): ValueError: no"):
                wiring(net, (3, 4, 4))
        else:
            wiring(net, (3, 4, 4))
            wiring(net, (3, 4, 4), training=True)
    assert not hasattr(net, "cache")


def test_the_shape_comes_from_the_network_unless_given() -> None:
    network = Network(nn.Conv2d(1, 2, 1), preprocessing=Preprocessing(size=(6, 5), channels="L"))
    assert wiring(network).input_shape == (1, 1, 6, 5)
    with pytest.raises(UsageError, match="give input_shape"):
        wiring(nn.Conv2d(1, 2, 1))
    with pytest.raises(UsageError, match="at least 1"):
        wiring(network, (1, 0, 5))


def test_networks_that_cannot_be_traced_are_refused() -> None:
    with pytest.raises(NetworkError, match="unknown shape"):
        wiring(nn.LazyConv2d(3, 1), (3, 4, 4))
    with pytest.raises(NetworkError, match="does not depend on its input"):
        wiring(Toy(lambda n, _: n.a.weight, a=nn.Linear(2, 2)), (3, 4, 4))
