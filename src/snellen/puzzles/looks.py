"""Puzzles to look at: the mistakes, and the predictions that are least sure."""

import numpy as np
from numpy.typing import NDArray

from snellen.findings.evidence import Gallery, Picture, Tile
from snellen.puzzles.kinds import kinds_of
from snellen.puzzles.pixels import as_pixels
from snellen.puzzles.restore import put_together
from snellen.puzzles.unshuffle import Unshuffled

SHOWN = 24


def mistake_tiles(seen: Unshuffled, *, shown: int = SHOWN) -> Gallery:
    """Held-back puzzles that came out wrong, the surest mistakes first: shuffled, as predicted, as it was.

    Args:
        seen: what was restored and judged.
        shown: tiles at most.
    """
    judged, grid = seen.judgements[seen.solver], seen.puzzles.grid
    wrong = (~judged.right).nonzero()[:, 0]
    order = wrong[judged.solution.margin[wrong].argsort(descending=True, stable=True)][:shown].numpy()
    rows = seen.held[order]
    mixed = seen.puzzles.images[rows]
    predicted = judged.solution.permutations[order]
    pictures = (
        mixed,
        put_together(mixed, predicted.numpy(), grid),
        put_together(mixed, judged.truth[order].numpy(), grid),
    )
    kinds = kinds_of(predicted, judged.truth[order], grid)
    tiles = []
    for i, row in enumerate(rows.tolist()):
        said = float(judged.solution.probability[order[i]])
        alike = "pieces look the same, so this is right too" if bool(judged.looks_right[order[i]]) else ""
        lines = (f"probability {said:.1%}, margin {float(judged.solution.margin[order[i]]):.2f} nats", alike)
        tiles.append(_tile(f"image {row}: {kinds[i]}", row, pictures, i, tuple(filter(None, lines)), "wrong"))
    return Gallery("Mistakes to look at", tuple(tiles), note="Surest first: shuffled, as predicted, as it was.")


def least_sure_tiles(seen: Unshuffled, *, shown: int = SHOWN) -> Gallery:
    """Predictions with the smallest margin: shuffled, as predicted.

    Args:
        seen: what was restored.
        shown: tiles at most.
    """
    lost, restored = seen.puzzles.unknown, seen.restored
    rows = lost[np.argsort(restored.margin[lost], kind="stable")][:shown]
    pictures = (seen.puzzles.images[rows], restored.images[rows])
    tiles = []
    for i, row in enumerate(rows.tolist()):
        why = "pieces look the same" if restored.twins[row] else "ambiguous" if restored.ambiguous[row] else ""
        lines = (f"probability {restored.probability[row]:.1%}, margin {restored.margin[row]:.2f} nats", why)
        tiles.append(_tile(f"image {row}", row, pictures, i, tuple(filter(None, lines)), "none"))
    return Gallery("Least certain first", tuple(tiles), note="Shuffled, and as predicted.")


def _tile(
    caption: str, row: int, sets: tuple[NDArray[np.uint8], ...], i: int, lines: tuple[str, ...], mark: str
) -> Tile:
    names = ("shuffled", "predicted", "true")
    pictures = tuple(_picture(name, images[i]) for name, images in zip(names, sets, strict=False))
    return Tile(caption, pictures, image=row, lines=lines, mark=mark)  # type: ignore[arg-type]  # one of the literals


def _picture(name: str, image: NDArray[np.uint8]) -> Picture:
    pixels = (as_pixels(image[None])[0] * 255).round().permute(1, 2, 0).numpy().astype(np.uint8)
    return Picture(name, pixels)
