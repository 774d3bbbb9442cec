"""How easily is a network fooled? One attack on a set of images, as findings of their own."""

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from snellen._errors import ImagesError, UsageError
from snellen.checks._base import Progress
from snellen.checks.data.normalised_twice import normalised_twice
from snellen.checks.robustness._attacked import Attacked, attack_finding
from snellen.checks.robustness.budgets import curve_finding, staged
from snellen.checks.robustness.masking import masking_finding
from snellen.exam.how import how
from snellen.findings.finding import Finding
from snellen.findings.findings import Findings
from snellen.instruments.attacks._base import Attack
from snellen.instruments.attacks._curve import curve as curve_of
from snellen.instruments.attacks._goal import Goal, Moved, Targeted, Untargeted
from snellen.instruments.attacks._masking import gradient_masking
from snellen.instruments.attacks._norms import L2, Linf
from snellen.instruments.attacks._victim import Through, two_columns
from snellen.subject.agree import agree
from snellen.subject.batches import BadImage
from snellen.subject.images import Images
from snellen.subject.network import Network, class_index
from snellen.subject.quiet import quiet

MASKED = 32
"""Images that masking is looked for on."""


def attack_network(
    network: Network,
    images: Images,
    attack: Attack,
    *,
    target: str | int | None = None,
    moved: float | None = None,
    through: Through = "scores",
    curve: Sequence[float] = (),
    masking: bool = False,
    seed: int = 0,
    batch_size: int = 64,
    progress: Progress | None = None,
    said: str = "",
) -> Findings:
    """Attack a network on images; what counts is the network's real answer to the pictures as they would be saved.

    Args:
        network: left exactly as it was. One output is a decision between two classes, or a regression.
        images: with labels; without them the network's own answers are attacked.
        attack: the method with its settings and budget.
        target: a class, by name or index, that every image is to be taken for; any wrong one if not given.
        moved: for a regression: success is the first output moved by more than this.
        through: what is differentiated: the ``scores`` before a last tanh, sigmoid or softmax, or the ``output``.
        curve: budgets, in the unit of the attack's norm: what stands within each is found too.
        masking: look for signs of a masked gradient, on 32 of the images.
        seed: the same seed gives the same findings.
        batch_size: images per pass; bounds the memory.
        progress: called with (stage, done, total).
        said: how the budget was read, for the page.

    Raises:
        SnellenError: the network or the images cannot be used, or the attack cannot do its job on this network.

    >>> from snellen import load_images, load_network
    >>> from snellen.instruments.attacks.pgd import PGD
    >>> found = attack_network(load_network("builtin"), load_images("digits:test", limit=8), PGD(steps=5))
    >>> 0 <= found.measured["robust_accuracy"] <= 1
    True
    """
    if moved is not None and target is not None:
        raise UsageError("an output is moved or a class is aimed at; give one of moved and target")
    began, report = time.perf_counter(), progress or (lambda _stage, _done, _total: None)
    pixels, indices, outputs = _looked(network, images, batch_size)
    if moved is None:
        images = agree(network, images, max(2, outputs.shape[1]))
        names = images.class_names if network.class_names is None else network.class_names
        fits = names is not None and len(names) == max(2, outputs.shape[1])
        network = replace(network, class_names=names if fits else None)
    goal, rows, known = _goal(network, images, indices, outputs, target=target, moved=moved)
    if len(rows) == 0:
        raise ImagesError("every image is of the class that it should be taken for; give another target")
    pixels, places = pixels[rows], indices[rows].tolist()
    settings: dict[str, Any] = {"seed": seed, "batch_size": batch_size}
    result = attack(network, pixels, goal, through=through, progress=staged(report, "attack"), **settings)
    name = type(attack).__module__.rpartition(".")[2]
    names = [images.source.name(i) for i in places]
    seen = Attacked(network, attack, goal, pixels, names, places, result, name, known)
    found = [*normalised_twice(network, pixels), attack_finding(seen, check="robustness/attack", said=said)]
    if curve:
        steps = curve_of(
            attack, network, pixels, goal, eps=curve, through=through, progress=staged(report, "curve"), **settings
        )
        found.append(curve_finding(steps, attack.norm, name, check="robustness/budgets"))
    if masking:
        found.extend(_masking(network, attack, pixels, goal, seed, batch_size))
    return Findings(
        tuple(found),
        subject={
            "network": network.name,
            "images": images.name,
            "count": len(pixels),
            "attack": f"{attack}",
            "preprocessing": network.preprocessing.describe(),
            "mean": list(network.mean),
            "std": list(network.std),
            "notes": [*network.notes, *images.notes],
        },
        run=how("attack", seed, time.perf_counter() - began, network),
    )


def _masking(
    network: Network, attack: Attack, pixels: Tensor, goal: Goal, seed: int, batch_size: int
) -> Sequence[Finding]:
    """Where the norm is one that slopes are compared in, and the goal is no class that is aimed at."""
    if not isinstance(attack.norm, Linf | L2) or isinstance(goal, Targeted):
        return ()
    norm = attack.norm if attack.norm.bounded else Linf(8 / 255)
    rows = torch.arange(min(len(pixels), MASKED))
    try:
        found = gradient_masking(
            network, pixels[rows], goal[rows], norm=norm, steps=10, queries=100, seed=seed, batch_size=batch_size
        )
    except UsageError:
        return ()  # none of these images is right to begin with
    return (masking_finding(found, norm, check="robustness/masking"),)


def _looked(network: Network, images: Images, batch_size: int) -> tuple[Tensor, Tensor, Tensor]:
    """The pixels that can be read, their places in the set, and the network's outputs on them."""
    pixels: list[Tensor] = []
    outputs: list[Tensor] = []
    places: list[int] = []
    bad: list[BadImage] = []
    with torch.inference_mode(), quiet(network.module):
        for batch in images.batches(network.preprocessing, batch_size=batch_size):
            bad.extend(batch.bad)
            if batch.indices:
                pixels.append(batch.pixels)
                places.extend(batch.indices)
                outputs.append(network.outputs(batch.pixels.to(network.device)).float().cpu())
    if not places:
        reasons = "; ".join(f"{b.name}: {b.reason}" for b in bad[:3])
        raise ImagesError(f"none of the {len(images)} images could be read ({reasons})")
    return torch.cat(pixels).clone(), torch.tensor(places), torch.cat(outputs).clone()


def _goal(
    network: Network, images: Images, indices: Tensor, outputs: Tensor, *, target: str | int | None, moved: float | None
) -> tuple[Goal, Tensor, bool]:
    """The wish for each image, the rows that it makes sense for, and whether the classes are labels."""
    rows = torch.arange(len(indices))
    if moved is not None:
        return Moved(outputs[:, 0], by=moved), rows, False
    answers = two_columns(outputs, "").argmax(dim=1)
    labels = answers if images.labels is None else torch.from_numpy(images.labels)[indices].long()
    known = bool((labels >= 0).all()) and images.labels is not None
    labels = torch.where(labels >= 0, labels, answers)
    if target is None:
        return Untargeted(labels), rows, known
    wanted = class_index(network, target, max(2, outputs.shape[1]))
    rows = rows[labels != wanted]
    return Targeted(torch.full((len(rows),), wanted)), rows, known
