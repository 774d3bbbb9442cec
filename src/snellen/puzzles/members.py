"""Which arrays of an ``.npz`` hold shuffled images and permutations: by usual names, then by shape."""

from snellen._errors import UsageError, unknown
from snellen.puzzles.grid import Grid
from snellen.subject.load.members import Members

IMAGES = ("images", "x", "X", "data", "images_shuffled", "shuffled", "X_shuffled", "x_shuffled", "arr_0")
PERMUTATIONS = ("permutations", "permutation", "perms", "perm", "order", "orders", "labels", "y", "Y", "arr_1")
"""Usual names, the first one present wins."""


def find_images(members: Members, chosen: str | None) -> str:
    """The array of images: the one named, one with a usual name, or the only one that is shaped like images.

    Raises:
        UsageError: no such array, none that could be it, or several.
    """
    if chosen is not None:
        return _chosen(members, chosen)
    usual = next((name for name in IMAGES if name in members.infos), None)
    if usual is not None:
        return usual
    shaped = [name for name in members.infos if len(members.header(name).shape) == 4]
    if len(shaped) == 1:
        return shaped[0]
    raise UsageError(
        f"expected an array of images named {', '.join(IMAGES)} in {members.path.name}, got "
        f"{', '.join(sorted(members.infos)) or 'none'}. Say which: --images-key NAME (or images_key=)."
    )


def find_permutations(members: Members, chosen: str | None, images_key: str, grid: Grid) -> str | None:
    """The array of permutations: the one named, one with a usual name and a fitting shape, or the only (k, m) one.

    Class numbers, one an image, are recognised by name alone; None where there is nothing.

    Raises:
        UsageError: no such array, or several that could be it.
    """
    if chosen is not None:
        return _chosen(members, chosen)
    shapes = {name: members.header(name).shape for name in members.infos if name != images_key}
    for name in PERMUTATIONS:
        if name in shapes and (len(shapes[name]) == 1 or shapes[name][1:] in ((grid.pieces,), (1,))):
            return name
    named = [name for name in PERMUTATIONS[:6] if name in shapes]
    if named:
        raise UsageError(
            f"{members.label(named[0])} has shape {shapes[named[0]]}; expected (k, {grid.pieces}) for a {grid} grid, "
            "or (k,). Say which grid it is (--grid), or which array holds the permutations (--permutations-key)."
        )
    shaped = [name for name, shape in shapes.items() if len(shape) == 2 and shape[1] == grid.pieces]
    if len(shaped) > 1:
        raise UsageError(
            f"{', '.join(sorted(shaped))} in {members.path.name} could all be permutations; "
            "say which: --permutations-key NAME (or permutations_key=)."
        )
    return shaped[0] if shaped else None


def _chosen(members: Members, name: str) -> str:
    if name not in members.infos:
        raise unknown(f"array in {members.path.name}", name, members.infos)
    return name
