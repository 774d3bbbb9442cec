"""Shuffled images, and the permutations of those whose order is known."""

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from snellen._errors import ImagesError, UsageError, unknown
from snellen.puzzles.convention import CONVENTIONS, Convention, convert, detect
from snellen.puzzles.grid import Grid
from snellen.puzzles.images import check_grid, stored_images
from snellen.puzzles.members import find_images, find_permutations
from snellen.puzzles.vectors import permutation_vectors
from snellen.subject.load.members import open_members


@dataclass(frozen=True, eq=False)
class Puzzles:
    """Images cut into pieces and shuffled.

    Attributes:
        images: (n, h, w, c) uint8, as shuffled.
        permutations: (n, m) int64 in Snellen's convention, ``permutations[n, i] = j``: the piece at position i
            belongs at position j; a row of -1 where it is unknown.
        grid: rows and columns of the m pieces.
        convention: what the permutations meant as they were stored, and how that is known.
        name: of the file or folder.
        notes: what loading had to do, one sentence each.
        keys: the arrays that held images and permutations, where there were several to choose from.
    """

    images: NDArray[np.uint8]
    permutations: NDArray[np.int64]
    grid: Grid
    _: KW_ONLY
    convention: Convention
    name: str = "images"
    notes: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.images)

    @property
    def known(self) -> NDArray[np.int64]:
        """Indices of the images whose permutation is known."""
        return np.flatnonzero(self.permutations[:, 0] >= 0)

    @property
    def unknown(self) -> NDArray[np.int64]:
        """Indices of the images whose permutation is lost."""
        return np.flatnonzero(self.permutations[:, 0] < 0)


def load_puzzles(
    spec: str | Path,
    *,
    grid: Grid | str = "2x2",
    images_key: str | None = None,
    permutations_key: str | None = None,
    convention: str = "detect",
) -> Puzzles:
    """Shuffled images from an ``.npz`` with or without permutations, or from a folder of image files.

    In an ``.npz`` the arrays are recognised by usual names (``images``, ``x``, ``data``; ``permutations``, ``perms``),
    then by shape, or named. Images are (n, h, w, c), (n, c, h, w) or (n, h, w): uint8, floats in [0, 1], or whole
    numbers in [0, 255]. Permutations are (k, m), m numbers from 0 (or all from 1) for the first k images, or (k,)
    class numbers of the m! permutations in lexicographic order; rows of -1 or NaN are unknown.

    Args:
        spec: the file or folder.
        grid: rows and columns, such as ``2x2``.
        images_key: the array of the ``.npz`` that holds the images.
        permutations_key: the one that holds the permutations.
        convention: what they mean, one of :data:`CONVENTIONS`, or ``detect`` to find out from the images.

    Raises:
        UsageError: no such array or convention.
        ImagesError: a pickled or damaged file, sides that the grid does not divide, rows that are no permutation.

    >>> load_puzzles("DataShuffled.npz").permutations.shape  # doctest: +SKIP
    (16000, 4)
    """
    grid = Grid.parse(grid) if isinstance(grid, str) else grid
    if convention not in (*CONVENTIONS, "detect"):
        raise unknown("convention", convention, [*CONVENTIONS, "detect"])
    path = Path(spec).expanduser()
    if path.suffix.lower() == ".npz" and path.is_file():
        images, vectors, notes, keys = _from_npz(path, grid, images_key, permutations_key)
    elif images_key is not None or permutations_key is not None:
        raise UsageError(f"arrays are named in an .npz only, and {path} is none; leave the names out")
    else:
        images, notes, vectors, keys = *_from_files(path), None, ()
    check_grid(images.shape, grid)
    permutations = np.full((len(images), grid.pieces), -1, np.int64)
    stored = np.zeros((0, grid.pieces), np.int64)
    known = np.zeros(0, np.int64)
    if vectors is not None:
        if len(vectors) > len(images):
            raise ImagesError(
                f"{path.name} has {len(vectors)} permutations for {len(images)} images; expected at most one an "
                "image. Name the right arrays: --images-key, --permutations-key."
            )
        known = np.flatnonzero(vectors[:, 0] >= 0)
        stored = vectors[known]
    found = detect(images, stored, grid, known=known) if convention == "detect" else Convention(convention, "given")
    permutations[known] = convert(torch.from_numpy(stored), grid, found.name).numpy()
    return Puzzles(images, permutations, grid, convention=found, name=path.name, notes=tuple(notes), keys=tuple(keys))


def _from_npz(
    path: Path, grid: Grid, images_key: str | None, permutations_key: str | None
) -> tuple[NDArray[np.uint8], NDArray[np.int64] | None, list[str], Sequence[str]]:
    with open_members(path) as members:
        images_key = find_images(members, images_key)
        permutations_key = find_permutations(members, permutations_key, images_key, grid)
        images, notes = stored_images(members.read(images_key), members.label(images_key))
        if permutations_key is None:
            return images, None, notes, (images_key,)
        stored = members.read(permutations_key)
        vectors, more = permutation_vectors(stored, grid, label=members.label(permutations_key))
    return images, vectors, [*notes, *more], (images_key, permutations_key)


def _from_files(path: Path) -> tuple[NDArray[np.uint8], list[str]]:
    from snellen.subject.load.images import load_images

    images = load_images(path)
    pixels = images.pixels().permute(0, 2, 3, 1)
    return (pixels * 255).round().to(torch.uint8).numpy(), list(images.notes)
