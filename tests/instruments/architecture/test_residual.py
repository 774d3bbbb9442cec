"""Residual surgery on ten styles of forward, against forwards with the connection written by hand."""

import copy
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from forward_styles import STYLES, Exam, InPlace, Nested, Repeated, conv
from snellen._errors import NetworkError, NotApplicable, UsageError
from snellen.instruments.architecture.residual import Residual, add_residual, owner_of
from snellen.subject.network import Network
from snellen.subject.preprocessing import Preprocessing
from toys import Toy
from untouched import untouched

SHAPE = (3, 6, 6)
INPUT = torch.randn(2, *SHAPE, generator=torch.Generator().manual_seed(4))


def made(kind: Any) -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(1)
        net = kind()
        assert isinstance(net, nn.Module)
        return net


def changed(name: str, **settings: Any) -> tuple[nn.Module, Residual]:
    kind, start, end, _ = STYLES[name]
    net = made(kind)
    with untouched(net):
        added = add_residual(net, start=start, end=end, input_shape=SHAPE, **settings)
    return net, added


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("name", STYLES)
def test_outputs_and_gradients_are_those_of_the_forward_written_by_hand(name: str, training: bool) -> None:
    net, added = changed(name)
    by_hand = STYLES[name][3]
    twin = copy.deepcopy(net)
    if added.projection:
        twin.add_module("shortcut", copy.deepcopy(added.network.get_submodule(added.projection)))
    outputs = []
    for module, forward in ((added.network, None), (twin, by_hand)):
        module.train(training)
        inputs = INPUT.clone().requires_grad_()
        out = module(inputs) if forward is None else forward(module, inputs)
        out.square().sum().backward()
        outputs.append((out.detach(), inputs.grad, {n: p.grad for n, p in module.named_parameters()}))
    (got, slope, slopes), (expected, right_slope, right_slopes) = outputs
    assert torch.allclose(got, expected, rtol=1e-6, atol=1e-6)
    assert slope is not None and torch.allclose(slope, right_slope, rtol=1e-4, atol=1e-5)  # noqa: PT018
    assert slopes.keys() == right_slopes.keys()
    assert all(g is not None and torch.allclose(g, right_slopes[n], rtol=1e-4, atol=1e-4) for n, g in slopes.items())
    assert not torch.allclose(got, net.train(training)(INPUT.clone()), atol=1e-3), "the connection does nothing"


@pytest.mark.parametrize("name", STYLES)
def test_the_old_names_are_unchanged_and_a_state_goes_round(name: str) -> None:
    net, added = changed(name)
    old, new = net.state_dict(), added.network.state_dict()
    extra = [f"{added.projection}.weight"] if added.projection else []
    assert [key for key in new if key not in extra] == list(old)
    assert sorted(set(new) - set(old)) == extra
    assert all(torch.equal(new[key], old[key]) for key in old)
    again = add_residual(made(STYLES[name][0]), start=added.start, end=added.end, input_shape=SHAPE, seed=9).network
    again.load_state_dict(new)
    assert torch.equal(again.eval()(INPUT.clone()), added.network.eval()(INPUT.clone()))
    count = sum(p.numel() for p in added.network.parameters()) - sum(p.numel() for p in net.parameters())
    assert added.parameters == count


@pytest.mark.parametrize("name", ["sequential", "nested", "in place"])
def test_a_copy_of_the_copy_stands_by_itself(name: str) -> None:
    _, added = changed(name)
    added.network.eval()(INPUT.clone())
    twin = copy.deepcopy(added.network)
    expected = added.network(INPUT.clone())
    assert torch.equal(twin(INPUT.clone()), expected)
    with torch.no_grad():
        for parameter in added.network.parameters():
            parameter.zero_()
    assert torch.equal(twin(INPUT.clone()), expected)


def test_what_is_told() -> None:
    _, added = changed("exam")
    assert (added.layer, added.projection, added.parameters, added.calls) == ("identity", "", 0, (1, 1))
    assert (added.before, added.after, added.in_place, added.notes) == ((4, 6, 6), (4, 6, 6), False, ())
    _, added = changed("nested")
    assert added.layer == "Conv2d(4, 8, kernel_size=(1, 1), stride=(2, 2), bias=False)"
    assert (added.projection, added.before, added.after, added.parameters) == ("shortcut", (4, 6, 6), (8, 3, 3), 32)
    _, added = changed("in place")
    assert added.in_place
    assert "in place" in added.notes[0]
    _, added = changed("repeated")
    assert added.calls == (3, 3)
    assert "one is called 3 times and two 3: each call of two gets the newest input of one" in added.notes[0]


def test_a_projection_of_zeros_changes_nothing_at_first() -> None:
    net, added = changed("exam", zero=True)
    assert added.layer == "Conv2d(4, 4, kernel_size=(1, 1), stride=(1, 1), bias=False)"
    out = added.network.eval()(INPUT)
    assert torch.equal(out, net.eval()(INPUT))
    out.sum().backward()
    slope = added.network.get_parameter("shortcut.weight").grad
    assert slope is not None
    assert slope.abs().min() > 0


def test_the_seed_makes_the_projection() -> None:
    one, two, other = (changed("nested", seed=seed)[1].network.get_parameter("shortcut.weight") for seed in (0, 0, 1))
    assert torch.equal(one, two)
    assert not torch.equal(one, other)


def test_two_connections() -> None:
    net = made(STYLES["sequential"][0])
    once = add_residual(net, start="b", end="c", input_shape=SHAPE, zero=True)
    twice = add_residual(once.network, start="a", end="e", input_shape=SHAPE)
    assert (once.projection, twice.projection) == ("shortcut", "shortcut_2")
    got = twice.network(INPUT.clone())
    expected = net(INPUT.clone()) + twice.network.get_submodule("shortcut_2")(INPUT)
    assert torch.allclose(got, expected, atol=1e-6)


@pytest.mark.parametrize("kind", [nn.Linear, nn.Conv1d, nn.Conv3d])
def test_projections_of_vectors_sequences_and_volumes(kind: Any) -> None:
    axes = {nn.Linear: 0, nn.Conv1d: 1, nn.Conv3d: 3}[kind]
    settings = {"kernel_size": 3, "padding": 1, "stride": 2} if axes else {}
    net = nn.Sequential(nn.Tanh(), kind(3, 5, **settings))
    shape = (3, *(7,) * axes)
    added = add_residual(net, start="0", end="1", input_shape=shape)
    x = torch.randn(2, *shape)
    layer = added.network.get_submodule("shortcut")
    assert isinstance(layer, kind)
    assert torch.allclose(added.network(x), net(x) + layer(x), atol=1e-6)


def test_a_network_knows_its_own_size() -> None:
    network = Network(made(Exam), preprocessing=Preprocessing(size=(6, 6)))
    assert add_residual(network, start="convblock3", end="convblock3").before == (4, 6, 6)


def test_no_activation_is_held_after_a_forward() -> None:
    _, added = changed("exam")
    hooks = [h for m in added.network.modules() for h in m._forward_hooks.values()]
    (skip,) = {h.__self__ for h in hooks}
    out = added.network(INPUT)
    assert skip.kept.grad_fn is None
    out.sum().backward()
    with torch.no_grad():
        assert torch.equal(added.network(INPUT), out.detach())


class Checkpointed(nn.Module):
    """Computes a part again in the backward."""

    def __init__(self, whole: bool) -> None:
        super().__init__()
        self.whole = whole
        self.a, self.b, self.c = conv(3), conv(), conv()

    def forward(self, x: Tensor) -> Tensor:
        x = self.a(x)
        if self.whole:
            x = checkpoint(lambda y: self.c(self.b(y)), x, use_reentrant=False)
        else:
            x = checkpoint(lambda y: self.c(y).tanh(), self.b(x), use_reentrant=False)
        return x


@pytest.mark.parametrize("whole", [True, False])
def test_gradient_checkpoints(whole: bool) -> None:
    net = made(lambda: Checkpointed(whole))
    added = add_residual(net, start="b", end="c", input_shape=SHAPE)
    added.network(INPUT).square().sum().backward()

    def by_hand(net: Any, x: Tensor) -> Tensor:
        x = net.a(x)
        y = net.c(net.b(x)) + x
        return y if whole else y.tanh()

    by_hand(net, INPUT).square().sum().backward()
    for name, parameter in net.named_parameters():
        assert torch.allclose(parameter.grad, added.network.get_parameter(name).grad, rtol=1e-4, atol=1e-5), name


@pytest.mark.parametrize(
    ("start", "end", "kind", "words"),
    [
        ("strangeblok1", "convblock9", UsageError, "did you mean strangeblock1"),
        ("convblock9", "nothing at all", UsageError, "no submodule named 'nothing at all'"),
        ("convblock9", "strangeblock1", NotApplicable, "strangeblock1 has ended before convblock9 begins"),
        ("convblock17", "nothing.at.all", UsageError, "no submodule"),
    ],
)
def test_names_and_orders_that_cannot_be(start: str, end: str, kind: type[Exception], words: str) -> None:
    net = made(Exam)
    with untouched(net), pytest.raises(kind, match=words):
        add_residual(net, start=start, end=end, input_shape=SHAPE)


def test_modules_that_are_not_called() -> None:
    net = made(Exam)
    net.idle = nn.ReLU()
    for start, end in (("idle", "convblock9"), ("convblock9", "idle")):
        with pytest.raises(NotApplicable, match="idle is never called"):
            add_residual(net, start=start, end=end, input_shape=SHAPE)


@pytest.mark.parametrize(
    ("net", "words"),
    [
        (
            nn.Sequential(nn.Conv2d(3, 4, 2), nn.Conv2d(4, 4, 2)),
            r"no 1 x 1 projection brings \(3, 6, 6\).* to \(4, 4, 4\)",
        ),
        (
            nn.Sequential(nn.Conv2d(3, 4, 1), nn.Upsample(scale_factor=2)),
            r"\(4, 12, 12\), .*nothing makes a map larger",
        ),
        (nn.Sequential(nn.Conv2d(3, 4, 1), nn.Flatten()), r"to \(144,\)"),
        (nn.Sequential(nn.Conv2d(3, 4, 1), nn.MaxPool2d(2, return_indices=True)), "end returns a tuple"),
        (
            nn.Sequential(nn.Conv2d(3, 4, 1), nn.Flatten(0, 1)),
            r"the batch should be the first axis of both.*\(8, 6, 6\)",
        ),
    ],
)
def test_shapes_that_nothing_joins(net: nn.Module, words: str) -> None:
    with untouched(net), pytest.raises(NotApplicable, match=words):
        add_residual(net, start="0", end="1", input_shape=SHAPE)


def test_several_shapes_in_one_forward() -> None:
    net = Toy(lambda m, x: m.a(m.a(x)[:, :, ::2]), a=nn.Tanh())
    with pytest.raises(NotApplicable, match="several shapes"):
        add_residual(net, start="a", end="a", input_shape=SHAPE)


def test_calls_of_the_end_before_the_start_stay_as_they_were() -> None:
    net = Toy(lambda m, x: m.act(m.b(m.act(m.a(x)))), a=conv(3), b=conv(), act=nn.Tanh())
    added = add_residual(net, start="b", end="act", input_shape=SHAPE)
    assert "1 of these calls of act come before b" in added.notes[1]
    kept = net.a(INPUT).tanh()
    for _ in range(2):
        assert torch.allclose(added.network(INPUT), net.b(kept).tanh() + kept, atol=1e-6)


def test_a_container_that_calls_all_its_children_is_refused() -> None:
    class Chain(nn.Sequential):
        def forward(self, x: Tensor) -> Tensor:
            for layer in self:
                x = layer(x).tanh()
            return x

    with pytest.raises(NotApplicable, match=r"does not run|calls all its children"):
        add_residual(Chain(conv(3), conv(4, 8, stride=2)), start="1", end="1", input_shape=SHAPE)


def test_input_that_cannot_be_used() -> None:
    net = made(Exam)
    with pytest.raises(UsageError, match="give input_shape"):
        add_residual(net, start="convblock3", end="convblock9")
    with pytest.raises(UsageError, match="sizes of at least 1"):
        add_residual(net, start="convblock3", end="convblock9", input_shape=(3, 0, 6))
    with pytest.raises(NetworkError, match=r"shape \(2, 1, 6, 6\).*channels"):
        add_residual(net, start="convblock3", end="convblock9", input_shape=(1, 6, 6))
    with pytest.warns(DeprecationWarning, match="deprecated"):
        scripted = torch.jit.trace(nn.Sequential(nn.Tanh()), INPUT)
    with pytest.raises(NotApplicable, match="scripted"):
        add_residual(scripted, start="0", end="0", input_shape=SHAPE)
    lazy = nn.Sequential(nn.LazyLinear(3))
    with pytest.raises(NetworkError, match="unknown shape"):
        add_residual(lazy, start="0", end="0", input_shape=(4,))


def test_another_size_that_no_longer_fits_is_told() -> None:
    net = nn.Sequential(nn.Conv2d(1, 1, 1), nn.AdaptiveAvgPool2d(4))
    added = add_residual(net, start="0", end="1", input_shape=(1, 8, 8))
    assert added.network(torch.zeros(1, 1, 7, 7)).shape == (1, 1, 4, 4)
    with pytest.raises(NetworkError, match=r"brings \(1, 1, 5, 5\) to an output of \(1, 1, 4, 4\)"):
        added.network(torch.zeros(1, 1, 9, 9))


def test_a_dropout_that_works_in_place_is_seen_in_evaluation() -> None:
    net = nn.Sequential(nn.Conv2d(3, 4, 1), nn.Dropout(inplace=True), nn.Conv2d(4, 4, 1))
    assert add_residual(net, start="1", end="2", input_shape=SHAPE).in_place
    assert not add_residual(net, start="2", end="2", input_shape=SHAPE).in_place


def test_whose_connection_it_is() -> None:
    net = nn.ModuleDict({"body": made(Nested), "other": made(Repeated), "flat": made(InPlace)})
    assert owner_of(net, "body.features.2", "body.features.4") == "body"
    assert owner_of(net, "body.features.2", "other.one") == ""
    assert owner_of(net, "body", "body") == ""
