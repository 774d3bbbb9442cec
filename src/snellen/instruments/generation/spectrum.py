"""The power spectrum of a set of images: periodic patterns of upsampling, and how much fine structure there is."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from snellen._errors import UsageError
from snellen._shapes import Pixels

RING = (2, 4)
"""Bins from a frequency to those it is compared with: nearer ones hold the pattern's own leakage."""


@dataclass(frozen=True, eq=False)
class Spectrum:
    """The mean power spectrum of some images, with the zero frequency in the middle.

    Attributes:
        power: (h, w) float64.
        groups: (g, h, w) that of g equal parts of the images, for standard errors.
    """

    power: Float[Tensor, "h w"]
    groups: Float[Tensor, "g h w"]


def spectrum(pixels: Pixels, *, groups: int = 8) -> Spectrum:
    """The mean of |FFT|^2 over images and channels, each without its mean and faded out at the edges (Hann).

    Args:
        pixels: (n, c, h, w), n of at least ``groups``, sides of at least 8.
        groups: parts.

    Raises:
        UsageError: fewer images than groups, fewer than two groups, smaller images.

    >>> stripes = (torch.arange(16) % 2).float().expand(8, 1, 16, 16)
    >>> found = spectrum(stripes).power
    >>> divmod(int(found.argmax()), 16)
    (8, 0)
    """
    if pixels.ndim != 4 or min(pixels.shape[2:]) < 8:
        raise UsageError(f"pixels must be (n, c, h, w) with sides of at least 8, got {tuple(pixels.shape)}")
    if not 2 <= groups <= len(pixels):
        raise UsageError(f"groups must be from 2 to the {len(pixels)} images, got {groups}")
    rows, columns = (torch.hann_window(side, periodic=True, dtype=torch.float64) for side in pixels.shape[2:])
    window = rows[:, None] * columns
    sums = torch.zeros(groups, *pixels.shape[2:], dtype=torch.float64)
    for row, part in enumerate(pixels.tensor_split(groups)):
        for some in part.split(256):
            values = some.double()
            values = values - (values * window).sum(dim=(2, 3), keepdim=True) / window.sum()
            sums[row] += torch.fft.fft2(values * window).abs().square().mean(dim=1).sum(dim=0)
        sums[row] /= len(part)
    parts = torch.fft.fftshift(sums, dim=(1, 2))
    return Spectrum(parts.mean(dim=0), parts)


def peak(power: Float[Tensor, "... h w"], period: int) -> Float[Tensor, "..."]:
    """log2 of the power at the frequencies of a pattern of this period over that around them; 0 where none stands out.

    A layer that upsamples by s leaves a pattern of period s where its outputs are not all treated alike. It adds power
    at the multiples of 1 / s a pixel. The power at those of them that no pattern of period s / 2 has is summed and
    divided by the sum of the medians over the bins of a ring around each.

    Args:
        power: (..., h, w) as in :class:`Spectrum`.
        period: in pixels, an even number that divides h and w.

    Raises:
        UsageError: a period that is odd or does not divide the sides, or leaves no ring.

    Reference: Odena, Dumoulin, Olah 2016, Deconvolution and checkerboard artifacts, Distill.
    """
    at, floor = _lines(power, period)
    tiny = torch.finfo(torch.float64).tiny
    return ((at.sum(dim=-1) + tiny) / (floor.sum(dim=-1) + tiny)).log2()


def contrast(power: Float[Tensor, "... h w"], period: int) -> Float[Tensor, "..."]:
    """The root mean square of such a pattern, in the unit of the pixels: what stands above its surroundings.

    A wave of amplitude a at a bin has the power (a times the sum of the window)^2 there.

    >>> stripes = (torch.arange(16) % 2).float().expand(8, 1, 16, 16)
    >>> round(float(contrast(spectrum(stripes).power, 2)), 3)
    0.5
    """
    at, floor = _lines(power, period)
    window = power.shape[-2] * power.shape[-1] / 4
    return (at - floor).clamp(min=0).sum(dim=-1).sqrt() / window


def _lines(power: Tensor, period: int) -> tuple[Tensor, Tensor]:
    """(..., k) the power at each frequency of a pattern, and the median around it."""
    height, width = power.shape[-2:]
    if period < 2 or period % 2 or height % period or width % period or min(height, width) < 2 * period:
        raise UsageError(f"an even period that divides {height} and {width} twice over is expected, got {period}")
    up, along = height // period, width // period
    places = [(a * up, b * along) for a in range(period) for b in range(period) if a % 2 or b % 2]
    near, far = RING
    ring = [
        (i, j)
        for i in range(-far, far + 1)
        for j in range(-far, far + 1)
        if max(abs(i), abs(j)) >= near and (i % up or j % along)
    ]
    flat = torch.fft.ifftshift(power, dim=(-2, -1)).double()
    here, apart = torch.tensor(places), torch.tensor(ring)
    around = here[:, None] + apart[None]
    floor = flat[..., around[..., 0] % height, around[..., 1] % width].median(dim=-1).values
    return flat[..., here[:, 0] % height, here[:, 1] % width], floor


def radius_of(power: Float[Tensor, "h w"], share: float) -> float:
    """The frequency, in cycles a pixel, above which a share of the power lies, that at 0 left out.

    >>> round(radius_of(spectrum(torch.rand(64, 1, 32, 32, generator=torch.Generator().manual_seed(0))).power, 0.1), 1)
    0.6
    """
    radii, values = _radii(power).flatten(), power.double().flatten().clone()
    values[radii == 0] = 0
    order = radii.argsort(descending=True, stable=True)
    passed = values[order].cumsum(0) >= share * values.sum()
    return float(radii[order][int(passed.double().argmax())])


def above(power: Float[Tensor, "... h w"], radius: float) -> Float[Tensor, "..."]:
    """The share of the power above a frequency, in cycles a pixel, that at 0 left out."""
    radii = _radii(power)
    total = power.double() * (radii > 0)
    return (total * (radii > radius)).sum(dim=(-2, -1)) / total.sum(dim=(-2, -1)).clamp(min=1e-300)


def radial(power: Float[Tensor, "h w"]) -> tuple[Float[Tensor, "k"], Float[Tensor, "k"]]:
    """Frequencies in cycles a pixel and the mean power in a ring at each, up to 1/2: what is drawn."""
    radii, bins = _radii(power), min(power.shape) // 2
    edges = (torch.arange(bins + 1, dtype=torch.float64) + 0.5) * 0.5 / bins
    place = torch.bucketize(radii.flatten(), edges)
    sums = torch.bincount(place, power.double().flatten(), bins + 2)
    counts = torch.bincount(place, minlength=bins + 2).clamp(min=1)
    return torch.arange(1, bins + 1) * 0.5 / bins, (sums / counts)[1 : bins + 1]


def _radii(power: Tensor) -> Tensor:
    """(h, w) cycles a pixel from the middle."""
    rows, columns = (torch.fft.fftshift(torch.fft.fftfreq(side, dtype=torch.float64)) for side in power.shape[-2:])
    return torch.hypot(rows[:, None], columns[None])
