"""``snellen uncertainty``: when the network does not know."""

from pathlib import Path
from typing import Annotated

import typer

from snellen.cli import options as o
from snellen.cli.console import deliver, progress, verb


@verb
def uncertainty(
    network: o.NetworkSpec,
    images: o.ImagesSpec,
    weights: o.Weights = None,
    method: Annotated[str, typer.Option(help="An uncertainty method; 'snellen list' names them.")] = "mc_dropout",
    samples: Annotated[int, typer.Option(min=1, help="Samples of the network an image.")] = 100,
    out: o.Out = Path("uncertainty"),
    json: o.Json = None,
    sidecar: o.Sidecar = None,
    mean: o.Mean = None,
    std: o.Std = None,
    input_size: o.InputSize = None,
    resize: o.Resize = None,
    channels: o.Channels = None,
    classes: o.Classes = None,
    limit: o.Limit = None,
    seed: o.Seed = 0,
    quiet: o.Quiet = False,
) -> None:
    """Predictive entropy, mutual information and variation ratio of every image, most uncertain first."""
    from snellen._errors import unknown
    from snellen.exam.plan import Plan
    from snellen.exam.run import examine as run
    from snellen.instruments.uncertainty import METHODS

    o.check_destinations(out, json)
    if method not in METHODS:
        raise unknown("uncertainty method", method, METHODS)
    settings = {"samples": samples, "images": limit or 1_000_000}
    plan = Plan(name="uncertainty", checks={"data/readable": {}, f"confidence/{method}": settings})
    subject = o.the_network(
        network,
        weights=weights,
        sidecar=sidecar,
        scale=(mean, std),
        fit=(input_size, resize, channels),
        classes=classes,
    )
    pictures = o.the_images(images, classes=classes, limit=limit, seed=seed)
    with progress(quiet) as report:
        findings = run(subject, pictures, preset=plan, seed=seed, progress=report, strict=True)
    deliver(findings, out=out, json_to=json, quiet=quiet)
