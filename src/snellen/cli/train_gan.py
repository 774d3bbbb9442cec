"""``snellen train gan``: a generator and its discriminator, with a page that shows samples while they play."""

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from snellen._errors import UsageError
from snellen.cli import options as o
from snellen.cli.console import progress, resumable, say, verb

if TYPE_CHECKING:
    from snellen.training.gan_lesson import GanLesson


@verb
def gan(
    data: Annotated[
        str,
        typer.Option(
            help="'digits'; a folder; an .npz; a .parquet. Labels are for --conditional.", rich_help_panel=o.IMAGES
        ),
    ],
    out: Annotated[
        Path,
        typer.Option("--out", help="Folder for the networks, their metrics and the page.", rich_help_panel=o.OUTPUT),
    ],
    discriminator: Annotated[
        str, typer.Option(help="What its output is: probability or critic.", rich_help_panel=o.NETWORK)
    ] = "probability",
    loss: Annotated[
        str | None,
        typer.Option(
            help="Of a probability: nonsaturating, saturating, lsgan; of a critic: wasserstein-gp, hinge.",
            rich_help_panel=o.NETWORK,
        ),
    ] = None,
    upsample: Annotated[
        str,
        typer.Option(
            help="How the generator enlarges: nearest, bilinear, transposed or pixelshuffle.", rich_help_panel=o.NETWORK
        ),
    ] = "nearest",
    conditional: Annotated[
        bool, typer.Option("--conditional", help="Tell both networks the class.", rich_help_panel=o.NETWORK)
    ] = False,
    style: Annotated[
        bool,
        typer.Option("--style", help="A mapping network and AdaIN at every resolution.", rich_help_panel=o.NETWORK),
    ] = False,
    latent: Annotated[int, typer.Option(min=1, help="Numbers of a latent vector.", rich_help_panel=o.NETWORK)] = 64,
    width: Annotated[
        int, typer.Option(min=1, help="Channels of the generator's last maps.", rich_help_panel=o.NETWORK)
    ] = 16,
    side: Annotated[
        int | None,
        typer.Option(
            min=1, help="Pixels: 8, 16, 32, 64 or 128; the centre square is resized to it.", rich_help_panel=o.IMAGES
        ),
    ] = None,
    limit: o.TrainLimit = None,
    steps: Annotated[
        int | None, typer.Option(min=1, help="Steps of the generator; 3000 if not given.", rich_help_panel=o.COURSE)
    ] = None,
    epochs: Annotated[
        int | None,
        typer.Option(min=1, help="In place of --steps: times the images are gone through.", rich_help_panel=o.COURSE),
    ] = None,
    batch: o.Batch = 64,
    lr: Annotated[
        float | None,
        typer.Option(help="Learning rate of both; the loss's usual one if not given.", rich_help_panel=o.COURSE),
    ] = None,
    critic_steps: Annotated[
        int | None,
        typer.Option(min=1, help="Steps of the discriminator for one of the generator.", rich_help_panel=o.COURSE),
    ] = None,
    average: Annotated[
        float,
        typer.Option(help="Decay of the generator's averaged weights, a step; 0: none.", rich_help_panel=o.COURSE),
    ] = 0.999,
    flip: Annotated[
        bool | None,
        typer.Option(help="Mirror half of the images; if not said, where they have colours.", rich_help_panel=o.COURSE),
    ] = None,
    seed: o.TrainSeed = 0,
    quiet: o.Quiet = False,
) -> None:
    """Train a generator against a discriminator, and examine what it makes."""
    from snellen.exam.train_gan import PAGE, train_generator
    from snellen.report.save import save_beside
    from snellen.training.gan_data import load_gan_data
    from snellen.training.gan_settings import STEPS, Settings

    if steps is not None and epochs is not None:
        raise UsageError("--steps and --epochs were both given; either says how long to train")
    settings = Settings(
        discriminator=discriminator,
        loss=loss,
        upsample=upsample,
        conditional=conditional,
        style=style,
        latent=latent,
        width=width,
        steps=STEPS if steps is None else steps,
        epochs=epochs,
        batch=batch,
        learning_rate=lr,
        turns=critic_steps,
        average=average,
        flip=flip,
        seed=seed,
    )
    images = load_gan_data(data, side=side, limit=limit, seed=seed)

    def begun(lesson: "GanLesson") -> None:
        if not quiet:
            say("".join(f"{size}: {layers}\n" for size, layers in lesson.generator.layers()))

    with resumable(out), progress(quiet) as report:
        course = train_generator(
            images,
            settings,
            out,
            save=save_beside,
            begun=begun,
            command=shlex.join(["snellen", *sys.argv[1:]]),
            progress=report,
        )
    if quiet:
        return
    if course.findings is None:
        say(f"{out} was there already, trained by this command\n")
        return
    for found in course.findings:
        if found.severity in ("error", "warning"):
            say(f"{found.severity}: {found.title}. {found.sentence}\n")
    say(f"The page: {out / PAGE}\n")
