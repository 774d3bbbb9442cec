"""Are the samples as fine as real images, without a pattern of the upsampling?"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from snellen.checks.generation._base import Generated, GenerationCheck
from snellen.findings.evidence import Curve, Gallery, HeatMap, Table, Tile
from snellen.findings.finding import Finding
from snellen.instruments.generation.spectrum import Spectrum, above, contrast, peak, radial, radius_of, spectrum

NAME = "generation/fine_structure"
PERIODS = (2, 4, 8)
TENTH = 0.1
SURE = 5.0  # standard errors
LEVEL = 1 / 255


@dataclass(frozen=True)
class FineStructure(GenerationCheck):
    """The power spectrum of the samples against that of real images: blur, noise and patterns of a fixed period.

    Above some frequency a tenth of the real images' power lies. Samples with less than ``blurred`` of their share there
    are blurred, with more than ``noisy`` of it noisy. A layer that upsamples unevenly by s leaves lines at multiples of
    1 / s: a warning where they stand out ``octaves`` more than in real images (in log2) with a contrast of at least
    ``levels`` of 255. Each difference must be five standard errors.

    Reference: Odena, Dumoulin, Olah 2016, Deconvolution and checkerboard artifacts, Distill; Durall et al. 2020,
    arXiv:2003.01826, on the spectra of upsampling.
    """

    blurred: float = 0.6
    noisy: float = 1.7
    octaves: float = 2.0
    levels: float = 2.0

    def __call__(self, seen: Generated) -> Sequence[Finding]:
        sides = seen.samples.shape[2:]
        if min(sides) < 8:
            return []
        groups = min(8, seen.count)
        fake = spectrum(seen.samples[seen.fake], groups=groups)
        real = spectrum(torch.cat([seen.real[seen.reference], seen.others[seen.null]]), groups=groups)
        if float(real.power.sum()) == 0:
            return [Finding(NAME, "info", "Fine structure", "The real images are constant; there is none to compare.")]
        return [self._fineness(fake, real), *self._patterns(fake, real, sides)]

    def _fineness(self, fake: Spectrum, real: Spectrum) -> Finding:
        radius = radius_of(real.power, TENTH)
        share, usual = float(above(fake.power, radius)), float(above(real.power, radius))
        error = math.hypot(_error(above(fake.groups, radius)), _error(above(real.groups, radius)))
        ratio = share / usual if usual else float("inf")
        sure = abs(share - usual) > SURE * error
        blurred, noisy = sure and ratio < self.blurred, sure and ratio > self.noisy
        title = "Blurred samples" if blurred else "Noisy samples" if noisy else "As fine as real images"
        remedy = ""
        if blurred:
            remedy = "Less averaging at the end (bilinear upsampling without a convolution behind it), a stronger "
            remedy += "discriminator, more training."
        elif noisy:
            remedy = "Look at the samples at full size: noise comes from training too short, from too high a learning "
            remedy += "rate, and from transposed convolutions and pixel shuffle that still undo their patterns."
        return Finding(
            NAME,
            "warning" if blurred or noisy else "ok",
            title,
            f"{share:.1%} of the samples' power lies above {radius:.3f} cycles a pixel, of the real images' "
            f"{usual:.1%}: {ratio:.2f} times as much.",
            measured={"fine_power_ratio": ratio},
            headlines=("fine_power_ratio",),
            remedy=remedy,
            evidence=(_curve(fake, real, radius), _pictures(fake, real)),
        )

    def _patterns(self, fake: Spectrum, real: Spectrum, sides: tuple[int, ...]) -> list[Finding]:
        rows, odd = [], []
        periods = [p for p in PERIODS if not any(side % p for side in sides) and min(sides) >= 2 * p]
        for period in periods:
            one, two = peak(fake.power, period), peak(real.power, period)
            more = float(one - two)
            error = math.hypot(_error(peak(fake.groups, period)), _error(peak(real.groups, period)))
            seen = float(contrast(fake.power, period)) / LEVEL
            usual = float(contrast(real.power, period)) / LEVEL
            rows.append((period, float(one), float(two), error, seen, usual))
            if more > max(self.octaves, SURE * error) and seen > max(self.levels, 2 * usual):
                odd.append((period, more, seen))
        if not rows:
            return []
        worst = max(row[1] - row[2] for row in rows)
        table = Table(
            "Lines of periodic patterns",
            ("period", "samples", "real", "standard error", "contrast, samples", "contrast, real"),
            tuple(rows),
            note="Period in pixels. Lines: log2 of the power there over that around it. Contrast: root mean square of "
            "the pattern in levels of 255.",
        )
        measured = {"pattern_octaves": worst}
        if not odd:
            text = f"No pattern of period {', '.join(map(str, periods))} stands out more than in real images."
            return [Finding(NAME, "ok", "No checkerboards", text, measured=measured, evidence=(table,))]
        period, more, level = max(odd, key=lambda row: row[2])
        return [
            Finding(
                NAME,
                "warning",
                "A checkerboard",
                f"A pattern of period {period} has {2**more:,.0f} times the power that it has in real images, against "
                f"what is around it, and a contrast of {level:.1f} of 255 levels.",
                measured=measured,
                headlines=("pattern_octaves",),
                remedy="Look at what upsamples (uneven_upsampling): take nearest or bilinear upsampling and a "
                "convolution, a transposed convolution whose kernel is a multiple of its stride, or pixel shuffle with "
                "equal first weights (ICNR). Short trainings leave patterns that longer ones undo.",
                evidence=(table,),
                reference="Odena, Dumoulin, Olah 2016, Distill.",
            )
        ]


def _error(groups: Tensor) -> float:
    return float(groups.std()) / math.sqrt(len(groups))


def _curve(fake: Spectrum, real: Spectrum, radius: float) -> Curve:
    series = {}
    for name, power in (("samples", fake.power), ("real", real.power)):
        at, values = radial(power)
        series[name] = (tuple(at.tolist()), tuple(values.clamp(min=1e-12).log10().tolist()))
    return Curve(
        "Power spectrum",
        "cycles a pixel",
        "log10 of the power",
        series,
        marks={"a tenth of the real power above": radius},
        note="Means over rings. Lower at the right: blurred; higher: noisy.",
    )


def _pictures(fake: Spectrum, real: Spectrum) -> Gallery:
    logs = [s.power.clamp(min=1e-12).log10() for s in (fake, real)]
    low, high = (float(torch.stack(logs).quantile(q)) for q in (0.01, 1.0))
    tiles = tuple(
        Tile(name, (HeatMap(name, power.float().numpy(), low, max(high, low + 1e-6), "log10 of the power"),))
        for name, power in zip(("samples", "real images"), logs, strict=True)
    )
    return Gallery("Power by frequency", tiles, "Frequency 0 in the middle. Bright points on dark ground: a pattern.")
