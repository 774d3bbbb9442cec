"""What was loaded, what its permutations mean, and what was restored?"""

import numpy as np

from snellen.findings.evidence import Cell, Table
from snellen.findings.finding import Finding, Severity
from snellen.puzzles.convention import CONVENTIONS, OURS
from snellen.puzzles.unshuffle import Unshuffled
from snellen.puzzles.verdicts.words import many


def loaded(seen: Unshuffled) -> Finding:
    """Counts, grid, and the convention with what speaks for it."""
    puzzles, convention = seen.puzzles, seen.puzzles.convention
    n, known = len(puzzles), len(puzzles.known)
    height, width = puzzles.images.shape[1:3]
    sentence = (
        f"{many(n, 'image')} of {height} x {width} pixels in a {puzzles.grid} grid; the permutation is known of "
        f"{known:,} and lost of {n - known:,}."
    )
    severity: Severity = "ok"
    title, remedy = "What was loaded", ""
    named = f"{convention.name}: {convention.meaning}"
    if convention.how == "detected":
        sentence += f" The convention was found from the images, {named}."
    elif convention.how == "given":
        sentence += f" The convention was given, {named}."
    elif convention.how == "undecided":
        severity, remedy = "warning", "Say which it is: --convention. A wrong one looks like a weak solver."
        sentence += f" These puzzles cannot tell the conventions apart; taken was {named}."
    if known and convention.name != OURS:
        sentence += f" Everything below, and the file, is in Snellen's own: {CONVENTIONS[OURS]}."
    if not convention.fits:
        severity, title = "error", "The permutations do not fit the images"
        sentence += " Put together by them, the images fit no better at the edges than by chance."
        remedy = "Check that the permutations are those of these images, in this order (--permutations-key)."
    rows: tuple[tuple[Cell, ...], ...] = tuple((c.name, c.fit, c.best) for c in convention.candidates)
    tables = (
        Table("Conventions, best first", ("convention", "mean fit", "fits best"), rows, note=_why(seen)),
        Table("Notes", ("note",), tuple((note,) for note in puzzles.notes)),
    )
    return Finding(
        "puzzle/loaded",
        severity,
        title,
        sentence,
        remedy=remedy,
        measured={"known": known, "unknown": n - known},
        evidence=tuple(table for table in tables if table.rows),
    )


def _why(seen: Unshuffled) -> str:
    convention = seen.puzzles.convention
    lead, low, high = convention.lead
    text = (
        "Mean edge score of images put together by each reading of their permutations (higher is better; by chance "
        f"{convention.chance:.1f}), and the share of images that no other reading fits better."
    )
    if np.isfinite(low):
        text += (
            f" The best leads the second by {lead:.1f} ({low:.1f} to {high:.1f}) on the "
            f"{convention.differing:,} puzzles on which they differ."
        )
    meanings = "; ".join(f"{c.name}: {CONVENTIONS[c.name]}" for c in convention.candidates)
    return f"{text.replace('chance -', 'chance −')} {meanings}."


def restored(seen: Unshuffled) -> Finding:
    """How many by their permutation, how many by prediction, how many of these to look at."""
    found = seen.restored
    lost = ~found.known
    predicted, double = int(lost.sum()), int((found.twins & lost).sum())
    doubtful = int((found.ambiguous & lost).sum())
    sentence = f"{int(found.known.sum()):,} by their known permutation, exactly; {predicted:,} by {seen.solver}"
    if not predicted:
        sentence += ": nothing had to be predicted"
    elif not doubtful:
        sentence += ", none of them ambiguous"
    else:
        sentence += f", of which {doubtful:,} are flagged as ambiguous"
        if double:
            sentence += f": {double:,} hold pieces that look the same, so that more than one order is right"
        if doubtful > double:
            short = f"{doubtful - double:,} have" if double else "their margin is"
            sentence += f"{', and' if double else ':'} {short} {'a margin ' if double else ''}below "
            sentence += f"{found.threshold:.2f} nats, {_threshold(seen)}"
    if predicted and not found.exact:
        sentence += ". The grid is too large to try every arrangement: margins are upper bounds"
    return Finding(
        "puzzle/restored",
        "info",
        "Restored",
        sentence + ".",
        measured={"restored": len(lost), "predicted": predicted, "ambiguous": doubtful},
        remedy="Look at the ambiguous ones before using them; the file marks them." if doubtful else "",
    )


def _threshold(seen: Unshuffled) -> str:
    if seen.judgements:
        return "below which more than one known puzzle in four comes out wrong"
    return "the best arrangement not three times as probable as the second"
