"""``snellen train detect``: a detector of objects on the trunk of a classifier."""

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from snellen.cli import options as o
from snellen.cli.console import progress, resumable, say, verb


@verb
def detect(
    data: Annotated[
        str,
        typer.Option(
            help="digit-scenes, digit-scenes-many, composed#CUTOUTS,PHOTOS, a COCO JSON file, a YOLO or VOC folder.",
            rich_help_panel=o.IMAGES,
        ),
    ],
    mode: Annotated[
        str,
        typer.Option(
            help="single: 5 + C numbers an image, for at most one object in each; many: the same in every cell of a "
            "grid.",
            rich_help_panel=o.NETWORK,
        ),
    ],
    out: Annotated[
        Path,
        typer.Option("--out", help="Folder for the detector, its metrics and the page.", rich_help_panel=o.OUTPUT),
    ],
    backbone: Annotated[
        str,
        typer.Option(
            help="Whose trunk it begins with: strided, small_vgg, resnet9, vgg11_bn ...; a network that 'snellen train "
            "classify' wrote; or 'builtin', the network of digits.",
            rich_help_panel=o.NETWORK,
        ),
    ] = "strided",
    init: Annotated[
        str | None,
        typer.Option(
            help="Weights for a backbone by name: a file, or 'imagenet' for a VGG.", rich_help_panel=o.NETWORK
        ),
    ] = None,
    val: Annotated[
        str | None, typer.Option(help="Other scenes to judge by, looked at every epoch.", rich_help_panel=o.IMAGES)
    ] = None,
    test: Annotated[
        str | None, typer.Option(help="Other scenes to examine on, once, at the end.", rich_help_panel=o.IMAGES)
    ] = None,
    images: Annotated[
        str | None,
        typer.Option(help="Folder of the images, if not where the format puts it.", rich_help_panel=o.IMAGES),
    ] = None,
    val_share: Annotated[
        float,
        typer.Option(help="Part of the scenes held back to judge by, if no part is given.", rich_help_panel=o.IMAGES),
    ] = 0.1,
    side: Annotated[
        int | None,
        typer.Option(min=16, help="Pixels; scenes are scaled to fit, the rest is grey.", rich_help_panel=o.IMAGES),
    ] = None,
    limit: o.TrainLimit = None,
    epochs: Annotated[
        int, typer.Option(min=1, help="Times the training scenes are gone through.", rich_help_panel=o.COURSE)
    ] = 16,
    batch: Annotated[int, typer.Option("--batch-size", min=1, help="Scenes a step.", rich_help_panel=o.COURSE)] = 32,
    lr: Annotated[float, typer.Option("--lr", help="Peak learning rate.", rich_help_panel=o.COURSE)] = 3e-3,
    shift: Annotated[
        float, typer.Option(help="Move scenes by up to this part of their sides.", rich_help_panel=o.COURSE)
    ] = 0.15,
    zoom: Annotated[
        float, typer.Option(help="Zoom width and height by up to this part.", rich_help_panel=o.COURSE)
    ] = 0.25,
    jitter: Annotated[
        float,
        typer.Option(min=0, max=1, help="Change brightness, contrast and colours so far.", rich_help_panel=o.COURSE),
    ] = 0.3,
    flip: Annotated[
        bool, typer.Option("--flip", help="Mirror half of the scenes; not for digits.", rich_help_panel=o.COURSE)
    ] = False,
    average: Annotated[
        float, typer.Option(help="Decay of the averaged weights, a step; 0: none.", rich_help_panel=o.COURSE)
    ] = 0.998,
    seed: o.TrainSeed = 0,
    quiet: o.Quiet = False,
) -> None:
    """Train a detector of one object an image, or of many; it is examined on scenes held out, and a page tells all."""
    from snellen.exam.train_detector import PAGE, train_detector
    from snellen.report.save import save_beside
    from snellen.training.backbone import read_backbone
    from snellen.training.detection_data import load_detection_data
    from snellen.training.detection_settings import DetectionSettings

    settings = DetectionSettings(
        mode,
        epochs=epochs,
        batch=batch,
        learning_rate=lr,
        shift=shift,
        zoom=zoom,
        jitter=jitter,
        flip=flip,
        average=average,
        seed=seed,
    )
    trunk = read_backbone(backbone, init)
    scenes = load_detection_data(
        data, val=val, test=test, images=images, share=val_share, side=side, limit=limit, seed=seed
    )
    with resumable(out), progress(quiet) as report:
        command = shlex.join(["snellen", *sys.argv[1:]])
        course = train_detector(scenes, settings, trunk, out, save=save_beside, command=command, progress=report)
    if quiet:
        return
    if course.findings is None:
        say(f"{out} was there already, trained by this command\n")
        return
    measured = course.findings.measured
    told = [f"{said} {measured[name]:.3f}" for name, said in MEASURED.items() if name in measured]
    if told:
        say(f"On {scenes.held.name}: {', '.join(told)}\n")
    say(f"The page: {out / PAGE}\n")


MEASURED = {"ap50": "AP at an IoU of 0.5", "ap": "AP", "mean_iou": "mean IoU"}
"""What the last line says, of what the examination measures."""
