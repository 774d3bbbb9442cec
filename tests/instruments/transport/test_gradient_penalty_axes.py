"""Gradient penalties, right and wrong: each way to take the norm is told from the others."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from snellen._errors import NotApplicable, UsageError
from snellen.instruments.losses.gradient_penalty import gradient_penalty, zero_centred_penalty
from snellen.instruments.transport.gradient_penalty_axes import gradient_penalty_axes


def penalty(norm: Callable[[Tensor], Tensor], rule: Callable[[Tensor], Tensor]) -> Callable[..., Tensor]:
    def computed(critic: nn.Module, real: Tensor, fake: Tensor) -> Tensor:
        part = torch.rand(len(real), 1, 1, 1)
        mixed = (part * real + (1 - part) * fake).requires_grad_(True)
        scores = critic(mixed)
        (gradients,) = torch.autograd.grad(scores, mixed, torch.ones_like(scores), create_graph=True)
        return rule(norm(gradients))

    return computed


def two_sided(norm: Tensor) -> Tensor:
    return 10 * ((norm - 1) ** 2).mean()


@pytest.mark.parametrize(
    ("norm", "axes"),
    [
        (lambda g: g.flatten(1).norm(2, dim=1), (1, 2, 3)),
        (lambda g: (g.view(len(g), -1) ** 2).sum(1).sqrt(), (1, 2, 3)),
        (lambda g: g.norm(2, dim=1), (1,)),
        (lambda g: g.norm(2, dim=(2, 3)), (2, 3)),
        (lambda g: g.norm(2, dim=-1), (3,)),
        (lambda g: g.norm(2, dim=2), (2,)),
        (lambda g: g.abs(), ()),
        (lambda g: g.norm(2), (0, 1, 2, 3)),
    ],
)
def test_the_axes_are_found(norm: Callable[[Tensor], Tensor], axes: tuple[int, ...]) -> None:
    found = gradient_penalty_axes(penalty(norm, two_sided))
    assert found.axes == axes
    assert found.right == (axes == (1, 2, 3))
    assert found.form.startswith("two-sided")
    assert found.factor == pytest.approx(10, rel=1e-4)
    assert bool(found.remedy) != found.right


@pytest.mark.parametrize(
    ("rule", "form", "factor"),
    [
        (lambda n: (n - 1).clamp_min(0).square().mean(), "one-sided", 1),
        (lambda n: n.square().mean() / 2, "zero-centred", 0.5),
        (lambda n: ((n - 1) ** 2).sum(), "two-sided", 6),
    ],
    ids=["one-sided", "zero-centred", "summed"],
)
def test_the_form_and_the_factor_are_found(rule: Callable[[Tensor], Tensor], form: str, factor: float) -> None:
    found = gradient_penalty_axes(penalty(lambda g: g.flatten(1).norm(2, dim=1), rule))
    assert found.right
    assert found.form.startswith(form)
    assert found.factor == pytest.approx(factor, rel=1e-4)


def test_our_own_are_right() -> None:
    def ours(critic: nn.Module, real: Tensor, fake: Tensor) -> Tensor:
        return 10 * gradient_penalty(critic, real, fake, torch.rand(len(real)))

    assert gradient_penalty_axes(ours).right
    zero = gradient_penalty_axes(lambda critic, real, _: zero_centred_penalty(critic, real))
    assert (zero.right, zero.form, zero.factor) == (True, "zero-centred, norm^2", pytest.approx(0.5, rel=1e-4))


def test_the_line_is_named() -> None:
    def wrong(critic: nn.Module, real: Tensor, _fake: Tensor) -> Tensor:
        mixed = real.requires_grad_(True)
        (gradients,) = torch.autograd.grad(critic(mixed).sum(), mixed, create_graph=True)
        return ((gradients.norm(2, dim=1) - 1) ** 2).mean()

    found = gradient_penalty_axes(wrong)
    number = wrong.__code__.co_firstlineno + 3
    assert found.line == f"line {number}: return ((gradients.norm(2, dim=1) - 1) ** 2).mean()"
    assert "one norm a pixel" in found.sentence
    assert found.remedy.startswith("gradients.flatten(1).norm(2, dim=1)")


def test_no_generator_is_moved() -> None:
    before = torch.get_rng_state()
    gradient_penalty_axes(penalty(lambda g: g.norm(2, dim=1), two_sided))
    assert torch.equal(before, torch.get_rng_state())


def test_what_is_refused() -> None:
    with pytest.raises(NotApplicable, match="no squared Euclidean norm"):
        gradient_penalty_axes(penalty(lambda g: g.flatten(1).norm(1, dim=1), two_sided))
    with pytest.raises(NotApplicable, match="no squared Euclidean norm"):
        gradient_penalty_axes(lambda *_: torch.tensor(0.0))
    with pytest.raises(UsageError, match="the penalty raised ValueError: no"):
        gradient_penalty_axes(raising)
    with pytest.raises(UsageError, match="one finite number, got"):
        gradient_penalty_axes(lambda critic, real, _: critic(real)[:, 0])


def raising(*_: object) -> Tensor:
    raise ValueError("no")
