"""Does an output know what it is to foretell? An experiment, where the targets are a later part of the input."""

import copy
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from snellen.training.health.calls import LossCall, Losses
from snellen.training.health.kept import Dice, modules_kept, opened, random_kept
from snellen.training.health.setup import TrainingSetup, inputs_and_targets, tensors_in

REGRESSIONS = frozenset(["mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss"])
FEW = 8
"""Targets that are compared with the input at least."""
ROUNDING = 1e-4
"""Of the largest output."""


@dataclass(frozen=True)
class Ahead:
    """Targets that are the inputs, and what the outputs did when the inputs from one place on were exchanged.

    Attributes:
        shifted: the target of a place is the next input; else it is the input of that place.
        place: the first that was exchanged, from 0.
        earlier: the largest change of an output before it, beside the largest output.
        later: likewise at that place and behind it.
        remembers: outputs at that place and behind it change with the inputs before it (asked where not shifted).
        copies: where not shifted, the change of an output when its own input is exchanged, beside the mean change of
            the others; 0 if that was not asked.
    """

    shifted: bool
    place: int
    earlier: float
    later: float
    remembers: bool = False
    copies: float = 0.0


@dataclass(frozen=True, eq=False)
class _Copied:
    """A loss whose target is a tensor of the batch, (n, t), shifted or not."""

    call: LossCall
    source: Tensor
    known: Tensor
    shifted: bool


def ahead(setup: TrainingSetup, losses: tuple[LossCall, ...], dice: Dice) -> Ahead | None:
    """Exchange the second half of a sequence, and see whether the outputs of its first half change.

    In evaluation mode, with the same random numbers; all is put back. It costs two evaluations of the loss, a third if
    something changed or nothing is shifted, and three more if both; and is made only where the targets of a loss are
    those inputs, all but the ignored ones.

    Args:
        setup: as observed.
        losses: that its step called.
        dice: thrown before each evaluation.

    Returns:
        None where no target is an input, or the loss cannot be computed so, or the words are looked up twice: what
        reads them first (an encoder) may know all of them.
    """
    fed = setup.batch if setup.whole else inputs_and_targets(setup.batch)[0]
    found = next((c for call in losses for c in _copies(call, fed)), None)
    if found is None:
        return None
    place = max(1, int(found.known.sum(1).median()) // 2)
    behind, before = found.source.clone(), found.source.clone()
    other = _exchanged(found.source)
    behind[:, place:], before[:, :place] = other[:, place:], other[:, :place]
    with modules_kept(setup.modules), random_kept(), opened(setup.module), torch.no_grad():
        for module in setup.modules:
            for submodule in module.modules():
                submodule.training = False
        try:
            one = _outputs(setup, found.source, found, dice)
            two = None if one is None else _outputs(setup, behind, found, dice)
            if one is None or two is None:
                return None
            early, late = _changes(one, two, place)
            if early > 0:
                again = _outputs(setup, found.source, found, dice)
                noise = math.inf if again is None else max(_changes(one, again, place))
                early = early if early > 10 * noise else 0.0
            three = None if found.shifted else _outputs(setup, before, found, dice)
            past = three is not None and _changes(one, three, place)[1] > 0
            copies = 0.0 if found.shifted or early == 0 else _copying(setup, found, other, one, dice)
        except Exception:  # a loss that wants another batch, or has no evaluation
            return None
    return Ahead(found.shifted, place, early, late, past, copies)


def _copying(setup: TrainingSetup, found: _Copied, other: Tensor, one: Tensor, dice: Dice) -> float:
    """How much more an output changes with its own input than with others, in the median of three places."""
    wide, ratios = one.shape[1], []
    for place in {wide // 4, wide // 2, 3 * wide // 4}:
        exchanged = found.source.clone()
        exchanged[:, place] = other[:, place]
        outputs = _outputs(setup, exchanged, found, dice)
        if outputs is None:
            return 0.0
        change = (outputs - one).abs().mean(dim=(0, 2))
        apart = torch.arange(wide, device=change.device) != place
        ratios.append(float(change[place] / change[apart].mean().clamp_min(1e-30)))
    return sorted(ratios)[len(ratios) // 2]


def _copies(call: LossCall, fed: Any) -> Iterator[_Copied]:
    words = call.name == "cross_entropy" and not call.target.is_floating_point()
    if not words and call.name not in REGRESSIONS:
        return
    for source in tensors_in(fed):
        if not (_is_text(source) if words else _is_series(source)) or not len(source) or source.shape[1] < 3:
            continue
        rows, length = source.shape[:2]
        for wide in (length, length - 1):
            if call.target.numel() != rows * wide * source.shape[2:].numel() or call.input.numel() % (rows * wide):
                continue
            target = call.target.reshape(rows, wide, *source.shape[2:])
            ignored = call.options.get("ignore_index", -100)
            known = target != ignored if words else torch.ones(rows, wide, dtype=torch.bool, device=target.device)
            if _same(target, source[:, 1:], known):
                yield _Copied(call, source, known, True)
            elif words and wide == length and _same(target, source, known) and _moving(source):
                yield _Copied(call, source, known, False)


def _is_text(source: Tensor) -> bool:
    return source.ndim == 2 and not source.is_floating_point() and source.dtype != torch.bool


def _is_series(source: Tensor) -> bool:
    return source.ndim in (2, 3) and source.is_floating_point()


def _same(target: Tensor, source: Tensor, known: Tensor) -> bool:
    """Equal wherever both are and the target counts, in more than a constant."""
    wide = min(target.shape[1], source.shape[1])
    picked = target[:, :wide][known[:, :wide]]
    enough = int(known[:, :wide].sum()) >= FEW and bool((picked != picked[:1]).any())
    return enough and torch.equal(picked, source[:, :wide][known[:, :wide]])


def _moving(source: Tensor) -> bool:
    return bool((source[:, 1:] != source[:, :-1]).any())


def _exchanged(source: Tensor) -> Tensor:
    """Every word by the next that occurs; numbers mirrored about their mean and shifted by their deviation."""
    if source.is_floating_point():
        return 2 * source.mean() - source + source.std()
    kinds, place = torch.unique(source, return_inverse=True)
    following: Tensor = kinds[(place + 1) % len(kinds)]
    return following


def _with(value: Any, old: Tensor, new: Tensor) -> Any:
    """The nested batch with one tensor exchanged."""
    if value is old:
        return new
    if isinstance(value, Mapping):
        other: Any = copy.copy(value)
        for key, inner in value.items():
            other[key] = _with(inner, old, new)
        return other
    if isinstance(value, list | tuple):
        items = [_with(inner, old, new) for inner in value]
        return type(value)(*items) if hasattr(value, "_fields") else type(value)(items)
    return value


class _Watched(Losses):
    """Also counts how often these words were looked up."""

    def __init__(self, source: Tensor) -> None:
        super().__init__(_nothing)
        self.lookups, self._source = 0, source

    def __torch_function__(self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is F.embedding:
            asked = args[0] if args else (kwargs or {})["input"]
            if asked.ndim == 2 and len(asked) == len(self._source) and 1 < asked.shape[1] <= self._source.shape[1]:
                wide = asked.shape[1]
                ends = (self._source[:, :wide], self._source[:, -wide:])
                self.lookups += any(torch.equal(asked, end.to(asked.dtype)) for end in ends)
        return super().__torch_function__(func, types, args, kwargs)


def _nothing(_tensor: Tensor) -> str:
    return ""


def _outputs(setup: TrainingSetup, source: Tensor, found: _Copied, dice: Dice) -> Tensor | None:
    """What the loss compares with the targets, (n, t, numbers), where these are the inputs."""
    rows, wide = found.known.shape
    dice.throw_again()
    with _Watched(found.source) as watched:
        replace(setup, batch=_with(setup.batch, found.source, source)).value()
    alike = (c for c in watched.found if c.name == found.call.name and c.input.shape == found.call.input.shape)
    call = next(alike, None)
    if call is None or watched.lookups > 1:
        return None
    scores = call.input.double()
    if scores.ndim == 3 and scores.shape[0] == rows and scores.shape[1] != wide and scores.shape[2] == wide:
        scores = scores.transpose(1, 2)
    return torch.reshape(scores, (rows, wide, -1))


def _changes(one: Tensor, other: Tensor, place: int) -> tuple[float, float]:
    """Before a place and from there on, beside the largest output; 0 where it is no more than rounding."""
    size = float(one.abs().max())
    apart = (one - other).abs() / size if size > 0 and math.isfinite(size) else torch.zeros_like(one)
    parts = (float(part.max()) if part.numel() else 0.0 for part in (apart[:, :place], apart[:, place:]))
    early, late = (part if part > ROUNDING else 0.0 for part in parts)
    return early, late
