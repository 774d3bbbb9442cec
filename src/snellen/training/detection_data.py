"""Scenes to train a detector on, in memory at one size: some to learn from, some to judge by, some for the end."""

from dataclasses import KW_ONLY, dataclass, replace
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from snellen._errors import ImagesError, UsageError
from snellen.instruments.detection.boxes import convert
from snellen.instruments.detection.detector import fit, within
from snellen.instruments.losses.detection import NONE
from snellen.subject.class_names import find_class, unknown_classes
from snellen.subject.load.scene_parts import scene_parts
from snellen.subject.load.scenes import load_scenes
from snellen.subject.preprocessing import Preprocessing
from snellen.subject.scenes import Ignored, Objects, Scenes
from snellen.training.checkpoint import fingerprint

MOST_BYTES = 8 << 30
"""Pixels of all training scenes, in memory as bytes."""
SMALLEST = 16
"""Pixels of the shorter side that scenes are trained at, at least."""
FEWEST = 8
"""Scenes that can be learned from and held back from, at least."""


@dataclass(frozen=True, eq=False)
class Framed:
    """Scenes of one size as tensors.

    Attributes:
        pixels: (n, 3, h, w) uint8: each image scaled to fit, and grey where it leaves a rest.
        boxes: (n, most, 4) float32: cx, cy, w, h as parts of the width and height.
        classes: (n, most) int64; -1 where an image has fewer objects than the most.
    """

    pixels: UInt8[Tensor, "n 3 h w"]
    boxes: Float[Tensor, "n most 4"]
    classes: Int[Tensor, "n most"]

    def __len__(self) -> int:
        return len(self.pixels)

    @property
    def side(self) -> tuple[int, int]:
        """Height and width."""
        return self.pixels.shape[2], self.pixels.shape[3]

    @cached_property
    def fingerprint(self) -> str:
        """What tells these scenes from others."""
        return fingerprint(self.pixels, self.boxes, self.classes)


@dataclass(frozen=True, eq=False)
class DetectionData:
    """What a detector is trained on.

    Attributes:
        train: the training scenes.
        val: never trained on; looked at after every epoch.
        held: never trained on; examined at the end, at their own size. The test scenes if there are any, else ``val``.
        class_names: one a class.
        name: of the file or folder.
        notes: what loading had to do, one sentence each.
    """

    train: Framed
    val: Framed
    _: KW_ONLY
    held: Scenes
    class_names: tuple[str, ...]
    name: str
    notes: tuple[str, ...] = ()

    @property
    def fingerprint(self) -> str:
        """What tells this data from other, its split included."""
        return f"{self.train.fingerprint} {self.val.fingerprint}"


def load_detection_data(
    spec: str,
    *,
    val: str | None = None,
    test: str | None = None,
    images: str | None = None,
    share: float = 0.1,
    side: int | None = None,
    limit: int | None = None,
    seed: int = 0,
) -> DetectionData:
    """The scenes that ``spec`` names, its own parts or a part of them held back by the seed.

    Args:
        spec: what :func:`snellen.subject.load.scenes.load_scenes` takes; ``digit-scenes`` and its like bring their own
            three parts.
        val: other scenes to judge by.
        test: other scenes to examine on, once, at the end.
        images: the folder of the images, where it is not where the format puts it.
        share: of the scenes, held back to judge by where no part is named for it.
        side: height and width to train at, in pixels; that of the scenes if they have one size.
        limit: at most so many of ``spec``.
        seed: of the draws.

    Raises:
        UsageError: scenes of several sizes and no side, a share outside (0, 0.5].
        ImagesError: no object in any training scene, too few scenes, classes in ``val`` or ``test`` that are not
            trained on, an image that cannot be decoded, more than fits the memory.
    """
    if not 0 < share <= 0.5:
        raise UsageError(f"the part held back to judge by must be above 0 and at most 0.5, got {share}")
    parts = scene_parts(spec) | {k: v for k, v in (("val", val), ("test", test)) if v is not None}
    scenes = load_scenes(parts["train"], images=images, limit=limit, seed=seed)
    if not any(len(found) for found in scenes.objects):
        raise ImagesError(
            f"none of the {len(scenes)} training scenes of {scenes.name} holds an object, and nothing can be learned "
            "of what is never there; give scenes with boxes"
        )
    if len(scenes) < FEWEST:
        raise ImagesError(f"training needs at least {FEWEST} scenes, {scenes.name} has {len(scenes)}")
    notes, names = scenes.notes, scenes.class_names
    learned = scenes
    if "val" in parts:
        judged = _renamed(load_scenes(parts["val"], images=images), names, "val")
    else:
        rows = torch.randperm(len(scenes), generator=torch.Generator().manual_seed(seed)).tolist()
        held = max(1, round(share * len(scenes)))
        judged, learned = scenes.subset(sorted(rows[:held])), scenes.subset(sorted(rows[held:]))
        judged = replace(judged, images=replace(judged.images, name=f"{scenes.name}, held back"))
        notes += (f"{held} of {len(scenes)} scenes were drawn to judge by (seed {seed})",)
    last = _renamed(load_scenes(parts["test"], images=images), names, "test") if "test" in parts else judged
    whole = framed(learned, side)
    return DetectionData(whole, framed(judged, whole.side), held=last, class_names=names, name=scenes.name, notes=notes)


def framed(scenes: Scenes, side: int | tuple[int, int] | None) -> Framed:
    """Scenes at one size.

    Args:
        scenes: decoded one by one.
        side: height and width, or both in one; that of the scenes if None.

    Raises:
        UsageError: several sizes and no side; a side too small.
        ImagesError: an image that cannot be decoded, more than fits the memory.
    """
    asked = (side, side) if isinstance(side, int) else side
    pixels: Tensor | None = None
    most = max([1, *map(len, scenes.objects)])
    boxes = torch.zeros(len(scenes), most, 4)
    classes = torch.full((len(scenes), most), NONE)
    for index, found in enumerate(scenes.objects):
        (batch,) = scenes.images.batches(Preprocessing(), batch_size=1, indices=[index])
        if batch.bad:
            raise ImagesError(
                f"{batch.bad[0].name} cannot be trained on: {batch.bad[0].reason}; mend it or take it away"
            )
        image = batch.pixels[0]
        size = (image.shape[1], image.shape[2])
        if pixels is None:
            own, frame = size, asked or size
            pixels = _room(len(scenes), frame, scenes.name)
        if size != own and asked is None:
            raise UsageError(
                f"{scenes.name} holds images of several sizes, such as {own[0]} x {own[1]} and {size[0]} x {size[1]} "
                "(height x width): say at which to train, such as --side 256"
            )
        pixels[index] = (fit(image, frame) * 255).round().to(torch.uint8)
        boxes[index, : len(found)], classes[index, : len(found)] = _parts(found, size, frame), found.classes
    assert pixels is not None
    return Framed(pixels, boxes, classes)


def _room(count: int, side: tuple[int, int], name: str) -> Tensor:
    if min(side) < SMALLEST:
        raise UsageError(
            f"scenes are trained at {SMALLEST} x {SMALLEST} pixels at least, got {side[0]} x {side[1]} (height x "
            "width); give a larger --side"
        )
    if count * 3 * side[0] * side[1] > MOST_BYTES:
        fits = MOST_BYTES // (3 * side[0] * side[1])
        raise ImagesError(
            f"{count:,} scenes of {name} at {side[0]} x {side[1]} pixels take more than {MOST_BYTES >> 30} GB of "
            f"memory; train on a part (--limit {fits:,}) or at a smaller --side"
        )
    return torch.empty(count, 3, *side, dtype=torch.uint8)


def _parts(found: Objects, size: tuple[int, int], side: tuple[int, int]) -> Tensor:
    """Boxes in pixels of an image as parts of the side that it was scaled to fit."""
    scaled = within(size, side)
    factor = torch.tensor([scaled[1] / size[1] / side[1], scaled[0] / size[0] / side[0]]).repeat(2)
    return convert(found.boxes * factor, "xyxy", to="cxcywh")


def _renamed(scenes: Scenes, names: tuple[str, ...], part: str) -> Scenes:
    """The scenes under the class names that are trained on."""
    if scenes.class_names == names:
        return scenes
    found = [find_class(name, names) for name in scenes.class_names]
    used = sorted({int(c) for objects in scenes.objects for c in objects.classes})  # what is ignored needs no name
    missing = [scenes.class_names[index] for index in used if found[index] is None]
    if missing:
        raise ImagesError(
            f"{len(missing)} classes of the {part} scenes are not trained on: {unknown_classes(missing, names)}. "
            "Spell them alike, or leave their objects out"
        )
    table = torch.from_numpy(np.array([NONE if index is None else index for index in found], dtype=np.int64))
    objects = tuple(Objects(o.boxes, table[o.classes], _known(o.ignored, table)) for o in scenes.objects)
    return replace(scenes, objects=objects, class_names=names, class_ids=())


def _known(ignored: Ignored, table: Tensor) -> Ignored:
    """What is ignored, of classes that are trained on."""
    classes = table[ignored.classes]
    kept = classes != NONE
    return Ignored(ignored.boxes[kept], classes[kept], ignored.crowd[kept])
