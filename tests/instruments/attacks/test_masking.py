"""Networks that hide their slope are flagged, each by its sign; a trained and a robust one are not."""

import math
from functools import cache

import pytest
import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.nn import functional as F

from snellen._errors import UsageError
from snellen.instruments.attacks._masking import Masking, _comparisons, _more, gradient_masking
from snellen.instruments.attacks._norms import L2, Linf
from snellen.subject.network import Network
from toys import Toy
from untouched import untouched

EPS = 20 / 255


@cache
def digits() -> tuple[Tensor, Tensor]:
    found = load_digits()
    return torch.tensor(found.images, dtype=torch.float32)[:, None] / 16, torch.tensor(found.target)


@cache
def trained(*, robust: bool) -> nn.Module:
    """A few hundred steps on the digits; the robust one on images that one random step has made harder."""
    pixels, labels = digits()
    torch.manual_seed(0)
    module = nn.Sequential(nn.Flatten(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
    optimizer = torch.optim.Adam(module.parameters(), lr=5e-3)
    for _ in range(250):
        rows = torch.randint(0, 1500, (128,))
        x, y = pixels[rows], labels[rows]
        if robust:
            noise = (2 * torch.rand_like(x) - 1).mul(EPS).requires_grad_()
            (slope,) = torch.autograd.grad(F.cross_entropy(module(x + noise), y), noise)
            x = (x + (noise + 1.25 * EPS * slope.sign()).clamp(-EPS, EPS).detach()).clamp(0, 1)
        optimizer.zero_grad()
        F.cross_entropy(module(x), y).backward()
        optimizer.step()
    return module.eval()


def measured(module: nn.Module, *, count: int = 24, queries: int = 40) -> Masking:
    pixels, labels = digits()
    last = slice(1500, 1500 + count)
    preprocessed = Network(module)
    with untouched(module):
        return gradient_masking(preprocessed, pixels[last], labels[last], norm=Linf(EPS), steps=8, queries=queries)


@cache
def honest(*, robust: bool) -> Masking:
    return measured(trained(robust=robust))


@pytest.mark.parametrize("robust", [False, True], ids=["ordinary", "robust"])
def test_a_network_with_an_honest_slope_is_not_flagged(robust: bool) -> None:
    found = honest(robust=robust)
    assert found.evidence == ()
    assert not found.masked
    assert found.ratio == 1
    assert found.success["unbounded"] == 1
    assert found.success["scores"] >= found.success["square"] > found.success["noise"]
    shares = [share for _, share in found.by_eps]
    assert shares == sorted(shares)
    assert found.flat == {"scores": 0, "output": 0, "cross_entropy": 0}
    if robust:
        assert found.success["scores"] < 0.6 * honest(robust=False).success["scores"]


def decided(module: nn.Module, x: Tensor) -> Tensor:
    """The scores, less the middle of the two highest: one above 0, all others below, as of ten yes-or-no outputs."""
    scores = module(x)
    return scores - scores.topk(2, dim=1).values.mean(dim=1, keepdim=True)


def test_rounded_input_and_saturated_outputs_are_flagged() -> None:
    inner = trained(robust=False)
    hiding = Toy(lambda m, x: torch.tanh(30 * decided(m.inner, (4 * x).round() / 4)), inner=inner)
    found = measured(hiding, queries=200)
    assert found.masked
    assert found.differentiable
    assert found.activation == "tanh"
    assert found.flat["scores"] == 1
    assert found.slopes["scores"] == (0.0,) * 7
    assert found.success["unbounded"] < 1
    assert found.success["square"] > found.success["scores"]
    said = " ".join(found.evidence)
    assert "the slope of the scores is exactly 0 for 100% of the images" in said
    assert "with no budget at all" in said


def test_saturated_outputs_alone_are_flagged_by_the_ratio() -> None:
    """tanh(30 z): the attack through the scores does what it does without the tanh, the one through the output not."""
    inner = trained(robust=False)
    found = measured(Toy(lambda m, x: torch.tanh(30 * decided(m.inner, x)), inner=inner))
    plain = honest(robust=False)
    assert found.saturated > 0.9
    assert found.flat["scores"] == 0
    assert found.flat["output"] > 0.5
    assert found.success["scores"] == pytest.approx(plain.success["scores"], abs=0.05)
    assert found.ratio < 0.7
    assert any(sentence.startswith("through the tanh APGD breaks") for sentence in found.evidence)
    assert any(sentence.startswith("the slope of the output is exactly 0") for sentence in found.evidence)


def test_large_scores_are_flagged_by_the_flat_cross_entropy() -> None:
    found = measured(Toy(lambda m, x: 100 * m.inner(x), inner=trained(robust=False)))
    assert found.success["scores"] == honest(robust=False).success["scores"], "DLR has no scale"
    assert found.flat["scores"] == 0
    assert found.flat["cross_entropy"] > 0.5
    assert len(found.evidence) == 1
    assert "cross-entropy" in found.evidence[0]


def test_no_slope_at_all_is_masked_by_construction() -> None:
    found = measured(Toy(lambda m, x: m.inner(x.detach()), inner=trained(robust=False)))
    assert found.masked
    assert not found.differentiable
    assert set(found.success) == {"noise", "square"}
    assert found.by_eps == ()
    assert math.isnan(found.ratio)
    assert "there is no slope" in found.evidence[0]


def test_lengths_of_slopes_are_those_of_a_linear_network() -> None:
    """The margin's slope is the difference of two rows of weights; in L2 the whole box is sqrt(12) wide."""
    torch.manual_seed(0)
    module = nn.Sequential(nn.Flatten(), nn.Linear(12, 2))
    network, pixels = Network(module), torch.rand(9, 3, 2, 2)
    labels = network.logits(pixels).argmax(dim=1).detach()
    found = gradient_masking(network, pixels, labels, norm=L2(0.2), steps=5, queries=10)
    length = float(torch.linalg.vector_norm((module[1].weight[0] - module[1].weight[1]).detach()))
    assert found.slopes["scores"] == pytest.approx((length,) * 7)
    assert found.success["unbounded"] == 1
    assert [eps for eps, _ in found.by_eps] == pytest.approx([0.05, 0.1, 0.2, 0.4])


def test_what_counts_as_more() -> None:
    """Two standard errors of a fair coin over the images that only one of the two breaks."""
    flags = torch.zeros(30, dtype=torch.bool)
    assert not _more(flags.index_fill(0, torch.arange(4), True), flags), "4 of 4: exactly two standard errors"
    assert _more(flags.index_fill(0, torch.arange(5), True), flags)
    both = flags.index_fill(0, torch.arange(20), True)
    assert not _more(both, both)
    assert not _more(flags, both)


def test_images_that_are_all_wrong_are_refused() -> None:
    pixels, labels = digits()
    network = Network(trained(robust=False))
    wrong = (network.logits(pixels[:3]).argmax(dim=1) + 1) % 10
    with pytest.raises(UsageError, match="classified right, and here none is"):
        gradient_masking(network, pixels[:3], wrong)
    assert len(labels) == 1797


def test_one_image_that_fab_misses_is_no_sign_and_many_are() -> None:
    """Seen on a network that was trained against an adversary: 96 of 97 broken without a budget."""
    broken = torch.ones(97, dtype=torch.bool)
    runs = {"noise": ~broken, "square": ~broken, "scores": broken, "output": broken}
    one, many = broken.clone(), broken.clone()
    one[0], many[:6] = False, False
    assert not _comparisons({**runs, "unbounded": one}, "")
    (sign,) = _comparisons({**runs, "unbounded": many}, "")
    assert "with no budget at all FAB breaks 93.8%" in sign
