"""``snellen train classify``: a classifier of labelled images, with a page that tells how its training went."""

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from snellen._errors import UsageError
from snellen.cli import options as o
from snellen.cli.console import progress, resumable, say, verb

if TYPE_CHECKING:
    from snellen.training.adversarial import Adversary


@verb
def classify(
    data: Annotated[
        str,
        typer.Option(
            help="'digits'; a folder with one folder a class, or with train and val or test; an .npz; a .parquet.",
            rich_help_panel=o.IMAGES,
        ),
    ],
    out: Annotated[
        Path,
        typer.Option("--out", help="Folder for the network, its metrics and the page.", rich_help_panel=o.OUTPUT),
    ],
    network: Annotated[
        str,
        typer.Option(
            help="small_vgg, resnet9, resnet9_half, airbench, airbench_wide, vgg11 ... vgg19_bn.",
            rich_help_panel=o.NETWORK,
        ),
    ] = "resnet9_half",
    init: Annotated[
        str | None,
        typer.Option(
            help="Weights to begin with: a file, or 'imagenet' for a VGG. A last layer of another size is replaced.",
            rich_help_panel=o.NETWORK,
        ),
    ] = None,
    dropout: Annotated[
        float | None, typer.Option(min=0, help="Its rate, if not the network's own.", rich_help_panel=o.NETWORK)
    ] = None,
    val: Annotated[
        str | None, typer.Option(help="Other images to judge by, looked at every epoch.", rich_help_panel=o.IMAGES)
    ] = None,
    test: Annotated[
        str | None, typer.Option(help="Other images to measure on, once, at the end.", rich_help_panel=o.IMAGES)
    ] = None,
    val_share: Annotated[
        float,
        typer.Option(help="Part of every class held back to judge by, if no part is given.", rich_help_panel=o.IMAGES),
    ] = 0.1,
    side: o.Side = None,
    limit: o.TrainLimit = None,
    epochs: Annotated[
        int, typer.Option(min=1, help="Times the training images are gone through.", rich_help_panel=o.COURSE)
    ] = 20,
    batch: Annotated[int, typer.Option("--batch-size", min=1, help="Images a step.", rich_help_panel=o.COURSE)] = 128,
    lr: Annotated[
        str | None,
        typer.Option(
            metavar="X|auto",
            help="Peak learning rate; auto tries growing rates on a copy. The network's usual one if not given.",
            rich_help_panel=o.COURSE,
        ),
    ] = None,
    optimizer: Annotated[str, typer.Option(help="adamw or sgd.", rich_help_panel=o.COURSE)] = "adamw",
    weight_decay: Annotated[
        float | None,
        typer.Option(min=0, help="Not of norms and biases; 0.05 for adamw, 0.0005 for sgd.", rich_help_panel=o.COURSE),
    ] = None,
    smoothing: Annotated[
        float, typer.Option(min=0, help="Part of each label spread over all classes.", rich_help_panel=o.COURSE)
    ] = 0.0,
    flip: Annotated[
        bool | None,
        typer.Option(help="Mirror half of the images; if not said, where they have colours.", rich_help_panel=o.COURSE),
    ] = None,
    shift: Annotated[
        int | None,
        typer.Option(min=0, help="Pixels moved at most; an eighth of the side if not given.", rich_help_panel=o.COURSE),
    ] = None,
    cutout: Annotated[
        int, typer.Option(min=0, help="Side of the square that is blanked, in pixels.", rich_help_panel=o.COURSE)
    ] = 0,
    jitter: o.Jitter = 0.0,
    mixup: Annotated[
        float, typer.Option(min=0, help="Blend images in pairs: a of Beta(a, a).", rich_help_panel=o.COURSE)
    ] = 0.0,
    cutmix: Annotated[
        float, typer.Option(min=0, help="Paste boxes of other images: a of Beta(a, a).", rich_help_panel=o.COURSE)
    ] = 0.0,
    average: Annotated[
        float, typer.Option(help="Decay of the averaged weights, a step; 0: none.", rich_help_panel=o.COURSE)
    ] = 0.999,
    patience: Annotated[
        int,
        typer.Option(
            min=0,
            help="Stop after so many epochs without a smaller validation loss, and keep the best; 0: never.",
            rich_help_panel=o.COURSE,
        ),
    ] = 0,
    adversarial: Annotated[
        str | None,
        typer.Option(
            metavar="pgd",
            help="Train on the worst images near those given, by projected gradient descent.",
            rich_help_panel=o.COURSE,
        ),
    ] = None,
    eps: Annotated[
        str | None,
        typer.Option(
            metavar="X",
            help="How far an adversary moves each value: 8/255, 0.031 or 8 (levels). 8/255 if not given.",
            rich_help_panel=o.COURSE,
        ),
    ] = None,
    adversarial_steps: Annotated[
        int | None,
        typer.Option(min=1, help="Steps of the adversary, a training step; 7 if not given.", rich_help_panel=o.COURSE),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Train in spite of errors of the audit.", rich_help_panel=o.COURSE)
    ] = False,
    tensorboard: Annotated[
        bool,
        typer.Option(
            "--tensorboard", help="Write the metrics as event files too; needs tensorboard.", rich_help_panel=o.OUTPUT
        ),
    ] = False,
    seed: o.TrainSeed = 0,
    quiet: o.Quiet = False,
) -> None:
    """Train a classifier; the set-up is audited first, and a page shows the curves and what they mean."""
    from snellen.exam.train import PAGE, train_classifier
    from snellen.report.save import save_beside
    from snellen.training.dataset import load_dataset
    from snellen.training.initial import read_initial
    from snellen.training.ranks import joined
    from snellen.training.settings import Settings
    from snellen.training.verdicts.result import MEANT

    rate, auto = read_rate(lr)
    adversary, read = read_adversary(adversarial, eps, adversarial_steps)
    settings = Settings(
        network=network,
        epochs=epochs,
        batch=batch,
        learning_rate=rate,
        optimizer=optimizer,
        weight_decay=weight_decay,
        smoothing=smoothing,
        dropout=dropout,
        flip=flip,
        shift=shift,
        cutout=cutout,
        jitter=jitter,
        mixup=mixup,
        cutmix=cutmix,
        average=average,
        patience=patience,
        adversary=adversary,
        seed=seed,
    )
    settings.schedule(1)  # its numbers are checked before the long work
    initial = None if init is None else read_initial(init, network)
    images = load_dataset(data, val=val, test=test, share=val_share, side=side, limit=limit, seed=seed)
    with joined() as ranks, resumable(out), progress(quiet or not ranks.first) as report:
        if read and ranks.first and not quiet:
            say(f"{read}\n")
        course = train_classifier(
            images,
            settings,
            out,
            save=save_beside,
            initial=initial,
            auto=auto,
            force=force,
            command=shlex.join(["snellen", *sys.argv[1:]]),
            tensorboard=tensorboard,
            ranks=ranks,
            progress=report,
        )
    if ranks.first and not quiet:
        for part, count in course.saved.story["measured"].items():
            say(f"{MEANT[part]}: {count['right']} of {count['asked']} right\n")
        page = out / PAGE
        say(f"{out} was there already, trained by this command\n" if course.there else f"The page: {page}\n")


def read_rate(text: str | None) -> tuple[float | None, bool]:
    """A learning rate, None for the usual one, and whether it is to be found by a range test."""
    if text is None or text == "auto":
        return None, text == "auto"
    try:
        return float(text), False
    except ValueError:
        raise UsageError(f"--lr must be a number such as 0.003, or auto, got {text!r}") from None


def read_adversary(method: str | None, eps: str | None, steps: int | None) -> tuple["Adversary | None", str]:
    """The adversary to train against, None for none, and how its eps was read.

    Raises:
        UsageError: settings of an adversary and none is asked for; an unknown one; an eps that cannot be read.
    """
    if method is None:
        if eps is not None or steps is not None:
            raise UsageError("--eps and --adversarial-steps are settings of an adversary; give --adversarial pgd too")
        return None, ""
    from snellen.instruments.attacks._budget import read_eps
    from snellen.training.adversarial import Adversary

    asked = {} if steps is None else {"steps": steps}
    budget, read = read_eps("8/255" if eps is None else eps)
    return Adversary(method, eps=budget.eps, **asked), "" if eps is None else read
