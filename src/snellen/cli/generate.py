"""``snellen generate``: images out of a trained generator, and an examination of them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from snellen._errors import UsageError
from snellen.cli import options as o
from snellen.cli.console import deliver, say, verb

if TYPE_CHECKING:
    from snellen._shapes import Labels, Pixels
    from snellen.nets.saved import Saved

MADE, EXAMINED = "What is made", "Examination"
SHEET, ARCHIVES = (".png",), (".npz", ".npy")


@verb
def generate(
    generator: Annotated[
        Path, typer.Argument(metavar="GENERATOR", help="A generator.safetensors that 'snellen train gan' wrote.")
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            help="A .png: all images on one sheet; an .npz or .npy: all images as arrays.",
            rich_help_panel=o.OUTPUT,
        ),
    ] = None,
    n: Annotated[int, typer.Option("--n", min=1, help="Images.", rich_help_panel=MADE)] = 64,
    of_class: Annotated[
        list[str] | None,
        typer.Option(
            "--class", metavar="NAME", help="Only of this class; several are made in turn.", rich_help_panel=MADE
        ),
    ] = None,
    truncation: Annotated[
        float | None,
        typer.Option(help="Draw no latent number further from 0 than this, such as 0.7.", rich_help_panel=MADE),
    ] = None,
    examine: Annotated[
        bool, typer.Option("--examine", help="Compare the samples with real images.", rich_help_panel=EXAMINED)
    ] = False,
    data: Annotated[
        str | None,
        typer.Option(help="The images that the generator was trained on.", rich_help_panel=EXAMINED),
    ] = None,
    held_out: o.HeldOut = None,
    classifier: o.Classifier = None,
    report: Annotated[
        Path | None, typer.Option(help="Folder for the page and its arrays.", rich_help_panel=o.OUTPUT)
    ] = None,
    json: o.Json = None,
    seed: o.Seed = 0,
    quiet: o.Quiet = False,
) -> None:
    """Make images with a trained generator: on one sheet, as arrays, or to be examined beside real ones."""
    from snellen.nets.sampling import classes_of, generator_in, sample
    from snellen.nets.saved import read_saved

    if not examine and any(given is not None for given in (data, held_out, classifier, report, json)):
        raise UsageError("--data, --held-out, --classifier, --report and --json are for --examine; give it too")
    if examine and data is None:
        raise UsageError("--examine compares with real images: give those it was trained on as --data")
    if out is None and not examine:
        raise UsageError("nothing to do: give --out a file to write, such as grid.png, or --examine")
    _check_out(out)
    o.check_destinations(report, json)
    saved = read_saved(generator)
    generator_in(saved)
    classes = classes_of(saved, n, names=of_class or (), seed=seed)
    if out is not None:
        pixels = sample(saved, n, seed=seed, classes=classes, truncation=truncation)
        _write(pixels, classes, saved, out)
        if not quiet and json != "-":
            say(f"Wrote {n} images to {out}\n")
    if examine:
        from snellen.exam.gan_judges import MOST
        from snellen.exam.generate import examine_generator
        from snellen.subject.load.images import load_images
        from snellen.subject.load.network import load_network
        from snellen.subject.load.parts import named_parts
        from snellen.training.gan_data import load_gan_data

        images = load_gan_data(str(data), side=int(saved.about["side"][0]))
        parts = {} if str(data).startswith("digits") else named_parts(str(data))
        unseen = held_out or parts.get("test") or parts.get("val")
        found = examine_generator(
            saved,
            images,
            held_out=None if unseen is None else load_images(unseen, limit=MOST, seed=seed),
            classifier=None if classifier is None else load_network(classifier),
            discriminator=_discriminator(generator, saved),
            seed=seed,
        )
        deliver(found, out=report, json_to=json, quiet=quiet)


def _discriminator(generator: Path, saved: "Saved") -> "Saved | None":
    """The one that the generator was trained against, if it still lies beside it."""
    from snellen.exam.train_gan import DISCRIMINATOR
    from snellen.nets.saved import read_saved

    beside = generator.with_name(DISCRIMINATOR)
    found = read_saved(beside) if beside.is_file() else None
    return found if found is not None and found.story.get("command") == saved.story.get("command") else None


def _check_out(out: Path | None) -> None:
    """Refuse what cannot be written before the work."""
    if out is not None and out.suffix.lower() not in (*SHEET, *ARCHIVES):
        raise UsageError(f"--out is a .png for one sheet, or an .npz or .npy for arrays; got {out}")
    if out is not None and out.is_dir():
        raise UsageError(f"--out must be a file, and {out} is a folder; give a file in it")


def _write(pixels: "Pixels", classes: "Labels | None", saved: "Saved", out: Path) -> None:
    """A sheet or arrays, whole or not at all; arrays are (n, h, w, c) uint8, as other programs expect them."""
    from io import BytesIO

    import numpy as np
    from PIL import Image

    from snellen._atomic import write_bytes
    from snellen.training.verdicts.gan_samples import sheet

    levels = (pixels * 255).round().byte().numpy()
    buffer = BytesIO()
    if out.suffix.lower() in SHEET:
        columns = round(len(levels) ** 0.5)
        Image.fromarray(sheet(levels, columns=columns)).save(buffer, "PNG")
    elif out.suffix.lower() == ".npy":
        np.save(buffer, levels.transpose(0, 2, 3, 1), allow_pickle=False)
    else:
        arrays = {"images": levels.transpose(0, 2, 3, 1)}
        if classes is not None:
            arrays |= {"labels": classes.numpy(), "class_names": np.array(saved.about["class_names"])}
        np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]  # numpy's stubs mean allow_pickle
    write_bytes(out, buffer.getvalue())
