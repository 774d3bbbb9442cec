"""From a file to answers: cut the same way, mirrored the right way round, and refused where it does not fit."""

import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from snellen._errors import NetworkError, UsageError
from snellen.nets.deshuffler import Deshuffler, Scores
from snellen.nets.saved import Saved
from snellen.nets.staged_classifier import StagedClassifier
from snellen.puzzles import arranger as subject
from snellen.puzzles.arranger import Arranger, NetworkScorer, against_rivals, arrangement_scores, arranger_of
from snellen.puzzles.edges import edge_scores
from snellen.puzzles.grid import Grid
from snellen.puzzles.pieces import cut, join, shuffled
from snellen.puzzles.solve import solve

GRIDS = [Grid(2, 2), Grid(1, 3), Grid(3, 2)]


def edges_and_slopes(pieces: Tensor, grid: Grid) -> Scores:
    """Scores of a mirror image are the mirrored scores: edges, and slopes that know which side they belong to."""
    slope = pieces[..., -1].mean(dim=(2, 3)) - pieces[..., 0].mean(dim=(2, 3))
    column = torch.arange(grid.pieces) % grid.columns - (grid.columns - 1) / 2
    return edge_scores(pieces)._replace(place=3 * slope[:, :, None] * column)


class Edges(Deshuffler):
    """These as a network of pieces."""

    def __init__(self, grid: Grid) -> None:
        super().__init__(positions=grid.pieces, hidden=8)
        self.grid = grid

    def forward(self, pieces: Tensor) -> Scores:
        return edges_and_slopes(pieces, self.grid)


class WholeEdges(nn.Module):
    """These as a classifier of whole images."""

    def __init__(self, grid: Grid) -> None:
        super().__init__()
        self.grid = grid

    def forward(self, images: Tensor) -> Tensor:
        return arrangement_scores(edges_and_slopes(cut(images, self.grid), self.grid), self.grid)


def saved(module: nn.Module, grid: Grid = GRIDS[0], **about: object) -> Saved:
    told = {"grid": str(grid), "gap": [0, 0], "normalise_pieces": False, "side": [16, 16], **about}
    return Saved(
        module, kind="by hand", settings={}, task="deshuffle", mean=(0.4, 0.5, 0.6), std=(0.25,) * 3, about=told
    )


def network(grid: Grid, *, classifier: bool = False) -> nn.Module:
    torch.manual_seed(4)
    if classifier:
        net: nn.Module = StagedClassifier(classes=len(grid.arrangements), hidden=16)
        net.train()(torch.randn(4, 3, 12, 12))
    else:
        net = Deshuffler(positions=grid.pieces, hidden=16)
        net.train()(torch.randn(3, grid.pieces, 3, 8, 8))
    return net.eval()


def pieces_of(grid: Grid, n: int = 3, seed: int = 0) -> Tensor:
    return torch.rand(n, grid.pieces, 3, 8, 8, generator=torch.Generator().manual_seed(seed))


def across(grid: Grid) -> Tensor:
    return torch.tensor(
        [r * grid.columns + grid.columns - 1 - c for r in range(grid.rows) for c in range(grid.columns)]
    )


def close(one: Scores | Tensor, other: Scores | Tensor, atol: float = 1e-4) -> bool:
    """Equal where it means something: the diagonals of pairs mean nothing."""
    if isinstance(one, Tensor):
        assert isinstance(other, Tensor)
        return torch.allclose(one, other, atol=atol)
    own = torch.eye(one.place.shape[1], dtype=torch.bool)
    parts = [(a.masked_fill(own, 0), b.masked_fill(own, 0)) for a, b in zip(one[:2], other[:2], strict=True)]
    return all(torch.allclose(a, b, atol=atol) for a, b in [*parts, (one.place, other[2])])


@pytest.mark.parametrize("grid", GRIDS, ids=str)
@pytest.mark.parametrize("classifier", [False, True], ids=["pairs", "classifier"])
def test_a_whole_image_is_its_pieces(grid: Grid, classifier: bool) -> None:
    arranger = Arranger(network(grid, classifier=classifier), grid)
    images = torch.randn(2, 3, 8 * grid.rows, 8 * grid.columns)
    with torch.inference_mode():
        scores = arranger.scores(cut(images, grid))
        whole = arranger(images)
    assert whole.shape == (2, len(grid.arrangements))
    assert close(whole, arrangement_scores(scores, grid) if isinstance(scores, Scores) else scores)


def test_the_sum_of_an_arrangement_by_loops() -> None:
    grid = Grid(2, 3)
    given_ = Scores(*torch.randn(3, 1, 6, 6))
    found = arrangement_scores(given_, grid)[0]
    for a in (0, 1, 100, 719):
        order = grid.arrangements[a].tolist()
        total = sum(given_.place[0, piece, k].item() for k, piece in enumerate(order))
        total += sum(given_.beside[0, order[k], order[k + 1]].item() for k in (0, 1, 3, 4))
        total += sum(given_.above[0, order[k], order[k + 3]].item() for k in (0, 1, 2))
        assert found[a].item() == pytest.approx(total, abs=1e-4)


def test_beyond_counting_a_whole_image_gives_places() -> None:
    grid = Grid(3, 3)
    arranger = Arranger(network(grid), grid)
    images = torch.randn(2, 3, 24, 24)
    with torch.inference_mode():
        scores = arranger.scores(cut(images, grid))
        assert isinstance(scores, Scores)
        assert torch.equal(arranger(images), scores.place.flatten(1))


def test_a_gap_is_cut_from_whole_images_and_not_from_pieces() -> None:
    grid = GRIDS[0]
    scorer = NetworkScorer(saved(network(grid), gap=[4, 8]))
    images = torch.rand(3, 3, 16, 16)
    touching, apart = (scorer(cut(images, grid, gap=gap)) for gap in (0, 4))
    assert not close(touching, apart, atol=1e-3)
    with torch.inference_mode():
        normalised = (images - scorer.mean) / scorer.std
        first = scorer.arranger.scores(cut(normalised, grid, gap=4))
        assert isinstance(first, Scores)
        assert close(scorer.arranger(normalised), arrangement_scores(first, grid))


@pytest.mark.parametrize("grid", GRIDS, ids=str)
@pytest.mark.parametrize("classifier", [False, True], ids=["pairs", "classifier"])
def test_the_second_look_of_a_solver_that_knows_mirrors_is_the_first(grid: Grid, classifier: bool) -> None:
    scorer = NetworkScorer(saved(WholeEdges(grid) if classifier else Edges(grid), grid))
    pieces = pieces_of(grid)
    first, second = scorer._look(pieces), scorer._mirrored(pieces)
    assert close(first, second)
    assert not close(first, scorer._look(pieces.flip(-1)), atol=1e-2)


@pytest.mark.parametrize("grid", GRIDS, ids=str)
@pytest.mark.parametrize("classifier", [False, True], ids=["pairs", "classifier"])
def test_the_answer_to_a_mirrored_puzzle_is_the_mirrored_answer(
    grid: Grid, classifier: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of any solver, once every puzzle is looked at twice."""
    monkeypatch.setattr(subject, "SURE", 2.0)
    scorer = NetworkScorer(saved(network(grid, classifier=classifier), grid))
    turn = across(grid)
    pieces = pieces_of(grid)
    here = solve(scorer(pieces), grid).permutations
    there = solve(scorer(pieces.flip(-1)[:, turn]), grid).permutations
    assert torch.equal(there, turn[here[:, turn]])
    one, other = scorer(pieces), scorer(pieces.flip(-1)[:, turn])
    if isinstance(one, Scores):
        assert isinstance(other, Scores)
        back = Scores(
            other.beside[:, turn][:, :, turn].transpose(1, 2),
            other.above[:, turn][:, :, turn],
            other.place[:, turn][:, :, turn],
        )
        assert close(one, back)


def test_only_the_doubtful_are_looked_at_twice() -> None:
    grid, asked = GRIDS[0], []

    class Watched(WholeEdges):
        def forward(self, images: Tensor) -> Tensor:
            asked.append(len(images))
            scores = torch.zeros(len(images), 24)
            scores[:, 5] = torch.where(images.mean(dim=(1, 2, 3)) > 0, 50.0, 0.0)
            return scores

    bright, dark = torch.ones(2, 4, 3, 8, 8), torch.zeros(3, 4, 3, 8, 8)
    scorer = NetworkScorer(saved(Watched(grid)))
    scores = scorer(torch.cat([bright, dark]))
    assert asked == [5, 3]
    assert isinstance(scores, Tensor)
    assert scores[:2, 5].tolist() == [50.0, 50.0]
    assert scorer(bright).shape == (2, 24)
    assert asked == [5, 3, 2]


def test_in_bfloat16_the_scores_are_about_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    told, pieces = saved(network(GRIDS[0])), pieces_of(GRIDS[0])
    monkeypatch.setattr(subject, "fast_bfloat16", lambda _: False)
    exact = NetworkScorer(told)(pieces)
    monkeypatch.setattr(subject, "fast_bfloat16", lambda _: True)
    rough = NetworkScorer(told)(pieces)
    assert isinstance(rough, Scores)
    assert all(part.dtype == torch.float32 for part in rough)
    assert close(rough, exact, atol=0.15)
    assert not close(rough, exact, atol=1e-6)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 999), m=st.integers(2, 5))
def test_rivals_by_loops(seed: int, m: int) -> None:
    given_ = Scores(*torch.randn(3, 2, m, m, generator=torch.Generator().manual_seed(seed)))
    found = against_rivals(given_)

    def share(values: list[float], one: float) -> float:
        return one - math.log(sum(math.exp(v) for v in values))

    for n in range(2):
        for part in ("beside", "above"):
            table = getattr(given_, part)[n].tolist()
            for i in range(m):
                assert getattr(found, part)[n, i, i] == 0
                for j in range(m):
                    if i != j:
                        right = share([table[i][k] for k in range(m) if k != i], table[i][j])
                        left = share([table[k][j] for k in range(m) if k != j], table[i][j])
                        assert getattr(found, part)[n, i, j].item() == pytest.approx(right + left, abs=1e-4)
        table = given_.place[n].tolist()
        for i in range(m):
            for k in range(m):
                both = share(table[i], table[i][k]) + share([row[k] for row in table], table[i][k])
                assert found.place[n, i, k].item() == pytest.approx(both, abs=1e-4)


def test_beyond_counting_the_scores_are_log_probabilities() -> None:
    grid = Grid(3, 3)
    scorer = NetworkScorer(saved(network(grid), grid))
    scores = scorer(pieces_of(grid))
    assert isinstance(scores, Scores)
    normalised = (pieces_of(grid) - scorer.mean) / scorer.std
    first, second = scorer._look(normalised), scorer._mirrored(normalised)
    mean = Scores(*((a + b) / 2 for a, b in zip(first, second, strict=True)))
    assert close(scores, against_rivals(mean))
    assert (scores.place < 0).all()


@pytest.mark.parametrize("classifier", [False, True], ids=["pairs", "classifier"])
def test_normalised_pieces_hide_their_brightness_and_contrast(classifier: bool) -> None:
    grid = GRIDS[0]
    told = saved(network(grid, classifier=classifier))
    hidden = NetworkScorer(replace(told, about={**told.about, "normalise_pieces": True}))
    plain, pieces = NetworkScorer(told), pieces_of(grid)
    slope = torch.rand(3, 4, 3, 1, 1, generator=torch.Generator().manual_seed(1)) / 2 + 0.25
    changed = pieces * slope + (1 - slope) / 2
    assert close(hidden(pieces), hidden(changed), atol=1e-3)
    assert not close(plain(pieces), plain(changed), atol=1e-3)


def test_flat_pieces_are_normalised_to_nothing_and_not_to_noise() -> None:
    flat = torch.full((2, 4, 3, 8, 8), 0.3)
    scores = NetworkScorer(saved(network(GRIDS[0]), normalise_pieces=True))(flat)
    assert isinstance(scores, Scores)
    assert all(part.isfinite().all() for part in scores)


def test_the_scorer_leaves_its_input_alone() -> None:
    pieces = pieces_of(GRIDS[0])
    before = pieces.clone()
    NetworkScorer(saved(network(GRIDS[0])))(pieces)
    assert torch.equal(pieces, before)


def test_another_number_of_pieces_is_refused() -> None:
    with pytest.raises(UsageError, match="trained on a 2x2 grid, got puzzles of 6 pieces"):
        NetworkScorer(saved(network(GRIDS[0])))(pieces_of(GRIDS[2]))


def test_a_network_trained_for_something_else_is_refused() -> None:
    with pytest.raises(NetworkError, match="trained to de-shuffle, got one trained to rotate"):
        arranger_of(replace(saved(network(GRIDS[0])), task="rotate"))


@pytest.mark.parametrize("about", [{}, {"grid": "2x2"}, {"grid": "two", "gap": [0, 0], "normalise_pieces": False}])
def test_a_file_that_does_not_say_how_it_cuts_is_refused(about: dict[str, object]) -> None:
    with pytest.raises(NetworkError, match=r"does not say how it cuts images .*train it again"):
        arranger_of(replace(saved(network(GRIDS[0])), about=about))


def test_ways_to_send_an_image_through() -> None:
    grid = GRIDS[0]
    arranger = Arranger(network(grid), grid)
    views = arranger.views()
    assert list(views) == ["pieces", "whole image"]
    assert views["pieces"] is arranger
    images = torch.randn(2, 3, 16, 16)
    with torch.inference_mode():
        last = arranger.solver.get_submodule("encoder")(images)[-1]
        assert torch.equal(views["whole image"](images), last.mean(dim=(2, 3)))
    whole = Arranger(network(grid, classifier=True), grid)
    assert whole.views() == {"": whole}


def test_a_classifier_sees_the_picture_that_the_pieces_make() -> None:
    grid, seen = Grid(1, 3), []

    class Looks(nn.Module):
        def forward(self, images: Tensor) -> Tensor:
            seen.append(images)
            return torch.zeros(len(images), 6)

    pieces = torch.randn(2, 3, 3, 8, 8)
    order = torch.tensor([[2, 0, 1], [1, 2, 0]])
    Arranger(Looks(), grid).scores(shuffled(pieces, order))
    assert torch.equal(seen[0], join(shuffled(pieces, order), grid))
