"""The networks that a classifier can be trained as, by name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any

from torch import nn

from snellen._errors import ImagesError, unknown
from snellen.nets.saved import KINDS
from snellen.nets.vgg import VGGS

Settings = dict[str, Any]


@dataclass(frozen=True)
class Classifier:
    """A network by name.

    Args:
        kind: what builds it, in :data:`snellen.nets.saved.KINDS`.
        settings: classes and height and width of the images -> what the kind is built with.
        rate: peak learning rate of AdamW that it usually learns well at.
        least: pixels of the shorter side of its images, at least.
        step: the sides of its images are multiples of it, and equal if it is not 1.
    """

    kind: str
    settings: Callable[[int, tuple[int, int]], Settings]
    rate: float
    least: int
    step: int = 1


def _small_vgg(classes: int, side: tuple[int, int]) -> Settings:
    return {"channels": 3, "classes": classes, "side": side[0], "widths": [32, 64, 128], "hidden": 128}


def _by_widths(widths: tuple[int, ...], classes: int, _side: tuple[int, int]) -> Settings:
    return {"classes": classes, "widths": list(widths)}


def _vgg(classes: int, _side: tuple[int, int]) -> Settings:
    return {"classes": classes}


WIDTHS = (64, 128, 256, 512)
NETWORKS: Mapping[str, Classifier] = MappingProxyType(
    {
        "small_vgg": Classifier("small_vgg", _small_vgg, 3e-3, 8, 8),
        "resnet9": Classifier("resnet9", partial(_by_widths, WIDTHS), 3e-3, 8),
        "resnet9_half": Classifier("resnet9", partial(_by_widths, tuple(w // 2 for w in WIDTHS)), 3e-3, 8),
        "airbench": Classifier("airbench", partial(_by_widths, (64, 256, 256)), 3e-3, 16),
        "airbench_wide": Classifier("airbench", partial(_by_widths, (128, 384, 384)), 3e-3, 16),
        **{name: Classifier(name, _vgg, 5e-4 if "bn" in name else 2e-4, 32) for name in VGGS},
    }
)
"""Name -> how it is built and trained."""


def classifier(
    name: str, *, classes: int, side: tuple[int, int], dropout: float | None = None
) -> tuple[nn.Module, str, Settings]:
    """A new network, and the kind and the settings that build it again.

    Args:
        name: one of :data:`NETWORKS`.
        classes: scores that come out.
        side: height and width of the images, in pixels.
        dropout: its rate, if not the network's own.

    Raises:
        UsageError: an unknown name, a rate outside [0, 1).
        ImagesError: images of a size that the network does not take.

    >>> _, kind, settings = classifier("resnet9_half", classes=10, side=(32, 32))
    >>> kind, settings["widths"]
    ('resnet9', [32, 64, 128, 256])
    """
    if name not in NETWORKS:
        raise unknown("network", name, NETWORKS)
    known = NETWORKS[name]
    fits = known.step == 1 or (side[0] == side[1] and side[0] % known.step == 0)
    if min(side) < known.least or not fits:
        wanted = "images" if known.step == 1 else f"square images whose side is a multiple of {known.step},"
        fitting = max(known.least, round(min(side) / known.step) * known.step)
        raise ImagesError(
            f"{name} takes {wanted} of at least {known.least} x {known.least} pixels, these are {side[0]} x {side[1]} "
            f"(height x width); give a size, such as --side {fitting}"
        )
    settings = known.settings(classes, side)
    if dropout is not None:
        settings["dropout"] = dropout
    return KINDS[known.kind](**settings), known.kind, settings
