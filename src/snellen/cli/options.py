"""The options that several verbs share, said once."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from snellen._errors import UsageError

if TYPE_CHECKING:
    from snellen.subject.images import Images
    from snellen.subject.network import Network

SUBJECT = "What is examined"
OUTPUT = "Output"
IMAGES, NETWORK, COURSE = "Images", "Network", "Course"

NetworkSpec = Annotated[
    str,
    typer.Argument(
        metavar="NETWORK",
        help="vgg16 and its family, file.py:factory, package.module:factory, torchvision:NAME, timm:NAME, hf:REPO, "
        "a .safetensors that snellen trained, or 'builtin'.",
    ),
]
ImagesSpec = Annotated[
    str,
    typer.Argument(metavar="IMAGES", help="A folder, an image, an .npz, an .npy, a .parquet, or 'digits'."),
]
Weights = Annotated[
    str | None,
    typer.Option(
        help="A .safetensors, .pt, .pth or .th file, a URL, or 'imagenet' for published weights.",
        rich_help_panel=SUBJECT,
    ),
]
Sidecar = Annotated[
    Path | None,
    typer.Option(help="JSON with the network's normalisation, size and class names.", rich_help_panel=SUBJECT),
]
Mean = Annotated[str | None, typer.Option(help="Per channel, in [0, 1]: 0.485,0.456,0.406.", rich_help_panel=SUBJECT)]
Std = Annotated[str | None, typer.Option(help="Per channel, in [0, 1].", rich_help_panel=SUBJECT)]
InputSize = Annotated[
    str | None,
    typer.Option(
        help="Height x width of the network's input: 224x224, or 224; a known resize grows with it.",
        rich_help_panel=SUBJECT,
    ),
]
Resize = Annotated[
    int | None, typer.Option(help="Short side before the centre crop, in pixels.", rich_help_panel=SUBJECT)
]
Channels = Annotated[
    str | None, typer.Option(help="Channel order of the network: RGB, BGR or L (grey).", rich_help_panel=SUBJECT)
]
Classifier = Annotated[
    str | None,
    typer.Option(help="A network that knows the data; 'builtin' for digits. Compared in pixels if not given."),
]
HeldOut = Annotated[
    str | None,
    typer.Option(help="Real images that it was not trained on; the test part of --data, if it has one."),
]
Classes = Annotated[
    Path | None,
    typer.Option("--classes", help="Class names in the network's order: text or JSON.", rich_help_panel=SUBJECT),
]
Limit = Annotated[
    int | None, typer.Option(min=1, help="At most this many images, drawn by the seed.", rich_help_panel=SUBJECT)
]
Seed = Annotated[int, typer.Option(help="The same seed gives the same result.")]
BatchSize = Annotated[int, typer.Option(min=1, help="Images per forward; bounds the memory.")]
Out = Annotated[Path, typer.Option("--out", help="Folder for the page and the arrays.", rich_help_panel=OUTPUT)]
Json = Annotated[
    str | None,
    typer.Option("--json", metavar="-|PATH", help="Also write JSON: '-' to standard output.", rich_help_panel=OUTPUT),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no summary.", rich_help_panel=OUTPUT)]

Side = Annotated[
    int | None,
    typer.Option(min=4, help="Pixels; images of several sizes are cropped to it at random.", rich_help_panel=IMAGES),
]
TrainLimit = Annotated[int | None, typer.Option(min=1, help="At most this many images.", rich_help_panel=IMAGES)]
Jitter = Annotated[
    float, typer.Option(min=0, max=1, help="Change brightness, contrast and colours so far.", rich_help_panel=COURSE)
]
Steps = Annotated[int, typer.Option(min=1, help="Steps of the optimizer.", rich_help_panel=COURSE)]
Batch = Annotated[int, typer.Option("--batch-size", min=2, help="Images a step.", rich_help_panel=COURSE)]
TrainSeed = Annotated[
    int, typer.Option(min=0, max=2**40 - 1, help="Of the split, the weights, the order and the augmentation.")
]


def numbers(text: str | None, option: str) -> tuple[float, ...] | None:
    """``0.5,0.5,0.5`` as numbers."""
    if text is None:
        return None
    try:
        found = tuple(float(part) for part in text.split(","))
    except ValueError:
        found = (math.nan,)
    if not all(map(math.isfinite, found)):
        raise UsageError(f"{option} must be numbers with commas between, such as 0.5,0.5,0.5; got {text!r}")
    return found


def size(text: str | None) -> tuple[int, int] | None:
    """``224x160`` or ``224`` as (height, width)."""
    if text is None:
        return None
    parts = text.lower().replace("×", "x").split("x")
    if len(parts) > 2 or not all(part.strip().isdecimal() for part in parts):
        raise UsageError(f"--input-size must read like 224x224 or 224, got {text!r}")
    return int(parts[0]), int(parts[-1])


def the_network(
    spec: str,
    *,
    weights: str | None,
    sidecar: Path | None,
    scale: tuple[str | None, str | None],
    fit: tuple[str | None, int | None, str | None],
    classes: Path | None,
) -> "Network":
    """The network that the options speak of; what they do not say comes from the spec and its sidecar."""
    from dataclasses import replace

    from snellen.subject.load.classes import read_class_list
    from snellen.subject.load.network import load_network

    names: Sequence[str] | None = read_class_list(classes) if classes is not None else None
    mean, std = numbers(scale[0], "--mean"), numbers(scale[1], "--std")
    input_size, resize, channels = size(fit[0]), fit[1], fit[2]
    network = load_network(spec, weights=weights, sidecar=sidecar, mean=mean, std=std, class_names=names)
    changes: dict[str, object] = {}
    known = network.preprocessing
    if input_size is not None:
        changes["size"] = input_size
        if known.size is not None and known.resize is not None:
            changes["resize"] = round(known.resize * max(input_size) / max(known.size))
    if resize is not None:
        changes["resize"] = resize
    if channels is not None:
        changes["channels"] = channels
    fitted = replace(known, **changes)  # type: ignore[arg-type]  # checked by Preprocessing itself
    return replace(network, preprocessing=fitted) if changes else network


def the_images(spec: str, *, classes: Path | None, limit: int | None, seed: int) -> "Images":
    """The images that the options speak of."""
    from snellen.subject.load.images import load_images

    return load_images(spec, classes=None if classes is None else str(classes), limit=limit, seed=seed)


def check_destinations(out: Path | None, json_to: str | None) -> None:
    """Refuse what cannot be written to before the long work and not after it: a folder that holds something else."""
    from snellen.report.save import check_destination

    if out is not None:
        check_destination(out)
    if json_to not in (None, "-") and Path(str(json_to)).is_dir():
        raise UsageError(f"--json must be '-' or a file, and {json_to} is a folder; give a file in it")
