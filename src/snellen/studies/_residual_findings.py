"""What the study of residual connections found: gradients by depth, and what depth does to training."""

import numpy as np
from numpy.typing import NDArray

from snellen.findings.evidence import Curve, Table
from snellen.findings.finding import Finding
from snellen.studies._chains import Chain, Chains, Design, decades
from snellen.studies._protocols import Mean

EXAM = "IN5400 exam 2021, exercise 1a; He, Zhang, Ren and Sun 2016, arXiv:1512.03385."


def findings(result: Chains, layers: int) -> tuple[Finding, ...]:
    """In the order of the page."""
    plain, skip, plain_norm, skip_norm = (
        result.of(Design(layers, skip=skip, norm=norm)) for norm in (False, True) for skip in (False, True)
    )
    return (
        _gradients(result, (plain, skip, plain_norm, skip_norm)),
        _training(result, ((plain, skip), (plain_norm, skip_norm)), layers),
    )


def _gradients(result: Chains, deep: tuple[Chain, ...]) -> Finding:
    measured: dict[str, float] = {}
    for chain in result.chains:
        measured |= _with_interval(f"decades_{chain.design.key}", Mean.of(chain.decades))
    he = Mean.of(decades(result.he))
    measured |= _with_interval("decades_plain_he", he)
    plain, skip, plain_norm, _ = (Mean.of(chain.decades) for chain in deep)
    lines = {c.design.name: c.gradients for c in deep} | {"plain, He's initialisation": result.he}
    rows = tuple(
        (
            chain.design.name,
            *(10.0 ** Mean.of(np.log10(chain.gradients[:, at])).value for at in (0, -1)),
            *_three(chain),
        )
        for chain in result.chains
    )
    reason = ": there they do not vanish without connections either" if plain_norm.value > -1 else ""
    return Finding(
        "study/gradients",
        "info",
        "Gradients that reach the first layers",
        f"Before training, as a power of ten, the gradient at the first map over that at the last: {_power(plain)} in "
        f"the plain network and {_power(skip)} in the residual one, both with PyTorch's own initialisation. With He's "
        f"initialisation it is {_power(he)} in the plain network, and with BatchNorm {_power(plain_norm)}{reason}.",
        measured=measured,
        headlines=tuple(f"decades_{chain.design.key}" for chain in deep[:2]),
        evidence=(
            Curve(
                "Gradient of the loss by each map, before training",
                "pairs of convolutions before the map",
                "decimal logarithm of the norm, mean over the seeds",
                {name: _line(np.log10(norms).mean(0)) for name, norms in lines.items()},
            ),
            Table(
                "Norms before training",
                ("", "first map", "last map", "decades", "low", "high"),
                rows,
                note="Geometric means over the seeds. Decades: decimal logarithm of first over last; low and high its "
                "95 % interval.",
            ),
        ),
        reference=EXAM,
    )


def _training(result: Chains, pairs: tuple[tuple[Chain, Chain], ...], layers: int) -> Finding:
    measured: dict[str, float] = {}
    for chain in result.chains:
        measured |= _with_interval(f"loss_{chain.design.key}", Mean.of(chain.loss))
        measured |= _with_interval(f"val_{chain.design.key}", Mean.of(chain.held))
    told, changes = [], []
    for (plain, skip), what in zip(pairs, ("without BatchNorm", "with BatchNorm"), strict=True):
        norm = plain.design.norm
        shallow = next(c for c in result.chains if c.design.norm == norm and c.design.layers < layers)
        depth, gain = Mean.of(plain.loss - shallow.loss), Mean.of(skip.loss - plain.loss)
        suffix = "_norm" if norm else ""
        measured |= _with_interval(f"depth{suffix}", depth) | _with_interval(f"gain{suffix}", gain)
        changes.append(gain)
        told.append(
            f"{what} {layers} plain layers instead of {shallow.design.layers} change it by {_nats(depth)}, and "
            f"connections in the {layers} by {_nats(gain)}"
        )
    return Finding(
        "study/depth",
        "info",
        "Depth that does no harm" if all(c.high < 0 for c in changes) else "Depth, with and without connections",
        f"Training loss at the end, paired by seed: {'; '.join(told)}. In brackets: 95 % intervals of the "
        "mean, by Student's t.",
        measured=measured,
        headlines=("gain", "gain_norm"),
        evidence=(
            *(
                Curve(
                    f"Training loss {what}, mean over the seeds",
                    "steps of the optimizer",
                    "nats",
                    {
                        c.design.name: _line(c.curve.mean(0), result.steps)
                        for c in result.chains
                        if c.design.norm == norm
                    },
                )
                for norm, what in ((False, "without BatchNorm"), (True, "with BatchNorm"))
            ),
            _ends(result),
            _seeds(result),
        ),
        reference=EXAM,
    )


def _ends(result: Chains) -> Table:
    rows = []
    for chain in result.chains:
        loss, held = Mean.of(chain.loss), Mean.of(chain.held)
        rows.append(
            (
                *(chain.design.name, chain.parameters, loss.value, loss.low, loss.high),
                *(held.value, held.low, held.high),
            )
        )
    return Table(
        "After training, means over the seeds",
        ("", "parameters", "train loss", "low", "high", "val", "low", "high"),
        tuple(rows),
        note="Loss in nats over the last 20 steps, accuracy on other images; low and high are the 95 % interval of "
        "what stands before them.",
    )


def _seeds(result: Chains) -> Table:
    columns = (f"{what}, {chain.design.name}" for what in ("train loss", "decades") for chain in result.chains)
    values = np.stack([*(c.loss for c in result.chains), *(c.decades for c in result.chains)], 1)
    rows = tuple((i, *map(float, row)) for i, row in enumerate(values))
    return Table("Every seed", ("seed", *columns), rows, shown=8)


def _line(
    values: NDArray[np.float64], at: tuple[int, ...] | None = None
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    return tuple(map(float, range(len(values)) if at is None else at)), tuple(map(float, values))


def _three(chain: Chain) -> tuple[float, float, float]:
    found = Mean.of(chain.decades)
    return found.value, found.low, found.high


def _power(mean: Mean) -> str:
    return _true_minus(f"{mean.value:.1f} ({mean.low:.1f} to {mean.high:.1f})")


def _nats(mean: Mean) -> str:
    return _true_minus(f"{mean.value:+.2f} nats ({mean.low:+.2f} to {mean.high:+.2f})")


def _true_minus(text: str) -> str:
    return text.replace("-", "−")


def _with_interval(name: str, mean: Mean) -> dict[str, float]:
    return {name: mean.value, f"{name}_low": mean.low, f"{name}_high": mean.high}
