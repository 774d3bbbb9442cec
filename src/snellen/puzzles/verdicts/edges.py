"""How much of this is edge matching?"""

from snellen.findings.evidence import Curve, Table
from snellen.findings.finding import Finding
from snellen.puzzles.judge import Judgement
from snellen.puzzles.unshuffle import EDGES, Unshuffled
from snellen.puzzles.verdicts.words import many


def edges(seen: Unshuffled) -> Finding:
    """Accuracy against the gap between pieces, and how often the solver and edge matching agree."""
    curves = {name: curve for name, curve in seen.gaps.items() if curve}
    alone = curves.get(EDGES.name, {})
    sentence = f"Measured on {many(seen.gapped, 'restored image')}, cut anew with pixels missing between the pieces."
    if len(alone) > 1:
        near, far = min(alone), max(alone)
        sentence += f" Edge matching alone falls from {alone[near].value:.1%} of images at a gap of {near} px to "
        sentence += f"{alone[far].value:.1%} at {far} px."
    series = {name: (tuple(map(float, c)), tuple(s.value for s in c.values())) for name, c in curves.items()}
    evidence: list[Table | Curve] = [
        Curve(
            "Accuracy against the gap",
            "pixels missing between neighbouring pieces",
            "share of whole images right",
            series,
            note="What is left at a wide gap is content; what goes away with it was edge matching.",
        ),
        Table(
            "The same in numbers",
            ("solver", "gap", "right", "of", "share", "low", "high"),
            tuple(
                (name, g, s.right, s.count, s.value, s.low, s.high) for name, c in curves.items() for g, s in c.items()
            ),
        ),
    ]
    measured = {f"edge_accuracy_gap_{gap}": found.value for gap, found in alone.items()}
    if seen.solver == EDGES.name:
        sentence += " Nothing was learnt here: all of the accuracy is edge matching."
    elif EDGES.name in seen.judgements:
        first = seen.judgements[seen.solver]
        same, table = _agreement(first, seen.judgements[EDGES.name])
        sentence += f" {seen.solver.capitalize()} and edge matching agree on {same:.1%} of the held-back puzzles."
        evidence.append(table)
        learnt = curves.get(seen.solver, {})
        if len(learnt) > 1:
            near, far = min(learnt), max(learnt)
            sentence += f" Over the same gaps {seen.solver} goes from {learnt[near].value:.1%} to "
            sentence += f"{learnt[far].value:.1%}."
        measured |= {"agreement_with_edges": same}
        measured |= {f"accuracy_gap_{gap}": found.value for gap, found in learnt.items()}
    return Finding(
        "puzzle/edges",
        "info",
        "How much of this is edge matching?",
        sentence,
        measured=measured,
        evidence=tuple(evidence),
        reference="Noroozi and Favaro 2016, arXiv:1603.09246; Pomeranz, Shemesh and Ben-Shahar 2011",
    )


def _agreement(one: Judgement, other: Judgement) -> tuple[float, Table]:
    same = (one.solution.permutations == other.solution.permutations).all(dim=1)
    rows = tuple(
        (word, int((mask & other.right).sum()), int((mask & ~other.right).sum()))
        for word, mask in (("right", one.right), ("wrong", ~one.right))
    )
    return float(same.double().mean()), Table("Who is right", ("", "edges right", "edges wrong"), rows)
