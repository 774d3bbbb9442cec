"""``snellen detect``: the objects in images, as boxes on a page, as pictures and as JSON."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, get_args

import typer

from snellen._errors import UsageError, unknown
from snellen.cli import options as o
from snellen.cli.console import complain, progress, say, verb, visible, write_json

KEEPING = "What is kept"


@verb
def detect(
    network: Annotated[
        str,
        typer.Argument(metavar="NETWORK", help="A detector.safetensors of 'snellen train detect', or file.py:factory."),
    ],
    images: o.ImagesSpec,
    nms: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=1,
            help="IoU above which the less sure of two boxes of a class goes. 0.5; of a detector of your own none.",
            rich_help_panel=KEEPING,
        ),
    ] = None,
    method: Annotated[
        str, typer.Option(help="Of suppression: greedy, soft or matrix.", rich_help_panel=KEEPING)
    ] = "greedy",
    score: Annotated[
        float,
        typer.Option(min=0, max=1, help="What a box must have to be drawn and told.", rich_help_panel=KEEPING),
    ] = 0.5,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Folder for the page, the pictures and COCO results.", rich_help_panel=o.OUTPUT),
    ] = None,
    json: o.Json = None,
    classes: Annotated[
        Path | None,
        typer.Option("--classes", help="Class names in the detector's order: text or JSON.", rich_help_panel=o.SUBJECT),
    ] = None,
    limit: o.Limit = None,
    seed: o.Seed = 0,
    batch_size: o.BatchSize = 32,
    quiet: o.Quiet = False,
) -> None:
    """Find the objects in images of any sizes; all that is found is told, and nothing is cut off at a number."""
    from snellen.exam.detections import detect_images
    from snellen.findings.findings import SCHEMA_VERSION
    from snellen.instruments.detection.load import load_detector
    from snellen.instruments.detection.suppression import Method
    from snellen.report.save import save
    from snellen.subject.load.classes import read_class_list

    o.check_destinations(out, json)
    if method not in get_args(Method):
        raise unknown("method of suppression", method, get_args(Method))
    detector = load_detector(network, class_names=None if classes is None else read_class_list(classes))
    if nms is None and detector.side is not None:
        nms = 0.5
    if nms is None and method != "greedy":
        raise UsageError(f"--method {method} needs a threshold; give --nms 0.5 too")
    pictures = o.the_images(images, classes=None, limit=limit, seed=seed)
    with progress(quiet) as report:
        found = detect_images(
            detector,
            pictures,
            nms=nms,
            method=method,  # type: ignore[arg-type]  # one of them
            score=score,
            seed=seed,
            batch_size=batch_size,
            progress=report,
        )
    rows = found.findings.predictions
    page = None if out is None else save(found.findings, out, coco=found.coco)
    if json is not None:
        write_json(
            {
                "schema_version": SCHEMA_VERSION,
                "detections": [dict(row) for row in rows],
                "unreadable": found.unreadable,
            },
            json,
        )
    if not quiet and json != "-":
        say("".join(f"{visible(_line(row))}\n" for row in rows))
        if page is not None:
            say(f"\nThe page: {page}\n")
    for b in found.unreadable:
        complain(f"could not read {b['image']}: {b['reason']}")


def _line(row: Mapping[str, Any]) -> str:
    said = [f"{one['name']} {one['score']:.2f} at {_corners(one['box'])}" for one in row["detections"]]
    return f"{row['image']}: {', '.join(said) or 'nothing'}"


def _corners(box: list[float]) -> str:
    return " ".join(f"{value:.0f}" for value in box)
