"""``snellen attack``: how easily the network is fooled."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from snellen.cli import options as o
from snellen.cli.console import deliver, progress, verb

if TYPE_CHECKING:
    from snellen.instruments.attacks._base import Attack
    from snellen.instruments.attacks._norms import Norm
    from snellen.subject.network import Network

HOW = "The attack"


@verb
def attack(
    network: o.NetworkSpec,
    images: o.ImagesSpec,
    weights: o.Weights = None,
    method: Annotated[str, typer.Option(help="An attack; 'snellen list' names them.", rich_help_panel=HOW)] = "pgd",
    norm: Annotated[
        str | None, typer.Option(help="linf, l2 or l0; the method's own if not given.", rich_help_panel=HOW)
    ] = None,
    eps: Annotated[
        str | None,
        typer.Option(
            help="The budget: 8/255, 0.031, or 8 (levels of 255); how it is read is said.", rich_help_panel=HOW
        ),
    ] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Steps of the method.", rich_help_panel=HOW)] = None,
    target: Annotated[
        str | None,
        typer.Option(help="A class (index or name) to be taken for; any wrong one if not given.", rich_help_panel=HOW),
    ] = None,
    moved: Annotated[
        float | None,
        typer.Option(help="For a regression: success is the output moved by more than this.", rich_help_panel=HOW),
    ] = None,
    surrogate: Annotated[
        str | None,
        typer.Option(metavar="NETWORK", help="Attack this network, and judge on the other.", rich_help_panel=HOW),
    ] = None,
    through: Annotated[
        str,
        typer.Option(
            help="Differentiate the scores before a last tanh, sigmoid or softmax, or the output.", rich_help_panel=HOW
        ),
    ] = "scores",
    curve: Annotated[
        bool, typer.Option("--curve", help="Also what stands within eight budgets, up to eps.", rich_help_panel=HOW)
    ] = False,
    masking: Annotated[
        bool,
        typer.Option(help="Look for signs of a masked gradient, on 32 of the images.", rich_help_panel=HOW),
    ] = True,
    out: o.Out = Path("attack"),
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
    batch_size: o.BatchSize = 64,
    quiet: o.Quiet = False,
) -> None:
    """Change images until the network errs, within a budget; the changed pictures are saved, read back and judged."""
    from snellen._errors import UsageError
    from snellen.exam.attack import attack_network
    from snellen.instruments.attacks._named import named_attack

    o.check_destinations(out, json)
    if through not in ("scores", "output"):
        raise UsageError(f"--through must be scores or output, got {through!r}")
    made, said = named_attack(method, norm=norm, eps=eps, steps=steps)
    subject = o.the_network(
        network,
        weights=weights,
        sidecar=sidecar,
        scale=(mean, std),
        fit=(input_size, resize, channels),
        classes=classes,
    )
    if surrogate is not None:
        made = through_surrogate(made, surrogate, subject)
    pictures = o.the_images(images, classes=classes, limit=limit, seed=seed)
    with progress(quiet) as report:
        findings = attack_network(
            subject,
            pictures,
            made,
            target=target,
            moved=moved,
            curve=budgets(made.norm) if curve else (),
            masking=masking and surrogate is None,
            through=through,  # type: ignore[arg-type]  # one of the two
            seed=seed,
            batch_size=batch_size,
            progress=report,
            said=said,
        )
    deliver(findings, out=out, json_to=json, quiet=quiet)


def budgets(norm: "Norm") -> tuple[float, ...]:
    """Eight budgets up to that of the norm; the usual ones where it has none."""
    from snellen._errors import UsageError
    from snellen.checks.robustness.budgets import LADDERS

    if norm.bounded:
        return tuple(norm.eps * k / 8 for k in range(1, 9) if norm.name != "linf" or norm.eps * k / 8 >= 1 / 255)
    if norm.name not in LADDERS:
        raise UsageError(f"--curve is for linf and l2, got {norm.name}")
    return LADDERS[norm.name]


def through_surrogate(attack: "Attack", spec: str, victim: "Network") -> "Attack":
    """The attack carried out on another network, which sees the victim's pixels."""
    from dataclasses import replace

    from snellen.instruments.attacks.surrogate import Surrogate
    from snellen.subject.load.network import load_network

    network = load_network(spec)
    if network.preprocessing.size is None:
        network = replace(network, preprocessing=victim.preprocessing)
    return Surrogate(attack.norm, attack=attack, network=network)
