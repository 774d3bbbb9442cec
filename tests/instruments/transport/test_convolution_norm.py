"""The norm of a convolution against the singular values of its explicit matrix; what spectral_norm does not bound."""

from typing import Any

import pytest
import torch
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from snellen._errors import NotApplicable, UsageError
from snellen.instruments.architecture.as_matrix import as_matrix
from snellen.instruments.transport.convolution_norm import convolution_norm, flattened_norm


def seeded(make: Any, *args: Any, **settings: Any) -> Any:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return make(*args, **settings).double()


def explicit(conv: nn.Module, shape: tuple[int, ...]) -> float:
    """The largest singular value of the matrix that the layer is, column by column."""
    size = torch.Size(shape).numel()
    with torch.no_grad():
        zero = conv(torch.zeros(1, *shape, dtype=torch.float64))
        columns = conv(torch.eye(size, dtype=torch.float64).view(size, *shape)) - zero
    return float(torch.linalg.matrix_norm(columns.flatten(1), 2))


CIRCULAR = [
    (nn.Conv1d(2, 3, 3, padding=1, padding_mode="circular"), (2, 7)),
    (nn.Conv2d(2, 3, 3, padding=1, padding_mode="circular"), (2, 5, 6)),
    (nn.Conv2d(3, 2, 3, padding=2, dilation=2, padding_mode="circular"), (3, 6, 7)),
    (nn.Conv2d(4, 4, (5, 3), padding=(2, 1), groups=2, padding_mode="circular"), (4, 6, 5)),
    (nn.Conv2d(2, 3, 3, stride=2, padding=1, padding_mode="circular"), (2, 6, 8)),
    (nn.Conv2d(2, 3, 3, stride=(3, 2), padding=1, padding_mode="circular"), (2, 6, 8)),
    (nn.Conv2d(2, 2, 3, padding="same", padding_mode="circular"), (2, 4, 4)),
    (nn.Conv3d(1, 2, 3, padding=1, padding_mode="circular"), (1, 3, 4, 3)),
]


@pytest.mark.parametrize(("conv", "shape"), CIRCULAR, ids=lambda x: str(x)[:60])
def test_with_circular_padding_it_is_the_norm_of_the_matrix(conv: Any, shape: tuple[int, ...]) -> None:
    found = convolution_norm(conv.double(), shape)
    assert found.exact
    assert found.bound == pytest.approx(explicit(conv, shape), rel=1e-9)


BOUNDED = [
    (nn.Conv2d(3, 4, 3, padding=1), (3, 7, 6)),
    (nn.Conv2d(3, 4, 3), (3, 5, 6)),
    (nn.Conv2d(3, 4, 3, padding="same", dilation=2), (3, 6, 6)),
    (nn.Conv2d(2, 4, 4, stride=2, padding=1), (2, 8, 8)),
    (nn.Conv2d(2, 4, 4, stride=2, padding=1), (2, 7, 5)),
    (nn.Conv2d(2, 3, 5, padding=4), (2, 2, 3)),
    (nn.Conv2d(2, 3, 2, stride=3, padding=1), (2, 6, 7)),
    (nn.Conv2d(4, 4, 3, padding=1, groups=4), (4, 5, 5)),
    (nn.Conv2d(3, 3, 1), (3, 4, 4)),
    (nn.Conv2d(2, 2, 3, stride=2, padding=1, padding_mode="circular"), (2, 7, 7)),
    (nn.Conv2d(2, 2, 3, padding=0, padding_mode="circular"), (2, 5, 5)),
    (nn.Conv2d(2, 2, 3, padding=3, padding_mode="circular"), (2, 4, 4)),
    (nn.ConvTranspose2d(3, 2, 4, stride=2, padding=1), (3, 4, 5)),
    (nn.ConvTranspose2d(4, 2, 3, stride=2, padding=1, output_padding=1, groups=2), (4, 4, 4)),
    (nn.ConvTranspose1d(3, 2, 3), (3, 6)),
]


@pytest.mark.parametrize(("conv", "shape"), BOUNDED, ids=lambda x: str(x)[:60])
def test_otherwise_it_is_a_bound_and_not_a_loose_one(conv: Any, shape: tuple[int, ...]) -> None:
    found, norm = convolution_norm(conv.double(), shape), explicit(conv, shape)
    assert not found.exact
    assert norm <= found.bound * (1 + 1e-12)
    assert found.bound < 2.1 * norm


def test_the_torus_has_room_for_the_padding() -> None:
    """Differences of 3 numbers between zeros: the norm is sqrt(2 + sqrt 2), and on a torus of 3 only sqrt 3."""
    conv = nn.Conv1d(1, 1, 2, padding=1, bias=False).double()
    conv.weight.data = torch.tensor([[[1.0, -1.0]]], dtype=torch.float64)
    assert explicit(conv, (1, 3)) == pytest.approx((2 + 2**0.5) ** 0.5)
    assert convolution_norm(conv, (1, 3)).bound == pytest.approx(2), "of a torus of 4"


def test_the_matrix_of_the_layer_list_is_the_same_matrix() -> None:
    conv = seeded(nn.Conv2d, 3, 4, 3, padding=1, padding_mode="circular")
    matrix = as_matrix(conv, (3, 5, 5)).matrix.to_dense()
    assert convolution_norm(conv, (3, 5, 5)).bound == pytest.approx(
        float(torch.linalg.matrix_norm(matrix, 2)), rel=1e-9
    )


def test_it_is_what_the_fourier_transform_of_the_kernel_says() -> None:
    conv = seeded(nn.Conv2d, 16, 16, 3, padding=1, padding_mode="circular", bias=False)
    symbols = torch.fft.fft2(conv.weight.detach(), s=(32, 32)).permute(2, 3, 0, 1)
    wanted = torch.linalg.svdvals(symbols)[..., 0].max().item()
    assert convolution_norm(conv, (16, 32, 32)).bound == pytest.approx(wanted, rel=1e-9)


def test_a_critic_of_spectral_norm_1_is_not_1_lipschitz() -> None:
    plain = seeded(nn.Conv2d, 16, 16, 3, padding=1, padding_mode="circular", bias=False)
    flattened, true = flattened_norm(plain), convolution_norm(plain, (16, 32, 32)).bound
    assert flattened == pytest.approx(float(torch.linalg.svdvals(plain.weight.detach().flatten(1))[0]), rel=1e-12)
    assert 1.4 < true / flattened < 1.7, "the flattened kernel misses half of it"
    with torch.random.fork_rng():
        torch.manual_seed(0)
        held = spectral_norm(plain).eval()
    assert flattened_norm(held) == pytest.approx(1, rel=1e-2), "its power iteration has nearly converged"
    x = torch.randn(1, 16, 32, 32, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        for _ in range(60):  # power iteration by the layer itself and its adjoint
            back = nn.functional.conv_transpose2d(nn.functional.pad(held(x), (1,) * 4, mode="circular"), held.weight)
            x = back[..., 2:-2, 2:-2]
            x = x / x.norm()
        stretched = float(held(x).norm() / x.norm())
    assert stretched > 1.4, "an input that it makes longer by more than 40 %"
    assert stretched <= convolution_norm(held, (16, 32, 32)).bound * (1 + 1e-9)


def test_what_is_refused() -> None:
    with pytest.raises(NotApplicable, match="no bound is known for padding by reflect"):
        convolution_norm(nn.Conv2d(1, 1, 3, padding=1, padding_mode="reflect"), (1, 4, 4))
    with pytest.raises(UsageError, match="must be 3 channels and 2 sizes"):
        convolution_norm(nn.Conv2d(3, 1, 3), (1, 4, 4))
