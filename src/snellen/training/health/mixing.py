"""Does the output for an image change with the other images of its batch?"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_hook
from torch.utils._python_dispatch import TorchDispatchMode

from snellen.training.health.kept import Dice, modules_kept, opened
from snellen.training.health.setup import TrainingSetup, tensors_in

MOST = 4
STAY = slice(1, None, 2)
"""Every other image: what takes the batch for time changes what is after, or what is before."""
ROUNDING = 1e-4
RANGES = frozenset(["amax", "amin", "aminmax", "max", "min"])
"""Of a whole tensor they make a scale for all of it, as a quantisation has it."""
MOMENTS = frozenset(["var", "std", "var_mean", "std_mean"])


@dataclass(frozen=True)
class Mixing:
    """What the outputs did when only the batch mates were exchanged, in evaluation mode.

    Attributes:
        rows: images of the whole batch.
        axes: of the images' tensor.
        kept: images that stayed.
        moved: of these, those whose output changed.
        change: the largest change beside the largest output.
        where: the first module whose output changed, or that was given what had changed.
        before: the change came before that module.
        axis: of the outputs that is the images: 0, or 1 behind time.
        same: the outputs are the same for all images, and the images are not.
    """

    rows: int
    axes: int
    kept: int
    moved: int
    change: float
    where: str = ""
    before: bool = False
    axis: int = 0
    same: bool = False


def mixing(
    setup: TrainingSetup,
    given: Sequence[tuple[tuple[Any, ...], tuple[torch.Size, ...]]],
    names: Mapping[int, str],
    dice: Dice,
) -> Mixing | None:
    """Some images of the batch with two sets of mates; if they differ, again with the first, to see what is noise.

    Args:
        setup: its modules are afterwards as they were; its parameters are not touched.
        given: the calls of the whole network in the step, and the shapes of what it returned.
        names: of the modules, by identity.
        dice: thrown again before each forward.

    Returns:
        None where it does not apply: not one call of the network with one tensor, outputs without the batch as their
        first axis (or the second, (time, images, classes)) or of shape (n, n), statistics of the batch taken on
        purpose, outputs not finite, an error.
    """
    found_images = _images(given)
    if found_images is None:
        return None
    images, axis = found_images
    kept = min(MOST, max(2, len(images) // 4), len(images) // 2)
    first, second = images[: 2 * kept].clone(), images[: 2 * kept].clone()
    second[::2] = images[2 * kept : 3 * kept] if len(images) >= 3 * kept else first[STAY]
    moments = _Moments(2 * kept)
    with modules_kept(setup.modules), opened(setup.module), torch.no_grad():
        for module in setup.modules:
            for submodule in module.modules():
                submodule.training = False
        try:
            with moments:
                one = _run(setup.module, first, names, dice, axis)
            if moments.taken:
                return None
            other = _run(setup.module, second, names, dice, axis)
            found = _compared(one, one, other, rows=len(images), axes=images.ndim, kept=kept, axis=axis)
            if found is not None and found.moved:
                again = _run(setup.module, first.clone(), names, dice, axis)
                found = _compared(one, again, other, rows=len(images), axes=images.ndim, kept=kept, axis=axis)
            if found is not None and found.same and not bool((first != first[:1]).any()):
                found = replace(found, same=False)
        except Exception:  # a forward that wants another batch, or has no evaluation
            return None
        finally:
            dice.throw_again()
    return found


@dataclass(frozen=True)
class _Run:
    outputs: tuple[Tensor, ...]
    course: tuple[tuple[str, Tensor | None, Tensor], ...]


class _Moments(TorchDispatchMode):
    """Sees whether a mean with others, a variance or a normalisation is taken over the images."""

    def __init__(self, rows: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.taken, self._rows = False, rows

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func.overloadpacket.__name__
        over = args[0] if args and isinstance(args[0], Tensor) else None
        if over is not None and over.ndim and len(over) == self._rows:
            if "batch_norm" in name:
                places = [argument.name for argument in func._schema.arguments]
                self.taken |= args[places.index("training")] is True if "training" in places else "with_update" in name
            elif name in MOMENTS or name == "mean":
                axes = args[1] if len(args) > 1 and isinstance(args[1], list | tuple) else ()
                whole = 0 in axes or -over.ndim in axes
                self.taken |= whole and (name in MOMENTS or 1 < len(axes) < over.ndim)
            elif name in RANGES:
                self.taken |= len(args) < 2 or args[1] == []
        return func(*args, **(kwargs or {}))


def _images(given: Sequence[tuple[tuple[Any, ...], tuple[torch.Size, ...]]]) -> tuple[Tensor, int] | None:
    """What the network was given, and the axis of its outputs that is the images."""
    if len(given) != 1:
        return None
    inputs, shapes = given[0]
    images = inputs[0] if len(inputs) == 1 else None
    if not isinstance(images, Tensor) or images.ndim < 2 or len(images) < 2 or images.layout != torch.strided:
        return None
    rows = len(images)
    if shapes and all(len(s) == 3 and s[0] != rows and s[1] == rows for s in shapes):
        return images.detach(), 1
    if not shapes or any(len(s) < 1 or s[0] != rows or s == (rows, rows) for s in shapes):
        return None
    return images.detach(), 0


def _run(module: nn.Module, images: Tensor, names: Mapping[int, str], dice: Dice, axis: int) -> _Run:
    rows = len(images)
    course: list[tuple[str, Tensor | None, Tensor]] = []

    def note(ran: nn.Module, inputs: Any, output: Any) -> None:
        if id(ran) in names:
            fed, made = staying(inputs), staying(output)
            if made is not None:
                course.append((names[id(ran)], fed, made))

    def staying(value: Any) -> Tensor | None:
        """Of the first tensor of the images: those that stay; images behind time only where the outputs are so."""
        for tensor in tensors_in(value):
            place = next((d for d in range(axis + 1) if tensor.ndim > d and tensor.shape[d] == rows), None)
            if place is not None:
                return tensor.transpose(0, place)[STAY].clone()
        return None

    dice.throw_again()
    hook = register_module_forward_hook(note)
    try:
        outputs = module(images)
    finally:
        hook.remove()
    behind_time = tuple(t.detach().transpose(0, axis) for t in tensors_in(outputs) if t.ndim > axis)
    return _Run(behind_time, tuple(course))


def _compared(one: _Run, again: _Run, other: _Run, *, rows: int, axes: int, kept: int, axis: int) -> Mixing | None:
    moved, change, same = torch.zeros(kept, dtype=torch.bool), 0.0, True
    for a, b, c in zip(one.outputs, again.outputs, other.outputs, strict=True):
        if not a.ndim or len(a) != 2 * kept or a.shape != c.shape or a.shape == (2 * kept, 2 * kept):
            return None
        if not a.is_floating_point():
            continue
        mine, repeat, new = (t[STAY].double().reshape(kept, -1) for t in (a, b, c))
        size = float(a.double().abs().max())
        if not math.isfinite(size) or not bool(new.isfinite().all()) or size == 0:
            return None
        limit = _limit(a, size) + 10 * float((mine - repeat).abs().max())
        apart = (mine - new).abs().amax(dim=1)
        moved |= (apart > limit).cpu()
        change = max(change, float(apart.max()) / size)
        same &= not bool(((a - a[:1]).abs() > 4 * torch.finfo(a.dtype).eps * size).any())
    where, before = _first(one, again, other) if bool(moved.any()) else ("", False)
    return Mixing(rows, axes, kept, int(moved.sum()), change, where, before, axis, same)


def _limit(values: Tensor, size: float) -> float:
    """What rounding may do in kernels that look at a whole batch."""
    return size * max(ROUNDING, 4 * torch.finfo(values.dtype).eps)


def _first(one: _Run, again: _Run, other: _Run) -> tuple[str, bool]:
    """The first module whose output differs, and whether what it was given differs already."""
    for (name, fed, made), (_, _, repeat), (_, fed_other, made_other) in zip(
        one.course, again.course, other.course, strict=False
    ):
        if _differ(made, made_other) and not _differ(made, repeat):
            return name, fed is not None and fed_other is not None and _differ(fed, fed_other)
    return "", False


def _differ(one: Tensor, other: Tensor) -> bool:
    if one.shape != other.shape or not one.is_floating_point():
        return False
    size = float(one.double().abs().max()) if one.numel() else 0.0
    return bool((one.double() - other.double()).abs().max() > _limit(one, size)) if size > 0 else False
