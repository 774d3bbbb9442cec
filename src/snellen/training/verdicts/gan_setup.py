"""How a generator is built and trained: the layers that enlarge, and all settings that the weights depend on."""

from snellen.findings.evidence import Cell, Table
from snellen.findings.finding import Finding
from snellen.training.gan_lesson import GanLesson

NAME = "course/settings"


def setup(lesson: GanLesson) -> Finding:
    """The two networks and the settings as they took effect, defaults filled in."""
    asked, data, loss = lesson.settings, lesson.data, lesson.settings.adversarial
    first, second = (sum(p.numel() for p in m.parameters()) for m in (lesson.generator, lesson.discriminator))
    restraint = loss.restraint if loss.restraint == "spectral" else f"{loss.restraint}, factor {asked.usual.strength:g}"
    rows: tuple[tuple[Cell, Cell], ...] = (
        ("generator", f"{first:,} parameters, {lesson.built[0]}"),
        ("discriminator", f"{second:,} parameters, {lesson.built[1]}"),
        ("the discriminator's output", "probability of being real" if loss.probability else "score of a critic"),
        ("loss", f"{asked.called}: discriminator {loss.formula[0]}, generator {loss.formula[1]}"),
        ("kept from being steep by", restraint),
        ("classes", ", ".join(data.class_names or ()) if asked.conditional else "not told"),
        ("style path", "AdaIN at every resolution" if asked.style else "none"),
        ("steps", f"{asked.steps:,}, each after {asked.each} of the discriminator"),
        ("images a step", str(asked.batch)),
        ("optimizer", f"Adam, betas {asked.betas[0]:g} and {asked.betas[1]:g}"),
        ("learning rate", f"{asked.peak:g}, over the second half down to {asked.rate(asked.steps - 1):.2g}"),
        ("averaged weights", f"decay {asked.average:g}" if asked.average else "none"),
        ("mirrored", "half of the real images" if lesson.flips else "no"),
        ("seed", str(asked.seed)),
    )
    notes = "".join(f" {note[0].upper()}{note[1:]}." for note in data.notes)
    return Finding(
        NAME,
        "info",
        "How it was trained",
        f"A generator of {first:,} parameters and a discriminator of {second:,} on {len(data):,} images of "
        f"{data.side} x {data.side} pixels and {data.channels} channel{'s' * (data.channels > 1)}.{notes}",
        measured={"generator_parameters": float(first), "discriminator_parameters": float(second)},
        evidence=(
            Table("How the generator enlarges its maps", ("size", "layers"), tuple(lesson.generator.layers())),
            Table("Settings", ("setting", "value"), rows),
        ),
    )
