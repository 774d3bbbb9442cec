"""Whether a network is robust or only hides its slope: what gradient masking leaves behind, measured."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from snellen._errors import NotApplicable, UsageError
from snellen._shapes import Labels, Pixels
from snellen.instruments.attacks._base import Attack, as_goal
from snellen.instruments.attacks._final_activation import watching
from snellen.instruments.attacks._goal import Goal
from snellen.instruments.attacks._lattice import LEVELS, levels
from snellen.instruments.attacks._norms import L2, Linf, Norm
from snellen.instruments.attacks._victim import Loss, Through, Victim, cross_entropy, negative_margin
from snellen.instruments.attacks.apgd import APGD
from snellen.instruments.attacks.fab import FAB
from snellen.instruments.attacks.noise import Noise
from snellen.instruments.attacks.square import Square
from snellen.subject.network import Network
from snellen.subject.quiet import quiet

QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)
GAINS: Mapping[str, Callable[[Tensor], Tensor]] = {
    "tanh": lambda z: 1 - z.tanh().square(),
    "sigmoid": lambda z: z.sigmoid() * (1 - z.sigmoid()),
    "softmax": lambda z: z.softmax(dim=1) * (1 - z.softmax(dim=1)),
    "hardtanh": lambda z: (z.abs() < 1).float(),
    "hardsigmoid": lambda z: (z.abs() < 3).float() / 6,
}
"""The slope of each output in its own score, by the last activation."""
SATURATED = 1e-3  # an output that passes on less than this part of a slope
FLAT = 0.05  # of the images without any slope, or that FAB does not break: it may miss one now and then
FACTORS = (0.25, 0.5, 1.0, 2.0)
SHARES = (0.05, 0.25, 1.0)
TARGETS = 3  # classes that the attack without a budget tries
Runs = Mapping[str, Bool[Tensor, "n"]]


@dataclass(frozen=True)
class Masking:
    """What was measured on the images that the network classifies right.

    Attributes:
        images: how many these are.
        differentiable: whether there is a slope at all; if not, it is masked by construction.
        activation: the last activation, ``""`` where there is none.
        flat: share of images whose slope is exactly 0: of the margin of the ``scores`` and of the ``output``, and of
            the ``cross_entropy`` of the scores, which scores of some hundred make flat.
        slopes: quantiles 0, 5, 25, 50, 75, 95 and 100 % of the Euclidean lengths of these slopes.
        saturated: share of outputs whose last activation passes on less than 0.1 % of a slope.
        success: share of images broken by noise of the budget (``noise``), by the black-box ``square``, by APGD
            through the ``scores`` and through the ``output``, and by FAB with no budget but [0, 1] (``unbounded``):
            it starts at the image, for noise without a budget needs no slope to succeed.
        by_eps: budgets and APGD's success within each.
        by_steps: steps and APGD's success with each.
        evidence: why the slope must be called masked, a sentence each; none where it need not.
    """

    images: int
    differentiable: bool
    activation: str
    flat: Mapping[str, float]
    slopes: Mapping[str, Sequence[float]]
    saturated: float
    success: Mapping[str, float]
    by_eps: Sequence[tuple[float, float]]
    by_steps: Sequence[tuple[int, float]]
    evidence: Sequence[str]

    @property
    def masked(self) -> bool:
        """Whether there is any evidence; then the success of attacks by slopes says nothing of robustness."""
        return bool(self.evidence)

    @property
    def ratio(self) -> float:
        """Success through the output over success through the scores; 1 where the output hides nothing."""
        scores, output = self.success.get("scores", 0.0), self.success.get("output", 0.0)
        return output / scores if scores else math.nan


def gradient_masking(
    network: Network,
    pixels: Pixels,
    labels: Labels | Goal,
    *,
    norm: Norm | None = None,
    steps: int = 20,
    queries: int = 500,
    seed: int = 0,
    batch_size: int = 64,
) -> Masking:
    """Look for the signs of a masked gradient: attacks by slopes that do worse than they must.

    A sign is: no slope, or none on 5 % of the images; APGD through the output breaks fewer images than through the
    scores before the last activation; noise or the black-box Square breaks images that APGD does not; FAB without a
    budget fails on 5 %; APGD breaks fewer images with a larger budget or with more steps. Two attacks differ if the
    images that only one of them breaks do so by more than two standard errors of a fair coin. APGD climbs the DLR,
    which does not depend on the scale of the scores.

    Args:
        network: left exactly as it was.
        pixels: (n, c, h, w) float in [0, 1].
        labels: (n,) the true classes; or a goal, as for a regression.
        norm: Linf or L2 with a budget; Linf of 8/255 if not given.
        steps: of APGD, and of FAB for each class.
        queries: of Square.
        seed: of all attacks.
        batch_size: images per pass.

    Raises:
        UsageError: the network classifies none of the images right; a norm without a budget.

    Reference: Athalye, Carlini and Wagner 2018, Obfuscated Gradients Give a False Sense of Security: Circumventing
    Defenses to Adversarial Examples, arXiv 1802.00420; Carlini et al. 2019, On Evaluating Adversarial Robustness, arXiv
    1902.06705.

    >>> module = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(48, 2), torch.nn.Tanh())
    >>> network, pixels = Network(module), torch.rand(8, 3, 4, 4)
    >>> found = gradient_masking(network, pixels, network.logits(pixels).argmax(dim=1), steps=5, queries=20)
    >>> found.images, found.activation, found.masked
    (8, 'tanh', False)
    """
    norm = norm or Linf(8 / 255)
    goal = as_goal(labels, None, pixels)
    network.check_pixels(pixels)
    right = ~Noise(norm)(network, pixels, goal, seed=seed, batch_size=batch_size).already
    if not right.any():
        raise UsageError("gradient masking is measured on images that are classified right, and here none is")
    pixels, goal = pixels[right], goal[right.nonzero()[:, 0]]

    def run(attack: Attack, through: Through = "scores") -> Bool[Tensor, "n"]:
        found = attack(network, pixels, goal, seed=seed, batch_size=batch_size, through=through)
        return found.success | found.float_success

    runs = {"noise": run(Noise(norm, tries=steps)), "square": run(Square(norm, queries=queries))}
    activation, saturated = _saturation(network, pixels, batch_size)
    try:
        flat, slopes = _slopes(network, pixels, goal, batch_size)
    except NotApplicable as reason:
        success = {name: _share(broken) for name, broken in runs.items()}
        why = f"there is no slope, and attacks that need one say nothing: {reason}"
        return Masking(int(right.sum()), False, activation, {}, {}, saturated, success, (), (), (why,))
    apgd = APGD(norm, "dlr", steps=steps)
    runs["scores"] = run(apgd)
    runs["output"] = run(apgd, "output") if activation else runs["scores"]
    runs["unbounded"] = run(FAB(type(norm)(), targets=TARGETS, steps=steps))
    budgets = {budget.eps: budget for budget in (_scaled(norm, factor) for factor in FACTORS)}
    by_eps = {
        eps: runs["scores"] if eps == norm.eps else run(replace(apgd, norm=budget)) for eps, budget in budgets.items()
    }
    counts = sorted({max(1, round(share * steps)) for share in SHARES})
    by_steps = {count: runs["scores"] if count == steps else run(replace(apgd, steps=count)) for count in counts}
    return Masking(
        images=int(right.sum()),
        differentiable=True,
        activation=activation,
        flat=flat,
        slopes=slopes,
        saturated=saturated,
        success={name: _share(broken) for name, broken in runs.items()},
        by_eps=tuple((eps, _share(broken)) for eps, broken in by_eps.items()),
        by_steps=tuple((count, _share(broken)) for count, broken in by_steps.items()),
        evidence=(
            *_flatness(flat),
            *_comparisons(runs, activation),
            *_falls(by_eps, "eps"),
            *_falls(by_steps, "steps"),
        ),
    )


def _flatness(flat: Mapping[str, float]) -> list[str]:
    names = {"scores": "the scores", "output": "the output", "cross_entropy": "the cross-entropy"}
    shares = {
        name: share for name, share in flat.items() if share > FLAT and (name == "scores" or share > flat["scores"])
    }
    return [f"the slope of {names[name]} is exactly 0 for {share:.0%} of the images" for name, share in shares.items()]


def _comparisons(runs: Runs, activation: str) -> list[str]:
    found = []
    apgd = f"APGD {_share(runs['scores']):.1%}"
    if _more(runs["scores"], runs["output"]):
        found.append(
            f"through the {activation} APGD breaks {_share(runs['output']):.1%} of the images, through the scores "
            f"before it {_share(runs['scores']):.1%}"
        )
    if _more(runs["noise"], runs["scores"]):
        found.append(f"random noise of the same budget breaks {_share(runs['noise']):.1%} of the images, {apgd}")
    if _more(runs["square"], runs["scores"]):
        found.append(f"without slopes Square breaks {_share(runs['square']):.1%} of the images, {apgd}")
    if _share(runs["unbounded"]) < 1 - FLAT:
        found.append(
            f"with no budget at all FAB breaks {_share(runs['unbounded']):.1%} of the images, and any image can be "
            "turned into any other"
        )
    return found


def _falls(runs: Mapping[float, Tensor] | Mapping[int, Tensor], what: str) -> list[str]:
    pairs = list(zip(runs.items(), list(runs.items())[1:], strict=False))
    return [
        f"APGD breaks {_share(few):.1%} of the images at {what} {low:.4g} and only {_share(many):.1%} at {high:.4g}"
        for (low, few), (high, many) in pairs
        if _more(few, many)
    ]


def _more(first: Tensor, second: Tensor) -> bool:
    """Whether the first breaks more images than chance explains: McNemar's test at two standard errors."""
    only_first, only_second = int((first & ~second).sum()), int((second & ~first).sum())
    return only_first - only_second > 2 * math.sqrt(only_first + only_second)


def _share(broken: Tensor) -> float:
    return float(broken.double().mean())


def _scaled(norm: Norm, factor: float) -> Norm:
    least = 1 / LEVELS if isinstance(norm, Linf) else 0.0
    return replace(norm, eps=max(norm.eps * factor, least))


def _slopes(
    network: Network, pixels: Pixels, goal: Goal, batch_size: int
) -> tuple[dict[str, float], dict[str, Sequence[float]]]:
    ways: dict[str, tuple[Through, Loss]] = {
        "scores": ("scores", negative_margin),
        "output": ("output", negative_margin),
        "cross_entropy": ("scores", cross_entropy),
    }
    flat: dict[str, float] = {}
    slopes: dict[str, Sequence[float]] = {}
    for name, (through, loss) in ways.items():
        victim = Victim(network, goal, through=through, batch_size=batch_size)
        with torch.inference_mode(False), torch.no_grad(), quiet(network.module, seed=0):
            gradient = victim.slope(_shown(network, pixels), loss).gradient
        sizes = L2().size(gradient)
        flat[name] = _share(sizes == 0)
        points = torch.tensor(QUANTILES, dtype=sizes.dtype, device=sizes.device)
        slopes[name] = tuple(float(q) for q in sizes.quantile(points))
    return flat, slopes


def _saturation(network: Network, pixels: Pixels, batch_size: int) -> tuple[str, float]:
    name, passed = "", []
    with torch.inference_mode(False), torch.no_grad(), quiet(network.module, seed=0):
        for part in _shown(network, pixels).split(batch_size):
            with watching() as seen:
                output = network.outputs(part)
            before = seen.before(output)
            if before is not None:
                name = before[0]
                passed.append(GAINS[name](before[1].float()) if name in GAINS else torch.ones_like(output))
    return name, _share(torch.cat(passed) < SATURATED) if passed else 0.0


def _shown(network: Network, pixels: Pixels) -> Float[Tensor, "n c h w"]:
    return levels(pixels.detach()).to(network.device) / LEVELS
