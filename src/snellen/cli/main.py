"""``snellen VERB``: the verbs are found, not listed; torch is imported only when a verb runs."""

import platform
import sys
import traceback
from importlib.metadata import version
from typing import Annotated

import typer

from snellen import __version__
from snellen.cli import (
    attack,
    audit,
    conv,
    describe,
    detect,
    examine,
    explain,
    generate,
    graph,
    inspect,
    listing,
    predict,
    probe,
    receptive_field,
    residual,
    samples,
    study,
    train,
    transport,
    uncertainty,
    unshuffle,
    visualise,
)

app = typer.Typer(
    name="snellen",
    help="An eye exam for image networks: one command, one page, an exit code.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 done, 1 a --require bound failed, 2 wrong usage, 3 unusable input, 70 a defect of Snellen, "
    "130 interrupted.",
)
app.command("examine")(examine.examine)
app.command("predict")(predict.predict)
app.command("explain")(explain.explain)
app.command("visualise")(visualise.visualise)
app.command("uncertainty")(uncertainty.uncertainty)
app.command("attack")(attack.attack)
app.command("detect")(detect.detect)
app.add_typer(train.app)
app.command("generate")(generate.generate)
app.command("unshuffle")(unshuffle.unshuffle)
app.command("samples")(samples.samples)
app.command("probe")(probe.probe)
app.command("audit")(audit.audit)
app.command("inspect")(inspect.inspect)
app.command("conv")(conv.conv)
app.command("receptive-field")(receptive_field.receptive_field)
app.command("residual")(residual.residual)
app.command("transport", context_settings={"ignore_unknown_options": True})(transport.transport)
app.command("graph")(graph.graph)
app.add_typer(study.app)
app.command("list")(listing.list_methods)
app.command("describe")(describe.describe)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"snellen {__version__}, torch {version('torch')}, Python {platform.python_version()}")
        raise typer.Exit


@app.callback()
def _common(
    _version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_version, help="Say which versions run, and end.")
    ] = False,
) -> None:
    """An eye exam for image networks: one command, one page, an exit code."""


def main() -> None:
    """The console script."""
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception:
        traceback.print_exc()
        sys.stderr.write("snellen: this is a defect of Snellen, please report it with the lines above\n")
        sys.exit(70)
