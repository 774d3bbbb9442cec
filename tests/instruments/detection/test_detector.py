"""Pixels of any size in, boxes in these pixels out; nothing of the module changes."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from rectangles import NAMES, Seer, rectangles
from snellen._errors import NetworkError, UsageError
from snellen.instruments.detection.detector import Detector, fit, within
from snellen.nets.detector import GridDetector
from untouched import untouched


def grid(**more: object) -> Detector:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        module = GridDetector("strided", {"widths": [4, 8]}, classes=2, usual=(8.0, 8.0))
    settings: dict[str, object] = {"class_names": NAMES, "side": (32, 32)}
    return Detector(module, **(settings | more))  # type: ignore[arg-type]


@pytest.mark.parametrize("size", [(32, 32), (64, 64), (32, 64), (75, 50), (20, 31), (16, 16), (100, 33)])
def test_boxes_come_back_in_pixels_of_the_image_that_was_given(size: tuple[int, int]) -> None:
    """The module sees an image scaled to fit 32 x 32 and says where it is bright there."""
    scenes = rectangles(6, empty=0, size=size)
    found = Detector(Seer(), class_names=NAMES, side=(32, 32)).candidates(scenes.images.pixels())
    pixel = max(size) / 32  # of what the module sees, in pixels of the image
    for said, truth in zip(found, scenes.objects, strict=True):
        assert len(said) == 1
        assert (said.boxes - truth.boxes).abs().max() <= max(pixel, 1.0)
        assert said.classes.tolist() == truth.classes.tolist()
        assert said.scores.item() == pytest.approx(1, abs=1e-3)


def test_at_its_own_size_a_box_is_exact() -> None:
    scenes = rectangles(6, empty=0)
    for said, truth in zip(
        Detector(Seer(), side=(32, 32)).candidates(scenes.images.pixels()), scenes.objects, strict=True
    ):
        assert torch.allclose(said.boxes, truth.boxes, atol=1e-4)


def test_images_are_scaled_to_fit_and_the_rest_is_grey() -> None:
    assert within((100, 50), (32, 64)) == (32, 16)
    assert within((1, 1000), (32, 32)) == (1, 32)
    fitted = fit(torch.ones(3, 100, 50), (32, 64))
    assert torch.allclose(fitted[:, :, :16], torch.ones(3, 32, 16))
    assert torch.equal(fitted[:, :, 16:], torch.full((3, 32, 48), 0.5))
    same = torch.rand(3, 32, 64)
    assert fit(same, (32, 64)) is same


def test_a_batch_is_its_images_and_sizes_may_differ() -> None:
    detector, generator = grid(), torch.Generator().manual_seed(0)
    images = [torch.rand(3, *size, generator=generator) for size in ((32, 32), (40, 20), (20, 64))]
    together = detector.candidates(images, least=0.0)
    for image, said in zip(images, together, strict=True):
        (alone,) = detector.candidates(image[None], least=0.0)
        assert torch.allclose(alone.boxes, said.boxes, atol=1e-4)
        assert torch.allclose(alone.scores, said.scores, atol=1e-6)


def test_all_candidates_are_there_down_to_the_least_score() -> None:
    detector, pixels = grid(), torch.rand(1, 3, 32, 32)
    (every,) = detector.candidates(pixels, least=0.0)
    assert len(every) == 64
    bound = float(every.scores.median())
    (some,) = detector.candidates(pixels, least=bound)
    assert len(some) == int((every.scores >= bound).sum())


def test_suppression_is_asked_for_and_can_be_left_out() -> None:
    detector, pixels = grid(), torch.rand(1, 3, 32, 32)
    every, greedy, none = (
        detector.candidates(pixels, least=0.0)[0],
        detector.detections(pixels, nms=0.3, least=0.0)[0],
        detector.detections(pixels, nms=None, least=0.0)[0],
    )
    assert torch.equal(every.boxes, none.boxes)
    assert 0 < len(greedy) < len(every)


def test_boxes_are_cut_at_the_edge_and_those_beside_the_image_left_out() -> None:
    class Said(nn.Module):
        def forward(self, images: Tensor) -> Tensor:
            rows = torch.tensor([[9.0, 0.0, 0.5, 0.5, 0.2, 9.0, 0.0], [9.0, 0.9, 0.5, 0.1, 0.2, 9.0, 0.0]])
            return rows.expand(len(images), -1, -1)

    (found,) = Detector(Said(), side=(32, 32)).candidates(torch.rand(1, 3, 32, 16))  # the right half is filled up
    assert found.boxes.tolist() == [pytest.approx([0, 12.8, 8, 19.2])]


@pytest.mark.parametrize("channels", ["RGB", "L"])
@pytest.mark.parametrize("given", [1, 3])
def test_grey_and_coloured_images_serve_both_kinds(channels: str, given: int) -> None:
    seen: list[Tensor] = []

    class Kept(nn.Module):
        def forward(self, images: Tensor) -> Tensor:
            seen.append(images)
            return torch.zeros(len(images), 7)

    image = torch.tensor([1.0, 0.5, 0.0])[:given].view(given, 1, 1).expand(-1, 4, 4)
    Detector(Kept(), side=(4, 4), channels=channels, mean=(0.25,), std=(0.5,)).candidates(image[None])  # type: ignore[arg-type]
    expected = {("RGB", 1): [1.0] * 3, ("RGB", 3): [1.0, 0.5, 0.0], ("L", 1): [1.0], ("L", 3): [0.299 + 0.587 / 2]}
    wanted = [(v - 0.25) / 0.5 for v in expected[channels, given]]
    assert seen[0][0, :, 0, 0].tolist() == pytest.approx(wanted, abs=1e-6)


def test_the_numbers_are_differentiable_down_to_the_pixels() -> None:
    detector = grid()
    pixels = torch.rand(3, 40, 20, requires_grad=True)
    detector.module.eval()
    _, scores, _ = detector.numbers([detector.prepared(pixels)])
    (slope,) = torch.autograd.grad(scores[0, 17], pixels)
    assert slope.abs().sum() > 0


def test_nothing_of_the_module_changes() -> None:
    detector, pixels = grid(), torch.rand(2, 3, 20, 30)
    detector.module.train()
    with untouched(detector.module):
        detector.detections(pixels)


def none_of_them() -> list[tuple[Callable[[Tensor], object], str]]:
    return [
        (lambda x: x[..., :4], r"must return \(n, 5 \+ C\)"),
        (lambda x: torch.zeros(len(x) + 1, 7), r"must return \(n, 5 \+ C\)"),
        (lambda x: torch.full((len(x), 7), torch.nan), "NaN or infinite"),
        (lambda x: [x], "got list"),
        (lambda _: torch.zeros(1) + "no", "raised on a batch of shape"),  # type: ignore[operator]
    ]


@pytest.mark.parametrize(("answer", "words"), none_of_them())
def test_answers_that_are_none_are_refused(answer: Callable[[Tensor], object], words: str) -> None:
    class Wrong(nn.Module):
        def forward(self, images: Tensor) -> object:
            return answer(images)

    with pytest.raises(NetworkError, match=words):
        Detector(Wrong(), side=(8, 8)).candidates(torch.rand(1, 3, 8, 8))


@pytest.mark.parametrize(
    ("pixels", "words"),
    [
        (torch.rand(1, 2, 8, 8), "1 or 3 channels"),
        (255 * torch.rand(1, 3, 8, 8), r"pixels must lie in \[0, 1\]"),
        (torch.zeros(1, 3, 8, 8, dtype=torch.uint8), "must be a float tensor"),
        (torch.full((1, 3, 8, 8), torch.nan), r"pixels must lie in \[0, 1\]"),
    ],
)
def test_pixels_that_are_none_are_refused(pixels: Tensor, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        grid().candidates(pixels)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"std": (0.0,)}, "std must be positive"),
        ({"mean": (0.5, 0.5)}, "1 or 3 values"),
        ({"channels": "BGR"}, "RGB or L"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(settings: dict[str, object], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        grid(**settings)
