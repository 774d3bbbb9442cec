"""Sizes that are reached and sizes that are not, classes, styles, and images that do not depend on their batch."""

import re
from pathlib import Path

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from snellen._errors import UsageError
from snellen.nets.generator import SIDES, Generator, widths_of
from snellen.nets.upsampling import UPSAMPLINGS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "methods" / "train-gan.md"


@pytest.mark.parametrize("side", SIDES)
def test_every_size_of_the_list_is_reached(side: int) -> None:
    made = Generator(side=side, width=1, channels=3, latent=4)(torch.randn(2, 4))
    assert made.shape == (2, 3, side, side)
    assert made.abs().max() < 1


@pytest.mark.parametrize("side", [4, 12, 28, 48, 256])
def test_other_sizes_are_refused_with_the_list(side: int) -> None:
    with pytest.raises(UsageError, match=f"cannot reach {side} x {side} pixels; it reaches 8, 16, 32, 64, 128"):
        Generator(side=side)


@pytest.mark.parametrize("upsample", UPSAMPLINGS)
@pytest.mark.parametrize("style", [0, 8])
def test_images_do_not_depend_on_those_made_with_them(upsample: str, style: int) -> None:
    torch.manual_seed(0)
    module = Generator(side=16, width=2, latent=8, upsample=upsample, style=style).eval()
    latent = torch.randn(4, 8)
    whole = module(latent)
    torch.testing.assert_close(whole, torch.cat([module(one[None]) for one in latent]))
    assert (whole[0] - whole[1]).abs().max() > 1e-3, "and on their latent vector they do"


def test_a_class_is_another_image_of_the_same_vector() -> None:
    torch.manual_seed(0)
    for style in (0, 8):
        module = Generator(side=8, width=2, latent=8, classes=3, style=style).eval()
        latent = torch.randn(1, 8).expand(3, -1)
        made = module(latent, torch.tensor([0, 1, 1]))
        assert not torch.allclose(made[0], made[1])
        assert torch.equal(made[1], made[2])
        with pytest.raises(UsageError, match="knows 3 classes, and classes were not given"):
            module(latent)
    with pytest.raises(UsageError, match="knows no classes, and classes were given"):
        Generator(side=8)(torch.randn(1, 64), torch.tensor([0]))


def test_with_a_style_the_vector_comes_in_by_the_norms_alone() -> None:
    torch.manual_seed(0)
    module = Generator(side=16, width=2, latent=8, style=8).eval()
    for stage in module.stages:
        torch.nn.init.zeros_(stage.norm.linear.weight)  # every style now asks for mean 0 and spread 1
    made = module(torch.randn(3, 8))
    assert torch.equal(made[0], made[1])


def test_the_layers_are_told_with_their_sizes() -> None:
    rows = Generator(side=32, width=16, upsample="transposed").layers()
    assert rows[-1] == ("16 x 16 to 32 x 32", "ConvTranspose2d(32 to 16, kernel 4, stride 2, padding 1)")
    assert len(rows) == 3
    assert widths_of(128, 2) == (16, 16, 16, 8, 4, 2)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"channels": 2}, r"1 channel \(grey\) or 3 \(colours\), got channels=2"),
        ({"classes": 1}, "no classes or at least 2"),
        ({"latent": 0}, "latent=0"),
        ({"upsample": "cubic"}, "no upsampling named 'cubic'"),
    ],
)
def test_what_cannot_be_built_is_refused(wrong: dict[str, object], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        Generator(**wrong)  # type: ignore[arg-type]


def test_the_page_tells_the_arithmetic_and_the_size() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for name in UPSAMPLINGS:
        module = Generator(upsample=name).eval()
        with FlopCounterMode(display=False) as counted, torch.no_grad():
            module(torch.zeros(1, 64))
        assert re.search(
            rf"^\| `{name}` \| .* \| {counted.get_total_flops() / 2e6:.1f} million \|$", text, re.MULTILINE
        )
    large = Generator(latent=128, width=32, channels=3)
    assert f"A generator of {sum(p.numel() for p in large.parameters()):,} parameters" in text
