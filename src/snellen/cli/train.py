"""``snellen train TASK``: one command a task; killed and given again, it goes on where it was."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from snellen._errors import UsageError
from snellen.cli import options as o
from snellen.cli.console import complain, progress, say, verb

app = typer.Typer(
    name="train",
    help="Train a network; the same command again goes on where a killed one stopped, bit for bit.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
IMAGES, NETWORK, COURSE = "Images", "Network", "Course"
Data = Annotated[
    str,
    typer.Option(
        help="An .npz of shuffled images with permutations, or any images: a folder, .npz, .parquet, 'digits'.",
        rich_help_panel=IMAGES,
    ),
]
Out = Annotated[Path, typer.Option("--out", help="The .safetensors file to write.", rich_help_panel=o.OUTPUT)]
Grid = Annotated[str, typer.Option(help="Rows x columns of the pieces, such as 2x2.", rich_help_panel=IMAGES)]
Side = Annotated[
    int | None,
    typer.Option(min=4, help="Pixels; images of several sizes are cropped to it at random.", rich_help_panel=IMAGES),
]
Limit = Annotated[int | None, typer.Option(min=1, help="At most this many images.", rich_help_panel=IMAGES)]
ImagesKey = Annotated[str | None, typer.Option(help="The images' array in an .npz.", rich_help_panel=IMAGES)]
PermutationsKey = Annotated[
    str | None, typer.Option(help="The permutations' array in an .npz.", rich_help_panel=IMAGES)
]
Encoder = Annotated[str, typer.Option(help="small, large or vgg11_bn.", rich_help_panel=NETWORK)]
Jitter = Annotated[
    float, typer.Option(min=0, max=1, help="Change brightness, contrast and colours so far.", rich_help_panel=COURSE)
]
Grey = Annotated[float, typer.Option(min=0, max=1, help="Part of the images without colour.", rich_help_panel=COURSE)]
Steps = Annotated[int, typer.Option(min=1, help="Steps of the optimizer.", rich_help_panel=COURSE)]
Batch = Annotated[int, typer.Option(min=2, help="Images a step.", rich_help_panel=COURSE)]
Rate = Annotated[float | None, typer.Option("--lr", help="Peak learning rate.", rich_help_panel=COURSE)]
Seed = Annotated[
    int, typer.Option(min=0, max=2**40 - 1, help="Of the split, the weights, the order and the augmentation.")
]


@app.command("deshuffle")
@verb
def deshuffle(
    data: Data,
    out: Out,
    grid: Grid = "2x2",
    model: Annotated[
        str,
        typer.Option(
            help="pairs, or classifier: VGG-11 with BatchNorm on the whole image, one output an arrangement.",
            rich_help_panel=NETWORK,
        ),
    ] = "pairs",
    encoder: Encoder = "small",
    gap: Annotated[
        str,
        typer.Option(
            help="Pixels missing between neighbours: 4, or 0-8 to draw anew; auto is 0 to a quarter of a piece.",
            rich_help_panel=NETWORK,
        ),
    ] = "auto",
    normalise_pieces: Annotated[
        bool,
        typer.Option(help="Take its own mean and deviation from every piece.", rich_help_panel=NETWORK),
    ] = False,
    pseudo_labels: Annotated[
        bool,
        typer.Option(
            help="Train a second time with the puzzles of lost permutation that the first is sure of.",
            rich_help_panel=COURSE,
        ),
    ] = False,
    jitter: Jitter = 0.2,
    grey: Grey = 0.0,
    steps: Steps = 5_000,
    batch: Batch = 64,
    lr: Rate = None,
    side: Side = None,
    limit: Limit = None,
    images_key: ImagesKey = None,
    permutations_key: PermutationsKey = None,
    seed: Seed = 0,
    quiet: o.Quiet = False,
) -> None:
    """Train a network to put shuffled pieces back in place.

    It learns from the known puzzles of an archive, or cuts its own from whole images.
    """
    from snellen.puzzles.grid import Grid as Cut
    from snellen.training import course
    from snellen.training.deshuffle import Settings
    from snellen.training.sources import load_source

    settings = Settings(
        grid=Cut.parse(grid),
        model=model,
        encoder=encoder,
        gap=read_gap(gap),
        normalise_pieces=normalise_pieces,
        jitter=jitter,
        grey=grey,
        steps=steps,
        batch=batch,
        learning_rate=lr,
        seed=seed,
    )
    there = course.finished(out, {}) is not None
    source = load_source(
        data,
        settings.grid,
        side=side,
        limit=limit,
        seed=seed,
        images_key=images_key,
        permutations_key=permutations_key,
    )
    with resumable(out), progress(quiet) as report:
        saved = course.deshuffler(source, settings, out, pseudo_labels=pseudo_labels, progress=report)
    if not quiet:
        story = saved.story
        say(
            f"Held back, never trained on: {course.sentence(story['held_back'])} images put together without a fault; "
            f"edges alone {course.sentence(story['held_back_edges'])}.\n{ending(out, there)}\n"
        )


@app.command("rotate")
@verb
def rotate(
    data: Data,
    out: Out,
    grid: Annotated[
        str, typer.Option(help="Rows x columns of the pieces of an archive.", rich_help_panel=IMAGES)
    ] = "2x2",
    encoder: Encoder = "small",
    jitter: Jitter = 0.2,
    grey: Grey = 0.0,
    steps: Steps = 2_400,
    batch: Batch = 64,
    lr: Rate = None,
    side: Side = None,
    limit: Limit = None,
    images_key: ImagesKey = None,
    permutations_key: PermutationsKey = None,
    seed: Seed = 0,
    quiet: o.Quiet = False,
) -> None:
    """Train a network to tell by which quarter turn an image was rotated: a second pretext, to compare with."""
    from snellen.puzzles.grid import Grid as Cut
    from snellen.training import course
    from snellen.training.rotate import Settings
    from snellen.training.sources import load_source

    settings = Settings(
        encoder=encoder,
        jitter=jitter,
        grey=grey,
        steps=steps,
        batch=batch,
        learning_rate=2e-3 if lr is None else lr,
        seed=seed,
    )
    there = course.finished(out, {}) is not None
    source = load_source(
        data,
        Cut.parse(grid),
        side=side,
        limit=limit,
        seed=seed,
        images_key=images_key,
        permutations_key=permutations_key,
    )
    with resumable(out), progress(quiet) as report:
        saved = course.rotation(source, settings, out, progress=report)
    if not quiet:
        told = course.sentence(saved.story["held_back"])
        say(f"Held back, never trained on: {told} turns told right.\n{ending(out, there)}\n")


def ending(out: Path, there: bool) -> str:
    """What became of the file."""
    return f"{out} was there already, trained by this command; nothing was done" if there else f"Wrote {out}"


@contextmanager
def resumable(out: Path) -> Iterator[None]:
    """A training that is interrupted says what it leaves."""
    try:
        yield
    except KeyboardInterrupt:
        complain(f"interrupted; the same command goes on from the last checkpoint, if there is one beside {out}")
        raise typer.Exit(130) from None


def read_gap(text: str) -> tuple[int, int] | None:
    """``4`` or ``0-8`` as fewest and most pixels; None for ``auto``."""
    if text == "auto":
        return None
    low, dash, high = text.partition("-")
    if not low.strip().isdecimal() or (dash and not high.strip().isdecimal()):
        raise UsageError(f"--gap must read like 4 or 0-8, in pixels, or auto, got {text!r}")
    return int(low), int(high or low)
