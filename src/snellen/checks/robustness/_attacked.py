"""What an attack found, as a finding: how many images, by how much, and what they look like."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from snellen.checks._pictures import picture
from snellen.checks.robustness._saved import survivors
from snellen.findings.evidence import Curve, Gallery, Table, Tile
from snellen.findings.finding import Finding, Severity
from snellen.findings.interval import wilson
from snellen.instruments.attacks._base import Adversarial, Attack
from snellen.instruments.attacks._goal import Goal, Moved, Targeted, Untargeted
from snellen.instruments.attacks._norms import L2, Linf, Norm
from snellen.subject.network import Network

PROBABILITIES = ("softmax", "sigmoid", "hardsigmoid")


@dataclass(frozen=True, eq=False)
class Attacked:
    """Images that were attacked, and what came of it.

    Attributes:
        network: the victim.
        attack: with its settings.
        goal: one wish an image.
        pixels: (n, c, h, w) the images, in [0, 1].
        names: where each came from.
        indices: each one's place in its set.
        result: what the attack found.
        words: the attack's name, as in ``pgd``.
        known: whether the classes are labels, and not the network's own answers.
    """

    network: Network
    attack: Attack
    goal: Goal
    pixels: Tensor
    names: Sequence[str]
    indices: Sequence[int]
    result: Adversarial
    words: str
    known: bool = True

    @cached_property
    def stands(self) -> Tensor:
        """(n,) which images resist: right before, and no change was found."""
        return ~self.result.success

    @property
    def unit(self) -> str:
        """What the distances are printed in."""
        return unit(self.attack.norm)

    def shown(self, distance: float) -> float:
        """A distance in that unit."""
        return shown_distance(self.attack.norm, distance)

    def answer(self, row: int, outputs: Tensor) -> str:
        """What the network says, as a class with its probability or as a number."""
        values = outputs[row].double()
        if isinstance(self.goal, Moved):
            return f"{float(values[self.goal.output]):.4g}"
        activation = str(self.result.details["activation"])
        if activation == "log_softmax":
            values = values.exp()
        elif activation not in PROBABILITIES:
            values = values.softmax(dim=0) if activation == "" else values
        best = int(values.argmax())
        number = f"{float(values[best]):.1%}" if activation in ("", *PROBABILITIES, "log_softmax") else ""
        return f"{self.network.class_name(best)} {number or f'{float(values[best]):.4g}'}"

    def wish(self) -> str:
        """What counts as success, in words."""
        if isinstance(self.goal, Moved):
            return f"the output moves by more than {self.goal.by:g}"
        if isinstance(self.goal, Targeted):
            classes = self.goal.target.unique().tolist()
            return (
                f"it is taken for {self.network.class_name(classes[0])}" if len(classes) == 1 else "the target is met"
            )
        return "the answer is wrong" if self.known else "the answer changes"


def unit(norm: Norm) -> str:
    """What distances of a norm are printed in."""
    if isinstance(norm, Linf):
        return "levels of 255"
    return "L2, pixels in [0, 1]" if isinstance(norm, L2) else "pixels"


def shown_distance(norm: Norm, distance: float) -> float:
    """A distance in that unit."""
    return round(255 * distance) if isinstance(norm, Linf) and math.isfinite(distance) else distance


def attack_finding(seen: Attacked, *, check: str, said: str = "", amplified: bool = True) -> Finding:
    """The finding of one attack; every number in it is judged from the pictures that were saved and read again.

    Args:
        seen: the images and the result.
        check: the name of the check.
        said: how the budget was read.
        amplified: show the change, amplified.
    """
    result, count = seen.result, len(seen.pixels)
    fooled = result.success & ~result.already
    kept = torch.zeros(count, dtype=torch.bool)
    resized: Tensor | None = None
    rows = fooled.nonzero()[:, 0]
    if len(rows):
        found, through = survivors(seen.network, result.images[rows], seen.goal[rows])
        kept[rows] = found
        resized = through
    standing = int(seen.stands.sum())
    low, high = wilson(standing, count)
    asked = count - int(result.already.sum())
    distances = result.distance[fooled]
    measured = {
        "robust_accuracy": standing / count,
        "robust_accuracy_low": low,
        "robust_accuracy_high": high,
        "attack_success": float(fooled.sum()) / asked if asked else 0.0,
    }
    if len(distances) and not seen.attack.needs_budget:
        measured["median_distance"] = float(distances.median())
    return Finding(
        check,
        _severity(seen, kept, fooled),
        f"Attacked by {seen.words.replace('_', ' ')}",
        " ".join(_sentences(seen, kept, resized, asked)) + (f" ({said[0].upper()}{said[1:]}.)" if said else ""),
        measured=measured,
        headlines=("robust_accuracy",),
        remedy=_remedy(seen, kept, fooled),
        evidence=(
            *([_distances(seen, distances)] if len(distances) > 1 and not seen.attack.needs_budget else []),
            _gallery(seen, amplified),
            _table(seen, kept),
        ),
        reference=_reference(seen.attack),
    )


def _severity(seen: Attacked, kept: Tensor, fooled: Tensor) -> Severity:
    if not bool((kept == fooled).all()):
        return "error"
    return "warning" if _falls(seen, fooled) else "info"


def _remedy(seen: Attacked, kept: Tensor, fooled: Tensor) -> str:
    if not bool((kept == fooled).all()):
        return "A defect of Snellen: please report it with this page."
    if not _falls(seen, fooled) or isinstance(seen.goal, Moved):
        return ""
    return "If somebody may want it to err: train it on such images (snellen train classify --adversarial pgd)."


def _falls(seen: Attacked, fooled: Tensor) -> bool:
    """Whether more than half of what could be changed was."""
    return 2 * int(fooled.sum()) > int((~seen.result.already).sum())


def _sentences(seen: Attacked, kept: Tensor, resized: Tensor | None, asked: int) -> list[str]:
    result, count = seen.result, len(seen.pixels)
    fooled = result.success & ~result.already
    standing = int(seen.stands.sum())
    low, high = wilson(standing, count)
    start = "their goal" if isinstance(seen.goal, Moved | Targeted) else "wrong"
    sentences = [
        f"Of {count} images {int(result.already.sum())} were {start} before any change; of the other {asked}, "
        f"{int(fooled.sum())} were changed so that {seen.wish()}: {standing / count:.1%} stand "
        f"({low:.1%} to {high:.1%})."
    ]
    if asked == 0:
        sentences.append("So nothing was attacked, and this says nothing of the attack.")
    distances = result.distance[fooled]
    if len(distances):
        if not seen.attack.needs_budget:
            middle, largest = seen.shown(float(distances.median())), seen.shown(float(distances.max()))
            sentences.append(f"Median change {middle:.4g}, largest {largest:.4g} ({seen.unit}).")
        sentences.append(f"All {int(kept.sum())} were written as PNG, read back and judged again, one at a time.")
    if resized is not None:
        sentences.append(
            f"Read through the network's own resize and crop, {int(resized.sum())} of {len(resized)} still work; the "
            "pictures are meant to be read as they are."
        )
    if int(result.float_only.sum()):
        sentences.append(f"{int(result.float_only.sum())} more work only as floats, not as a picture of 8 bits.")
    details = result.details
    sentences.append(f"{details['queries']:,} forwards and {details['gradients']:,} gradients of single images.")
    if details["activation"]:
        sentences.append(f"The network ends in a {details['activation']}, which the attack went around.")
    if details["flat"]:
        sentences.append(f"{details['flat']:,} of the gradients were exactly 0.")
    return sentences


def _distances(seen: Attacked, distances: Tensor) -> Curve:
    values = np.array([seen.shown(float(d)) for d in distances.sort().values])
    share = np.arange(1, len(values) + 1) / len(seen.pixels)
    before = float(seen.result.already.float().mean())
    steps = (0.0, *(float(v) for v in values)), (before, *(float(s) + before for s in share))
    return Curve(
        "Images that are changed within a distance",
        f"distance ({seen.unit})",
        "share of the images",
        {seen.words: steps},
        note="At 0: those that were so before any change.",
    )


def _table(seen: Attacked, kept: Tensor) -> Table:
    result = seen.result
    rows = []
    for i, name in enumerate(seen.names):
        state = "before any change" if bool(result.already[i]) else "as a file" if bool(kept[i]) else "resists"
        if bool(result.float_only[i]):
            state = "as floats only"
        distance = float(result.distance[i])
        rows.append(
            (
                name,
                seen.answer(i, result.before),
                seen.answer(i, result.after) if bool(result.success[i]) else None,
                state,
                seen.shown(distance) if math.isfinite(distance) else None,
            )
        )
    order = sorted(range(len(rows)), key=lambda i: float(result.distance[i]))
    return Table(
        "Every image, the most easily changed first",
        ("image", "answer before", "answer after", "changed", f"distance ({seen.unit})"),
        tuple(rows[i] for i in order),
    )


def _gallery(seen: Attacked, amplified: bool) -> Gallery:
    result = seen.result
    order = [i for i in result.distance.argsort().tolist() if bool(result.success[i]) and not bool(result.already[i])]
    order += [i for i in range(len(seen.pixels)) if bool(seen.stands[i])]
    return Gallery(
        "Before, the change, after",
        tuple(_tile(seen, i, amplified) for i in order),
        note="The change is amplified by the factor that is written under it, around grey. The changed pictures lie "
        "beside this page, as PNG.",
    )


def _tile(seen: Attacked, i: int, amplified: bool) -> Tile:
    result, original = seen.result, (seen.pixels[i] * 255).round() / 255
    before = seen.answer(i, result.before)
    label = f"answer: {before}"
    if seen.known and isinstance(seen.goal, Untargeted):
        label = f"true: {seen.network.class_name(int(seen.goal.labels[i]))}"
    if not bool(result.success[i]):
        pictures = (picture("image", original),)
        return Tile(label, pictures, image=int(seen.indices[i]), lines=(before, "resists", seen.names[i]))
    change = result.images[i] - original
    factor = max(1, int(0.5 / max(float(change.abs().max()), 1 / 255)))
    shown = [picture("image", original)]
    if amplified:
        shown.append(picture(f"change x {factor}", 0.5 + factor * change))
    shown.append(picture("adversarial", result.images[i], as_png=True))
    distance = seen.shown(float(result.distance[i]))
    lines = (f"before: {before}", f"after: {seen.answer(i, result.after)}", f"distance {distance:.4g} ({seen.unit})")
    return Tile(label, tuple(shown), image=int(seen.indices[i]), lines=(*lines, seen.names[i]), mark="wrong")


def _reference(attack: Attack) -> str:
    text = type(attack).__doc__ or ""
    return " ".join(text.partition("Reference: ")[2].partition("\n\n")[0].split())
