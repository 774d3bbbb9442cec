"""Restoring and judging at once: who restores, on what it is judged, and the threshold."""

import numpy as np
import pytest
import torch
from torch import Tensor

from puzzles.scenes import orders, puzzles, scenes
from snellen._errors import UsageError
from snellen.nets.deshuffler import Scores
from snellen.puzzles.ambiguous import UNSURE, doubtful_below
from snellen.puzzles.edges import edge_scores
from snellen.puzzles.grid import Grid
from snellen.puzzles.unshuffle import EDGES, Contender, unshuffle

GRID = Grid(2, 2)
ROWS = orders(80, GRID)
THESE = puzzles(scenes(80), ROWS, GRID, known=60)


def noise(pieces: Tensor) -> Scores:
    generator = torch.Generator().manual_seed(len(pieces))
    return Scores(*torch.randn(3, len(pieces), 4, 4, generator=generator))


def test_the_first_contender_restores_and_all_are_judged() -> None:
    seen = unshuffle(THESE, (Contender("noise", noise, gaps=(0,)), EDGES), held=THESE.known[:50])
    assert seen.solver == "noise"
    assert list(seen.judgements) == list(seen.gaps) == list(seen.scales) == ["noise", "edge matching"]
    assert seen.judgements["noise"].images.value < 0.3
    assert seen.judgements["edge matching"].images.value > 0.9
    assert seen.judgements["noise"].images.count == 50
    assert list(seen.gaps["noise"]) == [0]
    assert list(seen.gaps["edge matching"]) == [0, 2, 4, 6, 8]
    assert (seen.restored.permutations[60:] == ROWS[60:]).all(axis=1).mean() < 0.5
    assert np.array_equal(seen.restored.permutations[:60], ROWS[:60])
    assert (noise(torch.zeros(9, 4, 1, 1, 1)).beside.shape, seen.gapped) == ((9, 4, 4), 50)


def test_judged_without_looking_at_the_truth() -> None:
    """The permutations of held puzzles decide what is right, and not what is answered."""
    other = puzzles(scenes(80), ROWS, GRID, known=60)
    other.permutations[:60] = np.roll(other.permutations[:60], 1, axis=1)
    one, two = (unshuffle(p, held=p.known) for p in (THESE, other))
    found = [seen.judgements[EDGES.name].solution.permutations for seen in (one, two)]
    assert torch.equal(*found)
    assert two.judgements[EDGES.name].images.right < one.judgements[EDGES.name].images.right


def test_the_threshold_is_that_of_the_first_contender_on_the_held_puzzles() -> None:
    grain = np.random.default_rng(0).integers(0, 70, (80, 24, 24, 3))
    rough = puzzles((scenes(80) * 0.7 + grain).astype(np.uint8), ROWS, GRID, known=60)
    seen = unshuffle(rough, (EDGES, Contender("noise", noise)), held=rough.known)
    judged = seen.judgements[EDGES.name]
    assert not judged.looks_right.all()
    expected = doubtful_below(judged.solution.margin, judged.looks_right)
    assert seen.restored.threshold == expected
    assert 0 < expected < float(judged.solution.margin.max())


def test_nothing_known() -> None:
    none = puzzles(scenes(5), ROWS[:5], GRID, known=0)
    seen = unshuffle(none, held=none.known)
    assert seen.judgements == {}
    assert seen.restored.threshold == UNSURE
    assert seen.gaps == {"edge matching": {}}


@pytest.mark.parametrize(
    ("contenders", "held", "words"),
    [
        ((), [0], "at least one contender"),
        ((EDGES, EDGES), [0], "a name of its own"),
        ((EDGES,), [0, 60], "known permutation"),
    ],
)
def test_wrong_calls(contenders: tuple[Contender, ...], held: list[int], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        unshuffle(THESE, contenders, held=np.array(held))


def test_the_same_seed_the_same_result() -> None:
    one, two = (unshuffle(THESE, held=THESE.known, seed=3) for _ in range(2))
    assert np.array_equal(one.restored.margin, two.restored.margin)
    assert one.gaps == two.gaps
    batched = unshuffle(THESE, held=THESE.known, seed=3, batch_size=9)
    assert np.allclose(one.restored.margin[60:], batched.restored.margin[60:], rtol=1e-3)


def test_the_puzzles_are_left_as_they_were() -> None:
    images, permutations = THESE.images.copy(), THESE.permutations.copy()
    unshuffle(THESE, (EDGES, Contender("again", edge_scores)), held=THESE.known)
    assert np.array_equal(images, THESE.images)
    assert np.array_equal(permutations, THESE.permutations)
