"""In which way does it go wrong, and which puzzles are worth a look?"""

from snellen.findings.evidence import Cell, Table
from snellen.findings.finding import Finding
from snellen.puzzles.kinds import RIGHT, chances, kinds_of
from snellen.puzzles.looks import least_sure_tiles, mistake_tiles
from snellen.puzzles.unshuffle import Unshuffled


def mistakes(seen: Unshuffled) -> Finding:
    """Confusion by kind beside what chance would give, and the surest mistakes."""
    grid = seen.puzzles.grid
    kinds = {name: kinds_of(j.solution.permutations, j.truth, grid) for name, j in seen.judgements.items()}
    first = kinds[seen.solver]
    rows: list[tuple[Cell, ...]] = [
        (kind, *(found.count(kind) for found in kinds.values()), None if chance is None else round(chance * len(first)))
        for kind, chance in chances(grid).items()
    ]
    wrong = [kind for kind in first if kind != RIGHT]
    sentence = f"Not one of {len(first):,} came out wrong."
    if wrong:
        commonest = max(dict.fromkeys(wrong), key=wrong.count)
        sentence = f"{len(wrong):,} of {len(first):,} came out wrong"
        sentence += f"; most often, {wrong.count(commonest):,} times: {commonest}."
    table = Table("What is wrong with them", ("kind", *kinds, "by chance"), tuple(rows), note="Images of each kind.")
    gallery = mistake_tiles(seen)
    evidence = (table, gallery) if gallery.tiles else (table,)
    return Finding("puzzle/mistakes", "info", "Mistakes", sentence, evidence=evidence)


def least_sure(seen: Unshuffled) -> Finding:
    """The predictions with the smallest margin."""
    return Finding(
        "puzzle/least_sure",
        "info",
        "The least certain predictions",
        "Of the images whose permutation is lost, those with the smallest margin: what to look at by eye.",
        evidence=(least_sure_tiles(seen),),
    )
