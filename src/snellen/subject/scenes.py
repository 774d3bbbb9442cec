"""Images with what stands in them and where: the truth that a detector is trained on and judged by."""

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, field, replace

import torch
from torch import Tensor

from snellen._errors import ImagesError
from snellen.subject.images import Images


@dataclass(frozen=True, eq=False)
class Ignored:
    """What stands in an image and is not asked for: objects that are too difficult, and crowds.

    A detection that takes one is neither right nor wrong, and any number of detections may take it.

    Args:
        boxes: (i, 4), as those of :class:`Objects`.
        classes: (i,) int64.
        crowd: (i,) bool: whether it is a region of many objects (COCO's ``iscrowd``), which is taken by how much of a
            detection lies in it. One object (VOC's ``difficult``) is taken by the IoU.

    Raises:
        ImagesError: as :class:`Objects`; not one ``crowd`` a box.
    """

    boxes: Tensor
    classes: Tensor
    crowd: Tensor

    def __post_init__(self) -> None:
        boxes, classes = _checked(self.boxes, self.classes)
        crowd = torch.as_tensor(self.crowd, dtype=torch.bool)
        if crowd.shape != classes.shape:
            raise ImagesError(f"expected one crowd for each of {len(classes)} boxes, got shape {tuple(crowd.shape)}")
        object.__setattr__(self, "boxes", boxes)
        object.__setattr__(self, "classes", classes)
        object.__setattr__(self, "crowd", crowd)

    def __len__(self) -> int:
        return len(self.classes)


def _none() -> Ignored:
    return Ignored(torch.zeros(0, 4), torch.zeros(0, dtype=torch.int64), torch.zeros(0, dtype=torch.bool))


@dataclass(frozen=True, eq=False)
class Objects:
    """The objects of one image.

    Args:
        boxes: (m, 4) float32: left, top, right, bottom in pixels of the image as it lies in its file; (0, 0) is the
            upper left corner of the first pixel, so that right - left is the width.
        classes: (m,) int64.
        ignored: what stands there too and is not asked for.

    Raises:
        ImagesError: boxes that are not (m, 4) finite numbers with left < right and top < bottom, or classes that are
            not one whole number an object.

    >>> Objects([[0, 0, 10, 5]], [2]).boxes
    tensor([[ 0.,  0., 10.,  5.]])
    """

    boxes: Tensor
    classes: Tensor
    ignored: Ignored = field(default_factory=_none)

    def __post_init__(self) -> None:
        boxes, classes = _checked(self.boxes, self.classes)
        object.__setattr__(self, "boxes", boxes)
        object.__setattr__(self, "classes", classes)

    def __len__(self) -> int:
        return len(self.classes)

    @property
    def empty(self) -> bool:
        """Whether nothing stands in the image, not even what is ignored."""
        return not len(self) and not len(self.ignored)


def _checked(boxes: Tensor, classes: Tensor) -> tuple[Tensor, Tensor]:
    boxes, classes = torch.as_tensor(boxes, dtype=torch.float32), torch.as_tensor(classes)
    if not boxes.numel():
        boxes, classes = boxes.reshape(0, 4), classes.to(torch.int64)
    if boxes.ndim != 2 or boxes.shape[1] != 4 or classes.shape != (len(boxes),):
        raise ImagesError(
            f"expected boxes (m, 4) and one class for each, got shapes {tuple(boxes.shape)} and {tuple(classes.shape)}"
        )
    if classes.is_floating_point() or classes.dtype == torch.bool:
        raise ImagesError(f"expected classes as whole numbers, got {classes.dtype}")
    if len(boxes) and not _in_order(boxes).all():
        raise ImagesError(
            f"expected boxes as (left, top, right, bottom), finite, with left < right and top < bottom, got "
            f"{boxes[~_in_order(boxes)][0].tolist()}; is it (left, top, width, height) or (centre, centre, width, "
            "height)?"
        )
    return boxes, classes.to(torch.int64)


def _in_order(boxes: Tensor) -> Tensor:
    return (boxes[:, 2:] > boxes[:, :2]).all(dim=1) & boxes.isfinite().all(dim=1)


@dataclass(frozen=True, eq=False)
class Scenes:
    """Images and the objects of each.

    Args:
        images: in which the objects stand.
        objects: one entry an image, in the same order; an image may hold none.
        class_names: what the classes index.
        notes: what loading had to do or left out, one sentence each.
        image_ids: the id of each image in the COCO file that they come from; of other scenes none.
        class_ids: the id of each class there, where the classes are those of the file.

    Raises:
        ImagesError: not one entry an image, a class that has no name, not one id each.

    >>> from snellen.subject.load.arrays import array_images
    >>> images = array_images(torch.rand(2, 3, 8, 8))
    >>> scenes = Scenes(images, (Objects([[0, 0, 4, 4]], [0]), Objects([], [])), class_names=("ball",))
    >>> scenes.counts
    (1,)
    """

    images: Images
    objects: tuple[Objects, ...]
    _: KW_ONLY
    class_names: tuple[str, ...]
    notes: tuple[str, ...] = ()
    image_ids: tuple[int | str, ...] = ()
    class_ids: tuple[int | str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "objects", tuple(self.objects))
        object.__setattr__(self, "class_names", tuple(map(str, self.class_names)))
        if len(self.objects) != len(self.images):
            raise ImagesError(f"expected objects for each of {len(self.images)} images, got {len(self.objects)}")
        for ids, of in ((self.image_ids, self.objects), (self.class_ids, self.class_names)):
            if ids and len(ids) != len(of):
                raise ImagesError(f"expected one id each for {len(of)}, or none, got {len(ids)}")
        groups = [group for found in self.objects for group in (found.classes, found.ignored.classes)]
        used = torch.cat(groups) if groups else torch.zeros(0)
        if len(used) and not 0 <= int(used.min()) <= int(used.max()) < len(self.class_names):
            raise ImagesError(
                f"expected classes from 0 to {len(self.class_names) - 1}, one of {len(self.class_names)} names, got "
                f"{int(used.min())} to {int(used.max())}"
            )

    def __len__(self) -> int:
        return len(self.images)

    @property
    def name(self) -> str:
        """What the report calls the set."""
        return self.images.name

    @property
    def counts(self) -> tuple[int, ...]:
        """How many objects of each class there are."""
        used = torch.cat([torch.zeros(0, dtype=torch.int64), *(found.classes for found in self.objects)])
        return tuple(torch.bincount(used, minlength=len(self.class_names)).tolist())

    def subset(self, indices: Sequence[int]) -> "Scenes":
        """The scenes at these indices, in this order."""
        chosen = [int(i) for i in indices]
        return replace(
            self,
            images=self.images.subset(chosen),
            objects=tuple(self.objects[i] for i in chosen),
            image_ids=tuple(self.image_ids[i] for i in chosen) if self.image_ids else (),
        )
