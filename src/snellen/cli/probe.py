"""``snellen probe``: are the features worth anything?"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from snellen.cli import options as o
from snellen.cli.console import deliver, progress, verb

if TYPE_CHECKING:
    from snellen.subject.network import Network


@verb
def probe(
    network: o.NetworkSpec = "builtin",
    images: o.ImagesSpec = "digits",
    weights: o.Weights = None,
    queries: Annotated[
        str | None,
        typer.Option(
            help="Images to classify; IMAGES are then searched. Without it the test part of IMAGES, or a fifth of "
            "every class."
        ),
    ] = None,
    k: Annotated[int, typer.Option("--k", min=1, help="Neighbours that vote.")] = 3,
    against: Annotated[
        str, typer.Option(help="What to beat, with commas between: pixels, random, or other networks.")
    ] = "pixels,random",
    tap: Annotated[
        list[str] | None,
        typer.Option(
            metavar="LAYER",
            help="Where features are taken: a module's name, its input with ':input' behind it. May be given again.",
        ),
    ] = None,
    metric: Annotated[str, typer.Option(help="l2, cosine or both.")] = "both",
    seeds: Annotated[int, typer.Option(min=1, help="Random networks to compare with.")] = 3,
    out: o.Out = Path("probe"),
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
    """Classify images by their nearest neighbours in a network's features, in pixels and in random features."""
    from snellen._errors import unknown
    from snellen.exam.probe import probe_features
    from snellen.instruments.probes.knn import METRICS
    from snellen.subject.load.images import load_images
    from snellen.subject.load.splits import load_splits

    o.check_destinations(out, json)
    if metric not in (*METRICS, "both"):
        raise unknown("metric", metric, (*METRICS, "both"))
    subject = o.the_network(
        network,
        weights=weights,
        sidecar=sidecar,
        scale=(mean, std),
        fit=(input_size, resize, channels),
        classes=None,
    )
    names = None if classes is None else str(classes)
    points, asked = load_splits(images, queries=queries, classes=names, seed=seed)
    if limit is not None:
        points, asked = load_images(points, limit=limit, seed=seed), load_images(asked, limit=limit, seed=seed)
    with progress(quiet) as report:
        findings = probe_features(
            subject,
            points,
            asked,
            k=k,
            metrics=METRICS if metric == "both" else (metric,),
            taps=tap,
            against=[_control(word.strip(), subject) for word in against.split(",") if word.strip()],
            seeds=seeds,
            seed=seed,
            progress=report,
        )
    deliver(findings, out=out, json_to=json, quiet=quiet)


def _control(word: str, subject: "Network") -> "str | Network":
    """``pixels`` and ``random`` as they are; anything else names a network."""
    from dataclasses import replace

    from snellen._errors import UsageError, unknown
    from snellen.instruments.probes.probe import CONTROLS
    from snellen.subject.load.network import load_network

    if word in CONTROLS:
        return word
    if not set(word) & set(".:/") and word not in ("builtin",) and not word.startswith("vgg"):
        raise unknown("comparison", word, (*CONTROLS, "the name of a network"))
    try:
        other = load_network(word)
    except UsageError as error:
        raise UsageError(f"--against {word}: {error}") from error
    if other.preprocessing.size is None:
        other = replace(other, preprocessing=subject.preprocessing)
    return other
