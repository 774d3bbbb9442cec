"""A detector learns, is the same however often it was interrupted, and ends when it diverges."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from rectangles import rectangles, small_detection, to_learn
from snellen._errors import InputError
from snellen.instruments.detection.boxes import iou
from snellen.instruments.detection.load import detector_of
from snellen.training import fit
from snellen.training.detect import TrainedDetector, train
from snellen.training.detection_lesson import DetectionLesson


def state(trained: TrainedDetector) -> dict[str, Tensor]:
    return dict(trained.saved.module.state_dict())


LEARNT = {"batch": 8, "learning_rate": 0.01, "average": 0.9, "jitter": 0.0, "shift": 0.1, "zoom": 0.1}


def test_many_rectangles_are_learned_to_be_found() -> None:
    trained = train(small_detection("many", epochs=4, **LEARNT))
    assert set(trained.saved.about) == {"mode", "side", "channels", "class_names"}
    scenes = rectangles(20, most=2, seed=9)
    right = 0
    for said, truth in zip(detector_of(trained.saved).detections(scenes.images.pixels()), scenes.objects, strict=True):
        sure = said.at_least(0.3)
        near = (iou(truth.boxes, sure.boxes) > 0.4) & (truth.classes[:, None] == sure.classes)
        right += int(near.any(dim=1).sum()) if len(sure) else 0
    assert right >= 0.8 * sum(map(len, scenes.objects))


def test_each_term_of_the_loss_of_single_objects_falls() -> None:
    rows = train(small_detection(epochs=6, **LEARNT)).fitted.rows
    assert rows[-1]["val_loss"] < 0.8 * rows[0]["val_loss"]
    assert all(rows[-1][f"val_{term}"] < rows[0][f"val_{term}"] for term in ("objectness", "box", "classes"))


@pytest.mark.parametrize("mode", ["single", "many"])
def test_interrupted_it_ends_with_the_same_bits_and_the_same_rows(
    mode: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lesson() -> DetectionLesson:
        return small_detection(mode, to_learn(16, most=1 if mode == "single" else 2), batch=4)

    whole = train(lesson())
    average, count = fit._average, iter(range(100))

    def interrupt(*arguments: object) -> None:
        if next(count) == 5:
            raise KeyboardInterrupt
        average(*arguments)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(fit, "_average", interrupt)
        with pytest.raises(KeyboardInterrupt):
            train(lesson(), checkpoint=tmp_path / "c", checkpoint_every=2)
    parts = train(lesson(), checkpoint=tmp_path / "c", checkpoint_every=2)
    assert parts.fitted.resumed_at > 0  # a slow disk may have kept fewer checkpoints
    assert all(torch.equal(tensor, state(parts)[name]) for name, tensor in state(whole).items())
    rows = [[{k: v for k, v in row.items() if k != "seconds"} for row in t.fitted.rows] for t in (whole, parts)]
    assert rows[0] == rows[1]


def test_the_losses_of_a_look_are_those_of_the_averaged_detector() -> None:
    trained = train(small_detection())
    lesson = small_detection()
    lesson.module.load_state_dict(trained.saved.module.state_dict())
    lesson.module.eval()
    val = lesson.data.val
    with torch.inference_mode():
        outputs = lesson.module(lesson.normalised(val.pixels.float() / 255))
        loss = lesson.loss(outputs, val.boxes, val.classes)
    assert trained.fitted.rows[-1]["val_loss"] == pytest.approx(float(loss.total), rel=0.02)  # bfloat16
    assert trained.fitted.rows[-1]["val_objectness"] == pytest.approx(float(loss.objectness), rel=0.02)


def test_a_training_that_diverges_is_ended_and_leaves_its_last_checkpoint(tmp_path: Path) -> None:
    lesson = small_detection("single", to_learn(16), batch=4, epochs=40, learning_rate=1e3)
    with pytest.raises(fit.DivergedError, match=r"(diverged|became)"):
        train(lesson, checkpoint=tmp_path / "c", checkpoint_every=5)
    assert (tmp_path / "c").exists()


def test_too_little_memory_names_the_batch_that_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    forward = DetectionLesson.loss

    def limited(lesson: DetectionLesson, outputs: Tensor, boxes: Tensor, classes: Tensor) -> object:
        if len(outputs) > 5:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes")
        return forward(lesson, outputs, boxes, classes)

    monkeypatch.setattr(DetectionLesson, "loss", limited)
    with pytest.raises(InputError, match=r"too small for a step of 16 images; --batch-size 4 fits"):
        train(small_detection())
