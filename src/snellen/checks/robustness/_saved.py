"""A picture written as PNG, read back as a user would read it, and judged there."""

from collections.abc import Callable
from dataclasses import replace
from io import BytesIO

import numpy as np
import torch
from jaxtyping import Bool
from PIL import Image
from torch import Tensor

from snellen._shapes import Pixels
from snellen.instruments.attacks._goal import Goal
from snellen.instruments.attacks._victim import Victim
from snellen.subject.fitting import fitted
from snellen.subject.network import Network
from snellen.subject.preprocessing import Preprocessing
from snellen.subject.quiet import quiet


def as_png(image: Tensor) -> bytes:
    """(c, h, w) in [0, 1] as the bytes of a PNG, grey or RGB."""
    levels = (image.detach().cpu() * 255).round().byte().permute(1, 2, 0).numpy()
    buffer = BytesIO()
    Image.fromarray(levels[:, :, 0] if levels.shape[2] == 1 else levels).save(buffer, "png")
    return buffer.getvalue()


def read_back(images: Pixels, preprocessing: Preprocessing) -> Pixels:
    """The images after a round trip through PNG and the preprocessing of a network."""
    read = []
    for image in images:
        with Image.open(BytesIO(as_png(image))) as picture:
            read.append(torch.from_numpy(np.array(fitted(picture, preprocessing))).permute(2, 0, 1).float() / 255)
    return torch.stack(read)


def survivors(network: Network, images: Pixels, goal: Goal) -> tuple[Bool[Tensor, "n"], Bool[Tensor, "n"] | None]:
    """Which pictures reach the goal after they were saved and loaded again, one at a time.

    Returns (as they are; through the network's own resize and crop, None where it has none that changes them).
    """
    preprocessing = network.preprocessing
    plain = replace(preprocessing, resize=None) if preprocessing.resize is not None else preprocessing
    judge: Callable[[Pixels], Tensor] = lambda x: Victim(network, goal).look_singly(x.to(network.device)).achieved.cpu()  # noqa: E731
    with torch.no_grad(), quiet(network.module):
        kept = judge(read_back(images, plain))
        resized = judge(read_back(images, preprocessing)) if preprocessing.resize is not None else None
    return kept, resized
