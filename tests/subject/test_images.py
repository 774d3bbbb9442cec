"""Batches: the same with and without processes, bad images left out, nothing left running, no generator drawn from."""

import multiprocessing
import os
import pickle
import random
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from shared import SHARED, needs_shared
from snellen._errors import ImagesError, UsageError
from snellen.subject.images import Images, Picture, Selected, Source
from snellen.subject.load.arrays import array_images
from snellen.subject.load.parquet import parquet_images
from snellen.subject.preprocessing import Preprocessing

PLAIN = Preprocessing()


class Painted(Source):
    """Image i has grey value i; those in ``bad`` cannot be decoded."""

    def __init__(self, count: int, bad: tuple[int, ...] = (), size: tuple[int, int] = (6, 4)) -> None:
        self.count, self.bad, self.size = count, bad, size

    def __len__(self) -> int:
        return self.count

    def name(self, index: int) -> str:
        return f"painted {index}"

    def decode(self, index: int) -> Picture:
        if index in self.bad:
            raise ImagesError("truncated: on purpose")
        return Image.new("RGB", self.size, (index, 0, 255))


class Sized(Painted):
    def decode(self, index: int) -> Picture:
        return Image.new("RGB", (6 + index // 4, 4))


class Dying(Painted):
    def decode(self, index: int) -> Picture:
        os._exit(index + 9)


class Counting(Painted):
    decoded = 0

    def decode(self, index: int) -> Picture:
        self.decoded += 1
        return super().decode(index)


class Threads(Painted):
    def decode(self, index: int) -> Picture:  # noqa: ARG002
        return Image.new("L", (1, 1), torch.get_num_threads())


@pytest.mark.parametrize("workers", [0, 2])
def test_bad_images_are_left_out_and_reported(workers: int) -> None:
    images = Images(Painted(10, bad=(1, 4, 5, 6, 7)))
    batches = list(images.batches(PLAIN, batch_size=4, workers=workers))
    assert [b.indices for b in batches] == [(0, 2, 3), (), (8, 9)]
    assert [tuple(b.pixels.shape) for b in batches] == [(3, 3, 4, 6), (0, 3, 4, 6), (2, 3, 4, 6)]
    assert [[x.index for x in b.bad] for b in batches] == [[1], [4, 5, 6, 7], []]
    assert (batches[0].bad[0].name, batches[0].bad[0].reason) == ("painted 1", "truncated: on purpose")


def test_a_first_batch_without_good_images_has_the_networks_size() -> None:
    images = Images(Painted(2, bad=(0, 1)))
    (batch,) = images.batches(Preprocessing(size=(5, 7), channels="L"))
    assert batch.pixels.shape == (0, 1, 5, 7)


@pytest.mark.parametrize("preprocessing", [PLAIN, Preprocessing(size=(8, 8), resize=10, channels="L")])
def test_two_processes_give_what_none_gives(preprocessing: Preprocessing) -> None:
    torch.randn(300, 300) @ torch.randn(300, 300)  # torch's threads exist before the fork
    images = Images(Painted(50, bad=(7, 33)))
    here, there = (list(images.batches(preprocessing, batch_size=6, workers=w)) for w in (0, 2))
    assert [b.indices for b in here] == [b.indices for b in there]
    assert [b.bad for b in here] == [b.bad for b in there]
    assert all(torch.equal(a.pixels, b.pixels) for a, b in zip(here, there, strict=True))


@needs_shared
def test_two_processes_read_parquet_alike() -> None:
    images = parquet_images(SHARED / "data" / "cifar10-jpeg" / "test.parquet")
    chosen = [*range(4990, 5010), 3, 9999]  # across the border of two row groups, and back
    here, there = (list(images.batches(PLAIN, batch_size=7, indices=chosen, workers=w)) for w in (0, 2))
    assert sum(len(b.indices) for b in here) == 22
    assert all(torch.equal(a.pixels, b.pixels) for a, b in zip(here, there, strict=True))


def test_eight_bits_become_floats_exactly() -> None:
    pixels = Images(Painted(256)).pixels(indices=range(256))
    expected = np.arange(256, dtype=np.float32) / np.float32(255)
    np.testing.assert_array_equal(pixels[:, 0, 0, 0].numpy(), expected)
    assert pixels[:, 2].min() == 1


def test_nothing_is_decoded_before_it_is_asked_for() -> None:
    source = Counting(100)
    batches = Images(source).batches(PLAIN, batch_size=5, workers=0)
    assert source.decoded == 0
    next(batches)
    assert source.decoded == 5


@pytest.mark.parametrize("error", [None, KeyboardInterrupt, ValueError])
def test_processes_end_with_the_loop(error: type[BaseException] | None) -> None:
    def look() -> None:
        for _ in Images(Painted(200)).batches(PLAIN, batch_size=2, workers=2):
            assert len(multiprocessing.active_children()) == 2
            if error is not None:
                raise error
            break

    if error is None:
        look()
    else:
        with pytest.raises(error):
            look()
    deadline = time.monotonic() + 5
    while multiprocessing.active_children() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert multiprocessing.active_children() == []


def test_processes_use_one_thread() -> None:
    pixels = [b.pixels for b in Images(Threads(4)).batches(PLAIN, batch_size=2, workers=2)]
    assert (torch.cat(pixels) * 255).unique().tolist() == [1]


def test_a_process_that_dies_is_an_error_that_says_so() -> None:
    with pytest.raises(ImagesError, match="died"):
        list(Images(Dying(8)).batches(PLAIN, batch_size=2, workers=1))


def test_no_generator_is_drawn_from() -> None:
    before = torch.get_rng_state(), random.getstate(), np.random.get_state()[1].copy()
    list(Images(Painted(8)).batches(PLAIN, batch_size=2, workers=2))
    assert torch.equal(before[0], torch.get_rng_state())
    assert before[1] == random.getstate()
    assert (before[2] == np.random.get_state()[1]).all()


def test_small_and_in_memory_sets_start_no_process() -> None:
    batches = Images(Painted(63)).batches(PLAIN, batch_size=8)
    next(batches)
    assert multiprocessing.active_children() == []
    next(array_images(np.zeros((500, 4, 4), np.uint8)).batches(PLAIN))
    assert multiprocessing.active_children() == []


def test_sizes_that_differ_need_an_input_size() -> None:
    images = Images(Sized(8))
    with pytest.raises(ImagesError, match=r"painted 4 is 4 x 7 .* 4 x 6\. Give the network's input size"):
        list(images.batches(PLAIN, batch_size=3))
    assert images.pixels(Preprocessing(size=(4, 4))).shape == (8, 3, 4, 4)


def test_a_picture_too_elongated_to_scale_is_bad_not_fatal() -> None:
    images = Images(Painted(1, size=(20_000, 1)))
    (batch,) = images.batches(Preprocessing(size=(224, 224), resize=256))
    assert batch.bad[0].reason.startswith("too elongated: 20000 x 1")


def test_one_pixel_is_scaled_up() -> None:
    pixels = Images(Painted(1, size=(1, 1))).pixels(Preprocessing(size=(224, 224), resize=256))
    assert pixels.shape == (1, 3, 224, 224)


@given(
    channels=st.sampled_from(["RGB", "BGR", "L"]),
    stored=st.sampled_from([1, 3]),
    kind=st.sampled_from([np.uint8, np.float32]),
)
@settings(deadline=None, max_examples=20)
def test_channels(channels: str, stored: int, kind: type) -> None:
    rng = np.random.default_rng(1)
    array = rng.integers(0, 256, (2, 5, 6, stored), dtype=np.uint8)
    values = array if kind is np.uint8 else (array / 255).astype(np.float32)
    pixels = array_images(values).pixels(Preprocessing(channels=channels))  # type: ignore[arg-type]
    plain = torch.from_numpy(array).permute(0, 3, 1, 2) / 255
    if channels == "L":
        luma = plain if stored == 1 else (plain * torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)).sum(1, True)
        torch.testing.assert_close(pixels, luma, atol=1 / 255, rtol=0)
    else:  # RGB order also for a BGR network, which flips for itself; grey is repeated
        torch.testing.assert_close(pixels, plain.expand(2, 3, 5, 6))


@pytest.mark.parametrize("interpolation", ["nearest", "bilinear", "bicubic", "lanczos"])
def test_floats_are_scaled_like_bytes_and_stay_in_range(interpolation: str) -> None:
    preprocessing = Preprocessing(size=(12, 12), resize=14, interpolation=interpolation)
    noise = np.random.default_rng(2).integers(0, 256, (2, 9, 7, 3), dtype=np.uint8)
    extreme = array_images((noise / 255).astype(np.float32)).pixels(preprocessing)
    assert 0 <= extreme.min() <= extreme.max() <= 1
    array = noise // 4 + 96  # away from black and white, where 8 bits are clipped after each axis
    eight = array_images(array).pixels(preprocessing)
    floats = array_images((array / 255).astype(np.float32)).pixels(preprocessing)
    torch.testing.assert_close(eight, floats, atol=2 / 255, rtol=0)


def test_subsets_of_subsets_keep_labels_and_names() -> None:
    images = Images(Painted(10), labels=np.arange(10), class_names=tuple("abcdefghij"))
    twice = images.subset([9, 3, 5]).subset(np.array([2, 0]))
    assert isinstance(twice.source, Selected)
    assert isinstance(twice.source.source, Painted)
    assert twice.labels is not None
    assert twice.labels.tolist() == [5, 9]
    assert [twice.source.name(i) for i in range(2)] == ["painted 5", "painted 9"]
    assert (twice.pixels()[:, 0, 0, 0] * 255).round().tolist() == [5, 9]


def test_labels_out_of_range_name_the_first_offenders() -> None:
    with pytest.raises(ImagesError, match=r"to 1, one of 2 classes; 2 are not: painted 1 has 2, painted 3 has 7"):
        Images(Painted(4), labels=np.array([0, 2, -1, 7]), class_names=("a", "b"))
    with pytest.raises(ImagesError, match=r"painted 0 has -2"):
        Images(Painted(1), labels=np.array([-2]))
    with pytest.raises(ImagesError, match=r"one integer for each of the 2 images, got int64 of shape \(3,\)"):
        Images(Painted(2), labels=np.array([1, 2, 3]))
    with pytest.raises(ImagesError, match="float64"):
        Images(Painted(2), labels=np.array([1.0, 2.0]))


def test_wrong_calls() -> None:
    images = Images(Painted(4, bad=(2,)))
    with pytest.raises(UsageError, match="batch_size"):
        images.batches(PLAIN, batch_size=0)
    with pytest.raises(UsageError, match="workers"):
        images.batches(PLAIN, workers=-1)
    with pytest.raises(UsageError, match=r"0 to 3, got \[4\]"):
        images.batches(PLAIN, indices=[4])
    with pytest.raises(ImagesError, match=r"1 of 4 images cannot be decoded \(painted 2: truncated"):
        images.pixels()
    with pytest.raises(ImagesError, match="holds no images"):
        images.subset([]).pixels()


def test_sources_survive_pickling(tmp_path: Path) -> None:
    from snellen.subject.load.folder import folder_images

    Image.new("RGB", (2, 2)).save(tmp_path / "a.png")
    again = pickle.loads(pickle.dumps(folder_images(tmp_path).subset([0]).source))
    assert again.name(0) == "a.png"
    assert again.decode(0).size == (2, 2)
