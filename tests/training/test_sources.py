"""What is trained on, and what never is."""

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from shared import SHARED, needs_shared
from snellen._errors import ImagesError, UsageError
from snellen.puzzles.grid import Grid
from snellen.puzzles.load import load_puzzles
from snellen.puzzles.pieces import cut, join, shuffled
from snellen.puzzles.split import held_back
from snellen.subject.load.digits import digit_pixels
from snellen.subject.load.images import load_images
from snellen.training import sources
from snellen.training.sources import from_images, is_archive, load_source, together

GRID = Grid(2, 2)


def whole(n: int = 40, side: int = 8, channels: int = 3) -> NDArray[np.uint8]:
    """Images that no two are alike, of smooth colours, so that their edges tell how they were cut."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:side, :side] / side
    planes = (
        rng.uniform(-100, 100, (n, 1, 1, channels)) * y[..., None]
        + rng.uniform(-100, 100, (n, 1, 1, channels)) * x[..., None]
    )
    return (planes + 128).clip(0, 255).astype(np.uint8)


def archive(path: Path, *, known: int = 40, n: int = 40, channels: int = 3, **extra: Any) -> NDArray[np.uint8]:
    """Shuffled images with the permutations of the first of them; returns them whole."""
    images = whole(n, channels=channels)
    order = torch.stack([torch.randperm(4, generator=torch.Generator().manual_seed(i)) for i in range(n)])
    pixels = torch.from_numpy(images).permute(0, 3, 1, 2).contiguous()
    mixed = join(shuffled(cut(pixels, GRID), order), GRID).permute(0, 2, 3, 1).numpy()
    np.savez(path, images=mixed, permutations=order[:known].numpy(), **extra)
    return images


def as_array(images: Tensor) -> NDArray[np.uint8]:
    return images.permute(0, 2, 3, 1).numpy()


def rows(images: Tensor | list[Tensor]) -> set[bytes]:
    return {np.ascontiguousarray(image.numpy()).tobytes() for image in images}


@pytest.mark.parametrize("seed", [0, 3])
def test_known_puzzles_are_put_together_and_split_as_the_judge_splits_them(tmp_path: Path, seed: int) -> None:
    images = archive(tmp_path / "x.npz", known=30)
    source = load_source(tmp_path / "x.npz", GRID, seed=seed)
    train, held = held_back(np.arange(30), seed=seed)
    assert isinstance(source.views.images, Tensor)
    assert np.array_equal(as_array(source.views.images), images[train])
    assert np.array_equal(as_array(source.held), images[held])
    assert source.views.side == (8, 8)
    assert source.puzzles is not None
    assert not rows(source.views.images) & rows(source.held)
    assert len(source.views) + len(source.held) == 30


def test_grey_puzzles_get_three_channels(tmp_path: Path) -> None:
    images = archive(tmp_path / "x.npz", channels=1)
    source = load_source(tmp_path / "x.npz", GRID)
    train, _ = held_back(np.arange(40), seed=0)
    assert isinstance(source.views.images, Tensor)
    assert np.array_equal(as_array(source.views.images), images[train].repeat(3, axis=3))


def test_together_by_permutations_of_ones_own(tmp_path: Path) -> None:
    images = archive(tmp_path / "x.npz", known=10)
    puzzles = load_puzzles(tmp_path / "x.npz", convention="belongs-at")
    chosen = np.array([3, 1])
    assert np.array_equal(as_array(together(puzzles, chosen)), images[chosen])
    same = torch.tensor([[0, 1, 2, 3]] * 2)
    assert np.array_equal(as_array(together(puzzles, chosen, same)), puzzles.images[chosen])
    assert together(puzzles, chosen[:0], same[:0]).shape == (0, 3, 8, 8)


def test_few_known_puzzles_are_refused(tmp_path: Path) -> None:
    archive(tmp_path / "x.npz", known=19)
    with pytest.raises(ImagesError, match=r"at least 20 puzzles .* x\.npz has 19; train on any folder"):
        load_source(tmp_path / "x.npz", GRID)
    archive(tmp_path / "x.npz", known=20)
    assert len(load_source(tmp_path / "x.npz", GRID).views) == 18


@pytest.mark.parametrize("name", ["permutations", "perm", "Perms", "order"])
def test_an_archive_has_permutations(tmp_path: Path, name: str) -> None:
    np.savez(tmp_path / "x.npz", images=whole(2), **{name: np.zeros((2, 4), int)})
    assert is_archive(tmp_path / "x.npz")
    assert is_archive(str(tmp_path / "x.npz"))


def test_other_files_are_images(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", images=whole(30), labels=np.zeros(30, int), border=np.zeros(1))
    (tmp_path / "folder.npz").mkdir()
    (tmp_path / "broken.npz").write_bytes(b"PK nothing")
    with zipfile.ZipFile(tmp_path / "perm.zip", "w") as file:
        file.writestr("perm.npy", b"")
    for path in ("x.npz", "folder.npz", "broken.npz", "perm.zip", "absent.npz"):
        assert not is_archive(tmp_path / path)
    source = load_source(tmp_path / "x.npz", GRID)
    assert source.puzzles is None
    assert len(source.views) == 27


def test_permutations_of_any_name_can_be_named(tmp_path: Path) -> None:
    archive(tmp_path / "x.npz")
    with np.load(tmp_path / "x.npz") as file:
        np.savez(tmp_path / "y.npz", photos=file["images"], sorting=file["permutations"])
    source = load_source(tmp_path / "y.npz", GRID, images_key="photos", permutations_key="sorting")
    assert source.views.fingerprint == load_source(tmp_path / "x.npz", GRID).views.fingerprint


@pytest.mark.parametrize("given", [{"side": 8}, {"limit": 30}])
def test_what_an_archive_cannot_heed_is_refused(tmp_path: Path, given: dict[str, int]) -> None:
    archive(tmp_path / "x.npz")
    with pytest.raises(UsageError, match="leave --side and --limit out"):
        load_source(tmp_path / "x.npz", GRID, **given)  # type: ignore[arg-type]


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("floats", [False, True])
def test_arrays_of_one_size_are_taken_as_they_are(channels: int, floats: bool) -> None:
    images = whole(30, channels=channels)
    source = from_images(load_images(images / np.float32(255) if floats else images), GRID, seed=1)
    train, held = held_back(np.arange(30), seed=1)
    assert isinstance(source.views.images, Tensor)
    expected = images if channels == 3 else images.repeat(3, axis=3)
    assert np.array_equal(as_array(source.views.images), expected[train])
    assert np.array_equal(as_array(source.held), expected[held])
    assert source.views.side == (8, 8)


def photos(folder: Path, sizes: list[tuple[int, int]], *, n: int = 30) -> Path:
    rng = np.random.default_rng(0)
    folder.mkdir()
    for i in range(n):
        size = sizes[i % len(sizes)]
        Image.fromarray(rng.integers(0, 256, (*size, 3), dtype=np.uint8)).save(folder / f"{i:02}.png")
    return folder


def test_photographs_of_several_sizes_need_a_side(tmp_path: Path) -> None:
    folder = photos(tmp_path / "photos", [(20, 30), (16, 16), (90, 60)])
    with pytest.raises(UsageError, match="holds images of 3 sizes: say at which size to cut them, such as --side 96"):
        load_source(folder, GRID)
    source = load_source(folder, GRID, side=8)
    assert source.views.side == (8, 8)
    assert source.held.shape == (3, 3, 8, 8)
    train, _ = held_back(np.arange(30), seed=0)
    kept = [tuple(image.shape[1:]) for image in source.views.images]
    small = {(20, 30): (20, 30), (16, 16): (16, 16), (90, 60): (30, 20)}  # the short side at 2.5 sides at most
    sizes = [small[[(20, 30), (16, 16), (90, 60)][i % 3]] for i in train]
    assert kept == sizes
    enlarged = {(20, 30): (20, 30), (16, 16): (18, 18), (90, 60): (68, 45)}  # and at one side at least
    kept = [tuple(image.shape[1:]) for image in load_source(folder, GRID, side=18).views.images]
    assert kept == [enlarged[[(20, 30), (16, 16), (90, 60)][i % 3]] for i in train]


def test_those_held_back_are_the_centre(tmp_path: Path) -> None:
    """The largest square in the middle, made smaller: bright in the middle stays, a dark frame at the ends goes."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for i in range(20):
        pixels = np.zeros((16, 40, 3), np.uint8)
        pixels[:, 12:28] = 10 + i
        Image.fromarray(pixels if i % 2 else pixels.transpose(1, 0, 2)).save(folder / f"{i:02}.png")
    source = load_source(folder, GRID, side=8)
    assert sorted(source.held.unique().tolist()) == sorted(10 + i for i in held_back(np.arange(20), seed=0)[1])
    exact = load_source(folder, GRID, side=16)
    _, held = held_back(np.arange(20), seed=0)
    assert all((image == 10 + i).all() for image, i in zip(exact.held, held, strict=True))


def test_no_image_is_both_trained_on_and_held_back(tmp_path: Path) -> None:
    folder = photos(tmp_path / "photos", [(8, 8)])
    source = load_source(folder, GRID, seed=5)
    assert not rows(list(source.views.images)) & rows(list(source.held))
    assert len(source.views) + len(source.held) == 30
    other = load_source(folder, GRID, seed=6)
    assert rows(list(other.held)) != rows(list(source.held))


def test_a_limit_draws_by_the_seed(tmp_path: Path) -> None:
    folder = photos(tmp_path / "photos", [(8, 8)])
    source = load_source(folder, GRID, limit=20)
    assert len(source.views) + len(source.held) == 20
    assert any("20 of 30 images" in note for note in source.notes)
    with pytest.raises(ImagesError, match="at least 20 images, photos has 19"):
        load_source(folder, GRID, limit=19)


def test_digits() -> None:
    source = load_source("digits", GRID, limit=50)
    assert source.views.side == (32, 32)
    assert len(source.held) == 5
    pixels, _ = digit_pixels("test")
    every = rows(list((pixels.expand(-1, 3, -1, -1) * 255).round().to(torch.uint8)))
    assert rows(list(source.held)) < every


@pytest.mark.parametrize("side", [None, 10])
def test_a_size_that_the_grid_does_not_divide(side: int | None) -> None:
    with pytest.raises(UsageError, match=r"(not divide; give a --side that is a multiple of 3)|(a side of 10 pixels)"):
        from_images(load_images(whole(20, side=10)), Grid(3, 3), side=side, seed=0)


def test_an_image_that_cannot_be_decoded_is_named(tmp_path: Path) -> None:
    folder = photos(tmp_path / "photos", [(8, 8)])
    (folder / "07.png").write_bytes(b"no picture")
    with pytest.raises(ImagesError, match=r"07\.png cannot be trained on: .*; mend it or take it away"):
        load_source(folder, GRID)


def test_more_than_the_memory_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = photos(tmp_path / "photos", [(8, 8)])
    monkeypatch.setattr(sources, "MOST_BYTES", 24 * 8 * 8 * 3)
    with pytest.raises(ImagesError, match=r"after 25 of 30 images; train on a part \(--limit 12\)"):
        load_source(folder, GRID)


@needs_shared
def test_the_archive_of_the_exam() -> None:
    path = SHARED / "data" / "home-exam" / "DataShuffled.npz"
    source = load_source(path, GRID)
    assert source.puzzles is not None
    assert (len(source.views), len(source.held), source.views.side) == (11_000, 1000, (32, 32))
    train, held = held_back(source.puzzles.known, seed=0)
    assert not {*train} & {*held}
    assert len(source.puzzles.unknown) == 4000
    with np.load(path) as file:
        first = file["images"][train[0]], file["permutations"][train[0]]
    pieces = {p.tobytes() for row in np.split(first[0], 2) for p in np.split(row, 2, axis=1)}
    image = as_array(source.views.images[:1])[0]  # type: ignore[arg-type]
    assert {p.tobytes() for row in np.split(image, 2) for p in np.split(row, 2, axis=1)} == pieces
    assert not is_archive(path.with_name("DataNormal.npz"))
