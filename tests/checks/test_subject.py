"""What every check is given: who is looked at, and pixels decoded once and within bounds."""

from dataclasses import dataclass, field, replace

import numpy as np
import pytest
import torch

from checks.hand_made import noise, scores, subject
from snellen._errors import UsageError
from snellen.checks import _base
from snellen.checks._base import CHECKS, Check, Subject
from snellen.subject.images import Images
from snellen.subject.source import Picture, Source


def test_few_images_are_all_looked_at() -> None:
    seen = subject(scores([0] * 7, 2), [1] * 7)
    assert seen.choose(7).tolist() == list(range(7))
    assert seen.choose(100).tolist() == list(range(7))


def confident_mistakes() -> Subject:
    """100 images; the mistakes are 10 to 39, the later the surer."""
    logits = scores([0] * 100, 2)
    logits[10:40, 0] = torch.linspace(1, 9, 30)
    return subject(logits, [0] * 10 + [1] * 30 + [0] * 60)


def test_half_are_the_most_confident_mistakes() -> None:
    rows = confident_mistakes().choose(20)
    assert len(rows) == len(set(rows.tolist())) == 20
    assert rows.tolist() == sorted(rows.tolist())
    assert set(range(30, 40)) <= set(rows.tolist())


def test_fewer_mistakes_than_half_leave_room_for_others() -> None:
    seen = subject(scores([0] * 50, 2), [1] * 3 + [0] * 47)
    rows = seen.choose(20)
    assert len(rows) == 20
    assert {0, 1, 2} <= set(rows.tolist())


def test_images_without_labels_are_no_mistakes() -> None:
    seen = subject(scores([0] * 50, 2))
    assert len(seen.choose(20)) == 20


def test_the_seed_draws_the_rest() -> None:
    first = confident_mistakes()
    assert first.choose(20).tolist() == first.choose(20).tolist()
    assert first.choose(20).tolist() != replace(first, seed=1).choose(20).tolist()


def test_rows_to_measure_on_prefer_no_mistake_to_another() -> None:
    seen = confident_mistakes()
    drawn = [replace(seen, seed=seed).draw(20) for seed in range(40)]
    wrong = seen.predictions.wrong
    for rows in drawn:
        assert rows.tolist() == sorted(set(rows.tolist()))
        assert (len(rows), int(wrong[rows].sum())) == (20, 10)
    counts = torch.cat(drawn).bincount(minlength=100)[10:40]
    assert counts.min() > 4
    assert counts.max() < 24
    assert seen.draw(20).tolist() == drawn[0].tolist()


def test_weights_undo_the_proportion_of_mistakes() -> None:
    seen = confident_mistakes()
    rows = seen.draw(20)
    weights = seen.weights(rows)
    assert float(weights.sum()) == pytest.approx(1)
    assert float(weights[seen.predictions.wrong[rows]].sum()) == pytest.approx(0.3)
    assert torch.allclose(seen.weights(seen.draw(100)), torch.full((100,), 0.01, dtype=torch.float64))


@pytest.mark.parametrize(
    "labels", [None, [0] * 30, [1] * 30, [1] * 28 + [0] * 2], ids=["none", "right", "wrong", "nearly all wrong"]
)
def test_rows_to_measure_on_are_as_many_as_asked_for(labels: list[int] | None) -> None:
    seen = subject(scores([0] * 30, 2), labels)
    rows = seen.draw(10)
    assert len(rows) == 10
    assert float(seen.weights(rows).sum()) == pytest.approx(1)


def test_choosing_leaves_the_generator_alone() -> None:
    before = torch.get_rng_state()
    confident_mistakes().choose(20)
    assert torch.equal(before, torch.get_rng_state())


@dataclass(frozen=True, eq=False)
class Counting(Source):
    """Counts how often each image is decoded."""

    array: np.ndarray
    decoded: list[int] = field(default_factory=list)
    in_memory = True

    def __len__(self) -> int:
        return len(self.array)

    def name(self, index: int) -> str:
        return f"image {index}"

    def decode(self, index: int) -> Picture:
        self.decoded.append(index)
        return self.array[index].transpose(1, 2, 0)


def counted(count: int) -> tuple[Subject, Counting, torch.Tensor]:
    pixels = noise(count)
    source = Counting(pixels.numpy())
    return replace(subject(scores([0] * count, 2)), images=Images(source)), source, pixels


def test_images_looked_at_twice_are_decoded_once() -> None:
    seen, source, pixels = counted(10)
    assert torch.allclose(seen.pixels(torch.tensor([3, 1])), pixels[[3, 1]])
    assert torch.allclose(seen.pixels(torch.tensor([1, 2, 3])), pixels[[1, 2, 3]])
    assert source.decoded == [3, 1, 2]


@pytest.mark.parametrize("room", [0, 1, 3, 5, 10])
def test_what_is_kept_is_bounded_and_right(room: int, monkeypatch: pytest.MonkeyPatch) -> None:
    one = 3 * 6 * 6 * 4
    monkeypatch.setattr(_base, "CACHE", room * one + one // 2)
    seen, source, pixels = counted(10)
    for rows in ([0, 1], [1, 2, 3], [4, 5, 6, 7], [7, 0], [9, 8, 7, 6, 5, 4, 3], [2, 2, 1], list(range(10))):
        before = len(source.decoded)
        assert torch.allclose(seen.pixels(torch.tensor(rows)), pixels[rows]), rows
        assert len(seen._decoded) <= room
        assert len(source.decoded) - before <= len(rows), "nothing is decoded twice for one look"


def test_checks_are_found_by_area_and_name() -> None:
    assert "accuracy/top1" in CHECKS
    assert len(CHECKS) == len(list(CHECKS))
    for name in CHECKS:
        assert issubclass(CHECKS[name], Check)
        assert CHECKS[name]() == CHECKS[name]()


@pytest.mark.parametrize("name", ["accuracy/top2", "acuracy/top1", "top1", "", "/"])
def test_a_check_that_does_not_exist_is_not_there(name: str) -> None:
    assert name not in CHECKS
    with pytest.raises(KeyError):
        CHECKS[name]
    assert CHECKS.get(name) is None


def test_usage_errors_are_value_errors() -> None:
    assert issubclass(UsageError, ValueError)
