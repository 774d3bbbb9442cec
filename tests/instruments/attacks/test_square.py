"""Square as seen by its victim: what it is shown, how often, and that the best of it is what comes back."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from snellen._errors import NetworkError, UsageError
from snellen.instruments.attacks._norms import L2, Linf, Norm
from snellen.instruments.attacks.square import Square, _pyramid, _pyramids

PIXELS = (torch.rand(3, 3, 9, 9, generator=torch.Generator().manual_seed(1)) * 255).round() / 255
PIXELS[0, :, :4] = 0.0
LABELS = torch.tensor([0, 0, 0])
NORMS = pytest.mark.parametrize("norm", [Linf(8 / 255), L2(0.7)], ids=["linf", "l2"])


class Witness:
    """A function of two classes that keeps what it is shown; class 0 wins by ``lead`` and what the pixels give."""

    def __init__(self, lead: float) -> None:
        self.lead, self.shown = lead, []
        self.weight = torch.randn(3, 9, 9, generator=torch.Generator().manual_seed(4))

    def margins(self, pixels: Tensor) -> Tensor:
        return ((pixels - 0.5) * self.weight).sum(dim=(1, 2, 3)) + self.lead

    def __call__(self, pixels: Tensor) -> Tensor:
        assert not pixels.requires_grad
        self.shown.append(pixels.clone())
        return torch.stack([self.margins(pixels), torch.zeros(len(pixels))], dim=1)


@NORMS
def test_every_picture_shown_is_one_of_8_bits_within_the_budget(norm: Norm) -> None:
    witness = Witness(lead=1e3)
    found = Square(norm, queries=120)(witness, PIXELS[:1], LABELS[:1])
    assert not found.success.any()
    assert torch.equal(found.images, PIXELS[:1])
    assert found.details["queries"] == len(torch.cat(witness.shown)) <= 123, "with the original, and with the judge"
    shown = torch.cat(witness.shown[1:121])
    torch.testing.assert_close((shown * 255).round() / 255, shown, rtol=0, atol=1e-7)
    sizes = norm.size(shown - PIXELS[:1])
    assert (sizes <= norm.eps + 1e-7).all()
    assert (sizes >= 0.7 * norm.eps).all(), "the budget is used"
    assert len(shown.flatten(1).unique(dim=0)) > 60


@NORMS
def test_the_best_picture_shown_is_the_one_that_is_judged(norm: Norm) -> None:
    witness = Witness(lead=1e3)
    Square(norm, queries=150)(witness, PIXELS[1:2], LABELS[:1])
    tried, judged = torch.cat(witness.shown[1:-1]), witness.shown[-1]
    margins = witness.margins(tried)
    assert float(witness.margins(judged)[0]) == pytest.approx(float(margins.min()), abs=1e-4)
    assert float(margins.min()) < float(margins[0]) - 1, "the search went down"


@NORMS
def test_reaches_most_of_what_a_linear_function_allows(norm: Norm) -> None:
    """The best change within the box, in closed form for Linf; above the exact bound for L2."""
    witness = Witness(lead=1e3)
    Square(norm, queries=500)(witness, PIXELS[2:3], LABELS[:1])
    gained = float(witness.margins(PIXELS[2:3])[0] - witness.margins(witness.shown[-1])[0])
    if isinstance(norm, Linf):
        best = torch.minimum(torch.where(witness.weight > 0, PIXELS[2], 1 - PIXELS[2]), torch.tensor(norm.radius))
        most = float((best * witness.weight.abs()).sum())
    else:
        most = norm.eps * float(torch.linalg.vector_norm(witness.weight))
    assert 0.35 * most < gained < most + 1e-3


def test_it_stops_asking_where_an_image_has_fallen() -> None:
    witness = Witness(lead=0.0)
    witness.lead = 1 - float(witness.margins(PIXELS[:1])[0])
    labels = torch.zeros(2, dtype=torch.long)
    pixels = torch.cat([PIXELS[:1], PIXELS[:1].flip(3)])
    found = Square(Linf(0.2), queries=100)(witness, pixels, labels)
    assert found.success[0]
    assert found.details["queries"] < 100 + 6 if not found.already[1] else 60


def paper_pyramid(height: int, width: int) -> Tensor:
    """Equation 3 of the paper, element by element (rows and columns from 1), then made of length 1."""
    n = max(height // 2, width // 2)
    bump = torch.zeros(height, width)
    for r in range(1, height + 1):
        for s in range(1, width + 1):
            reach = n - max(abs(r - height // 2 - 1), abs(s - width // 2 - 1))
            bump[r - 1, s - 1] = sum(1 / (n + 1 - k) ** 2 for k in range(reach + 1))
    return bump / bump.norm()


@pytest.mark.parametrize(("height", "width"), [(1, 3), (2, 3), (2, 5), (3, 5), (7, 15), (4, 4), (1, 1)])
def test_the_pyramid_is_that_of_the_paper(height: int, width: int) -> None:
    torch.testing.assert_close(_pyramid(height, width), paper_pyramid(height, width))


def test_pyramids_have_two_signs_and_lie_either_way() -> None:
    up, beside = _pyramids(5, torch.tensor([0.1, 0.9]))[:, 0]
    assert torch.equal(up, beside.T)
    assert (up[:2] > 0).all()
    assert (up[2:] < 0).all()
    assert float(up.square().sum()) == pytest.approx(1)


def test_the_sizes_are_the_papers_scaled_to_the_queries() -> None:
    """p = 0.8, halved after 10, 50, 200, 500, 1000, 2000, 4000, 6000 and 8000 of 10,000 queries."""
    whole, part = Square(Linf(0.1), queries=10_000), Square(Linf(0.1), queries=1000)
    for query, halvings in [(1, 0), (10, 0), (11, 1), (51, 2), (201, 3), (501, 4), (1001, 5), (4001, 7), (9999, 9)]:
        side = max(1, round((0.8 / 2**halvings * 224 * 224) ** 0.5))
        assert whole._side(query, 224, 224) == side
        if query % 10 == 1 and query > 1:
            assert part._side(query // 10 + 1, 224, 224) == side
    assert Square(L2(1.0))._side(4999, 32, 32) == 3
    assert Square(L2(1.0))._side(1, 6, 6) == 5


@NORMS
@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 2, 2), (3, 3, 7), (2, 6, 4)])
def test_small_and_oblong_images(norm: Norm, shape: tuple[int, ...]) -> None:
    dark: Callable[[Tensor], Tensor] = lambda x: torch.stack([x.mean(dim=(1, 2, 3)), 0 * x[:, 0, 0, 0]], dim=1)  # noqa: E731
    pixels = torch.full((2, *shape), 1 / 255)
    found = Square(norm, queries=60)(dark, pixels, torch.zeros(2, dtype=torch.long))
    assert not found.success.any(), "no picture is darker than black"
    bright: Callable[[Tensor], Tensor] = lambda x: dark(1 - x)  # noqa: E731
    found = Square(type(norm)(1.0), queries=1)(bright, torch.full((2, *shape), 1.0), torch.zeros(2, dtype=torch.long))
    assert found.success.tolist() == found.already.tolist() == [False, False]


def test_a_victim_that_returns_no_scores_is_named() -> None:
    with pytest.raises(NetworkError, match=r"the victim must return outputs of shape \(1, k\), got \(1, 3, 9, 9\)"):
        Square(Linf(0.1), queries=3)(lambda x: x, PIXELS[:1], LABELS[:1])


@pytest.mark.parametrize(
    ("settings", "message"), [({"queries": 0}, "at least 1, got 0"), ({"share": 0.0}, r"in \(0, 1\], got 0.0")]
)
def test_wrong_settings(settings: dict[str, float], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Square(Linf(0.1), **settings)  # type: ignore[arg-type]
