"""``snellen samples``: pictures that any generator made, examined beside real ones."""

from pathlib import Path
from typing import Annotated

import typer

from snellen.cli import options as o
from snellen.cli.console import deliver, progress, verb


@verb
def samples(
    made: Annotated[
        str, typer.Argument(metavar="SAMPLES", help="Pictures of a generator: a folder, an .npz, an .npy, a .parquet.")
    ],
    data: Annotated[
        str, typer.Option(help="The images that it was trained on; of 'digits' and of folders the training part.")
    ],
    held_out: o.HeldOut = None,
    classifier: o.Classifier = None,
    limit: o.Limit = None,
    out: o.Out = Path("samples"),
    json: o.Json = None,
    seed: o.Seed = 0,
    quiet: o.Quiet = False,
) -> None:
    """Examine pictures that a generator made: collapse, missing classes, copies, likeness, blur and checkerboards."""
    from snellen.exam.generate import examine_generator
    from snellen.subject.load.images import load_images
    from snellen.subject.load.network import load_network
    from snellen.subject.load.parts import named_parts

    o.check_destinations(out, json)
    pictures = load_images(made, limit=limit, seed=seed)
    parts = named_parts(data)
    unseen = held_out or parts.get("test") or parts.get("val")
    name = classifier or ("builtin" if data.startswith("digits") else None)
    network = None if name is None else load_network(name)
    with progress(quiet) as report:
        findings = examine_generator(
            pictures,
            load_images(parts["train"], limit=limit, seed=seed),
            held_out=None if unseen is None else load_images(unseen, limit=limit, seed=seed),
            classifier=network,
            seed=seed,
            progress=report,
        )
    deliver(findings, out=out, json_to=json, quiet=quiet)
