"""``snellen study NAME``: a question, its experiment, a page."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from snellen.cli import options as o
from snellen.cli.console import deliver, progress, verb

if TYPE_CHECKING:
    from snellen.studies._base import Study

app = typer.Typer(
    name="study",
    help="Answer a question by an experiment of a minute or two; one page each.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
Out = Annotated[Path | None, typer.Option("--out", help="Folder for the page; study-NAME.", rich_help_panel=o.OUTPUT)]
Seed = Annotated[int, typer.Option(min=0, max=2**40, help="The same seed gives the same result.")]


@app.command("cross-entropy")
@verb
def cross_entropy(out: Out = None, json: o.Json = None, seed: Seed = 0, quiet: o.Quiet = False) -> None:
    """Cross-entropy: one term, 2 N operations, its minimum with l2, l1 or no penalty, and what caps confidence."""
    from snellen.studies.cross_entropy import CrossEntropy

    _carry_out(CrossEntropy(), "cross-entropy", out, json, seed, quiet)


@app.command("selection")
@verb
def selection(
    seeds: Annotated[int, typer.Option(min=2, help="Splits to repeat it on.")] = 200,
    epochs: Annotated[int, typer.Option(min=1, help="Epochs to choose from.")] = 20,
    train: Annotated[int, typer.Option(min=1, help="Digits to learn.")] = 200,
    val: Annotated[int, typer.Option(min=1, help="Digits of the validation part.")] = 100,
    test: Annotated[int, typer.Option(min=1, help="Digits of the test part.")] = 100,
    out: Out = None,
    json: o.Json = None,
    seed: Seed = 0,
    quiet: o.Quiet = False,
) -> None:
    """Choose the learning rate on the test part, and on the validation part: what is reported, and what is true."""
    from snellen.studies.selection import Selection

    study = Selection(seeds=seeds, epochs=epochs, train=train, val=val, test=test)
    _carry_out(study, "selection", out, json, seed, quiet)


@app.command("capacity")
@verb
def capacity(
    seeds: Annotated[int, typer.Option(min=2, help="Repetitions with another split and start.")] = 40,
    images: Annotated[int, typer.Option(min=1, help="Digits to learn.")] = 100,
    epochs: Annotated[int, typer.Option(min=1, help="Passes through them.")] = 30,
    out: Out = None,
    json: o.Json = None,
    seed: Seed = 0,
    quiet: o.Quiet = False,
) -> None:
    """Train a VGG with one fully-connected layer fewer and one more: parameters, and the gap to validation."""
    from snellen.studies.capacity import Capacity

    _carry_out(Capacity(seeds=seeds, images=images, epochs=epochs), "capacity", out, json, seed, quiet)


@app.command("improve")
@verb
def improve(
    data: Annotated[
        str | None,
        typer.Option(help="Images as for 'train classify'; digits 4 to 9 if not given.", rich_help_panel=o.IMAGES),
    ] = None,
    network: Annotated[
        str | None, typer.Option(help="That learns them; resnet9_half if not given.", rich_help_panel=o.NETWORK)
    ] = None,
    init: Annotated[
        str | None, typer.Option(help="Its first weights: a file, or 'imagenet' for a VGG.", rich_help_panel=o.NETWORK)
    ] = None,
    val: Annotated[str | None, typer.Option(help="Other images to judge by.", rich_help_panel=o.IMAGES)] = None,
    test: Annotated[str | None, typer.Option(help="Other images for the end.", rich_help_panel=o.IMAGES)] = None,
    side: o.Side = None,
    limit: o.TrainLimit = None,
    seeds: Annotated[int, typer.Option(min=2, help="Repetitions of every training.")] = 5,
    rounds: Annotated[int, typer.Option(min=1, help="Levers that may be taken one on top of the other.")] = 2,
    epochs: Annotated[int, typer.Option(min=1, help="Of the given training.", rich_help_panel=o.COURSE)] = 15,
    batch: Annotated[int, typer.Option(min=1, help="Images a step.", rich_help_panel=o.COURSE)] = 30,
    lr: Annotated[float, typer.Option(help="Of the given training, constant.", rich_help_panel=o.COURSE)] = 1e-3,
    optimizer: Annotated[str, typer.Option(help="sgd or adamw.", rich_help_panel=o.COURSE)] = "sgd",
    out: Out = None,
    json: o.Json = None,
    seed: Seed = 0,
    quiet: o.Quiet = False,
) -> None:
    """Try all that may still be changed in a training whose network, first weights, batch and data are fixed."""
    from snellen.studies.improve import Improve

    study = Improve(
        data=data,
        network=network,
        init=init,
        val=val,
        test=test,
        side=side,
        limit=limit,
        seeds=seeds,
        rounds=rounds,
        epochs=epochs,
        batch=batch,
        learning_rate=lr,
        optimizer=optimizer,
    )
    _carry_out(study, "improve", out, json, seed, quiet)


@app.command("residual")
@verb
def residual(
    seeds: Annotated[int, typer.Option(min=2, help="Repetitions with other images, order and start.")] = 5,
    layers: Annotated[int, typer.Option(min=12, help="Of the deep networks, even.")] = 40,
    steps: Annotated[int, typer.Option(min=20, help="Of the optimizer.")] = 100,
    out: Out = None,
    json: o.Json = None,
    seed: Seed = 0,
    quiet: o.Quiet = False,
) -> None:
    """Train deep chains of convolutions, plain and residual: gradients by depth, and what depth does to the loss."""
    from snellen.studies.residual import ResidualConnections

    _carry_out(ResidualConnections(seeds=seeds, layers=layers, steps=steps), "residual", out, json, seed, quiet)


@app.command("layers")
@verb
def layers(out: Out = None, json: o.Json = None, seed: Seed = 0, quiet: o.Quiet = False) -> None:
    """Compare layers: convolution and fully-connected layer, BatchNorm and adaptive instance normalisation."""
    from snellen.studies.layers import Layers

    _carry_out(Layers(), "layers", out, json, seed, quiet)


@app.command("through-tanh")
@verb
def through_tanh(out: Out = None, json: o.Json = None, seed: Seed = 0, quiet: o.Quiet = False) -> None:
    """Attack a regression through the tanh of its output and through what goes into it, at constant learning rates."""
    from snellen.studies.through_tanh import ThroughTanh

    _carry_out(ThroughTanh(), "through-tanh", out, json, seed, quiet)


@app.command("surrogates")
@verb
def surrogates(out: Out = None, json: o.Json = None, seed: Seed = 0, quiet: o.Quiet = False) -> None:
    """Attack four victims by their own slopes, through a surrogate, and by queries: who has the advantage when."""
    from snellen.studies.surrogates import Surrogates

    _carry_out(Surrogates(), "surrogates", out, json, seed, quiet)


@app.command("gan")
@verb
def gan(out: Out = None, json: o.Json = None, seed: Seed = 0, quiet: o.Quiet = False) -> None:
    """Compare ways to enlarge maps, two kinds of discriminator, and what the losses of a generator say."""
    from snellen.studies.gan import Gan

    _carry_out(Gan(), "gan", out, json, seed, quiet)


@app.command("critic")
@verb
def critic(
    sample: Annotated[int, typer.Option(min=2, help="Points a side, where they are few.")] = 256,
    steps: Annotated[int, typer.Option(min=1, help="Of the optimizer.")] = 300,
    seeds: Annotated[int, typer.Option(min=2, help="Repetitions.")] = 3,
    out: Out = None,
    json: o.Json = None,
    seed: Seed = 0,
    quiet: o.Quiet = False,
) -> None:
    """Ask critics for a Wasserstein distance that is known, from 1 to 128 dimensions: when to believe them."""
    from snellen.studies.critic import Critic

    _carry_out(Critic(sample=sample, steps=steps, seeds=seeds), "critic", out, json, seed, quiet)


@app.command("ring")
@verb
def ring(
    rounds: Annotated[int, typer.Option(min=5, help="Of the healthy training.")] = 1_200,
    seeds: Annotated[int, typer.Option(min=1, help="Repetitions.")] = 3,
    out: Out = None,
    json: o.Json = None,
    seed: Seed = 0,
    quiet: o.Quiet = False,
) -> None:
    """Learn eight Gaussians on a ring by a WGAN with a gradient penalty, and by a GAN that is made to collapse."""
    from snellen.studies.ring import Ring

    _carry_out(Ring(rounds=rounds, seeds=seeds), "ring", out, json, seed, quiet)


@app.command("one-object")
@verb
def one_object(
    scenes: Annotated[int, typer.Option(min=120, help="Learned from.")] = 1200,
    epochs: Annotated[int, typer.Option(min=1, help="Times they are gone through.")] = 10,
    out: Out = None,
    json: o.Json = None,
    seed: Seed = 0,
    quiet: o.Quiet = False,
) -> None:
    """Train a detector of one object an image: its eight numbers, their loss, and why it needs empty images."""
    from snellen.studies.one_object import OneObject

    _carry_out(OneObject(scenes=scenes, epochs=epochs), "one-object", out, json, seed, quiet)


@app.command("many-objects")
@verb
def many_objects(
    scenes: Annotated[int, typer.Option(min=120, help="Learned from.")] = 800,
    epochs: Annotated[int, typer.Option(min=1, help="Times they are gone through.")] = 8,
    crowds: Annotated[int, typer.Option(min=1, help="Looked at.")] = 12,
    out: Out = None,
    json: o.Json = None,
    seed: Seed = 0,
    quiet: o.Quiet = False,
) -> None:
    """Train a detector of many objects and look at crowds: what non-maximum suppression leaves, at which threshold."""
    from snellen.studies.many_objects import ManyObjects

    _carry_out(ManyObjects(scenes=scenes, epochs=epochs, crowds=crowds), "many-objects", out, json, seed, quiet)


def _carry_out(study: "Study[object]", name: str, out: Path | None, json: str | None, seed: int, quiet: bool) -> None:
    out = Path(f"study-{name}") if out is None else out
    o.check_destinations(out, json)
    with progress(quiet) as report:
        findings = study.report(seed=seed, progress=report)
    deliver(findings, out=out, json_to=json, quiet=quiet)
