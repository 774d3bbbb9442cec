"""Scenes whose truth anybody can see: one or more bright rectangles, red or green, on black."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from snellen.subject.load.arrays import array_images
from snellen.subject.scenes import Objects, Scenes
from snellen.training.backbone import Backbone
from snellen.training.detection_data import DetectionData, framed
from snellen.training.detection_lesson import DetectionLesson, prepare
from snellen.training.detection_settings import DetectionSettings

NAMES = ("red", "green")
TINY = Backbone("strided", "strided", {"widths": [8, 16]})
"""Cells of 4 pixels, and little arithmetic."""


def rectangles(count: int, *, most: int = 1, empty: int = 5, size: tuple[int, int] = (32, 32), seed: int = 0) -> Scenes:
    """Scenes of (height, width) pixels; every ``empty``-th without an object, none if it is 0."""
    rng = np.random.default_rng(seed)
    pixels = np.zeros((count, *size, 3), np.uint8)
    objects = []
    for index in range(count):
        boxes, classes = [], []
        for place in range(0 if empty and index % empty == 0 else int(rng.integers(1, most + 1))):
            high, wide = rng.integers(7, 13, 2)
            top = int(rng.integers(0, size[0] - high + 1))
            room = size[1] // most
            left = place * room + int(rng.integers(0, max(room - wide, 0) + 1))
            kind = int(rng.integers(2))
            pixels[index, top : top + high, left : left + wide, kind] = 255
            boxes.append([left, top, min(left + wide, size[1]), top + high])
            classes.append(kind)
        objects.append(Objects(torch.tensor(boxes).reshape(-1, 4), torch.tensor(classes, dtype=torch.int64)))
    return Scenes(array_images(pixels), tuple(objects), class_names=NAMES)


def to_learn(count: int = 64, **more: int) -> DetectionData:
    """So many scenes to train on and 16 others to judge by and to examine on."""
    train, val = framed(rectangles(count, **more), None), rectangles(16, **{**more, "seed": 1})  # type: ignore[arg-type]
    return DetectionData(train, framed(val, train.side), held=val, class_names=NAMES, name="rectangles")


def small_detection(mode: str = "single", data: DetectionData | None = None, **settings: object) -> DetectionLesson:
    """64 scenes to train a tiny detector on in batches of 16, for 2 epochs."""
    usual: dict[str, object] = {"epochs": 2, "batch": 16}
    made = to_learn(most=1 if mode == "single" else 2) if data is None else data
    return prepare(made, DetectionSettings(mode, **(usual | settings)), TINY)  # type: ignore[arg-type]


class Seer(nn.Module):
    """Says of each image the box around its bright pixels, as parts of it, in 5 + 2 numbers; it needs no training."""

    def forward(self, images: Tensor) -> Tensor:
        """(n, 7) of (n, 3, h, w)."""
        rows = []
        for image in images:
            bright = image[:2].amax(dim=0) > 0.75
            y, x = bright.nonzero(as_tuple=True)
            height, width = bright.shape
            low, high = torch.stack([x.min(), y.min()]), torch.stack([x.max() + 1, y.max() + 1])
            size = torch.tensor([width, height])
            red = image[0].amax() > image[1].amax()
            logits = torch.tensor([9.0, -9.0]) * (1 if red else -1)
            rows.append(torch.cat([torch.tensor([9.0]), (low + high) / 2 / size, (high - low) / size, logits]))
        return torch.stack(rows)


def yolo_folder(scenes: Scenes, folder: Path) -> Path:
    """The scenes as a YOLO folder."""
    (folder / "images").mkdir(parents=True)
    (folder / "labels").mkdir()
    (folder / "classes.txt").write_text("\n".join(scenes.class_names))
    for index, found in enumerate(scenes.objects):
        picture = scenes.images.source.decode(index)
        picture.save(folder / "images" / f"{index:03d}.png")  # type: ignore[union-attr]
        width, height = picture.size  # type: ignore[misc]
        lines = []
        for (left, top, right, bottom), kind in zip(found.boxes.tolist(), found.classes.tolist(), strict=True):
            cx, cy, w, h = (left + right) / 2 / width, (top + bottom) / 2 / height, (right - left) / width, bottom - top
            lines.append(f"{kind} {cx:.6f} {cy:.6f} {w:.6f} {h / height:.6f}")
        (folder / "labels" / f"{index:03d}.txt").write_text("\n".join(lines))
    return folder
