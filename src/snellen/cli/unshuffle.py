"""``snellen unshuffle``: put shuffled images back together, and say how far to trust the result."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from snellen._errors import UsageError
from snellen.cli import options as o
from snellen.cli.console import deliver, progress, say, verb

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from snellen.nets.saved import Saved
    from snellen.puzzles.load import Puzzles
    from snellen.puzzles.unshuffle import Contender

    Progress = Callable[[str, int, int], None]

ARCHIVE, SOLVER = "What is restored", "What restores it"


@verb
def unshuffle(
    puzzles: Annotated[
        str,
        typer.Argument(metavar="PUZZLES", help="An .npz of shuffled images with or without permutations, or a folder."),
    ],
    out: Annotated[
        Path, typer.Option("--out", help="The .npz to write: images, permutations, margins.", rich_help_panel=o.OUTPUT)
    ],
    grid: Annotated[str, typer.Option(help="Rows x columns of the pieces.", rich_help_panel=ARCHIVE)] = "2x2",
    network: Annotated[
        Path | None, typer.Option(help="A network that 'snellen train deshuffle' wrote.", rich_help_panel=SOLVER)
    ] = None,
    train: Annotated[
        bool, typer.Option("--train", help="Train one on the known puzzles first.", rich_help_panel=SOLVER)
    ] = False,
    report: Annotated[
        Path | None, typer.Option(help="Folder for the page and its arrays.", rich_help_panel=o.OUTPUT)
    ] = None,
    images_key: Annotated[
        str | None, typer.Option(help="The images' array in the .npz.", rich_help_panel=ARCHIVE)
    ] = None,
    permutations_key: Annotated[
        str | None, typer.Option(help="The permutations' array in the .npz.", rich_help_panel=ARCHIVE)
    ] = None,
    convention: Annotated[
        str,
        typer.Option(
            help="What a permutation means: detect, belongs-at, comes-from, or either with -by-columns.",
            rich_help_panel=ARCHIVE,
        ),
    ] = "detect",
    json: o.Json = None,
    seed: o.Seed = 0,
    batch_size: o.BatchSize = 256,
    quiet: o.Quiet = False,
) -> None:
    """Put the pieces of every image back: by the known permutations, the others by prediction.

    Without --network or --train the pieces are matched at their edges alone, which needs no training.
    """
    from snellen.puzzles.load import load_puzzles
    from snellen.puzzles.report import report_of
    from snellen.puzzles.split import held_back
    from snellen.puzzles.unshuffle import EDGES, unshuffle

    began = time.perf_counter()
    o.check_destinations(report, json)
    _check_file(out, Path(puzzles), network)
    if network is not None and train:
        raise UsageError("--network and --train were both given; one brings a network, the other makes one")
    loaded = load_puzzles(
        puzzles, grid=grid, images_key=images_key, permutations_key=permutations_key, convention=convention
    )
    with progress(quiet) as tell:
        saved = _network(network, loaded, train=train, out=out, seed=seed, tell=tell)
        contenders, held = [EDGES], loaded.known
        if saved is not None:
            held = held_back(loaded.known, seed=_split_seed(saved, seed))[1]
            contenders.insert(0, _contender(saved, loaded, held))
        seen = unshuffle(loaded, contenders, held=held, seed=seed, batch_size=batch_size, progress=tell)
    findings = report_of(seen, seed=seed, seconds=time.perf_counter() - began)
    written = seen.restored.save(out)
    deliver(findings, out=report, json_to=json, quiet=quiet)
    if not quiet and json != "-":
        say(f"\nThe restored images: {written}\n")


def _check_file(out: Path, source: Path, network: Path | None) -> None:
    """Refuse what cannot or must not be written to before the long work."""
    if out.suffix.lower() != ".npz":
        raise UsageError(f"--out is the .npz to write, such as restored.npz; got {out}")
    if out.is_dir():
        raise UsageError(f"--out must be a file, and {out} is a folder; give a file in it")
    for name, other in (("the puzzles", source), ("the network", network)):
        if other is not None and out.exists() and other.exists() and out.samefile(other):
            raise UsageError(f"--out is {name} themselves ({out}), which would be lost; give another file")


def _network(
    network: Path | None, puzzles: "Puzzles", *, train: bool, out: Path, seed: int, tell: "Progress"
) -> "Saved | None":
    """The network that restores: read, or trained now on the known puzzles that are not held back, beside ``out``."""
    if network is not None:
        from snellen.nets.saved import read_saved

        return read_saved(network)
    if not train:
        return None
    from snellen.training import course
    from snellen.training.deshuffle import Settings
    from snellen.training.sources import from_puzzles

    beside = out.with_suffix(".safetensors")
    settings = Settings(grid=puzzles.grid, seed=seed)
    return course.deshuffler(from_puzzles(puzzles, seed=seed), settings, beside, progress=tell)


def _contender(saved: "Saved", puzzles: "Puzzles", held: "NDArray[np.int64]") -> "Contender":
    """A trained network, to stand beside edge matching; it is asked at gaps that it never saw too."""
    from snellen.puzzles.arranger import NetworkScorer
    from snellen.puzzles.gaps import GAPS
    from snellen.puzzles.unshuffle import Contender
    from snellen.training.course import kept_apart
    from snellen.training.sources import together

    scorer = NetworkScorer(saved)
    if saved.about["grid"] != str(puzzles.grid):
        raise UsageError(
            f"the network was trained on {saved.about['grid']} puzzles, these are {puzzles.grid}; give --grid "
            f"{saved.about['grid']} if that is what they are, or train a network for {puzzles.grid}"
        )
    gaps = GAPS if scorer.arranger.in_pairs else (scorer.arranger.gap,)  # a classifier knows images of one size
    return Contender("the network", scorer, gaps=gaps, apart=kept_apart(saved, together(puzzles, held)))


def _split_seed(saved: "Saved", seed: int) -> int:
    """The seed by which the network's training held puzzles back."""
    return int(saved.story.get("command", {}).get("seed", seed))
