"""The bound from above: closed forms, residual blocks, every layer against what it does to inputs, what is refused."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm

from snellen._errors import NotApplicable, UsageError
from snellen.instruments.transport.lipschitz_upper import lipschitz_upper
from untouched import untouched


class Wrote(nn.Module):
    """A forward of the test's own over some layers."""

    def __init__(self, forward: Callable[..., Tensor], *layers: nn.Module) -> None:
        super().__init__()
        self.does, self.layers = forward, nn.ModuleList(layers)

    def forward(self, x: Tensor) -> Tensor:
        return self.does(x, *self.layers)


def scaled(*factors: float) -> nn.Linear:
    layer = nn.Linear(len(factors), len(factors))
    layer.weight.data = torch.diag(torch.tensor(factors))
    return layer


def test_constants_multiply_along_a_chain() -> None:
    net = nn.Sequential(scaled(2.0, 1.0), nn.LeakyReLU(0.2), nn.Sequential(scaled(0.5, 3.0), nn.Tanh()), nn.Sigmoid())
    found = lipschitz_upper(net, (2,))
    assert found.value == pytest.approx(2 * 3 / 4)
    assert [layer.name for layer in found.layers] == ["0", "1", "2.0", "2.1", "3"]
    assert [layer.so_far for layer in found.layers] == pytest.approx([2, 2, 6, 6, 1.5])
    assert lipschitz_upper(scaled(3.0, 4.0), (2,)).layers[0].name == "it"


@pytest.mark.parametrize(
    ("forward", "wanted"),
    [
        (lambda x, one, _: x + one(x), 1 + 2),
        (lambda x, one, two: one(x) - two(x), 2 + 3),
        (lambda x, one, two: two(F.relu(one(x))) + x * 0.5, 6 + 0.5),
        (lambda x, one, two: torch.cat([one(x), two(x)], dim=1), math.sqrt(2**2 + 3**2)),
        (lambda x, one, _: one(x).mean(1), 2 / math.sqrt(2)),
        (lambda x, _, two: two(x).sum(1) / 4, 3 * math.sqrt(2) / 4),
        (lambda x, one, two: one(x) + two(x).mean(1, keepdim=True), 2 + 3),
        (lambda x, one, _: one(x.view(x.size(0), -1))[:, :1], 2),
        (lambda x, one, _: one(x.reshape(x.shape[0], 2)) + 7, 2),
        (lambda x, one, _: one(one(x)).unsqueeze(1).squeeze(1), 4),
        (lambda x, _, two: F.leaky_relu(two(x), 2.0) + two.weight[:, 0], 6),
        (lambda _x, one, _: one.weight.sum() * torch.ones(2, 1), 0),
    ],
)
def test_branches_and_operations(forward: Callable[..., Tensor], wanted: float) -> None:
    assert lipschitz_upper(Wrote(forward, scaled(2.0, 1.0), scaled(1.0, 3.0)), (2,)).value == pytest.approx(wanted)


def test_a_residual_block_of_ours() -> None:
    conv = nn.Conv2d(2, 2, 1, bias=False)
    conv.weight.data = torch.diag(torch.tensor([0.5, 0.25])).view(2, 2, 1, 1)
    block = Wrote(lambda x, branch: x + branch(x), nn.Sequential(nn.ReLU(), conv))
    assert lipschitz_upper(nn.Sequential(block, block), (2, 3, 3)).value == pytest.approx(1.5**2)


def test_a_critic_held_by_spectral_norm() -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net = nn.Sequential(spectral_norm(nn.Linear(3, 5)), nn.ReLU(), spectral_norm(nn.Linear(5, 1)))
    with untouched(net):
        found = lipschitz_upper(net, (3,))
    assert found.value == pytest.approx(1, rel=1e-2)
    assert found.layers[0].kind == "Linear"


def test_an_untouched_network_also_when_it_is_refused() -> None:
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Dropout(), nn.LayerNorm(2)).train()
    with untouched(net), pytest.raises(NotApplicable, match=r"no bound is known for the layer 3 \(LayerNorm\)"):
        lipschitz_upper(net, (1, 3, 4))


class Squared(nn.ReLU):
    """Called a ReLU, and none."""

    def forward(self, input: Tensor) -> Tensor:
        return input**2


@pytest.mark.parametrize(
    ("net", "words"),
    [
        (nn.Sequential(nn.Linear(2, 2), nn.SiLU()), r"layer 1 \(SiLU\)"),
        (Squared(), r"operation pow_1 \(pow\)"),
        (nn.BatchNorm1d(2, track_running_stats=False), r"BatchNorm1d"),
        (Wrote(lambda x: x * x), r"operation mul \(mul\)"),
        (Wrote(lambda x: 1 / x), r"truediv"),
        (Wrote(lambda x: x.argmax(1)), "argmax gives no tensor"),
        (Wrote(lambda x: (x, x)), "gives several things"),
        (Wrote(lambda x: x if x.sum() > 0 else -x), "cannot be read as a graph"),
        (Wrote(lambda x: x[:, [0, 0]]), "getitem"),
        (Wrote(torch.sort), "sort gives no tensor"),
    ],
)
def test_what_has_no_bound_is_refused_by_name(net: nn.Module, words: str) -> None:
    with pytest.raises(NotApplicable, match=words):
        lipschitz_upper(net, (2,))


def test_hooks_and_wrong_shapes_are_refused() -> None:
    net = nn.Sequential(nn.Linear(2, 1))
    with pytest.raises(UsageError, match=r"raised on samples of shape \(3,\)"):
        lipschitz_upper(net, (3,))
    net[0].register_forward_hook(lambda _, __, out: 100 * out)
    with pytest.raises(NotApplicable, match="has hooks"):
        lipschitz_upper(net, (2,))
