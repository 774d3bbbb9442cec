"""``snellen train deshuffle`` and ``rotate``: two tasks that need no labels."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from snellen._errors import UsageError
from snellen.cli import options as o
from snellen.cli.console import progress, resumable, say, verb
from snellen.cli.grouped import grouped

if TYPE_CHECKING:
    from snellen.puzzles.grid import Grid
    from snellen.training.sources import Source

Data = Annotated[
    str,
    typer.Option(
        help="An .npz of shuffled images with permutations, or any images: a folder, .npz, .parquet, 'digits'.",
        rich_help_panel=o.IMAGES,
    ),
]
Out = Annotated[Path, typer.Option("--out", help="The .safetensors file to write.", rich_help_panel=o.OUTPUT)]
Grid_ = Annotated[
    str, typer.Option("--grid", help="Rows x columns of the pieces, such as 2x2.", rich_help_panel=o.IMAGES)
]
ImagesKey = Annotated[str | None, typer.Option(help="The images' array in an .npz.", rich_help_panel=o.IMAGES)]
PermutationsKey = Annotated[
    str | None, typer.Option(help="The permutations' array in an .npz.", rich_help_panel=o.IMAGES)
]
Encoder = Annotated[str, typer.Option(help="small, large or vgg11_bn.", rich_help_panel=o.NETWORK)]
Grey = Annotated[float, typer.Option(min=0, max=1, help="Part of the images without colour.", rich_help_panel=o.COURSE)]
Rate = Annotated[float | None, typer.Option("--lr", help="Peak learning rate.", rich_help_panel=o.COURSE)]


@dataclass(frozen=True)
class Pretext:
    """The options that both tasks have."""

    data: Data
    out: Out
    grid: Grid_ = "2x2"
    encoder: Encoder = "small"
    jitter: o.Jitter = 0.2
    grey: Grey = 0.0
    batch: o.Batch = 64
    lr: Rate = None
    side: o.Side = None
    limit: o.TrainLimit = None
    images_key: ImagesKey = None
    permutations_key: PermutationsKey = None
    seed: o.TrainSeed = 0
    quiet: o.Quiet = False

    def source(self, grid: "Grid") -> "Source":
        """The images that the options speak of."""
        from snellen.training.sources import load_source

        return load_source(
            self.data,
            grid,
            side=self.side,
            limit=self.limit,
            seed=self.seed,
            images_key=self.images_key,
            permutations_key=self.permutations_key,
        )

    def ending(self, there: bool) -> str:
        """What became of the file."""
        if there:
            return f"{self.out} was there already, trained by this command; nothing was done\n"
        return f"Wrote {self.out}\n"


@verb
@grouped
def deshuffle(
    pretext: Pretext,
    model: Annotated[
        str,
        typer.Option(
            help="pairs, or classifier: VGG-11 with BatchNorm on the whole image, one output an arrangement.",
            rich_help_panel=o.NETWORK,
        ),
    ] = "pairs",
    gap: Annotated[
        str,
        typer.Option(
            help="Pixels missing between neighbours: 4, or 0-8 to draw anew; auto is 0 to a quarter of a piece.",
            rich_help_panel=o.NETWORK,
        ),
    ] = "auto",
    normalise_pieces: Annotated[
        bool,
        typer.Option(help="Take its own mean and deviation from every piece.", rich_help_panel=o.NETWORK),
    ] = False,
    pseudo_labels: Annotated[
        bool,
        typer.Option(
            help="Train a second time with the puzzles of lost permutation that the first is sure of.",
            rich_help_panel=o.COURSE,
        ),
    ] = False,
    steps: o.Steps = 5_000,
) -> None:
    """Train a network to put shuffled pieces back in place.

    It learns from the known puzzles of an archive, or cuts its own from whole images.
    """
    from snellen.puzzles.grid import Grid
    from snellen.training import course
    from snellen.training.deshuffle import Settings

    settings = Settings(
        grid=Grid.parse(pretext.grid),
        model=model,
        encoder=pretext.encoder,
        gap=read_gap(gap),
        normalise_pieces=normalise_pieces,
        jitter=pretext.jitter,
        grey=pretext.grey,
        steps=steps,
        batch=pretext.batch,
        learning_rate=pretext.lr,
        seed=pretext.seed,
    )
    out = pretext.out
    there = course.finished(out, {}) is not None
    source = pretext.source(settings.grid)
    with resumable(out), progress(pretext.quiet) as report:
        saved = course.deshuffler(source, settings, out, pseudo_labels=pseudo_labels, progress=report)
    if not pretext.quiet:
        story = saved.story
        say(
            f"Held back, never trained on: {course.sentence(story['held_back'])} images put together without a fault; "
            f"edges alone {course.sentence(story['held_back_edges'])}.\n{pretext.ending(there)}"
        )


@verb
@grouped
def rotate(pretext: Pretext, steps: o.Steps = 2_400) -> None:
    """Train a network to tell by which quarter turn an image was rotated: a second pretext, to compare with."""
    from snellen.puzzles.grid import Grid
    from snellen.training import course
    from snellen.training.rotate import Settings

    settings = Settings(
        encoder=pretext.encoder,
        jitter=pretext.jitter,
        grey=pretext.grey,
        steps=steps,
        batch=pretext.batch,
        learning_rate=2e-3 if pretext.lr is None else pretext.lr,
        seed=pretext.seed,
    )
    out = pretext.out
    there = course.finished(out, {}) is not None
    source = pretext.source(Grid.parse(pretext.grid))
    with resumable(out), progress(pretext.quiet) as report:
        saved = course.rotation(source, settings, out, progress=report)
    if not pretext.quiet:
        told = course.sentence(saved.story["held_back"])
        say(f"Held back, never trained on: {told} turns told right.\n{pretext.ending(there)}")


def read_gap(text: str) -> tuple[int, int] | None:
    """``4`` or ``0-8`` as fewest and most pixels; None for ``auto``."""
    if text == "auto":
        return None
    low, dash, high = text.partition("-")
    if not low.strip().isdecimal() or (dash and not high.strip().isdecimal()):
        raise UsageError(f"--gap must read like 4 or 0-8, in pixels, or auto, got {text!r}")
    return int(low), int(high or low)
