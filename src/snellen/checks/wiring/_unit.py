"""One layer looked at closely: what its unit sees, and how it reads its input."""

from snellen._errors import UsageError
from snellen.checks.wiring._base import Inspected, by
from snellen.checks.wiring.table import field_words
from snellen.findings.evidence import Table
from snellen.findings.finding import Finding
from snellen.instruments.architecture.receptive_field import ReceptiveField, called

NAME = "wiring/table"


def chosen(seen: Inspected, layer: str, unit: tuple[int, ...] | None) -> tuple[ReceptiveField, tuple[int, ...]]:
    """The field of a layer and the unit of it that is meant: the one in the middle if none is given.

    Raises:
        UsageError: no such layer or unit, or a layer without units of its own place.
    """
    call = called(seen.wired, layer)
    if not call.outputs:
        raise UsageError(f"what {layer or 'the network'} returns does not depend on the image; choose another layer")
    field = seen.fields[call.outputs[0]]
    place = tuple(n // 2 for n in field.units) if unit is None else unit
    if len(place) != len(field.units) or any(not 0 <= u < n for u, n in zip(place, field.units, strict=True)):
        raise UsageError(f"{layer} has {by(field.units)} units, counted from 0; got unit {','.join(map(str, place))}")
    return field, place


def one_layer(seen: Inspected, layer: str, unit: tuple[int, ...] | None) -> Finding:
    """What is known of one layer."""
    field, place = chosen(seen, layer, unit)
    size, stride, padding = field_words(field)
    names = ("y", "x") if len(place) == 2 else tuple(f"axis {i}" for i in range(len(place)))
    rows = tuple(
        (name, u, *(max(first, 0), min(last, n - 1)), first, last)
        for name, u, (first, last), n in zip(names, place, field.box(place), field.image, strict=True)
    )
    most = "up to " if size.startswith("up to ") else ""
    sees = "the whole image" if field.whole else f"{most}{by(field.size)} pixels"
    sentence = f"Each unit of {layer or 'the output'} sees {sees}"
    sentence += "" if field.whole else f" (stride {stride}, padding {padding})"
    if field.lost:
        sentence += f"; an upper bound, because {field.lost} was not followed"
    if field.misaligned:
        sentence += "; paths of different places meet before it: " + "; ".join(str(m) for m in field.misaligned[:2])
    columns = ("axis", "unit", "first pixel", "last pixel", "first, with padding", "last, with padding")
    return Finding(
        NAME,
        "info",
        f"Layer {layer or 'output'}",
        f"{sentence}.",
        measured={"receptive_field": float(max(field.size))},
        evidence=(Table(f"What unit {', '.join(map(str, place))} sees", columns, rows),),
        reference="Araujo, Norris, Sim 2019, Computing receptive fields of convolutional neural networks, Distill.",
    )
