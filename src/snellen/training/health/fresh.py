"""Does a tensor still hold the numbers it was initialised with?"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import torch
from scipy import stats
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase

Verdict = Literal["exact", "like", "constant", "no", "unknown"]
SURE = 20.0  # bits: a value that was ever changed agrees by chance once in a million
SAMPLE = 8192
FEW = 50
ENOUGH = 200
JUDGED = 500
MANY = 1_000
VERY_MANY = 50_000
GAIN = "gain of a normalisation"
BESIDE = "goes with the weight beside it"
NORMS = (_NormBase, nn.LayerNorm, nn.GroupNorm, nn.RMSNorm)


@dataclass(frozen=True)
class Fresh:
    """Whether a tensor looks as initialisation made it, and why.

    ``exact``: on the grid that the generator draws from, or orthogonal; ``like``: the bound or the variance and the
    distribution agree; ``constant``: zeros, ones or another single value; ``no``: refuted; ``unknown``: too few
    numbers to tell.
    """

    verdict: Verdict
    why: str
    scheme: str = ""
    alone: Verdict | None = None

    @property
    def random(self) -> bool:
        """Random numbers that nothing was learnt in."""
        return self.verdict in ("exact", "like")


def fresh_parameters(module: nn.Module) -> Mapping[str, Fresh]:
    """The verdict for each parameter that a module owns itself.

    - Uniform in +-b, with b of PyTorch's default 1/sqrt(fan in), of He or of Xavier: w = fma(u, 2b, -b) with u a
      multiple of 2^-24, so (w + b) 2^24 / 2b is a whole number up to rounding. Small weights show it to many bits, and
      one step of any optimizer destroys it. Where the generator is another one: max |w| in (b (1 - 7/n), b] and
      Kolmogorov-Smirnov p > 0.001, on 1,000 values or more.
    - Normal with the variance of He, Xavier, LeCun, 0.02, 0.01 or (an embedding) 1: the variance agrees within three
      standard errors and Kolmogorov-Smirnov p > 0.001. A Gaussian of a free variance says
      nothing, for trained layers pass it; :func:`confirmed` asks several layers for the same scheme.
    - Orthogonal up to a factor.
    - A bias goes with the weight beside it. Its own numbers say little: before BatchNorm it has no gradient.

    >>> fresh_parameters(nn.Linear(64, 32))["weight"].verdict
    'exact'
    """
    own = {n: p.detach() for n, p in module.named_parameters(recurse=False) if p.is_floating_point()}
    fan = next((_fan_in(p) for n, p in own.items() if p.ndim >= 2 and "weight" in n), None)
    if isinstance(module, nn.RNNBase):
        fan = module.hidden_size
    table = isinstance(module, nn.Embedding | nn.EmbeddingBag)
    found = {
        name: _judge(p, fan if p.ndim < 2 or isinstance(module, nn.RNNBase) else None, table=table)
        for name, p in own.items()
    }
    if isinstance(module, NORMS):
        return {n: replace(f, scheme=GAIN) for n, f in found.items()}
    heavy = [found[n] for n, p in own.items() if p.ndim >= 2]
    if not heavy:
        return found
    leader = next((f for f in heavy if f.random), heavy[0])
    return {
        n: f if own[n].ndim >= 2 else Fresh(leader.verdict, BESIDE, leader.scheme, f.verdict) for n, f in found.items()
    }


def fresh_tensor(tensor: Tensor) -> Fresh:
    """The verdict for a tensor that no layer owns; its fans are taken from its own shape.

    >>> import torch
    >>> fresh_tensor(0.02 * torch.randn(1, 17, 48, generator=torch.Generator().manual_seed(0))).verdict
    'like'
    """
    return _judge(tensor.detach(), None, table=True)


def confirmed(
    found: Mapping[str, Fresh],
    counts: Mapping[str, int],
    *,
    young: bool = False,
    asked: Mapping[str, int] | None = None,
) -> Mapping[str, Fresh]:
    """Of parameters that do not train: what *like* means when they are looked at together.

    A trained layer may have the variance of an initialisation by chance, or still have it after a short training. What
    such a training cannot leave alone are the gains of normalisation and the zeros of biases. If a gain among these
    parameters is no longer 1 throughout, normal weights are *unknown*; if all are, or biases are as they were made,
    normal weights that agree are as good as *exact*. Without such witnesses a normal scheme is believed (*like*) if at
    least three weights and half of those of ``JUDGED`` numbers or more agree with it, or the only two, or it has 50,000
    numbers. Where nothing in the whole network shows a trace of training (``young``), normal schemes are *exact*.

    Args:
        found: verdict by name.
        counts: numbers in each.
        young: see :func:`young`.
        asked: from how many numbers on one normal weight alone is believed, by name.
    """
    gains = [f.verdict for n, f in found.items() if f.scheme == GAIN and counts[n] > 1]
    witnesses = [f.alone for f in found.values() if f.alone in ("constant", "exact")]
    witnesses += [f.verdict for n, f in found.items() if f.verdict == "constant" and counts[n] > 1]
    touched = any(v != "constant" for v in gains)
    schemes = [f.scheme for n, f in found.items() if f.verdict == "like" and counts[n] >= JUDGED and f.alone is None]
    judged = sum(counts[n] >= JUDGED and f.alone is None for n, f in found.items())
    needed = 2 if judged == 2 else max(3, judged / 2)
    asked = asked or {}
    alone = [n for n, f in found.items() if f.alone is None and f.scheme != GAIN and counts[n] > 1]

    def judge(name: str, fresh: Fresh) -> Fresh:
        if fresh.verdict != "like" or "normal" not in fresh.scheme:
            return fresh
        if touched:
            return replace(fresh, verdict="unknown", why=f"{fresh.why}, but gains beside it were trained")
        if witnesses or young:
            return replace(fresh, verdict="exact", why=f"{fresh.why}; biases and gains beside it as they were made")
        lonely = alone == [name] and counts[name] >= asked.get(name, math.inf)
        if lonely or schemes.count(fresh.scheme) >= needed or counts[name] >= VERY_MANY:
            return fresh
        return replace(fresh, verdict="unknown", why=f"{fresh.why}; one layer alone proves nothing")

    heavy = {name: judge(name, fresh) for name, fresh in found.items() if fresh.alone is None}
    owners = {name.rpartition(".")[0]: fresh for name, fresh in heavy.items() if fresh.scheme}
    return {
        name: heavy[name]
        if name in heavy
        else replace(fresh, verdict=owners.get(name.rpartition(".")[0], fresh).verdict)
        for name, fresh in found.items()
    }


def young(found: Mapping[str, Fresh], counts: Mapping[str, int]) -> bool:
    """Whether no parameter of a network shows a trace of training, and gains are there that would.

    >>> net = nn.Sequential(nn.Linear(64, 32), nn.LayerNorm(32))
    >>> found = {f"{i}.{n}": f for i, m in enumerate(net) for n, f in fresh_parameters(m).items()}
    >>> young(found, {n: 32 for n in found})
    True
    """
    gains = [f.verdict for n, f in found.items() if f.scheme == GAIN and counts[n] > 1]
    zeros = [f.alone for f in found.values() if f.alone is not None]
    shown = [f.verdict for n, f in found.items() if f.scheme != GAIN and f.alone is None and counts[n] >= ENOUGH]
    whole = all(v == "constant" for v in gains) and all(v in ("constant", "exact", "unknown") for v in zeros)
    return whole and "no" not in shown and bool(gains)


def untouched_statistics(module: nn.Module) -> bool:
    """Whether a normalisation's running statistics are those it was made with: 0, 1, and no batch seen."""
    if not isinstance(module, _NormBase) or module.running_mean is None or module.running_var is None:
        return False
    seen = module.num_batches_tracked
    still = bool((module.running_mean == 0).all()) and bool((module.running_var == 1).all())
    return still and (seen is None or int(seen) == 0)


def _fan_in(weight: Tensor) -> int:
    return max(1, math.prod(weight.shape[1:]))


def _judge(tensor: Tensor, fan: int | None, *, table: bool) -> Fresh:
    values = tensor.flatten()
    if values.is_meta or values.numel() == 0:
        return Fresh("unknown", "no values")
    if not bool(values.isfinite().all()):
        return Fresh("no", "holds values that are not finite")
    first = values[0]
    if bool((values == first).all()):
        return Fresh("constant" if values.numel() > 1 else "unknown", f"all {float(first):g}")
    fans = (fan, fan) if fan is not None else (_fan_in(tensor), tensor.shape[0] * math.prod(tensor.shape[2:]))
    largest = float(values.abs().max())
    sample = _sample(values)
    return (
        _uniform(sample, largest, values.numel(), _bounds(*fans))
        or _normal(values, sample, _deviations(*fans, table=table))
        or _orthogonal(tensor)
        or Fresh("no" if values.numel() >= ENOUGH else "unknown", "matches no initialisation")
    )


def _sample(values: Tensor) -> Tensor:
    step = max(1, values.numel() // SAMPLE)
    return values[::step].double().cpu()


def _bounds(fan_in: int, fan_out: int) -> dict[str, float]:
    return {
        "the default uniform": 1 / math.sqrt(fan_in),
        "Xavier uniform": math.sqrt(6 / (fan_in + fan_out)),
        "He uniform": math.sqrt(6 / fan_in),
        "He uniform (fan out)": math.sqrt(6 / fan_out),
        "LeCun uniform": math.sqrt(3 / fan_in),
    }


def _deviations(fan_in: int, fan_out: int, *, table: bool) -> dict[str, float]:
    found = {
        "He normal": math.sqrt(2 / fan_in),
        "He normal (fan out)": math.sqrt(2 / fan_out),
        "Xavier normal": math.sqrt(2 / (fan_in + fan_out)),
        "LeCun normal": math.sqrt(1 / fan_in),
        "normal of 0.02": 0.02,
        "normal of 0.01": 0.01,
    }
    return found | {"standard normal": 1.0} if table else found


def _uniform(sample: Tensor, largest: float, count: int, bounds: dict[str, float]) -> Fresh | None:
    for name, bound in bounds.items():
        if not largest <= bound * (1 + 1e-6):
            continue
        exact, close = _bits(sample, bound) >= SURE, count >= MANY and largest > bound * (1 - 7 / count)
        likely = _ks(sample, "uniform", (-bound, 2 * bound)) if exact or close else 0.0
        if exact and likely > 1e-6:
            return Fresh("exact", f"{name} in ±{bound:.4g}, on the generator's grid", name)
        if close and likely > 1e-3:
            return Fresh("like", f"{name} in ±{bound:.4g}, KS p = {likely:.2g}", name)
    return None


def _bits(sample: Tensor, bound: float) -> float:
    """How many bits agree with the generator's grid; 0 as soon as one value is off it."""
    low = float(torch.tensor(bound, dtype=torch.float32))
    small = sample[(sample.abs() < bound / 4) & (sample != 0)]
    place = (small + low) / (2 * low) * 2**24
    spacing = 2 * low / 2**24
    ulp = torch.exp2(small.abs().log2().floor() - 23)
    tolerance = 0.5 * ulp / spacing + 0.008
    if not bool(((place - place.round()).abs() <= tolerance).all()):
        return 0.0
    return float((-(2 * tolerance).log2()).clamp(min=0).sum())


def _normal(values: Tensor, sample: Tensor, deviations: dict[str, float]) -> Fresh | None:
    count = values.numel()
    if count < FEW:
        return None
    found = float(values.double().square().mean().sqrt()) if count <= 10**7 else float(sample.square().mean().sqrt())
    error = 3 / math.sqrt(2 * min(count, 10**7))
    for name, deviation in deviations.items():
        if abs(found / deviation - 1) < error:
            likely = _ks(sample, "norm", (0.0, deviation))
            if likely > 1e-3:
                return Fresh("like", f"{name}, deviation {deviation:.4g}, KS p = {likely:.2g}", name)
    return None


def _orthogonal(tensor: Tensor) -> Fresh | None:
    if tensor.ndim < 2:
        return None
    rows = tensor.flatten(1).float()
    rows = rows if rows.shape[0] <= rows.shape[1] else rows.T
    if not 4 <= len(rows) <= 1024:
        return None
    gram = rows @ rows.T
    scale = float(gram.diagonal().mean())
    apart = float((gram - scale * torch.eye(len(rows), device=gram.device)).abs().max())
    return Fresh("like", "orthogonal", "orthogonal") if scale > 0 and apart < 1e-4 * scale else None


def _ks(sample: Tensor, kind: str, arguments: tuple[float, float]) -> float:
    return float(stats.kstest(sample.numpy(), kind, args=arguments).pvalue)
