"""Two sets out of one specification: images to search among, and images to ask about."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from snellen._errors import ImagesError, UsageError
from snellen.subject.images import Images
from snellen.subject.load.images import load_images
from snellen.subject.load.parts import named_parts


def load_splits(
    spec: str, *, queries: str | None = None, classes: str | None = None, share: float = 0.2, seed: int = 0
) -> tuple[Images, Images]:
    """Points and queries: the training and the test part where a set has both, else a part held out.

    Which sets have two parts, and under which names, :func:`snellen.subject.load.parts.named_parts` says; ``val`` is
    asked about where there is no ``test``. Of anything else a share of every class is drawn by the seed; the notes say
    so.

    Args:
        spec: what :func:`load_images` takes.
        queries: another specification for the queries; then ``spec`` is all points.
        classes: the path of a list of class names.
        share: of every class, held out as queries where there is no other way.
        seed: of that draw.

    Raises:
        UsageError: a share outside (0, 1), a specification that names no images.
        ImagesError: a part without labels, named with its keys; too few images to hold any out.

    >>> [len(images) for images in load_splits("digits")]
    [1297, 500]
    """
    if not 0 < share < 1:
        raise UsageError(f"share must lie between 0 and 1, got {share}")
    if queries is not None:
        return load_images(spec, classes=classes), load_images(queries, classes=classes)
    parts = named_parts(spec)
    other = parts.get("test", parts.get("val"))
    if other is not None:
        return load_images(parts["train"], classes=classes), load_images(other, classes=classes)
    return _held_out(load_images(spec, classes=classes), share, seed)


def _held_out(images: Images, share: float, seed: int) -> tuple[Images, Images]:
    if images.labels is None:
        raise ImagesError(
            f"{images.name} has no labels, and neighbours vote with theirs; expected class folders, an .npz with "
            "labels (data.npz#images_key,labels_key), or a Parquet file with a label column"
        )
    rng = np.random.default_rng(seed)
    out: list[NDArray[np.int64]] = []
    for label in np.unique(images.labels[images.labels >= 0]):
        rows = rng.permutation(np.flatnonzero(images.labels == label))
        out.append(rows[: round(len(rows) * share)])
    chosen = np.sort(np.concatenate(out)) if out else np.array([], dtype=np.int64)
    if not len(chosen):
        raise ImagesError(
            f"{images.name} has too few images of each class to hold {share:.0%} out; give other images as --queries"
        )
    rest: Sequence[int] = np.setdiff1d(np.arange(len(images)), chosen).tolist()
    note = f"{len(chosen)} of {len(images)} images, {share:.0%} of every class, were held out as queries (seed {seed})"
    asked = images.subset(chosen)
    return replace(images.subset(rest), notes=(*images.notes, note)), replace(asked, name=f"{images.name}, held out")
