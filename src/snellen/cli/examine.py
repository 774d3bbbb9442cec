"""``snellen examine``: every question, one page, an exit code."""

from pathlib import Path
from typing import Annotated

import typer

from snellen.cli import options as o
from snellen.cli.console import bounds_missed, deliver, progress, verb


@verb
def examine(
    network: o.NetworkSpec = "builtin",
    images: o.ImagesSpec = "digits",
    weights: o.Weights = None,
    preset: Annotated[str, typer.Option(help="quick, standard, full, or a TOML plan of your own.")] = "standard",
    require: Annotated[
        list[str] | None,
        typer.Option(help="A bound such as 'accuracy >= 0.9'; exit code 1 when it fails. May be given again."),
    ] = None,
    out: o.Out = Path("report"),
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
    batch_size: o.BatchSize = 32,
    quiet: o.Quiet = False,
) -> int:
    """Examine a network on images and write one page.

    Without arguments the built-in network is examined on the built-in images.
    """
    from snellen.exam.plan import read_plan
    from snellen.exam.require import read_bound
    from snellen.exam.run import examine as run

    o.check_destinations(out, json)
    plan = read_plan(preset)
    plan.build()
    bounds = [read_bound(text, plan.metrics) for text in require or ()]
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
        findings = run(subject, pictures, preset=plan, seed=seed, batch_size=batch_size, progress=report)
    deliver(findings, out=out, json_to=json, quiet=quiet)
    return bounds_missed(bounds, findings.measured)
