"""Airbench against a count by hand, the definition of whitening, and the identity its convolutions begin as."""

import pytest
import torch
from torch.nn import functional as F

from snellen._errors import ImagesError, UsageError
from snellen.nets.airbench import BIAS, Airbench


def test_parameters_by_hand() -> None:
    pairs = [(24, 64), (64, 64), (64, 256), (256, 256), (256, 256), (256, 256)]
    expected = 24 * 12 + 24 + sum(9 * a * b + b for a, b in pairs) + 256 * 10
    assert sum(p.numel() for p in Airbench().parameters()) == expected == 1_971_640


def test_patches_come_out_uncorrelated_and_of_variance_one() -> None:
    generator = torch.Generator().manual_seed(0)
    smooth = F.avg_pool2d(torch.randn(40, 3, 24, 24, generator=generator), 3, stride=1)
    images = smooth * torch.tensor([20.0, 60.0, 10.0]).view(3, 1, 1)
    net = Airbench(widths=(4, 4, 4))
    net.whiten(images)
    found = net.whitening(images).transpose(0, 1).flatten(1).double()
    assert torch.equal(found[:12], -found[12:])
    seconds = found[:12] @ found[:12].T / found.shape[1]
    assert torch.allclose(seconds, torch.eye(12, dtype=torch.float64), atol=1e-3)


def test_convolutions_begin_as_the_identity() -> None:
    maps = torch.rand(2, 24, 8, 8)
    first = Airbench(widths=(32, 32, 8)).features[1]
    assert torch.equal(first(maps)[:, :24], maps)


def test_sgd_moves_a_shift_by_the_square_of_its_part() -> None:
    torch.manual_seed(0)
    net, images = Airbench(widths=(4, 4, 4)).eval(), torch.rand(3, 3, 16, 16)
    shift = next(m for m in net.modules() if type(m).__name__ == "_Shift")
    seen = []
    handle = shift.register_forward_hook(lambda _m, _i, out: seen.append(out))
    net(images).square().sum().backward(retain_graph=True)
    handle.remove()
    whole = torch.autograd.grad(net(images).square().sum(), shift.bias)[0]
    assert torch.equal(whole, shift.bias.grad)
    moved = -0.1 * shift.bias.grad
    before = shift(torch.zeros(1, 4, 1, 1)).detach()
    with torch.no_grad():
        shift.bias += moved
    change = (shift(torch.zeros(1, 4, 1, 1)) - before).flatten()
    assert torch.allclose(change, BIAS * moved)
    assert BIAS**2 == 64


def test_the_first_layer_is_never_trained() -> None:
    net = Airbench(widths=(4, 4, 4))
    assert [name for name, p in net.named_parameters() if not p.requires_grad] == ["whitening.weight"]


@pytest.mark.parametrize("wrong", [{"widths": (8, 8)}, {"widths": (8, 0, 8)}, {"classes": 0}])
def test_what_is_no_network_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(UsageError, match="Airbench needs three widths"):
        Airbench(**wrong)  # type: ignore[arg-type]


def test_no_patch_is_refused() -> None:
    with pytest.raises(ImagesError, match="at least 2 x 2 pixels"):
        Airbench().whiten(torch.rand(0, 3, 8, 8))
