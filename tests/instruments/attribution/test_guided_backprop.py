"""Guided backprop against a slow reference with one autograd.Function a ReLU, captum's and xplique's values."""

import warnings
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from snellen._errors import NotApplicable
from snellen.instruments.attribution._fidelity import rank_correlation
from snellen.instruments.attribution.guided_backprop import GuidedBackprop
from snellen.instruments.attribution.saliency import Saliency
from snellen.subject.network import Network
from toys import Toy, captum_pixels, captum_toy

Rectify = Callable[[Any, Tensor], Tensor]
MEAN, STD = (0.4, 0.5, 0.6), (0.2, 0.3, 0.4)
CEILING = 6.0


class Guided(torch.autograd.Function):
    """The definition, nothing else: g [x > 0] [g > 0]; with a ceiling also [x < ceiling]."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, ceiling: float) -> Tensor:
        ctx.open = (x > 0) & (x < ceiling)
        return torch.minimum(torch.maximum(x, torch.zeros_like(x)), torch.full_like(x, ceiling))

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor, None]:
        return torch.where(ctx.open & (g > 0), g, torch.zeros_like(g)), None


class Twice(torch.autograd.Function):
    """A custom nonlinearity: 2 max(x, 0)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return 2 * x.clamp(min=0)

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Tensor:
        return 2 * g * (ctx.saved_tensors[0] > 0)


class Relu(Twice):
    """Custom code that is called like torch's own node."""


def with_module(*, inplace: bool, reused: bool) -> Rectify:
    def rectify(m: Any, x: Tensor) -> Tensor:
        if reused:
            return m.shared(x)  # type: ignore[no-any-return]
        m.calls = m.calls % 8 + 1
        return m.relus[m.calls - 1](x)  # type: ignore[no-any-return]

    rectify.modules = {  # type: ignore[attr-defined]
        "shared": nn.ReLU(inplace),
        "relus": nn.ModuleList(nn.ReLU(inplace) for _ in range(8)),
    }
    return rectify


SPELLINGS: dict[str, Rectify] = {
    "nn.ReLU": with_module(inplace=False, reused=False),
    "nn.ReLU reused": with_module(inplace=False, reused=True),
    "nn.ReLU in-place": with_module(inplace=True, reused=False),
    "nn.ReLU in-place reused": with_module(inplace=True, reused=True),
    "F.relu": lambda _, x: F.relu(x),
    "F.relu in-place": lambda _, x: F.relu(x, inplace=True),
    "torch.relu": lambda _, x: torch.relu(x),
    "x.relu": lambda _, x: x.relu(),
    "x.relu_ in-place": lambda _, x: x.relu_(),
    "clamp": lambda _, x: x.clamp(min=0),
    "clamp_ in-place": lambda _, x: x.clamp_(min=0),
    "clamp_min": lambda _, x: x.clamp_min(0),
    "threshold": lambda _, x: F.threshold(x, 0, 0),
    "on a view, in-place": lambda _, x: F.relu(x.view(x.shape), inplace=True),
    "relu_ on a view, in-place": lambda _, x: x.view(x.shape).relu_(),
    "clamp_ on a view, in-place": lambda _, x: x.view(x.shape).clamp_(0),
    "relu6": lambda _, x: F.relu6(x),
    "relu6 on a view, in-place": lambda _, x: F.relu6(x.view(x.shape), inplace=True),
    "clamp 0 to 6": lambda _, x: torch.clamp(x, 0, 6),
}


def chain(m: Any, x: Tensor, relu: Rectify) -> Tensor:
    h = relu(m, m.c1(x))
    h = relu(m, m.c2(h))
    return m.head(relu(m, m.c3(h)).flatten(1))  # type: ignore[no-any-return]


def pre_activation_skip(m: Any, x: Tensor, relu: Rectify) -> Tensor:
    h = m.c1(x)
    h = m.c2(relu(m, h)) - 2 * h
    return m.head(relu(m, h).flatten(1))  # type: ignore[no-any-return]


def two_branches(m: Any, x: Tensor, relu: Rectify) -> Tensor:
    stem = m.c1(x)
    left, right = relu(m, m.c2(stem)), relu(m, m.c3(stem))
    return m.head((left - 2 * right).flatten(1))  # type: ignore[no-any-return]


def residual(m: Any, x: Tensor, relu: Rectify) -> Tensor:
    h = relu(m, m.n1(m.c1(x)))
    h = relu(m, m.n2(m.c2(h)) - h)
    h = relu(m, m.n3(m.c3(h)) + h)
    return m.head(h.flatten(1))  # type: ignore[no-any-return]


BODIES = (chain, pre_activation_skip, two_branches, residual)
RELUS = {chain: 3, pre_activation_skip: 2, two_branches: 2, residual: 3}
CASES = [
    pytest.param(body, name, id=f"{body.__name__}-{name}")
    for body in BODIES
    for name in SPELLINGS
    if not (body is pre_activation_skip and "in-place" in name)  # the skip would carry the rectified values
]


def module_for(body: Callable[..., Tensor], relu: Rectify) -> Toy:
    """The same weights whatever the spelling."""
    torch.manual_seed(2)
    convs = {f"c{i}": nn.Conv2d(3 if i == 1 else 5, 5, 3, padding=1) for i in (1, 2, 3)}
    norms = {f"n{i}": nn.BatchNorm2d(5) for i in (1, 2, 3)}
    for norm in norms.values():
        norm(torch.randn(64, 5, 3, 3) * 2 + 0.5)
    head = nn.Linear(180, 4)
    head.weight.data.mul_(30)
    extra = getattr(relu, "modules", {})
    toy = Toy(lambda m, x: body(m, x, relu), **convs, **norms, head=head, **extra)
    toy.calls = 0
    return toy.eval()


def reference(body: Callable[..., Tensor], pixels: Tensor, target: int, ceiling: float) -> tuple[Tensor, Tensor]:
    """(guided, plain): the network rewritten with the Function, and with torch's own ReLU."""
    rules = lambda _, x: Guided.apply(x, ceiling), lambda _, x: x.clamp(0, ceiling)
    found = []
    for rule in rules:
        leaf = pixels.clone().requires_grad_()
        inputs = (leaf - torch.tensor(MEAN).view(1, 3, 1, 1)) / torch.tensor(STD).view(1, 3, 1, 1)
        scores = module_for(body, rule)(inputs)[:, target].sum()
        found.append(torch.autograd.grad(scores, leaf)[0])
    return found[0], found[1]


@pytest.mark.parametrize(("body", "spelling"), CASES)
def test_equals_the_reference_however_the_relu_is_spelt(body: Callable[..., Tensor], spelling: str) -> None:
    pixels = torch.rand(3, 3, 6, 6, generator=torch.Generator().manual_seed(0))
    ceiling = CEILING if "6" in spelling else float("inf")
    guided, plain = reference(body, pixels, 1, ceiling)
    assert (guided - plain).norm() > 0.1 * plain.norm(), "the case would not notice the plain gradient"
    network = Network(module_for(body, SPELLINGS[spelling]), mean=MEAN, std=STD)
    result = GuidedBackprop()(network, pixels, target=1)
    torch.testing.assert_close(result.maps, guided, rtol=1e-6, atol=1e-6 * float(guided.abs().max()))
    assert result.details == {"guided": RELUS[body], "unguided": {}}


@pytest.mark.parametrize(
    ("module", "named"),
    [
        (nn.SiLU(), "Silu x1"),
        (nn.LeakyReLU(0.1), "LeakyRelu x1"),
        (nn.Sequential(nn.SiLU(), nn.LeakyReLU(0.1), nn.SiLU()), r"(Silu x2, LeakyRelu x1|LeakyRelu x1, Silu x2)"),
        (nn.Hardtanh(-1, 1), "Hardtanh x1"),
        (Toy(lambda _, x: x.clamp(max=0.5)), "Clamp"),
        (Toy(lambda _, x: F.threshold(x, 0.1, 0)), "Threshold x1"),
        (Toy(lambda _, x: torch.where(x > 0, x, 0.0)), "Where x1"),
        (Toy(lambda _, x: Twice.apply(x)), "Twice x1"),
        (Toy(lambda _, x: Relu.apply(x)), "Relu x1"),
        (nn.Identity(), "none"),
    ],
)
def test_a_network_without_relu_is_refused_and_its_nonlinearities_named(module: nn.Module, named: str) -> None:
    network = Network(nn.Sequential(nn.Conv2d(3, 2, 3), module, nn.Flatten(), nn.Linear(32, 3)))
    with pytest.raises(NotApplicable, match=f"at least one ReLU and found none .* seen: {named}"):
        GuidedBackprop()(network, torch.rand(2, 3, 6, 6))


def test_a_mixed_network_counts_the_guided_and_names_the_unguided() -> None:
    layers = nn.Conv2d(3, 2, 3), nn.ReLU(), nn.SiLU(), Toy(lambda _, x: Twice.apply(x)), nn.ReLU6(), nn.SiLU()
    network = Network(nn.Sequential(*layers, nn.Flatten(), nn.Linear(32, 3)))
    details = GuidedBackprop()(network, torch.rand(2, 3, 6, 6)).details
    assert details == {"guided": 2, "unguided": {"Silu": 2, "Twice": 1}}


def test_a_write_into_a_view_that_is_no_relu_is_named() -> None:
    def run(m: Any, x: Tensor) -> Tensor:
        h = m.conv(x)
        h[:, 0].sigmoid_()
        return m.head(h.relu().flatten(1))  # type: ignore[no-any-return]

    network = Network(Toy(run, conv=nn.Conv2d(3, 2, 3), head=nn.Linear(32, 3)))
    assert GuidedBackprop()(network, torch.rand(1, 3, 6, 6)).details == {"guided": 1, "unguided": {"CopySlices": 1}}


@pytest.mark.parametrize(
    ("add", "rows"),
    [
        (0.0, [[0, 1, 1, 1], [1, 3, 3, 2], [1, 3, 3, 2], [1, 2, 2, 1]]),
        (1.0, [[1, 2, 2, 1], [2, 4, 4, 2], [2, 4, 4, 2], [1, 2, 2, 1]]),
    ],
)
def test_captums_published_values(add: float, rows: list[list[int]]) -> None:
    """Source: captum tests/attr/test_guided_backprop.py."""
    maps = GuidedBackprop()(captum_toy(), captum_pixels(add), target=0).maps / 16
    torch.testing.assert_close(maps[0, 0], torch.tensor(rows).float())


def test_xpliques_guided_mechanism() -> None:
    """-(relu(x)^2) at x = 5, 0, -5, 10: plain -10, 0, 0, -20; guided all 0, since what comes back is negative."""

    def run(_: Any, x: Tensor) -> Tensor:
        score = -(x.relu() ** 2).sum(dim=(1, 2, 3))
        return torch.stack([score, torch.zeros_like(score)], dim=1)

    network = Network(Toy(run), mean=(0.5,), std=(0.05,))
    pixels = torch.tensor([0.75, 0.5, 0.25, 1.0]).view(1, 1, 2, 2)
    plain, guided = (method(network, pixels, target=0).maps * 0.05 for method in (Saliency(), GuidedBackprop()))
    torch.testing.assert_close(plain.flatten(), torch.tensor([-10.0, 0, 0, -20]))
    assert guided.flatten().tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize(("spelling", "agrees"), [("nn.ReLU", True), ("F.relu", False)])
def test_where_captum_agrees_and_where_it_silently_returns_the_plain_gradient(spelling: str, agrees: bool) -> None:
    """Why this exists: captum 0.9.0 overrides modules, so a functional ReLU is not guided and nothing is said."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from captum.attr import GuidedBackprop as Captum

        pixels = torch.rand(2, 3, 6, 6, generator=torch.Generator().manual_seed(0))
        network = Network(module_for(chain, SPELLINGS[spelling]))
        theirs = Captum(network.module).attribute(pixels.clone().requires_grad_(), target=1).detach()
    ours, plain = GuidedBackprop()(network, pixels, target=1).maps, Saliency()(network, pixels, target=1).maps
    torch.testing.assert_close(theirs, ours if agrees else plain)
    assert torch.allclose(theirs, ours) is agrees


def test_two_calls_give_the_same_maps() -> None:
    """The hooks die with the graph; nothing accumulates."""
    network = Network(module_for(residual, SPELLINGS["nn.ReLU in-place"]), mean=MEAN, std=STD)
    pixels = torch.rand(2, 3, 6, 6)
    first, second = (GuidedBackprop()(network, pixels, target=0).maps for _ in range(2))
    assert torch.equal(first, second)


def test_bfloat16_guides_the_same_relus() -> None:
    network = Network(module_for(residual, SPELLINGS["F.relu in-place"]), mean=MEAN, std=STD)
    pixels = torch.rand(2, 3, 6, 6, generator=torch.Generator().manual_seed(0))
    exact, cheap = (GuidedBackprop(precision=p)(network, pixels, target=1) for p in ("float32", "bfloat16"))
    assert exact.details == cheap.details == {"guided": 3, "unguided": {}}
    assert not torch.equal(exact.maps, cheap.maps)
    assert rank_correlation(cheap.maps, exact.maps).min() > 0.95
