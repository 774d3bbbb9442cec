"""Scenes moved, zoomed and mirrored, with boxes that stay around what is bright."""

import pytest
import torch

from rectangles import rectangles
from snellen.instruments.detection.boxes import convert
from snellen.instruments.losses.detection import NONE
from snellen.training.detection_data import framed
from snellen.training.detection_views import Seen, augmented, grey

STILL = {"shift": 0.0, "zoom": 0.0, "jitter": 0.0, "flip": False}
SCENES = framed(rectangles(24), None)


def seen(seed: int = 0, **changes: object) -> Seen:
    settings = STILL | changes
    return augmented(SCENES, torch.arange(24), torch.Generator().manual_seed(seed), **settings)  # type: ignore[arg-type]


def test_nothing_asked_nothing_done() -> None:
    pixels, boxes, classes = seen()
    assert torch.allclose(pixels * 255, SCENES.pixels.float())
    assert torch.equal(boxes, SCENES.boxes)
    assert torch.equal(classes, SCENES.classes)


@pytest.mark.parametrize(
    "asked", [{"shift": 0.4}, {"zoom": 0.5}, {"flip": True}, {"shift": 0.3, "zoom": 0.4, "flip": True}]
)
def test_boxes_go_where_the_pixels_go_and_no_object_is_cut(asked: dict[str, object]) -> None:
    pixels, boxes, classes = seen(**asked)
    assert not torch.equal(boxes, SCENES.boxes)
    for image, box, kind in zip(pixels, boxes[:, 0], classes[:, 0], strict=True):
        bright = (image[:2].amax(dim=0) > 0.5).nonzero()
        if kind == NONE:
            assert len(bright) == 0
            continue
        corners = convert(box[None] * 32, "cxcywh", to="xyxy")[0]
        low, high = bright.amin(dim=0).flip(0), bright.amax(dim=0).flip(0) + 1
        assert (corners - torch.cat([low, high])).abs().max() <= 1.5  # it is grey beside it
        assert corners.min() >= -1e-3
        assert corners.max() <= 32 + 1e-3


def test_they_move_as_far_as_was_said() -> None:
    _, boxes, _ = seen(shift=0.1)
    there = SCENES.classes[:, 0] != NONE
    moved = (boxes - SCENES.boxes)[there, 0, :2].abs()
    assert 0.03 < moved.max() <= 0.1 + 1e-6
    _, boxes, _ = seen(zoom=0.25)
    ratio = (boxes / SCENES.boxes)[there, 0, 2:]
    assert 1 / 1.25 <= ratio.min() < 0.95 < 1.05 < ratio.max() <= 1.25


def test_the_generator_decides_and_colours_change() -> None:
    assert torch.equal(seen(3, shift=0.2, jitter=0.5)[0], seen(3, shift=0.2, jitter=0.5)[0])
    assert not torch.equal(seen(3, shift=0.2)[0], seen(4, shift=0.2)[0])
    assert not torch.equal(seen(jitter=0.5)[0], seen()[0])


def test_grey_is_the_luma_of_pillow() -> None:
    assert grey(torch.tensor([1.0, 0.5, 0.25]).view(1, 3, 1, 1)).item() == pytest.approx(0.299 + 0.2935 + 0.0285)
