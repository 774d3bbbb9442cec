"""What a pretext is trained on: the known puzzles of an archive, put together, or any images there are."""

import math
import zipfile
from dataclasses import KW_ONLY, dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import UInt8
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from snellen._errors import ImagesError, UsageError
from snellen.puzzles.grid import Grid
from snellen.puzzles.load import Puzzles, load_puzzles
from snellen.puzzles.pieces import cut, join, placed
from snellen.puzzles.split import held_back
from snellen.subject.images import Images
from snellen.subject.load.images import load_images
from snellen.training.augment import Views

ROOM = 2.5
"""Photographs are kept with the short side at so many times the side that is trained on, to crop from."""
MOST_BYTES = 4 * 2**30


@dataclass(frozen=True, eq=False)
class Source:
    """Whole images, split into those to train on and those held back.

    Attributes:
        views: to train on.
        held: (n, 3, h, w) uint8, never trained on, of the size that is trained on.
        name: of the file or folder.
        puzzles: the archive they come from, if they do.
        notes: one sentence each.
    """

    views: Views
    held: UInt8[Tensor, "n 3 h w"]
    _: KW_ONLY
    name: str
    puzzles: Puzzles | None = None
    notes: tuple[str, ...] = ()


def is_archive(spec: str | Path) -> bool:
    """Whether a file is an ``.npz`` with permutations in it."""
    path = Path(spec).expanduser()
    if path.suffix.lower() != ".npz" or not path.is_file():
        return False
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name.lower().removesuffix(".npy") for name in archive.namelist()]
            return any("perm" in name or name in ("order", "orders") for name in names)
    except zipfile.BadZipFile:
        return False


def from_puzzles(puzzles: Puzzles, *, seed: int) -> Source:
    """The known puzzles put together; those that :func:`held_back` names are held back.

    Raises:
        ImagesError: fewer than 20 known puzzles.
    """
    train, held = held_back(puzzles.known, seed=seed)
    count = len(puzzles.known)
    if count < 20:
        raise ImagesError(
            f"training needs at least 20 puzzles with a known permutation, {puzzles.name} has {count}; "
            "train on any folder of whole images of this kind instead (--data FOLDER), or solve by the edges alone"
        )
    whole = together(puzzles, train)
    return Source(
        Views(whole, (whole.shape[2], whole.shape[3])),
        together(puzzles, held),
        name=puzzles.name,
        puzzles=puzzles,
        notes=puzzles.notes,
    )


def together(
    puzzles: Puzzles, indices: NDArray[np.int64], permutations: Tensor | None = None
) -> UInt8[Tensor, "n 3 h w"]:
    """Some puzzles put together by these permutations, or by their own."""
    images = torch.from_numpy(puzzles.images[indices]).permute(0, 3, 1, 2)
    images = images.expand(-1, 3, -1, -1) if images.shape[1] == 1 else images
    known = torch.from_numpy(puzzles.permutations[indices]) if permutations is None else permutations
    return join(placed(cut(images.contiguous(), puzzles.grid), known), puzzles.grid)


def from_images(images: Images, grid: Grid, *, side: int | None = None, seed: int = 0) -> Source:
    """Any images, whole; a tenth of them, at most 1,000, is held back.

    Images of one size are taken as they are if the grid divides it. Others are kept larger than ``side`` and
    seen as random crops of ``side`` x ``side`` pixels; those held back as their centre. Smaller ones are enlarged.

    Args:
        images: decoded into memory as bytes.
        grid: must divide ``side``, or the size of the images.
        side: height and width to train on, in pixels; needed where sizes differ.
        seed: of the split.

    Raises:
        UsageError: images of several sizes and no side, or a size that the grid does not divide.
        ImagesError: fewer than 20 images, an image that cannot be decoded, or too many for the memory.
    """
    if len(images) < 20:
        raise ImagesError(f"training needs at least 20 images, {images.name} has {len(images)}")
    if side is not None and (side % grid.rows or side % grid.columns):
        raise UsageError(f"a side of {side} pixels is not divided by a {grid} grid; give a multiple of both numbers")
    found = decoded(images, side)
    sizes = {(image.shape[1], image.shape[2]) for image in found}
    if side is None and len(sizes) > 1:
        raise UsageError(
            f"{images.name} holds images of {len(sizes)} sizes: say at which size to cut them, such as --side 96"
        )
    train, held = held_back(np.arange(len(found)), seed=seed)
    size = (side, side) if side is not None else next(iter(sizes))
    if size[0] % grid.rows or size[1] % grid.columns:
        raise UsageError(
            f"the images of {images.name} are {size[0]} x {size[1]} pixels (height x width), which a {grid} grid does "
            f"not divide; give a --side that is a multiple of {math.lcm(grid.rows, grid.columns)}"
        )
    chosen: list[Tensor] | Tensor = [found[i] for i in train]
    if sizes == {size}:
        chosen = torch.stack([found[i] for i in train])
    whole = torch.stack([_centre(found[i], size) for i in held])
    return Source(Views(chosen, size), whole, name=images.name, notes=images.notes)


def load_source(
    spec: str | Path,
    grid: Grid,
    *,
    side: int | None = None,
    limit: int | None = None,
    seed: int = 0,
    images_key: str | None = None,
    permutations_key: str | None = None,
) -> Source:
    """What ``--data`` names: an archive of puzzles if it holds permutations, else images.

    Raises:
        UsageError: as :func:`from_images` and :func:`load_puzzles`; a side or a limit for an archive.
        ImagesError: likewise.
    """
    if permutations_key is not None or is_archive(spec):
        if side is not None or limit is not None:
            raise UsageError(
                f"{spec} holds puzzles: all that are known are trained on, at their own size; leave --side and "
                "--limit out"
            )
        puzzles = load_puzzles(spec, grid=grid, images_key=images_key, permutations_key=permutations_key)
        return from_puzzles(puzzles, seed=seed)
    images = load_images(spec, limit=limit, seed=seed, images_key=images_key)
    return from_images(images, grid, side=side, seed=seed)


def decoded(images: Images, side: int | None) -> list[Tensor]:
    """Each image as uint8 (3, h, w); smaller than a side enlarged to it, larger than 2.5 sides reduced to these."""
    found, total = [], 0
    for index in range(len(images)):
        try:
            picture = images.source.decode(index)
        except ImagesError as error:
            raise ImagesError(
                f"{images.source.name(index)} cannot be trained on: {error}; mend it or take it away"
            ) from error
        if not isinstance(picture, Image.Image):
            levels = np.broadcast_to(picture * 255, (*picture.shape[:2], 3))
            picture = Image.fromarray(levels.round().astype(np.uint8))
        picture = picture.convert("RGB")
        short = min(picture.size)
        if side is not None and not side <= short <= ROOM * side:
            scale = (side if short < side else ROOM * side) / short
            size = (max(side, round(picture.width * scale)), max(side, round(picture.height * scale)))
            picture = picture.resize(size, Image.Resampling.BICUBIC)
        found.append(torch.from_numpy(np.array(picture)).permute(2, 0, 1).contiguous())
        total += found[-1].numel()
        if total > MOST_BYTES:
            raise ImagesError(
                f"{images.name} takes more than {MOST_BYTES >> 30} GB of memory after {index + 1:,} of "
                f"{len(images):,} images; train on a part (--limit {index // 2}) or at a smaller --side"
            )
    return found


def _centre(image: Tensor, size: tuple[int, int]) -> Tensor:
    """The largest centre part of the proportions of ``size``, resized to it."""
    height, width = image.shape[1:]
    scale = min(height / size[0], width / size[1])
    tall, wide = round(size[0] * scale), round(size[1] * scale)
    top, left = (height - tall) // 2, (width - wide) // 2
    part = image[:, top : top + tall, left : left + wide]
    if (tall, wide) == size:
        return part
    picture = Image.fromarray(part.permute(1, 2, 0).numpy())
    return torch.from_numpy(np.array(picture.resize((size[1], size[0]), Image.Resampling.BICUBIC))).permute(2, 0, 1)
