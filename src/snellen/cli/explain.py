"""``snellen explain``: which pixels an answer hangs on."""

from pathlib import Path
from typing import Annotated

import typer

from snellen.cli import options as o
from snellen.cli.console import deliver, progress, verb


@verb
def explain(
    network: o.NetworkSpec,
    images: o.ImagesSpec,
    weights: o.Weights = None,
    method: Annotated[str, typer.Option(help="An attribution method; 'snellen list' names them.")] = "saliency",
    target: Annotated[str, typer.Option(help="A class (index or name), 'predicted' or 'label'.")] = "predicted",
    precision: Annotated[str, typer.Option(help="float32 or bf16 (its fidelity is measured and printed).")] = "float32",
    out: o.Out = Path("explanations"),
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
    batch_size: o.BatchSize = 8,
    quiet: o.Quiet = False,
) -> None:
    """Attribute a class score to the pixels of every image: a page of maps, and the raw maps as .npy."""
    from snellen._errors import unknown
    from snellen.exam.plan import Plan
    from snellen.exam.run import examine as run
    from snellen.instruments.attribution import METHODS

    o.check_destinations(out, json)
    if method not in METHODS:
        raise unknown("attribution method", method, METHODS)
    settings = {
        "methods": [method],
        "target": target,
        "images": limit or 1_000_000,
        "batch_size": batch_size,
        "precision": {"bf16": "bfloat16", "fp32": "float32"}.get(precision, precision),
    }
    plan = Plan(name="explain", checks={"data/readable": {}, "explanation/maps": settings})
    plan.build()
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
