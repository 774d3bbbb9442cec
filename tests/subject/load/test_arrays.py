"""Layouts and types of arrays, and what is said to those that are none."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from snellen._errors import ImagesError
from snellen.subject.load.arrays import array_images
from snellen.subject.preprocessing import Preprocessing

STORED = arrays(
    np.uint8,
    st.tuples(st.integers(1, 3), st.integers(5, 7), st.integers(5, 7), st.sampled_from([1, 3])),
)


@given(stored=STORED, layout=st.sampled_from(["nhwc", "nchw", "nhw"]), form=st.sampled_from(["array", "tensor"]))
@settings(deadline=None, max_examples=60)
def test_every_layout_gives_the_same_pixels(stored: Any, layout: str, form: str) -> None:
    expected = stored.transpose(0, 3, 1, 2).astype(np.float32) / np.float32(255)
    laid = {"nhwc": stored, "nchw": stored.transpose(0, 3, 1, 2), "nhw": stored[:, :, :, 0]}[layout]
    expected = expected[:, :1] if layout == "nhw" else expected
    given = torch.from_numpy(laid.copy()) if form == "tensor" else laid
    grey = expected.shape[1] == 1
    pixels = array_images(given).pixels(Preprocessing(channels="L" if grey else "RGB"))
    np.testing.assert_array_equal(pixels.numpy(), expected)


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_float_tensors(kind: torch.dtype) -> None:
    tensor = (torch.arange(48).view(1, 3, 4, 4) / 64).to(kind).requires_grad_()
    torch.testing.assert_close(array_images(tensor).pixels(), tensor.detach().float())


def test_where_both_layouts_fit_a_tensor_has_channels_first() -> None:
    values = np.arange(27, dtype=np.uint8).reshape(1, 3, 3, 3)
    first = array_images(torch.from_numpy(values)).pixels()
    last = array_images(values).pixels()
    torch.testing.assert_close(first, last.permute(0, 2, 3, 1))


def test_a_fourth_channel_is_dropped_and_truth_values_are_black_and_white() -> None:
    rgba = np.full((1, 5, 5, 4), 51, dtype=np.uint8)
    rgba[..., 3] = 0
    assert array_images(rgba).pixels().unique().tolist() == pytest.approx([0.2])
    assert array_images(np.array([[[True, False]]])).pixels().unique().tolist() == [0.0, 1.0]


def test_rounding_outside_0_to_1_is_clipped() -> None:
    pixels = array_images(np.full((1, 2, 2, 1), 1 + 5e-7)).pixels()
    assert pixels.max() == 1


def test_an_image_with_nan_is_bad_not_fatal() -> None:
    values = np.zeros((3, 4, 4), np.float32)
    values[1, 2, 2] = np.nan
    (batch,) = array_images(values).batches(Preprocessing())
    assert batch.indices == (0, 2)
    assert (batch.bad[0].name, batch.bad[0].reason) == ("image 1", "holds NaN or infinite values")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.array([0.0, 255.0]), r"got 0 to 255\. Divide by 255"),
        (np.array([0.0, 16.0]), r"Divide by 16"),
        (np.array([-1.0, 1.0]), r"\(array \+ 1\) / 2"),
        (np.array([-2.1, 2.6]), r"got -2\.1 to 2\.6\. If they are normalised already"),
        (np.array([0, 255], dtype=np.int64), r"int64 from 0 to 255: give array\.astype"),
        (np.array([0, 65_535], dtype=np.uint16), r"divide by 65535"),
        (np.array([1j, 0]), "complex128"),
        (np.array(["a", "b"]), "<U1"),
    ],
)
def test_values_that_are_no_pixels_say_what_to_do(values: Any, message: str) -> None:
    with pytest.raises(ImagesError, match=message):
        array_images(np.broadcast_to(values.reshape(1, 1, 2, 1), (1, 4, 2, 1)))


@pytest.mark.parametrize("shape", [(5,), (5, 5), (0, 3, 5, 5), (2, 5, 5, 2), (2, 5, 5, 7), (1, 2, 3, 4, 5)])
def test_shapes_that_are_no_images(shape: tuple[int, ...]) -> None:
    with pytest.raises(ImagesError, match="got shape"):
        array_images(np.zeros(shape, np.uint8))


def test_one_image_says_so() -> None:
    with pytest.raises(ImagesError, match=r"give array\[None\]"):
        array_images(np.zeros((32, 32, 3), np.uint8))


def test_bytes_that_are_almost_black_are_noted() -> None:
    assert "no value exceeds 1" in array_images(np.ones((1, 4, 4), np.uint8)).notes[0]


@pytest.mark.parametrize(
    "labels",
    [[0, 1], (0, 1), np.array([[0], [1]]), np.array([0.0, 1.0]), torch.tensor([0, 1], dtype=torch.uint8)],
)
def test_labels_as_people_store_them(labels: Any) -> None:
    images = array_images(np.zeros((2, 4, 4), np.uint8), labels=labels)
    assert images.labels is not None
    assert images.labels.tolist() == [0, 1]
    assert images.labels.dtype == np.int64


@pytest.mark.parametrize(
    ("labels", "message"),
    [(np.eye(2), "argmax"), ([0], "each of 2 images"), ([0.5, 1.0], "float64"), (["a", "b"], "--classes")],
)
def test_labels_that_are_none(labels: Any, message: str) -> None:
    with pytest.raises(ImagesError, match=message):
        array_images(np.zeros((2, 4, 4), np.uint8), labels=labels)
