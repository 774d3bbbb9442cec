"""The game of two networks, look by look: losses, what the discriminator says, how much the samples vary."""

from collections.abc import Sequence

from snellen.findings.evidence import Curve, Table
from snellen.findings.finding import Finding
from snellen.training.gan_settings import Settings
from snellen.training.watch import Row

NAME = "course/game"
RECENT = 5
"""The last looks, by which the game is judged."""
CERTAIN = 0.02
"""A discriminator that gives generated images less than this, and real ones more than 1 less it, has won."""


def game(rows: Sequence[Row], settings: Settings) -> Finding:
    """The rows of a training, drawn, and whether one of the two has won.

    Args:
        rows: of all looks, at least one.
        settings: of the training.
    """
    loss, last = settings.adversarial, rows[-1]
    recent = rows[-RECENT:]
    real, fake = (sum(row[name] for row in recent) / len(recent) for name in ("says_real", "says_fake"))
    won = loss.probability is not None and fake < CERTAIN and real > 1 - CERTAIN
    said = (
        f"It holds real images to be real with {real:.2f} and generated ones with {fake:.2f}, on average over the last "
        f"{len(recent)} looks; at 0.5 and 0.5 it cannot tell them apart."
        if loss.probability is not None
        else f"It scores real images {real:.3g} and generated ones {fake:.3g}, on average over the last {len(recent)} "
        f"looks: {real - fake:.3g} apart."
    )
    return Finding(
        NAME,
        "warning" if won else "info",
        "The discriminator has won" if won else "How the two networks played",
        f"{last['step']:,} steps in {_time(last['seconds'])}. {said} A low loss of either says how it stands against "
        "the other, and nothing of the images by itself.",
        measured={"says_real": real, "says_fake": fake, "sample_spread": last["spread"], "seconds": last["seconds"]},
        remedy="From a discriminator that is certain a generator learns little: try another loss than "
        f"{settings.called}, fewer --critic-steps or a smaller --lr."
        if won
        else "",
        evidence=(
            _curve(
                rows,
                "What the discriminator says",
                "probability of being real" if loss.probability is not None else "score",
                {"real images": "says_real", "generated images": "says_fake"},
            ),
            _curve(
                rows,
                "Losses",
                settings.called,
                {"discriminator": "discriminator_loss", "generator": "generator_loss", "penalty": "penalty"},
                note=f"Discriminator: {loss.formula[0]}; {loss.undecided:.3g} where it cannot tell. Generator: "
                f"{loss.formula[1]}. The penalty is what is added to the discriminator's loss for its slope.",
            ),
            _curve(
                rows,
                "How much the samples vary",
                "part of the variance of real images",
                {"64 samples, averaged weights": "spread"},
                note="1 is as varied as real images; a number near 0 is one and the same image.",
            ),
            _table(rows),
        ),
        reference="Goodfellow et al. 2014, arXiv 1406.2661.",
    )


def _curve(rows: Sequence[Row], title: str, label: str, named: dict[str, str], note: str = "") -> Curve:
    steps = tuple(float(row["step"]) for row in rows)
    series = {told: (steps, tuple(float(row[name]) for row in rows)) for told, name in named.items()}
    return Curve(title, "step", label, series, note=note)


def _table(rows: Sequence[Row]) -> Table:
    names = ("step", "discriminator_loss", "generator_loss", "penalty", "says_real", "says_fake", "spread", "seconds")
    cells = tuple(tuple(int(row[n]) if n == "step" else float(row[n]) for n in names) for row in rows)
    return Table("Looks", tuple(name.replace("_", " ") for name in names), cells)


def _time(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
