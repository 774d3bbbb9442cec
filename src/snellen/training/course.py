"""A whole course of training, from images to a measured file: begun, killed, gone on with, finished once."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from jaxtyping import UInt8
from torch import Tensor

from snellen._errors import NetworkError, UsageError
from snellen.findings.interval import wilson
from snellen.nets.saved import Saved, read_saved, write_saved
from snellen.puzzles.arranger import NetworkScorer
from snellen.puzzles.edges import edge_scores
from snellen.puzzles.measure import measure
from snellen.puzzles.restore import solve_images
from snellen.training import deshuffle, rotate
from snellen.training.augment import Views
from snellen.training.checkpoint import checkpoint_path, fingerprint
from snellen.training.fit import Progress
from snellen.training.sources import Source, together

SURE = 0.99
"""A predicted permutation at least so probable is trained on as if it were known."""
SECOND = 0.5
"""The second training has so many of the steps of the first, and its learning rate times this."""
HELD = "held_back_images"
"""The entry of a network's story by which :func:`kept_apart` knows the images held back."""


def deshuffler(
    source: Source,
    settings: deshuffle.Settings,
    out: Path,
    *,
    pseudo_labels: bool = False,
    progress: Progress = lambda _stage, _done, _total: None,
) -> Saved:
    """Train a de-shuffler, measure it on the images held back, write it to ``out``.

    With pseudo-labels a second training follows, on the first one's images and those of lost permutation that it
    is sure of; the first network stays beside ``out`` as ``NAME.first.safetensors``, with its own measurement.

    Raises:
        UsageError: ``out`` is no ``.safetensors`` file, or is there already and was trained by another command;
            pseudo-labels without puzzles.
    """
    if not pseudo_labels:
        return _course(
            lambda c: deshuffle.train(source.views, settings, checkpoint=c, progress=progress),
            source,
            out,
            deshuffle.command_of(source.views, settings),
            lambda saved: _arranged(saved, source, settings),
        )
    puzzles = source.puzzles
    if puzzles is None or not len(puzzles.unknown):
        raise UsageError(f"pseudo-labels are for puzzles whose permutation is lost, and {source.name} has none")
    again = replace(settings, steps=max(round(settings.steps * SECOND), 1), learning_rate=settings.rate * SECOND)
    finished(out, again.command)
    first = deshuffler(source, settings, out.with_suffix(".first.safetensors"), progress=progress)
    found = solve_images(puzzles, NetworkScorer(first), puzzles.unknown)
    sure = found.probability >= SURE
    whole = together(puzzles, puzzles.unknown[sure.numpy()], found.permutations[sure])
    assert isinstance(source.views.images, torch.Tensor)
    more = replace(source, views=Views(torch.cat([source.views.images, whole]), source.views.side))
    labels = {"added": len(whole), "of": len(sure), "probability_at_least": SURE, "before": first.story["held_back"]}
    return _course(
        lambda c: deshuffle.train(more.views, again, start=first, checkpoint=c, progress=progress),
        more,
        out,
        deshuffle.command_of(more.views, again, first),
        lambda saved: {**_arranged(saved, more, again), "pseudo_labels": labels},
    )


def rotation(
    source: Source,
    settings: rotate.Settings,
    out: Path,
    *,
    progress: Progress = lambda _stage, _done, _total: None,
) -> Saved:
    """Train a network to tell rotations apart, measure it on the images held back, write it to ``out``.

    Raises:
        UsageError: ``out`` is no ``.safetensors`` file, or is there already and was trained by another command.
    """
    return _course(
        lambda c: rotate.train(source.views, settings, checkpoint=c, progress=progress),
        source,
        out,
        rotate.command_of(source.views, settings),
        lambda saved: {"held_back": rate(*rotate.told_apart(saved, source.held))},
    )


def _course(
    train: Callable[[Path], Saved],
    source: Source,
    out: Path,
    command: dict[str, Any],
    measured: Callable[[Saved], dict[str, Any]],
) -> Saved:
    checkpoint = checkpoint_path(out)
    there = finished(out, command)
    if there is not None:
        checkpoint.unlink(missing_ok=True)  # killed after the file was written and before this
        return there
    out.parent.mkdir(parents=True, exist_ok=True)
    saved = train(checkpoint)
    held = {HELD: fingerprint(source.held)}
    story = {**saved.story, "data": source.name, **held, **measured(saved)}
    saved = replace(saved, story=story)
    write_saved(saved, out)
    checkpoint.unlink(missing_ok=True)
    return saved


def finished(out: Path, command: Mapping[str, Any]) -> Saved | None:
    """What lies at ``out``, if a command with these settings trained it; None if nothing lies there.

    Raises:
        UsageError: something else lies there, or it is not called ``.safetensors``.
    """
    if out.suffix.lower() != ".safetensors" or out.is_dir():
        raise UsageError(f"--out is the file to write, such as network.safetensors; got {out}")
    if not out.exists():
        return None
    try:
        there = read_saved(out)
    except NetworkError:
        there = None
    theirs = {} if there is None else there.story.get("command", {})
    differ = sorted(name for name, value in command.items() if theirs.get(name) != value)
    if there is None or differ:
        told = f" (other {', '.join(differ)})" if theirs else ""
        raise UsageError(
            f"{out} is there already and was not trained by this command{told}; give another --out, or delete it"
        )
    return there


def kept_apart(saved: Saved, held: UInt8[Tensor, "n 3 h w"]) -> bool:
    """Whether a network's file says that exactly these images were held back from its training."""
    return len(held) > 0 and saved.story.get(HELD) == fingerprint(held)


def _arranged(saved: Saved, source: Source, settings: deshuffle.Settings) -> dict[str, Any]:
    """Image level and piece level on the images held back, at the smallest gap, beside the edges alone."""
    gap, grid = int(saved.about["gap"][0]), settings.grid
    told = {}
    for name, scorer in (("held_back", NetworkScorer(saved)), ("held_back_edges", edge_scores)):
        found = measure(scorer, source.held, grid, gap=gap, seed=settings.seed)
        told[name] = {**rate(found.images, found.asked), "pieces": found.pieces / (found.asked * grid.pieces)}
    return told


def rate(right: int, asked: int) -> dict[str, Any]:
    """Counts, their ratio and its 95 % Wilson interval.

    >>> rate(9, 10)["accuracy"]
    0.9
    """
    low, high = wilson(right, asked)
    return {"right": right, "asked": asked, "accuracy": right / max(asked, 1), "low": low, "high": high}


def sentence(rate: dict[str, Any]) -> str:
    """``991 of 1000 (99.1 %, 98.3 to 99.5)``.

    >>> sentence({"right": 9, "asked": 10, "accuracy": 0.9, "low": 0.596, "high": 0.982})
    '9 of 10 (90.0 %, 59.6 to 98.2)'
    """
    return (
        f"{rate['right']} of {rate['asked']} ({100 * rate['accuracy']:.1f} %, {100 * rate['low']:.1f} to "
        f"{100 * rate['high']:.1f})"
    )
