"""Labels as people store them, as one class index an image."""

from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from snellen._errors import ImagesError


def as_labels(labels: ArrayLike | Tensor, count: int) -> NDArray[np.int64]:
    """One class index an image, from what people store: any integer type, whole floats, (n, 1).

    Raises:
        ImagesError: a wrong count, one-hot rows, text, fractions.
    """
    values = as_numpy(labels) if isinstance(labels, Tensor) else np.asarray(labels)
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim == 2 and len(values) == count:
        raise ImagesError(
            f"labels must be one class index an image, got rows of {values.shape[1]}. "
            "If they are one-hot, give labels.argmax(1)."
        )
    if values.ndim != 1 or len(values) != count:
        raise ImagesError(f"labels must be one class index for each of {count} images, got {values.shape}")
    if values.dtype.kind == "f" and np.array_equal(values, np.round(values)):
        values = values.astype(np.int64)
    if values.dtype.kind not in "iu":
        raise ImagesError(
            f"labels must be integers, got {values.dtype}. "
            "Give the index of each image's class, and the names with --classes."
        )
    return values.astype(np.int64)


def as_numpy(tensor: Tensor) -> NDArray[Any]:
    """The tensor's values, wherever they live; bfloat16, which NumPy lacks, as float32."""
    tensor = tensor.detach().cpu()
    return (tensor.float() if tensor.dtype == torch.bfloat16 else tensor).numpy()
