"""Labels that index the network's outputs, or an error: never an accuracy over two orders of classes."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from snellen._errors import ImagesError
from snellen.subject.class_names import find_class, unknown_classes
from snellen.subject.images import Images
from snellen.subject.network import Network

REMEDY = "Give the network's class names in the order of its outputs (--classes FILE)."


def agree(network: Network, images: Images, outputs: int) -> Images:
    """The images with labels that index the network's outputs, and the outputs' names where they are known.

    Matched by name where both sides have names (another order, a subset, WordNet ids beside readable names);
    kept as they are where one side has none and the numbers fit; a note says what was done or assumed.

    Args:
        network: its ``class_names`` say what the outputs mean.
        images: their ``class_names`` say what the labels mean.
        outputs: how many scores the network gives an image.

    Raises:
        ImagesError: counts or names that cannot be brought together.

    >>> agree(network, images, outputs=10).notes  # doctest: +SKIP
    ('labels brought into the order of the network\\'s classes, by name',)
    """
    names, notes = _output_names(network, images, outputs)
    images = replace(images, notes=(*images.notes, *notes))
    labels, classes = images.labels, images.class_names
    if labels is None:
        return images.with_labels(None, names)
    if classes is None or classes == names:
        _check_range(images, labels, outputs)
        return images.with_labels(labels, names)
    if names is None:
        return _in_order(images, labels, classes, outputs)
    return _by_name(images, labels, classes, names)


def _output_names(network: Network, images: Images, outputs: int) -> tuple[tuple[str, ...] | None, list[str]]:
    """What the outputs are called: as the network says; ImageNet's names where the images' are among them."""
    if network.class_names is not None:
        names = tuple(network.class_names)
        if len(names) == outputs:
            return names, []
        return None, [f"the network has {len(names)} class names for {outputs} outputs; they were not used"]
    if outputs == 1000 and images.class_names is not None:
        imagenet = _imagenet_names()
        if all(find_class(name, imagenet) is not None for name in images.class_names):
            return imagenet, ["the network has 1,000 outputs without names; taken to be ImageNet's, in its order"]
    return None, []


def _check_range(images: Images, labels: NDArray[np.int64], outputs: int) -> None:
    wrong = np.flatnonzero(labels >= outputs)
    if len(wrong):
        listed = ", ".join(f"{images.source.name(int(i))} has {labels[i]}" for i in wrong[:3])
        raise ImagesError(
            f"labels must be 0 to {outputs - 1} for a network of {outputs} outputs; {len(wrong)} are not: "
            f"{listed}. Are these the network's images? Labels count from 0. {REMEDY}"
        )


def _in_order(images: Images, labels: NDArray[np.int64], classes: tuple[str, ...], outputs: int) -> Images:
    """A network without names: the orders are assumed to be equal where the counts are."""
    used = sorted({int(label) for label in labels if label >= 0})
    if len(classes) == outputs:
        note = "the network names no classes; its outputs were taken to be in the order of the images' classes"
        return _relabelled(images, labels, classes, note)
    if len(used) == outputs and classes == _imagenet_names():
        note = f"the network names no classes; its {outputs} outputs were taken to be these, in ImageNet's order"
        moved = _looked_up(labels, {label: output for output, label in enumerate(used)})
        return _relabelled(images, moved, tuple(classes[label] for label in used), note)
    raise ImagesError(
        f"expected images of {outputs} classes, one an output of the network, "
        f"got {len(classes)} ({_some(classes)}). {REMEDY}"
    )


def _by_name(images: Images, labels: NDArray[np.int64], classes: tuple[str, ...], names: tuple[str, ...]) -> Images:
    found = {label: find_class(classes[label], names) for label in sorted(set(labels.tolist())) if label >= 0}
    missing = [classes[label] for label, output in found.items() if output is None]
    table = {label: output for label, output in found.items() if output is not None}
    in_place = all(label == output for label, output in table.items())
    if not missing:
        note = None if in_place else "labels brought into the order of the network's classes, by name"
        return _relabelled(images, _looked_up(labels, table), names, note)
    if len(classes) == len(names) and in_place:
        note = (
            f"{len(missing)} of the images' classes are not among the network's "
            f"({unknown_classes(missing, names)}); the order of the classes was assumed to be the same"
        )
        return _relabelled(images, labels, names, note)
    raise ImagesError(
        f"expected the images' classes among the network's {len(names)} ({_some(names)}), but {len(missing)} "
        f"of {len(found)} are not: {unknown_classes(missing, names)}. Spell them alike. {REMEDY}"
    )


def _relabelled(images: Images, labels: NDArray[np.int64], names: tuple[str, ...], note: str | None) -> Images:
    notes = images.notes if note is None else (*images.notes, note)
    return replace(images, labels=labels, class_names=names, notes=notes)


def _looked_up(labels: NDArray[np.int64], table: dict[int, int]) -> NDArray[np.int64]:
    return np.array([table.get(int(label), -1) for label in labels], dtype=np.int64)


def _imagenet_names() -> tuple[str, ...]:
    from snellen.subject.load.classes import imagenet_names

    return imagenet_names()


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:4]) + (", ..." if len(names) > 4 else "")
