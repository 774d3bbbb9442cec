"""``snellen visualise``: what the network thinks a class looks like."""

from pathlib import Path
from typing import Annotated

import typer

from snellen.cli import options as o
from snellen.cli.console import deliver, progress, verb


@verb
def visualise(
    network: o.NetworkSpec,
    classes: Annotated[str, typer.Option("--classes", help="Indices or names with commas between: 3,17,cat.")],
    weights: o.Weights = None,
    steps: Annotated[int, typer.Option(min=1, help="Steps of gradient ascent.")] = 150,
    blur_every: Annotated[int, typer.Option(min=1, help="Blur the image after every this many steps.")] = 5,
    blur_sigma: Annotated[float, typer.Option(min=0.01, help="Standard deviation of the blur, in pixels.")] = 1.0,
    l2: Annotated[float, typer.Option(min=0.0, help="Weight of the squared norm of the image.")] = 1e-4,
    precision: Annotated[str, typer.Option(help="float32 or bf16.")] = "float32",
    out: o.Out = Path("visualisations"),
    json: o.Json = None,
    sidecar: o.Sidecar = None,
    mean: o.Mean = None,
    std: o.Std = None,
    input_size: o.InputSize = None,
    channels: o.Channels = None,
    class_names: Annotated[
        Path | None, typer.Option(help="Class names in the network's order: text or JSON.", rich_help_panel=o.SUBJECT)
    ] = None,
    seed: o.Seed = 0,
    quiet: o.Quiet = False,
) -> None:
    """Make images that maximise class scores, without and with a Gaussian blur every few steps, side by side."""
    from snellen.exam.classes import visualise_classes

    o.check_destinations(out, json)
    subject = o.the_network(
        network,
        weights=weights,
        sidecar=sidecar,
        scale=(mean, std),
        fit=(input_size, None, channels),
        classes=class_names,
    )
    with progress(quiet) as report:
        findings = visualise_classes(
            subject,
            [part.strip() for part in classes.split(",") if part.strip()],
            settings={
                "steps": steps,
                "l2": l2,
                "precision": {"bf16": "bfloat16", "fp32": "float32"}.get(precision, precision),
            },
            blur=(blur_every, blur_sigma),
            seed=seed,
            progress=report,
        )
    deliver(findings, out=out, json_to=json, quiet=quiet)
