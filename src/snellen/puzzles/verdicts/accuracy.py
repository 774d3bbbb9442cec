"""How often is it right, beside edge matching and chance?"""

import math

from snellen.findings.evidence import Cell, Table
from snellen.findings.finding import Finding
from snellen.puzzles.judge import Judgement
from snellen.puzzles.unshuffle import EDGES, Unshuffled
from snellen.puzzles.verdicts.words import WILSON, many, per_cent, row

GLOBAL = 0.75
"""From this share of wrong images with every piece wrong, mistakes are called global."""


def accuracy(seen: Unshuffled) -> Finding:
    """By image and by piece, with Wilson intervals, and what the difference between the two says."""
    if not seen.judgements:
        return Finding(
            "puzzle/accuracy",
            "warning",
            "The accuracy is not known",
            "No permutation is known, so how often the predictions are right cannot be measured here.",
            remedy="Give the permutations of a few hundred images; or look at the least certain ones below.",
        )
    first, grid = seen.judgements[seen.solver], seen.puzzles.grid
    chance = 1 / math.factorial(grid.pieces)
    blind = first.images.low <= chance
    sentence = (
        f"On {many(first.images.count, 'known puzzle')}{_kept(seen)}, {seen.solver} put {first.images} of the images "
        f"and {first.pieces.value:.1%} of the pieces right ({first.pieces.low:.1%} to {first.pieces.high:.1%}). Chance "
        f"is {per_cent(chance)} of images and {per_cent(1 / grid.pieces)} of pieces."
    )
    if seen.solver != EDGES.name and EDGES.name in seen.judgements:
        sentence += f" Edge matching, without any training: {seen.judgements[EDGES.name].images} of the images."
    return Finding(
        "puzzle/accuracy",
        "error" if blind else "ok",
        "No better than chance" if blind else "Accuracy",
        f"{sentence} {_spread(first)}",
        measured=_measured(seen),
        headlines=("image_accuracy", "piece_accuracy", "edge_image_accuracy"),
        remedy=_how_to_do_better(seen, blind),
        evidence=(_table(seen, chance),),
        reference=WILSON,
    )


def _table(seen: Unshuffled, chance: float) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for name, judged in seen.judgements.items():
        rows += [row(f"{name}: whole images", judged.images), row(f"{name}: pieces", judged.pieces)]
        if bool(judged.twins.any()):
            rows.append(row(f"{name}: images that look right", judged.looks))
            rows.append(row(f"{name}: whole images, without those that hold pieces alike", judged.distinct))
    rows.append(("chance: whole images", None, None, chance, None, None))
    rows.append(("chance: pieces", None, None, 1 / seen.puzzles.grid.pieces, None, None))
    return Table(
        "Accuracy with 95 % intervals",
        ("measure", "right", "of", "share", "low", "high"),
        tuple(rows),
        note="Pieces of one image are right or wrong together; the interval of their share allows for it. "
        "Ambiguous puzzles are included unless a row says otherwise.",
    )


def _measured(seen: Unshuffled) -> dict[str, float]:
    measured: dict[str, float] = {}
    for name, judged in seen.judgements.items():
        lead = "" if name == seen.solver else "edge_" if name == EDGES.name else f"{name.replace(' ', '_')}_"
        for what, found in (("image_accuracy", judged.images), ("piece_accuracy", judged.pieces)):
            measured |= {f"{lead}{what}": found.value, f"{lead}{what}_low": found.low, f"{lead}{what}_high": found.high}
    return measured


def _kept(seen: Unshuffled) -> str:
    if seen.solver == EDGES.name:
        return " (nothing is learnt, so all can serve)" if len(seen.held) == len(seen.puzzles.known) else ""
    if not seen.apart[seen.solver]:
        return ", which the network may have been trained on (its file does not say that it held these back),"
    return " that were held back from the training"


def _how_to_do_better(seen: Unshuffled, blind: bool) -> str:
    if blind:
        return (
            "Check the grid and the convention; where a gap or flat images leave edges nothing to say, train a network."
        )
    if seen.solver == EDGES.name:
        return "A network trained on the known puzzles sees content as well as edges: --train."
    if not seen.apart[seen.solver]:
        return "Trained on other images than these, its accuracy stands; on these very puzzles, it is too good."
    return ""


def _spread(judged: Judgement) -> str:
    nothing = judged.all_wrong
    if math.isnan(nothing):
        return "Not one image is wrong."
    text = f"Of the wrong images {nothing:.0%} have every piece wrong"
    if nothing > GLOBAL:
        return f"{text}: whole rows or columns change places, as they do where edges decide."
    return f"{text}; the others are right in part, as they are where content or places help to decide."
