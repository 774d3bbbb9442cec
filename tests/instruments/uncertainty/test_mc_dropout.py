"""MC dropout: bit for bit the naive loop, on networks made to break a tape; closed forms; what is computed once."""

import math
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from snellen._errors import NetworkError, NotApplicable, UsageError
from snellen.instruments.uncertainty import _lockstep
from snellen.instruments.uncertainty._base import summarise
from snellen.instruments.uncertainty.mc_dropout import MCDropout
from snellen.subject.network import Network
from toys import Counting, Toy

SAMPLES = 6
Run = Callable[[Any, Tensor], Tensor]


def naive(network: Network, pixels: Tensor, samples: int, seed: int) -> Tensor:
    """The definition: everything but BatchNorm in training mode by hand, and a loop.

    Parameters are frozen: torch picks other kernels for attention where one asks for a gradient.
    """
    wanted = [(p, p.requires_grad) for p in network.module.parameters()]
    network.module.requires_grad_(False)
    modes = [(m, m.training) for m in network.module.modules()]
    buffers = [(b, b.clone()) for b in network.module.buffers()]
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        for module, _ in modes:
            module.training = not isinstance(module, nn.modules.batchnorm._BatchNorm)
        random.seed(seed)
        np.random.seed(seed)
        torch.manual_seed(seed)
        found = [network.module(network.normalise(pixels)) for _ in range(samples)]
        for module, mode in modes:
            module.training = mode
        for buffer, kept in buffers:
            buffer.copy_(kept)
        for parameter, flag in wanted:
            parameter.requires_grad_(flag)
    return torch.stack(found)


def conv(*layers: nn.Module, out: int = 4) -> nn.Sequential:
    """Conv, BatchNorm with statistics, in-place ReLU, then what is given."""
    norm = nn.BatchNorm2d(out)
    norm(torch.randn(32, out, 3, 3) * 2 - 1)
    return nn.Sequential(nn.Conv2d(3, out, 3, padding=1), norm, nn.ReLU(inplace=True), *layers)


def functional(drop: Run, width: int = 144) -> nn.Module:
    return Toy(lambda m, x: m.head(drop(m, m.trunk(x))), trunk=conv(nn.Flatten()), head=nn.Linear(width, 5))


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(4, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1)
        self.norm, self.drop = nn.BatchNorm2d(4), nn.Dropout(0.3, inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        h = self.drop(F.relu(self.norm(self.first(x)), inplace=True))
        h = self.second(h)
        h += x
        return F.relu_(h)


def mobilenet_v3_like() -> nn.Module:
    pool = nn.AdaptiveAvgPool2d(1), nn.Flatten()
    head = nn.Linear(4, 16), nn.Hardswish(inplace=True), nn.Dropout(0.2, inplace=True), nn.Linear(16, 5)
    return nn.Sequential(conv(), *pool, *head)


def tokens(m: Any, x: Tensor) -> Tensor:
    return m.trunk(x).flatten(2).transpose(1, 2)  # type: ignore[no-any-return]


def attention() -> nn.Module:
    mixer = nn.MultiheadAttention(4, 2, dropout=0.5, batch_first=True)

    def run(m: Any, x: Tensor) -> Tensor:
        t = tokens(m, x)
        return m.head(m.mixer(t, t, t, need_weights=False)[0].mean(1))  # type: ignore[no-any-return]

    return Toy(run, trunk=conv(), mixer=mixer, head=nn.Linear(4, 5))


def transformer(activation: str) -> nn.Module:
    layer = nn.TransformerEncoderLayer(4, 2, 8, dropout=0.3, activation=activation, batch_first=True)
    return Toy(lambda m, x: m.head(m.layer(tokens(m, x)).mean(1)), trunk=conv(), layer=layer, head=nn.Linear(4, 5))


def after(m: Any, x: Tensor) -> Tensor:
    """Views, reshapes, slices, chunks and in-place writes downstream of a draw."""
    h = F.dropout(m.trunk(x), 0.4, m.training)
    h = h.view(h.shape[0], 12, 12).transpose(1, 2).reshape(h.shape[0], 144)
    h[:, 3:9] = 0.5
    h[:, 9:20].mul_(2).add_(h[:, 20:31])
    first, second = h.chunk(2, dim=1)
    first.relu_()
    a, b, c = second.split([24, 24, 24], dim=1)
    b.copy_(a * c)
    total = torch.zeros_like(first)
    total[:, :36] = first[:, :36]
    total[:, 36:] += second[:, :36]
    return m.head(torch.cat([total, second.flip(1)], dim=1))  # type: ignore[no-any-return]


def trunk_overwritten(m: Any, x: Tensor) -> Tensor:
    """What a draw has read is written over by the trunk afterwards, and read again."""
    h = m.trunk(x)
    dropped = F.dropout(h, 0.5, m.training)
    h.mul_(3).sub_(1)
    h.view(h.shape[0], -1)[:, :7].zero_()
    return m.head(dropped + h)  # type: ignore[no-any-return]


def aliased(m: Any, x: Tensor) -> Tensor:
    """A random write through a view; the base is read later."""
    h = m.trunk(x)
    y = h.view(h.shape[0], 12, 12)
    F.dropout(y, 0.5, m.training, inplace=True)
    return m.head(h)  # type: ignore[no-any-return]


def aliased_after_read(m: Any, x: Tensor) -> Tensor:
    h = m.trunk(x)
    early = F.dropout(h, 0.5, m.training)
    F.dropout(h.view(h.shape[0], 12, 12)[:, ::2], 0.5, m.training, inplace=True)
    return m.head(early + h)  # type: ignore[no-any-return]


def reads_a_random_value(m: Any, x: Tensor) -> Tensor:
    h = F.dropout(m.trunk(x), 0.5, m.training)
    return m.head(-h if float(h.sum()) > m.threshold else h)  # type: ignore[no-any-return]


def branches_on_a_random_value(m: Any, x: Tensor) -> Tensor:
    h = F.dropout(m.trunk(x), 0.5, m.training)
    return m.head(h * 2 if (h[:, :1] > 0).any() else -h)  # type: ignore[no-any-return]


def through_numpy(m: Any, x: Tensor) -> Tensor:
    h = F.dropout(m.trunk(x), 0.5, m.training)
    return m.head(h + torch.from_numpy(np.tanh(h.numpy())))  # type: ignore[no-any-return]


def pythons_generator(m: Any, x: Tensor) -> Tensor:
    return m.head(F.dropout(m.trunk(x), 0.5, m.training) * random.random() + np.random.rand())  # type: ignore[no-any-return]


class Counted(nn.Module):
    """Each forward sees what the forward before it left in a buffer."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("count", torch.zeros(()))
        self.trunk, self.drop, self.head = conv(nn.Flatten()), nn.Dropout(0.5), nn.Linear(144, 5)

    def forward(self, x: Tensor) -> Tensor:
        self.count += 1
        return self.head(self.drop(self.trunk(x)) * self.count)


class DropConnect(nn.Module):
    """A large weight matrix of which every sample has a copy of its own."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.trunk = conv(nn.Flatten())
        self.weight = nn.Parameter(torch.randn(width, 144).t() / 12)
        self.bias, self.head = nn.Parameter(torch.randn(width)), nn.Linear(width, 5)

    def forward(self, x: Tensor) -> Tensor:
        weight = self.weight.clone()
        F.dropout(weight, 0.5, self.training, inplace=True)
        return self.head(torch.addmm(self.bias, self.trunk(x), weight).relu())


def big_head(p: float = 0.5) -> nn.Module:
    """VGG's head in small: the products are large enough to go in lockstep."""
    drops = nn.Dropout(p), nn.Dropout(p)
    layers = nn.Linear(144, 2048), nn.ReLU(True), drops[0], nn.Linear(2048, 700), nn.ReLU(True), drops[1]
    return nn.Sequential(conv(nn.Flatten()), *layers, nn.Linear(700, 500))


# name -> (how to build it, whether the trunk can be reused)
NETWORKS: dict[str, tuple[Callable[[], nn.Module], bool]] = {
    "module": (lambda: conv(nn.Flatten(), nn.Dropout(0.5), nn.Linear(144, 5)), True),
    "functional": (lambda: functional(lambda m, h: F.dropout(h, 0.3, m.training)), True),
    "torch.dropout": (lambda: functional(lambda m, h: torch.dropout(h, 0.3, m.training)), True),
    "in-place": (lambda: conv(nn.Flatten(), nn.Dropout(0.5, inplace=True), nn.Linear(144, 5)), True),
    "torch.dropout_": (lambda: functional(lambda m, h: torch.dropout_(h, 0.3, m.training)), True),
    "MobileNetV3 head": (mobilenet_v3_like, True),
    "Dropout2d": (lambda: conv(nn.Dropout2d(0.5), nn.Conv2d(4, 4, 3), nn.Flatten(), nn.Linear(64, 5)), True),
    "Dropout2d in-place": (lambda: conv(nn.Dropout2d(0.5, True), nn.Flatten(), nn.Linear(144, 5)), True),
    "Dropout1d": (lambda: conv(nn.Flatten(2), nn.Dropout1d(0.5), nn.Flatten(), nn.Linear(144, 5)), True),
    "AlphaDropout": (lambda: conv(nn.Flatten(), nn.AlphaDropout(0.3), nn.Linear(144, 5)), True),
    "AlphaDropout in-place": (lambda: conv(nn.Flatten(), nn.AlphaDropout(0.3, True), nn.Linear(144, 5)), True),
    "FeatureAlphaDropout": (lambda: conv(nn.FeatureAlphaDropout(0.4), nn.Flatten(), nn.Linear(144, 5)), True),
    "two": (
        lambda: conv(nn.Dropout2d(0.2), nn.Flatten(), nn.Linear(144, 9), nn.Tanh(), nn.Dropout(0.5), nn.Linear(9, 5)),
        True,
    ),
    "at the input": (lambda: nn.Sequential(nn.Dropout(0.3), conv(nn.Flatten(), nn.Linear(144, 5))), True),
    "residual": (lambda: conv(Block(), Block(), nn.Flatten(), nn.Linear(144, 5)), True),
    "attention": (attention, True),
    "transformer relu": (lambda: transformer("relu"), True),
    "transformer gelu": (lambda: transformer("gelu"), True),
    "big head": (big_head, True),
    "drop connect": (lambda: DropConnect(2048), True),
    "always on": (lambda: functional(lambda _, h: F.dropout(h, 0.3)), True),
    "noise beside": (lambda: functional(lambda m, h: F.dropout(h, 0.3, m.training) + torch.randn_like(h)), True),
    "after": (lambda: Toy(after, trunk=conv(nn.Flatten()), head=nn.Linear(144, 5)), True),
    "trunk overwritten": (lambda: Toy(trunk_overwritten, trunk=conv(nn.Flatten()), head=nn.Linear(144, 5)), True),
    "aliased": (lambda: Toy(aliased, trunk=conv(nn.Flatten()), head=nn.Linear(144, 5)), False),
    "aliased after": (lambda: Toy(aliased_after_read, trunk=conv(nn.Flatten()), head=nn.Linear(144, 5)), False),
    "branches": (lambda: Toy(branches_on_a_random_value, trunk=conv(nn.Flatten()), head=nn.Linear(144, 5)), False),
    "numpy": (lambda: Toy(through_numpy, trunk=conv(nn.Flatten()), head=nn.Linear(144, 5)), False),
    "python's generator": (lambda: Toy(pythons_generator, trunk=conv(nn.Flatten()), head=nn.Linear(144, 5)), False),
    "counts in a buffer": (Counted, False),
}


def network_of(name: str) -> tuple[Network, bool]:
    torch.manual_seed(sum(map(ord, name)))
    build, reusable = NETWORKS[name]
    return Network(build(), mean=(0.4, 0.5, 0.6), std=(0.2, 0.3, 0.4)), reusable


@pytest.mark.parametrize("name", NETWORKS)
def test_bit_for_bit_the_naive_loop(name: str) -> None:
    network, reusable = network_of(name)
    pixels = torch.rand(1, 3, 6, 6)
    expected = naive(network, pixels, SAMPLES, seed=4)
    assert len(expected.unique(dim=0)) > 2, "the reference does not draw"
    state = {key: value.clone() for key, value in network.module.state_dict().items()}
    for reuse in (True, False):
        result = MCDropout(samples=SAMPLES, reuse_trunk=reuse)(network, pixels, seed=4, keep_samples=True)
        assert torch.equal(result.samples, expected), (reuse, (result.samples - expected).abs().amax(dim=(1, 2)))
        repeated = result.details["whole_network_repeated"]
        assert bool(repeated) is not (reuse and reusable), repeated
        assert (result.details["share_of_work_saved"] > 0) is (reuse and reusable and name != "at the input")
    assert all(torch.equal(value, state[key]) for key, value in network.module.state_dict().items())


def test_a_random_value_read_into_python_repeats_the_network() -> None:
    """The threshold is the median of what is read, so both ways are taken."""
    torch.manual_seed(0)
    network = Network(Toy(reads_a_random_value, trunk=conv(nn.Flatten()), head=nn.Linear(144, 5)))
    pixels, sums = torch.rand(1, 3, 6, 6), []
    network.module.head.register_forward_pre_hook(lambda _, inputs: sums.append(float(inputs[0].abs().sum())))
    network.module.threshold = -math.inf
    naive(network, pixels, 20, seed=0)
    network.module.threshold = float(np.median(sums))
    expected = naive(network, pixels, 20, seed=0)
    result = MCDropout(samples=20)(network, pixels, keep_samples=True)
    assert torch.equal(result.samples, expected)
    assert "Python" in result.details["whole_network_repeated"]


@pytest.mark.parametrize("name", ["module", "big head", "residual"])
def test_pixels_made_in_inference_mode(name: str) -> None:
    network, _ = network_of(name)
    with torch.inference_mode():
        pixels = torch.rand(1, 3, 6, 6)
    result = MCDropout(samples=SAMPLES)(network, pixels, seed=1, keep_samples=True)
    assert torch.equal(result.samples, naive(network, pixels.clone(), SAMPLES, seed=1))


NO_SHARED_MASKS = {"attention", "transformer relu", "transformer gelu", "noise beside"}
ONE_MASK_A_FORWARD = {"drop connect", "branches", "python's generator"}


@pytest.mark.parametrize("name", [n for n in NETWORKS if n not in NO_SHARED_MASKS | ONE_MASK_A_FORWARD])
def test_masks_do_not_depend_on_batch_mates(name: str) -> None:
    network, _ = network_of(name)
    pixels = torch.rand(5, 3, 6, 6)
    method = MCDropout(samples=SAMPLES)
    together = method(network, pixels, seed=2, keep_samples=True)
    alone = [method(network, image[None], seed=2, keep_samples=True).samples for image in pixels]
    assert together.details["independent_masks"] == []
    torch.testing.assert_close(together.samples, torch.cat(alone, dim=1), rtol=1e-5, atol=1e-5)
    assert together.samples.std(dim=0).min() > 1e-3, "the masks do not matter"
    in_parts = method(network, pixels, seed=2, keep_samples=True, batch_size=2)
    torch.testing.assert_close(together.samples, in_parts.samples, rtol=1e-5, atol=1e-5)


def test_places_whose_masks_cannot_be_shared_are_named() -> None:
    network, _ = network_of("attention")
    result = MCDropout(samples=3)(network, torch.rand(4, 3, 6, 6))
    assert result.details["independent_masks"] == ["mixer"]
    assert result.details["dropout"] == {"mixer": 0.5}


class Products(TorchDispatchMode):
    """Counts the convolutions and matrix products that are really computed."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: dict[str, int] = {}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func.overloadpacket.__name__ if hasattr(func, "overloadpacket") else str(func)
        self.seen[name] = self.seen.get(name, 0) + 1
        return func(*args, **(kwargs or {}))


def test_the_trunk_is_computed_once() -> None:
    torch.manual_seed(0)
    trunk, counting = conv(nn.Flatten()), Counting()
    network = Network(nn.Sequential(trunk, counting, nn.Dropout(0.5), nn.Linear(144, 5)))
    for reuse, convolutions, calls in ((True, 1, 1), (False, 10, 10)):
        counting.calls = 0
        with Products() as products:
            MCDropout(samples=10, reuse_trunk=reuse)(network, torch.rand(2, 3, 6, 6))
        assert (products.seen["convolution"], counting.calls) == (convolutions, calls)
        assert products.seen["addmm"] in (10, 11), "ten heads, and at most one to prove the tape"


def test_a_large_head_goes_in_lockstep_within_its_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    network, _ = network_of("big head")
    pixels, groups = torch.rand(1, 3, 6, 6), []
    together = _lockstep._together
    monkeypatch.setattr(
        _lockstep, "_together", lambda tape, count, exact: groups.append(count) or together(tape, count, exact)
    )
    expected = naive(network, pixels, 12, seed=0)
    assert torch.equal(MCDropout(samples=12)(network, pixels, keep_samples=True).samples, expected)
    assert groups == [12], "the first sample goes with the others, to prove the tape"
    groups.clear()
    monkeypatch.setattr(_lockstep, "MEMORY", 200_000)
    assert torch.equal(MCDropout(samples=12)(network, pixels, keep_samples=True).samples, expected)
    assert sum(groups) == 12
    assert 1 <= max(groups) <= 200_000 // ((2048 + 700) * 2 * 4)


def test_the_samples_in_flight_are_counted_with_their_activations(monkeypatch: pytest.MonkeyPatch) -> None:
    """A small mask early in the network, large maps behind it: the masks alone say nothing about the memory."""
    layers = nn.Dropout2d(0.5), nn.Conv2d(4, 16, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(4), nn.Flatten()
    torch.manual_seed(0)
    network = Network(nn.Sequential(conv(*layers), nn.Linear(256, 1100), nn.Linear(1100, 5)))
    groups: list[int] = []
    together = _lockstep._together
    monkeypatch.setattr(
        _lockstep, "_together", lambda tape, count, exact: groups.append(count) or together(tape, count, exact)
    )
    monkeypatch.setattr(_lockstep, "MEMORY", 4 << 20)
    MCDropout(samples=20)(network, torch.rand(1, 3, 64, 64))
    activations = 2 * 16 * 64 * 64 * 4  # the convolution's and the ReLU's results
    assert sum(groups) == 20
    assert max(groups) <= (4 << 20) // activations


def test_a_large_matrix_that_is_drawn_anew_is_no_constant_of_the_lockstep(monkeypatch: pytest.MonkeyPatch) -> None:
    """Even where its blocks give the bits of the whole product: one copy must not serve all samples."""
    network, _ = network_of("drop connect")
    tapes = []
    monkeypatch.setattr(_lockstep, "CACHE", 1 << 30)
    original = _lockstep._large_product
    monkeypatch.setattr(_lockstep, "_large_product", lambda s, t, exact: tapes.append(t) or original(s, t, exact))
    pixels = torch.rand(1, 3, 6, 6)
    result = MCDropout(samples=SAMPLES)(network, pixels, keep_samples=True)
    assert tapes, "the lockstep was not considered"
    assert torch.equal(result.samples, naive(network, pixels, SAMPLES, seed=0))


def test_details_and_the_share_of_work_by_hand() -> None:
    layers = nn.Conv2d(3, 4, 3, padding=1), nn.Flatten(), nn.Linear(256, 16), nn.Dropout(0.25), nn.Linear(16, 3)
    details = MCDropout(samples=10)(Network(nn.Sequential(*layers)), torch.rand(2, 3, 8, 8)).details
    trunk, rest = 3 * 4 * 9 * 64 + 256 * 16, 16 * 3
    assert details["dropout"] == {"3": 0.25}
    assert (details["trunk_macs"], details["rest_macs"]) == (trunk, rest)
    naive_work, our_work = 10 * (trunk + rest), trunk + 10 * rest
    assert details["share_of_work_saved"] == pytest.approx(1 - our_work / naive_work)
    assert details["whole_network_repeated"] == ""


def test_places_are_named_by_module_and_line() -> None:
    network, _ = network_of("two")
    sites = MCDropout(samples=2)(network, torch.rand(1, 3, 6, 6)).details["dropout"]
    assert sites == {"3": 0.2, "7": 0.5}
    inner = functional(lambda m, h: F.dropout(h, 0.3, m.training))
    sites = MCDropout(samples=2)(Network(nn.Sequential(inner)), torch.rand(1, 3, 6, 6)).details["dropout"]
    (place,) = sites
    assert place.startswith("0, line ")
    assert int(place.rpartition(" ")[2]) == run_line(inner)


def run_line(module: nn.Module) -> int:
    """Where the lambda that drops begins."""
    drop = module.run.__closure__[0].cell_contents  # type: ignore[union-attr,index]
    return int(drop.__code__.co_firstlineno)


@pytest.mark.parametrize(
    "module",
    [
        conv(nn.Flatten(), nn.Linear(144, 5)),
        conv(nn.Flatten(), nn.Dropout(0.0), nn.Linear(144, 5)),
        functional(lambda m, h: F.dropout(h, 0.0, m.training)),
        Toy(lambda m, x: m.m(*3 * [tokens(m, x)])[0].mean(1), trunk=conv(), m=nn.MultiheadAttention(4, 2)),
        conv(nn.RReLU(), nn.Flatten(), nn.Linear(144, 5)),
    ],
    ids=["none", "p=0", "functional p=0", "attention p=0", "RReLU"],
)
def test_a_network_without_dropout_is_refused(module: nn.Module) -> None:
    with pytest.raises(NotApplicable, match=r"needs a dropout with p > 0 in the forward and \w+ ran none"):
        MCDropout(samples=3)(Network(module), torch.rand(2, 3, 6, 6))


def test_fused_attention_without_dropout_is_refused() -> None:
    """torch marks it as drawing; with p = 0 it does not."""
    mixer = nn.MultiheadAttention(4, 2, batch_first=True)
    module = Toy(lambda m, x: m.mixer(*3 * [tokens(m, x)], need_weights=False)[0].mean(1), trunk=conv(), mixer=mixer)
    with pytest.raises(NotApplicable, match="ran none"):
        MCDropout(samples=3)(Network(module), torch.rand(2, 3, 6, 6))


def test_fewer_rows_than_images_is_an_error() -> None:
    module = Toy(lambda m, x: m.head(F.dropout(x.flatten(1), 0.5)).mean(0, keepdim=True), head=nn.Linear(108, 5))
    with pytest.raises(NetworkError, match=r"scores of shape \(4, k\) with k >= 2, got \(1, 5\)"):
        MCDropout(samples=3)(Network(module), torch.rand(4, 3, 6, 6))


@pytest.mark.parametrize(("cut", "p"), [(0.2, 0.5), (0.9, 0.3)])
def test_dropout_before_a_linear_head_converges_to_its_closed_form(cut: float, p: float) -> None:
    """Mean of the logits: the deterministic ones. Variance: p/(1-p) sum (w_i h_i)^2."""
    torch.manual_seed(1)
    network = Network(nn.Sequential(nn.Flatten(), nn.Linear(12, 20), nn.Tanh(), nn.Dropout(p), nn.Linear(20, 3)))
    pixels, samples = torch.rand(2, 3, 2, 2) * cut, 4000
    found = MCDropout(samples=samples)(network, pixels, seed=0, keep_samples=True).samples.double()
    module = network.module.eval()
    with torch.no_grad():
        exact, hidden = network.logits(pixels).double(), module[2](module[1](pixels.flatten(1))).double()
        parts = module[4].weight.double()[None] * hidden[:, None]
        variance = p / (1 - p) * parts.square().sum(dim=2)
    error = (variance / samples).sqrt()
    assert ((found.mean(dim=0) - exact).abs() < 4.5 * error).all()
    assert ((found.var(dim=0) / variance - 1).abs() < 0.15).all()


def test_statistics_of_disagreeing_and_agreeing_one_hots() -> None:
    """MI = ln 2 where two halves of the samples are sure of different classes, 0 where all agree."""
    votes = torch.tensor([[0, 1], [1, 1], [0, 1], [1, 1]])
    found = summarise(F.one_hot(votes, 3).float() * 1e4, {}, False)
    assert found.mutual_information.tolist() == pytest.approx([math.log(2), 0], abs=1e-6)
    assert found.entropy.tolist() == pytest.approx([math.log(2), 0], abs=1e-6)
    assert found.expected_entropy.tolist() == pytest.approx([0, 0], abs=1e-6)
    assert found.variation_ratio.tolist() == [0.5, 0]
    assert found.probabilities.tolist() == [[0.5, 0.5, 0], [0, 1, 0]]


def test_statistics_of_equal_uniform_samples() -> None:
    found = summarise(torch.zeros(5, 1, 4), {}, True)
    assert float(found.entropy) == pytest.approx(math.log(4))
    assert float(found.expected_entropy) == pytest.approx(math.log(4))
    assert float(found.mutual_information) == pytest.approx(0, abs=1e-7)
    assert found.samples is not None


def test_statistics_against_their_definitions_in_numpy() -> None:
    samples = torch.randn(40, 3, 5, generator=torch.Generator().manual_seed(0)) * 2
    found, logits = summarise(samples, {}, False), samples.double().numpy()
    p = np.exp(logits) / np.exp(logits).sum(axis=2, keepdims=True)
    mean = p.mean(axis=0)
    entropy, expected = -(mean * np.log(mean)).sum(axis=1), -(p * np.log(p)).sum(axis=2).mean(axis=0)
    top = [np.bincount(column, minlength=5).max() for column in p.argmax(axis=2).T]
    assert np.allclose(found.probabilities, mean, atol=1e-6)
    assert np.allclose(found.entropy, entropy, atol=1e-6)
    assert np.allclose(found.expected_entropy, expected, atol=1e-6)
    assert np.allclose(found.mutual_information, entropy - expected, atol=1e-6)
    assert np.allclose(found.variation_ratio, 1 - np.array(top) / 40, atol=1e-6)
    assert found.predicted.tolist() == mean.argmax(axis=1).tolist()


def test_one_sample_has_no_error_to_give() -> None:
    network, _ = network_of("module")
    found = MCDropout(samples=1)(network, torch.rand(2, 3, 6, 6))
    for name in ("probabilities", "entropy", "mutual_information", "variation_ratio"):
        assert torch.isinf(getattr(found, f"{name}_error")).all(), name


def test_standard_errors_are_the_spread_over_repeated_runs() -> None:
    torch.manual_seed(2)
    layers = nn.Flatten(), nn.Linear(12, 12), nn.Tanh(), nn.Dropout(0.3), nn.Linear(12, 3)
    network, runs, samples = Network(nn.Sequential(*layers)), 300, 60
    network.module[4].weight.data.mul_(3)
    drawn = MCDropout(samples=runs * samples)(network, torch.rand(1, 3, 2, 2), keep_samples=True).samples
    found = [summarise(part, {}, False) for part in drawn.split(samples)]
    for name in ("probabilities", "entropy", "mutual_information", "variation_ratio"):
        spread = torch.stack([getattr(f, name) for f in found]).std(dim=0)
        claimed = torch.stack([getattr(f, f"{name}_error") for f in found]).mean(dim=0)
        assert (claimed / spread - 1).abs().max() < 0.2, (name, claimed, spread)


def test_standard_errors_of_samples_that_are_sure_and_disagree() -> None:
    """One in five votes for the other class: the entropy's error comes from the mean alone."""
    votes = (torch.rand(300, 100, 1, generator=torch.Generator().manual_seed(0)) < 0.2).long()
    found = [summarise(F.one_hot(group, 2).float() * 1e3, {}, False) for group in votes]
    for name in ("probabilities", "entropy", "mutual_information", "variation_ratio"):
        spread = torch.stack([getattr(f, name) for f in found]).std(dim=0)
        claimed = torch.stack([getattr(f, f"{name}_error") for f in found]).mean(dim=0)
        assert (claimed / spread - 1).abs().max() < 0.2, (name, claimed, spread)


def test_progress_and_samples() -> None:
    network, _ = network_of("module")
    seen: list[tuple[int, int]] = []
    result = MCDropout(samples=3)(
        network, torch.rand(5, 3, 6, 6), batch_size=2, progress=lambda a, b: seen.append((a, b))
    )
    assert seen == [(2, 5), (4, 5), (5, 5)]
    assert result.samples is None
    with pytest.raises(UsageError, match="samples must be at least 1, got 0"):
        MCDropout(samples=0)


def test_products_at_once_have_the_masks_of_the_loop_and_its_scores_up_to_rounding() -> None:
    network, _ = network_of("big head")
    pixels = torch.rand(1, 3, 6, 6)
    expected = naive(network, pixels, 12, seed=3)
    found = MCDropout(samples=12, exact=False)(network, pixels, seed=3, keep_samples=True)
    assert found.details["whole_network_repeated"] == ""
    assert float((found.samples - expected).abs().max()) <= 1e-5 * float(expected.abs().max())


def test_an_operation_that_hides_its_writes_is_found_and_the_whole_network_is_run() -> None:
    """Its schema says that it writes nothing, and it writes into the trunk: every replay would start from that."""
    library = torch.library.Library("snellen_test", "DEF")
    library.define("spoil(Tensor trunk, Tensor mask) -> Tensor")

    def spoil(trunk: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        result = trunk * mask
        trunk.add_(1)
        return result

    library.impl("spoil", spoil, "CPU")

    class Liar(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            trunk = x.flatten(1)[:, :6] * 2
            return torch.ops.snellen_test.spoil(trunk, F.dropout(torch.ones_like(trunk), 0.5, self.training))

    network, pixels = Network(Liar()), torch.rand(1, 3, 4, 4)
    expected = []
    torch.manual_seed(0)
    for _ in range(5):
        trunk = pixels.flatten(1)[:, :6] * 2
        expected.append(trunk * F.dropout(torch.ones_like(trunk), 0.5))
    found = MCDropout(samples=5)(network, pixels, keep_samples=True)
    assert torch.equal(found.samples, torch.stack(expected))
    assert "repeated exactly" in found.details["whole_network_repeated"]
