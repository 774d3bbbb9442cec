"""Slopes over all pixels of one image, against closed forms and a loop over the samples."""

import pytest
import torch
from torch import Tensor, nn

from snellen._errors import UsageError
from snellen.instruments.losses.gradient_penalty import gradient_norms, gradient_penalty, zero_centred_penalty

SHAPE = (3, 4, 5)


def linear() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(60, 1))


def curved() -> nn.Module:
    torch.manual_seed(1)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.Softplus(), nn.Flatten(), nn.Linear(24, 1))


def draw(count: int = 6) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(2)
    return (
        torch.rand(count, *SHAPE, generator=generator),
        torch.rand(count, *SHAPE, generator=generator),
        torch.rand(count, generator=generator),
    )


def test_a_linear_critic_is_as_steep_as_its_weight_is_long() -> None:
    critic, (x, y, mix) = linear(), draw()
    weight = critic[1].weight
    length = weight.detach().norm()
    torch.testing.assert_close(gradient_norms(critic, x), length.expand(6))
    penalty = gradient_penalty(critic, x, y, mix)
    torch.testing.assert_close(penalty, (length - 1) ** 2)
    torch.testing.assert_close(zero_centred_penalty(critic, x), length**2 / 2)
    penalty.backward()
    torch.testing.assert_close(weight.grad, 2 * (length - 1) * weight.detach() / length)


def test_the_norm_is_over_all_values_of_an_image_and_not_over_its_channels() -> None:
    critic, (x, y, mix) = linear(), draw()
    per_pixel = critic[1].weight.detach().view(SHAPE).norm(dim=0)  # what norm(2, dim=1) of (n, c, h, w) takes
    wrong = (per_pixel - 1).square().mean()
    right = gradient_penalty(critic, x, y, mix)
    assert abs(wrong.item() - right.item()) > 0.1


def test_a_curved_critic_agrees_with_a_loop_and_with_finite_differences() -> None:
    critic, (x, y, mix) = curved().double(), draw()
    x, y, mix = x.double(), y.double(), mix.double()
    expected = []
    for one, other, part in zip(x, y, mix, strict=True):
        place = (part * one + (1 - part) * other)[None].requires_grad_(True)
        critic(place).backward()
        assert place.grad is not None
        expected.append((place.grad.norm() - 1) ** 2)
    found = gradient_penalty(critic, x, y, mix)
    torch.testing.assert_close(found, torch.stack(expected).mean())

    weight = critic[0].weight
    critic.zero_grad()
    found.backward()
    assert weight.grad is not None
    slope, step = weight.grad[0, 0, 0, 0].item(), 1e-6
    values = []
    for sign in (1, -1):
        with torch.no_grad():
            weight[0, 0, 0, 0] += sign * step
        values.append(gradient_penalty(critic, x, y, mix).item())
        with torch.no_grad():
            weight[0, 0, 0, 0] -= sign * step
    assert slope == pytest.approx((values[0] - values[1]) / (2 * step), rel=1e-4)


def test_where_a_critic_is_flat_its_penalty_has_a_gradient_that_is_a_number() -> None:
    scale = torch.zeros((), requires_grad=True)
    x, y, mix = draw()
    penalty = gradient_penalty(lambda images: scale * images.flatten(1).sum(1), x, y, mix)
    assert penalty.item() == 1
    penalty.backward()
    assert scale.grad is not None
    assert scale.grad.item() == 0


def test_the_samples_are_left_as_they_were() -> None:
    x, y, mix = draw()
    x.requires_grad_(True)
    gradient_penalty(linear(), x, y, mix).backward()
    assert x.grad is None
    with torch.no_grad():
        assert gradient_norms(linear(), x).shape == (6,)


def test_what_cannot_be_measured_is_refused() -> None:
    x, y, mix = draw()
    with pytest.raises(UsageError, match=r"one score a sample; for 6 samples it gave \(6, 1, 2, 3\)"):
        gradient_norms(nn.Conv2d(3, 1, 3), x)
    with pytest.raises(UsageError, match="do not depend on its samples"):
        gradient_norms(lambda images: images.detach().flatten(1).sum(1), x)
    with pytest.raises(UsageError, match=r"one shape and one mixing number a pair, got \(6, 3, 4, 5\), \(5, 3, 4, 5\)"):
        gradient_penalty(linear(), x, y[:5], mix)
