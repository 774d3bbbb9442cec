"""Everything put together: known ones exactly, lost ones by prediction, written whole or not at all."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from puzzles.scenes import orders, puzzles, scenes, shuffle
from snellen.puzzles.edges import edge_scores
from snellen.puzzles.grid import Grid
from snellen.puzzles.pixels import as_pixels
from snellen.puzzles.restore import Restored, put_together, restore, solve_images

GRID = Grid(2, 2)


@settings(deadline=None)
@given(
    grid=st.sampled_from([Grid(2, 2), Grid(3, 2), Grid(1, 4), Grid(4, 4)]),
    channels=st.sampled_from([1, 3, 4]),
    seed=st.integers(0, 99),
)
def test_known_permutations_give_the_image_back_bit_for_bit(grid: Grid, channels: int, seed: int) -> None:
    images = np.random.default_rng(seed).integers(0, 256, (3, 12, 16, channels), dtype=np.uint8)
    images = images[:, : 12 // grid.rows * grid.rows, : 16 // grid.columns * grid.columns]
    rows = orders(3, grid, seed=seed)
    assert np.array_equal(put_together(shuffle(images, rows, grid), rows, grid), images)


def restored(n: int = 40, known: int = 25) -> tuple[Restored, np.ndarray, np.ndarray]:
    images, rows = scenes(n), orders(n, GRID)
    return restore(puzzles(images, rows, GRID, known=known), edge_scores, batch_size=7), images, rows


def test_known_exactly_and_lost_by_prediction() -> None:
    found, images, rows = restored()
    assert np.array_equal(found.images[:25], images[:25])
    assert np.array_equal(found.permutations[:25], rows[:25])
    assert found.known.tolist() == [True] * 25 + [False] * 15
    assert (found.probability[:25] == 1).all()
    assert np.isinf(found.margin[:25]).all()
    assert not found.ambiguous[:25].any()
    right = (found.permutations[25:] == rows[25:]).all(axis=1)
    assert right.mean() > 0.9
    assert np.array_equal(found.images[25:][right], images[25:][right])
    assert (found.margin[25:] >= 0).all()


def test_a_batch_equals_the_loop() -> None:
    these = puzzles(scenes(20), orders(20, GRID), GRID, known=0)
    whole = solve_images(these, edge_scores, np.arange(20), batch_size=64)
    single = solve_images(these, edge_scores, np.arange(20), batch_size=1)
    assert torch.equal(whole.permutations, single.permutations)
    assert torch.allclose(whole.margin, single.margin, atol=1e-3)


def test_the_file_holds_it_all(tmp_path: Path) -> None:
    found, _, _ = restored()
    path = found.save(tmp_path / "new" / "restored.npz")
    with np.load(path, allow_pickle=False) as file:
        assert np.array_equal(file["images"], found.images)
        assert file["permutations"].dtype == np.int8
        for name in ("permutations", "known", "probability", "margin", "ambiguous", "twins"):
            assert np.array_equal(file[name], getattr(found, name))
        assert str(file["grid"]) == "2x2"
        assert "permutations[i] = j" in str(file["convention"])
    assert [p.name for p in path.parent.iterdir()] == ["restored.npz"]


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found, _, _ = restored()
    path = tmp_path / "restored.npz"
    path.write_bytes(b"old")

    def full(*_: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr("snellen._atomic._sync", full)
    with pytest.raises(OSError, match="no space"):
        found.save(path)
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["restored.npz"]


def test_duplicated_pieces_are_ambiguous_and_no_crash() -> None:
    images = scenes(6)
    images[0] = 120  # uniform sky
    images[1, :12, 12:] = images[1, :12, :12]  # two pieces alike
    found = restore(puzzles(images, orders(6, GRID), GRID, known=0), edge_scores)
    assert found.twins.tolist() == [True, True, False, False, False, False]
    assert found.ambiguous[:2].all()
    assert found.margin[0] == 0
    assert np.array_equal(found.images[0], images[0])
    assert np.isfinite(found.margin).all()


def test_the_threshold_flags() -> None:
    these = puzzles(scenes(20), orders(20, GRID), GRID, known=5)
    margins = restore(these, edge_scores).margin
    middle = float(np.median(margins[5:]))
    assert np.array_equal(restore(these, edge_scores, threshold=middle).ambiguous, margins < middle)


def test_all_known_and_one_image() -> None:
    def never(_: torch.Tensor) -> torch.Tensor:
        raise AssertionError("nothing has to be predicted")

    images, rows = scenes(3), orders(3, GRID)
    assert np.array_equal(restore(puzzles(images, rows, GRID, known=3), never).images, images)
    one = restore(puzzles(images[:1], rows[:1], GRID, known=0), edge_scores)
    assert one.images.shape == (1, 24, 24, 3)


def test_progress_ends_at_the_end() -> None:
    told: list[tuple[int, int]] = []
    these = puzzles(scenes(10), orders(10, GRID), GRID, known=3)
    restore(these, edge_scores, batch_size=3, progress=lambda done, total: told.append((done, total)))
    assert told == [(3, 7), (6, 7), (7, 7)]


def test_pixels() -> None:
    images = np.arange(2 * 4 * 4 * 4, dtype=np.uint8).reshape(2, 4, 4, 4)
    pixels = as_pixels(images)
    assert pixels.shape == (2, 3, 4, 4)
    assert float(pixels[1, 2, 3, 0]) == pytest.approx(images[1, 3, 0, 2] / 255)
    grey = as_pixels(images[..., :1])
    assert torch.equal(grey[:, 0], grey[:, 2])
