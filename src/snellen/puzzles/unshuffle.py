"""Restore an archive of puzzles, and measure on the known ones how far to trust it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray

from snellen._errors import UsageError
from snellen.puzzles.ambiguous import doubtful_below
from snellen.puzzles.edges import edge_scores
from snellen.puzzles.gaps import GAPS, gap_accuracy
from snellen.puzzles.judge import Judgement, Share, judge
from snellen.puzzles.load import Puzzles
from snellen.puzzles.restore import BATCH, Restored, Scorer, put_together, restore, same_looking, solve_images
from snellen.puzzles.scale import fitted_scale, scaled

Progress: TypeAlias = Callable[[str, int, int], None]
MOST_GAPPED = 2000
"""Images that the curve over the gap is measured on, at most."""


@dataclass(frozen=True)
class Contender:
    """A way to score pieces.

    Args:
        name: as the page calls it, such as ``the network``.
        scorer: pieces to scores.
        gaps: pixels missing between neighbours that it can be asked about.
        apart: whether the puzzles that it is judged by are known to have been kept from its training.
    """

    name: str
    scorer: Scorer
    _: KW_ONLY
    gaps: tuple[int, ...] = GAPS
    apart: bool = True


EDGES = Contender("edge matching", edge_scores)
"""Baseline 0: always run, never trained."""


@dataclass(frozen=True, eq=False)
class Unshuffled:
    """Everything restored, and how well each contender does on the known puzzles that were held back.

    Attributes:
        puzzles: what was loaded.
        restored: by the first contender.
        held: (k,) indices of the puzzles that the judgements are of, in their order.
        judgements: by contender, the one that restored first; empty if none is known.
        gaps: by contender, the share of whole images right at each gap, on ``gapped`` restored images.
        gapped: how many these are.
        scales: by contender, the number that its scores were multiplied by to make its probabilities honest.
        apart: by contender, whether ``held`` is known to have been kept from its training.
    """

    puzzles: Puzzles
    restored: Restored
    held: NDArray[np.int64]
    judgements: Mapping[str, Judgement]
    gaps: Mapping[str, Mapping[int, Share]]
    gapped: int
    scales: Mapping[str, float]
    apart: Mapping[str, bool]

    @property
    def solver(self) -> str:
        """The contender that restored."""
        return next(iter(self.gaps))


def unshuffle(
    puzzles: Puzzles,
    contenders: Sequence[Contender] = (EDGES,),
    *,
    held: NDArray[np.int64],
    seed: int = 0,
    batch_size: int = BATCH,
    progress: Progress = lambda _stage, _done, _total: None,
) -> Unshuffled:
    """Restore every image by the first contender, and judge all of them side by side.

    Args:
        puzzles: shuffled images.
        contenders: the one to restore with, then others to compare it with.
        held: indices of known puzzles that none of the contenders was trained on; the margin below which a
            prediction is called ambiguous, and one number that scales the scores of each contender so that its
            probabilities are honest, are fitted on them too.
        seed: of the shuffling for the curve over the gap.
        batch_size: images scored at once; bounds the memory.
        progress: called with (stage, done, total).

    Raises:
        UsageError: no contender, two of one name, or a held puzzle whose permutation is not known.

    >>> from snellen.puzzles.convention import Convention
    >>> from snellen.puzzles.grid import Grid
    >>> mixed = np.random.default_rng(0).integers(0, 256, (3, 16, 16, 3), dtype=np.uint8)
    >>> puzzles = Puzzles(mixed, np.array([[0, 1, 2, 3]] * 3), Grid(2, 2), convention=Convention("belongs-at", "given"))
    >>> unshuffle(puzzles, held=puzzles.known).judgements["edge matching"].images.count
    3
    """
    names = [c.name for c in contenders]
    if not names or len(set(names)) < len(names):
        raise UsageError(f"expected at least one contender, each with a name of its own; got {names}")
    if not set(held.tolist()) <= set(puzzles.known.tolist()):
        raise UsageError("held must be indices of puzzles with a known permutation, got others among them")
    scales = {c.name: fitted_scale(c.scorer, puzzles, held) for c in contenders}
    contenders = [replace(c, scorer=scaled(c.scorer, scales[c.name])) for c in contenders]
    judgements = _judged(puzzles, contenders, held, batch_size, progress) if len(held) else {}
    first = judgements.get(names[0])
    threshold = doubtful_below(
        torch.zeros(0) if first is None else first.solution.margin,
        torch.zeros(0, dtype=torch.bool) if first is None else first.looks_right,
    )
    restored = restore(
        puzzles,
        contenders[0].scorer,
        threshold=threshold,
        batch_size=batch_size,
        progress=lambda done, total: progress("restoring", done, total),
    )
    among = held[np.linspace(0, len(held) - 1, min(len(held), MOST_GAPPED)).round().astype(np.int64)]
    whole = put_together(puzzles.images[among], puzzles.permutations[among], puzzles.grid)
    gaps = {}
    for number, contender in enumerate(contenders):
        progress("gaps", number, len(contenders))
        asked = contender.gaps if len(whole) else ()
        gaps[contender.name] = gap_accuracy(whole, puzzles.grid, contender.scorer, gaps=asked, seed=seed)
    apart = {c.name: c.apart for c in contenders}
    return Unshuffled(puzzles, restored, held, judgements, gaps, len(whole), scales, apart)


def _judged(
    puzzles: Puzzles, contenders: Sequence[Contender], held: NDArray[np.int64], batch_size: int, progress: Progress
) -> dict[str, Judgement]:
    truth, alike = torch.from_numpy(puzzles.permutations[held]), same_looking(puzzles, held)
    found = {}
    for contender in contenders:

        def tell(done: int, total: int, stage: str = f"judging {contender.name}") -> None:
            progress(stage, done, total)

        solution = solve_images(puzzles, contender.scorer, held, batch_size=batch_size, progress=tell)
        found[contender.name] = judge(solution, truth, alike)
    return found
