"""The identities of adaptive instance normalisation."""

import pytest
import torch
from torch import nn

from snellen._errors import UsageError
from snellen.nets.adain import AdaIN, adapt, statistics

GENERATOR = torch.Generator().manual_seed(0)
CONTENT = 2 + 3 * torch.randn(4, 5, 6, 7, generator=GENERATOR)
STYLE = -1 + 0.3 * torch.randn(4, 5, 9, 3, generator=GENERATOR)


def test_of_a_thing_with_itself_is_the_thing() -> None:
    assert torch.allclose(AdaIN()(CONTENT, CONTENT), CONTENT, atol=1e-5)


def test_the_result_has_the_style_of_the_style() -> None:
    out = AdaIN()(CONTENT, STYLE).double()
    assert torch.allclose(out.mean((2, 3)), STYLE.double().mean((2, 3)), atol=1e-5)
    assert torch.allclose(out.std((2, 3), unbiased=False), STYLE.double().std((2, 3), unbiased=False), rtol=1e-3)


def test_it_is_instance_normalisation_scaled_and_shifted() -> None:
    mean, std = statistics(STYLE)
    expected = nn.InstanceNorm2d(5)(CONTENT) * std[:, :, None, None] + mean[:, :, None, None]
    assert torch.allclose(AdaIN()(CONTENT, STYLE), expected, atol=1e-5)
    assert torch.allclose(adapt(CONTENT, mean=mean, std=std), expected, atol=1e-5)


def test_the_scale_of_the_content_does_not_matter() -> None:
    assert torch.allclose(AdaIN()(CONTENT * 5 - 3, STYLE), AdaIN()(CONTENT, STYLE), atol=1e-4)


def test_every_sample_by_itself_and_training_as_evaluation() -> None:
    layer = AdaIN()
    whole = layer(CONTENT, STYLE)
    one_by_one = torch.cat([layer(c[None], s[None]) for c, s in zip(CONTENT, STYLE, strict=True)])
    assert torch.allclose(whole, one_by_one, atol=1e-6)
    assert torch.equal(layer.eval()(CONTENT, STYLE), whole)
    assert not list(layer.parameters())
    assert not list(layer.buffers())


def test_gradients_reach_both() -> None:
    content, style = CONTENT[:1, :2, :3, :3].double().requires_grad_(), STYLE[:1, :2, :3].double().requires_grad_()
    assert torch.autograd.gradcheck(AdaIN(), (content, style))


@pytest.mark.parametrize(
    ("content", "style", "words"),
    [
        ((2, 3, 4, 4), (2, 4, 4, 4), "agree in samples and channels"),
        ((2, 3, 4, 4), (1, 3, 4, 4), "agree in samples and channels"),
        ((2, 3, 1, 1), (2, 3, 4, 4), "at least two positions"),
        ((2, 3, 4, 4), (2, 3, 1, 1), "at least two positions"),
    ],
)
def test_what_does_not_fit(content: tuple[int, ...], style: tuple[int, ...], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        AdaIN()(torch.zeros(content), torch.zeros(style))
