"""``snellen predict``: the most probable classes of every image."""

import sys
from typing import Annotated, Any

import typer

from snellen.cli import options as o
from snellen.cli.console import complain, progress, say, verb, visible, write_json


@verb
def predict(
    network: o.NetworkSpec,
    images: o.ImagesSpec,
    weights: o.Weights = None,
    top: Annotated[int, typer.Option(min=1, help="How many classes.")] = 5,
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
) -> None:
    """Print the most probable classes of every image, with probabilities."""
    from snellen.exam.run import look
    from snellen.findings.findings import SCHEMA_VERSION

    o.check_destinations(None, json)
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
        seen = look(subject, pictures, seed=seed, batch_size=batch_size, progress=report)
    for note in seen.network.notes:
        sys.stderr.write(f"snellen: {note}\n" if "random" in note else "")
    rows = seen.predictions.rows(seen.network, top)
    bad = [{"image": b.name, "index": b.index, "reason": b.reason} for b in seen.predictions.bad]
    if json is not None:
        document = {"schema_version": SCHEMA_VERSION, "predictions": list(rows), "unreadable": bad}
        write_json(document, json)
    if not quiet and json != "-":
        say("".join(f"{visible(_line(row))}\n" for row in rows))
    for b in bad:
        complain(f"could not read {b['image']}: {b['reason']}")


def _line(row: dict[str, Any]) -> str:
    answers = ", ".join(f"{t['name']} {t['probability']:.1%}" for t in row["top"])
    verdict = ""
    if row["label"] is not None:
        verdict = "  [right]" if row["top"][0]["class"] == row["label"] else f"  [wrong: {row['label_name']}]"
    return f"{row['image']}: {answers}{verdict}"
