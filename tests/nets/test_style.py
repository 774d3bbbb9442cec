"""A style asks for mean and spread, and the maps have them."""

import torch
from torch.nn import functional as F

from snellen.nets.style import Mapping, StyledNorm


def test_the_maps_have_the_mean_and_the_spread_that_the_style_asks_for() -> None:
    torch.manual_seed(0)
    norm, maps, style = StyledNorm(4, style=8), torch.rand(3, 4, 6, 6) * 5 + 2, torch.randn(3, 8)
    asked = style @ norm.linear.weight.T + norm.linear.bias
    found = norm(maps, style)
    torch.testing.assert_close(found.mean(dim=(2, 3)), asked[:, :4], atol=1e-5, rtol=1e-5)
    spread = found.var(dim=(2, 3), unbiased=False).sqrt()
    torch.testing.assert_close(spread, (1 + asked[:, 4:]).abs(), atol=1e-4, rtol=1e-4)
    plain = norm(maps, torch.zeros(3, 8))
    torch.testing.assert_close(plain, F.instance_norm(maps))


def test_a_longer_latent_vector_has_the_same_style() -> None:
    torch.manual_seed(0)
    mapping, latent = Mapping(16, 8), torch.randn(5, 16)
    torch.testing.assert_close(mapping(3 * latent), mapping(latent))
    assert not torch.allclose(mapping(latent)[0], mapping(latent)[1])
    assert [tuple(layer.weight.shape) for layer in mapping.layers] == [(8, 16), (8, 8), (8, 8)]


def test_styles_and_what_they_ask_for_begin_as_different_as_latent_vectors() -> None:
    """Their variance is near 1, and not the few hundredths that the usual first weights leave of it."""
    torch.manual_seed(0)
    mapping, norm, latent = Mapping(64, 64), StyledNorm(16, style=64), torch.randn(500, 64)
    asked = norm.linear(mapping(latent))
    assert 0.5 < asked.var(dim=0).mean().item() < 2
