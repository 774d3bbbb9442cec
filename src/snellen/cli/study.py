"""``snellen study NAME``: a question, its experiment, a page."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from snellen.cli import options as o
from snellen.cli.console import deliver, progress, verb
from snellen.cli.grouped import grouped

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


@dataclass(frozen=True)
class Page:
    """The options that all studies have."""

    out: Out = None
    json: o.Json = None
    seed: Seed = 0
    quiet: o.Quiet = False

    def of(self, study: "Study[object]") -> None:
        """Carry it out and deliver its page."""
        name = type(study).__module__.rpartition(".")[2]
        out = Path(f"study-{_hyphened(name)}") if self.out is None else self.out
        o.check_destinations(out, self.json)
        with progress(self.quiet) as report:
            findings = study.report(seed=self.seed, progress=report)
        deliver(findings, out=out, json_to=self.json, quiet=self.quiet)


def question(function: Callable[..., None]) -> Callable[..., None]:
    """A command by the name of its function."""
    return app.command(_hyphened(function.__name__))(verb(grouped(function)))


def _hyphened(name: str) -> str:
    return name.replace("_", "-")


@question
def cross_entropy(page: Page) -> None:
    """Cross-entropy: one term, 2 N operations, its minimum with l2, l1 or no penalty, and what caps confidence."""
    from snellen.studies.cross_entropy import CrossEntropy

    page.of(CrossEntropy())


@question
def selection(
    seeds: Annotated[int, typer.Option(min=2, help="Splits to repeat it on.")] = 200,
    epochs: Annotated[int, typer.Option(min=1, help="Epochs to choose from.")] = 20,
    train: Annotated[int, typer.Option(min=1, help="Digits to learn.")] = 200,
    val: Annotated[int, typer.Option(min=1, help="Digits of the validation part.")] = 100,
    test: Annotated[int, typer.Option(min=1, help="Digits of the test part.")] = 100,
    *,
    page: Page,
) -> None:
    """Choose the learning rate on the test part, and on the validation part: what is reported, and what is true."""
    from snellen.studies.selection import Selection

    page.of(Selection(seeds=seeds, epochs=epochs, train=train, val=val, test=test))


@question
def capacity(
    seeds: Annotated[int, typer.Option(min=2, help="Repetitions with another split and start.")] = 40,
    images: Annotated[int, typer.Option(min=1, help="Digits to learn.")] = 100,
    epochs: Annotated[int, typer.Option(min=1, help="Passes through them.")] = 30,
    *,
    page: Page,
) -> None:
    """Train a VGG with one fully-connected layer fewer and one more: parameters, and the gap to validation."""
    from snellen.studies.capacity import Capacity

    page.of(Capacity(seeds=seeds, images=images, epochs=epochs))


@question
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
    batch: Annotated[int, typer.Option("--batch-size", min=1, help="Images a step.", rich_help_panel=o.COURSE)] = 30,
    lr: Annotated[float, typer.Option(help="Of the given training, constant.", rich_help_panel=o.COURSE)] = 1e-3,
    optimizer: Annotated[str, typer.Option(help="sgd or adamw.", rich_help_panel=o.COURSE)] = "sgd",
    *,
    page: Page,
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
    page.of(study)


@question
def residual(
    seeds: Annotated[int, typer.Option(min=2, help="Repetitions with other images, order and start.")] = 5,
    layers: Annotated[int, typer.Option(min=12, help="Of the deep networks, even.")] = 40,
    steps: Annotated[int, typer.Option(min=20, help="Of the optimizer.")] = 100,
    *,
    page: Page,
) -> None:
    """Train deep chains of convolutions, plain and residual: gradients by depth, and what depth does to the loss."""
    from snellen.studies.residual import ResidualConnections

    page.of(ResidualConnections(seeds=seeds, layers=layers, steps=steps))


@question
def layers(page: Page) -> None:
    """Compare layers: convolution and fully-connected layer, BatchNorm and adaptive instance normalisation."""
    from snellen.studies.layers import Layers

    page.of(Layers())


@question
def through_tanh(page: Page) -> None:
    """Attack a regression through the tanh of its output and through what goes into it, at constant learning rates."""
    from snellen.studies.through_tanh import ThroughTanh

    page.of(ThroughTanh())


@question
def surrogates(page: Page) -> None:
    """Attack four victims by their own slopes, through a surrogate, and by queries: who has the advantage when."""
    from snellen.studies.surrogates import Surrogates

    page.of(Surrogates())


@question
def gan(page: Page) -> None:
    """Compare ways to enlarge maps, two kinds of discriminator, and what the losses of a generator say."""
    from snellen.studies.gan import Gan

    page.of(Gan())


@question
def critic(
    sample: Annotated[int, typer.Option(min=2, help="Points a side, where they are few.")] = 256,
    steps: Annotated[int, typer.Option(min=1, help="Of the optimizer.")] = 300,
    seeds: Annotated[int, typer.Option(min=2, help="Repetitions.")] = 3,
    *,
    page: Page,
) -> None:
    """Ask critics for a Wasserstein distance that is known, from 1 to 128 dimensions: when to believe them."""
    from snellen.studies.critic import Critic

    page.of(Critic(sample=sample, steps=steps, seeds=seeds))


@question
def ring(
    rounds: Annotated[int, typer.Option(min=5, help="Of the healthy training.")] = 1_200,
    seeds: Annotated[int, typer.Option(min=1, help="Repetitions.")] = 3,
    *,
    page: Page,
) -> None:
    """Learn eight Gaussians on a ring by a WGAN with a gradient penalty, and by a GAN that is made to collapse."""
    from snellen.studies.ring import Ring

    page.of(Ring(rounds=rounds, seeds=seeds))


@question
def one_object(
    scenes: Annotated[int, typer.Option(min=120, help="Learned from.")] = 1200,
    epochs: Annotated[int, typer.Option(min=1, help="Times they are gone through.")] = 10,
    *,
    page: Page,
) -> None:
    """Train a detector of one object an image: its eight numbers, their loss, and why it needs empty images."""
    from snellen.studies.one_object import OneObject

    page.of(OneObject(scenes=scenes, epochs=epochs))


@question
def many_objects(
    scenes: Annotated[int, typer.Option(min=120, help="Learned from.")] = 800,
    epochs: Annotated[int, typer.Option(min=1, help="Times they are gone through.")] = 8,
    crowds: Annotated[int, typer.Option(min=1, help="Looked at.")] = 12,
    *,
    page: Page,
) -> None:
    """Train a detector of many objects and look at crowds: what non-maximum suppression leaves, at which threshold."""
    from snellen.studies.many_objects import ManyObjects

    page.of(ManyObjects(scenes=scenes, epochs=epochs, crowds=crowds))
