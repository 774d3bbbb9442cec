"""Objects in images: what is accepted as a box and a class, and what is not."""

import math

import pytest
import torch

from snellen._errors import ImagesError
from snellen.subject.load.arrays import array_images
from snellen.subject.scenes import Objects, Scenes

IMAGES = array_images(torch.rand(3, 3, 8, 8))
ONE = Objects(torch.tensor([[0.0, 0, 4, 4]]), torch.tensor([1]))
TWO = Objects(torch.tensor([[1.0, 1, 4, 4], [0, 0, 8, 2]]), torch.tensor([0, 1]))
NONE = Objects(torch.zeros(0, 4), torch.zeros(0, dtype=torch.int64))


def test_an_image_may_hold_nothing() -> None:
    assert len(NONE) == 0
    assert Objects([], []).boxes.shape == (0, 4)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "box",
    [[4, 0, 4, 8], [0, 8, 4, 8], [5, 5, 4, 8], [0, 0, math.nan, 8], [0, 0, math.inf, 8]],
    ids=["no width", "no height", "width as right", "nan", "infinite"],
)
def test_what_is_no_box_is_refused_and_shown(box: list[float]) -> None:
    with pytest.raises(ImagesError, match=r"left < right .* got \["):
        Objects(torch.tensor([[0.0, 0, 1, 1], box]), torch.tensor([0, 0]))


def test_boxes_and_classes_belong_together() -> None:
    for boxes, classes in (
        (torch.ones(2, 4), [0]),
        (torch.ones(2, 5), [0, 1]),
        (torch.ones(8), [0, 1]),
        (torch.zeros(0, 4), [1]),
    ):
        with pytest.raises(ImagesError, match="one class for each"):
            Objects(boxes, torch.tensor(classes))
    with pytest.raises(ImagesError, match=r"whole numbers, got torch\.float32"):
        Objects(ONE.boxes, torch.tensor([0.7]))


def test_scenes_are_one_entry_an_image_with_classes_that_have_names() -> None:
    with pytest.raises(ImagesError, match="each of 3 images, got 2"):
        Scenes(IMAGES, (ONE, NONE), class_names=("a", "b"))
    with pytest.raises(ImagesError, match="from 0 to 0, one of 1 names, got 0 to 1"):
        Scenes(IMAGES, (ONE, TWO, NONE), class_names=("a",))
    with pytest.raises(ImagesError, match="got -1 to -1"):
        Scenes(IMAGES, (Objects(ONE.boxes, torch.tensor([-1])), NONE, NONE), class_names=("a",))


def test_a_subset_keeps_images_and_objects_together() -> None:
    scenes = Scenes(IMAGES, (ONE, TWO, NONE), class_names=("a", "b"))
    assert scenes.counts == (1, 2)
    turned = scenes.subset([2, 1])
    assert (turned.objects, turned.counts) == ((NONE, TWO), (1, 1))
    assert torch.equal(turned.images.pixels(), IMAGES.pixels()[[2, 1]])
    assert scenes.subset([2]).counts == (0, 0)
