"""``snellen detect``: the objects in images, as boxes on a page, as pictures and as JSON; how well they are found."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from snellen._errors import UsageError, unknown
from snellen.cli import options as o
from snellen.cli.console import bounds_missed, complain, deliver, progress, say, verb, visible, write_json

if TYPE_CHECKING:
    from snellen.exam.detections import Found
    from snellen.subject.images import Images
    from snellen.subject.scenes import Scenes

KEEPING, EXAMINED = "What is kept", "Examination"
SCORE = 0.5


@verb
def detect(
    network: Annotated[
        str,
        typer.Argument(metavar="NETWORK", help="A detector.safetensors of 'snellen train detect', or file.py:factory."),
    ],
    images: Annotated[
        str,
        typer.Argument(
            metavar="IMAGES",
            help="A folder, an image, an .npz, an .npy, a .parquet, digit-scenes, or a COCO JSON; with --examine also "
            "a YOLO or VOC folder.",
        ),
    ],
    examine: Annotated[
        bool,
        typer.Option("--examine", help="Say how well it finds what stands in IMAGES.", rich_help_panel=EXAMINED),
    ] = False,
    require: Annotated[
        list[str] | None,
        typer.Option(
            help="A bound such as 'ap50 >= 0.9'; exit code 1 when it fails. May be given again.",
            rich_help_panel=EXAMINED,
        ),
    ] = None,
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
        float | None,
        typer.Option(
            min=0,
            max=1,
            help="What a box must have to be drawn and told: 0.5 if not given. --examine looks at all.",
            rich_help_panel=KEEPING,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Folder for the page, the pictures and COCO results.", rich_help_panel=o.OUTPUT),
    ] = None,
    json: o.Json = None,
    classes: Annotated[
        Path | None,
        typer.Option("--classes", help="Class names in the detector's order: text or JSON.", rich_help_panel=o.SUBJECT),
    ] = None,
    folder: Annotated[
        str | None,
        typer.Option(
            "--images", help="Where the images of a COCO file are, if not beside it.", rich_help_panel=o.SUBJECT
        ),
    ] = None,
    limit: o.Limit = None,
    seed: o.Seed = 0,
    batch_size: o.BatchSize = 32,
    quiet: o.Quiet = False,
) -> int:
    """Find the objects in images of any sizes, all of them; or examine how well they are found (--examine)."""
    from snellen.exam.detect import detection_metrics, examine_detections
    from snellen.exam.detections import detect_images
    from snellen.exam.require import read_bound
    from snellen.instruments.detection.load import load_detector
    from snellen.instruments.detection.suppression import Method
    from snellen.subject.load.classes import read_class_list
    from snellen.subject.load.scene_parts import scene_parts
    from snellen.subject.load.scenes import load_scenes

    if require and not examine:
        raise UsageError("--require is for what --examine measures; give it too")
    if examine and score is not None:
        raise UsageError("--score says which boxes are drawn, and --examine finds the best one; leave it out")
    o.check_destinations(out, json)
    bounds = [read_bound(text, detection_metrics()) for text in require or ()]
    if method not in get_args(Method):
        raise unknown("method of suppression", method, get_args(Method))
    detector = load_detector(network, class_names=None if classes is None else read_class_list(classes))
    if nms is None and detector.side is not None:
        nms = 0.5
    if nms is None and method != "greedy":
        raise UsageError(f"--method {method} needs a threshold; give --nms 0.5 too")
    how: dict[str, Any] = {"nms": nms, "method": method, "seed": seed, "batch_size": batch_size}
    if examine:
        parts = scene_parts(images)
        held = parts.get("test") or parts.get("val") or parts["train"]
        scenes = load_scenes(held, images=folder, limit=limit, seed=seed)
        with progress(quiet) as report:
            findings = examine_detections(detector, scenes, **how, progress=report)
        deliver(findings, out=out, json_to=json, quiet=quiet)
        return bounds_missed(bounds, findings.measured)
    pictures = _pictures(images, folder, limit=limit, seed=seed)
    with progress(quiet) as report:
        found = detect_images(detector, pictures, **how, score=SCORE if score is None else score, progress=report)
    _tell(found, out=out, json=json, quiet=quiet)
    return 0


def _pictures(spec: str, folder: str | None, *, limit: int | None, seed: int) -> "Images | Scenes":
    """The images, with what is known of them if they are scenes."""
    from snellen.subject.load.scenes import load_scenes, only_scenes

    if only_scenes(spec):
        return load_scenes(spec, images=folder, limit=limit, seed=seed)
    if folder is not None:
        raise UsageError(f"--images says where the images of a COCO file are; {spec} names images itself")
    return o.the_images(spec, classes=None, limit=limit, seed=seed)


def _tell(found: "Found", *, out: Path | None, json: str | None, quiet: bool) -> None:
    from snellen.findings.findings import SCHEMA_VERSION
    from snellen.report.save import save

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
