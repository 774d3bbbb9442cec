"""What every attribution shares: the targets, the batches, the quiet evaluation."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any, Literal, final

import torch
from jaxtyping import Float
from torch import Tensor

from snellen._errors import NetworkError, NotApplicable, UsageError
from snellen._shapes import Labels, Logits, Maps, Pixels
from snellen.instruments._precision import bfloat16
from snellen.subject.network import Network, check_network
from snellen.subject.quiet import quiet

Precision = Literal["float32", "bfloat16"]


@dataclass(frozen=True, eq=False)
class Attribution:
    """The maps of a batch.

    Attributes:
        maps: (n, c, h, w) float32, in units of target logit per unit of pixel value.
        target: (n,) the class each map is about.
        logits: (n, k) float32, from the same forward.
        details: what the method has to say of itself, such as how many ReLUs it guided.
    """

    maps: Maps
    target: Labels
    logits: Logits
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def heat(self) -> Float[Tensor, "n h w"]:
        """One number a pixel: the largest absolute value over the channels (Simonyan et al. 2013, 3.1)."""
        return self.maps.abs().amax(dim=1)


@dataclass(frozen=True)
class AttributionMethod(ABC):
    """Calls the method batch by batch on a quiet network. A method writes :meth:`attribute`.

    ``precision="bfloat16"`` runs convolutions and products in bfloat16, channels last; the maps come back as
    float32. How faithful that is can be measured with :func:`..._fidelity.fidelity`.
    """

    precision: Precision = "float32"

    def __post_init__(self) -> None:
        if self.precision not in ("float32", "bfloat16"):
            raise UsageError(f"precision must be float32 or bfloat16, got {self.precision!r}")

    @final
    def __call__(
        self, network: Network, pixels: Pixels, *, target: Labels | int | None = None, batch_size: int = 16
    ) -> Attribution:
        """Attribute the target logit of every image to its pixels.

        Args:
            network: left exactly as it was.
            pixels: (n, c, h, w) float in [0, 1].
            target: a class for all images, one class an image (n,), or None for each image's predicted class.
            batch_size: images per pass; bounds the memory, does not change the maps.

        Raises:
            UsageError: pixels or targets of the wrong shape or range.
            NotApplicable: the method cannot do its job on this network.
            NetworkError: the network raised, returned what is no row of scores, or has a gradient that is not finite.
        """
        check_network(network)
        network.check_pixels(pixels)
        if batch_size < 1:
            raise UsageError(f"batch_size must be at least 1, got {batch_size}")
        parts = []
        with torch.inference_mode(False), torch.enable_grad(), quiet(network.module, seed=0):
            targets = _as_targets(target, pixels)
            for start in range(0, len(pixels), batch_size):
                part = slice(start, start + batch_size)
                parts.append(self._batch(network, pixels[part], None if targets is None else targets[part]))
            maps, chosen, logits = (torch.cat([getattr(p, n) for p in parts]) for n in ("maps", "target", "logits"))
        return Attribution(maps, chosen, logits, parts[0].details)

    def _batch(self, network: Network, pixels: Tensor, target: Tensor | None) -> Attribution:
        low = self.precision == "bfloat16"
        layout = torch.channels_last if low else torch.preserve_format
        leaf = pixels.detach().to(network.device).clone(memory_format=layout).requires_grad_()
        scores = TargetScores(network, target, low=low)
        maps, details = self.attribute(scores, leaf)
        logits, chosen = scores.seen
        if not torch.isfinite(maps).all():
            raise NetworkError(
                f"the gradient of {network.name} must be finite, got NaN or infinite values although its scores are "
                "finite: look for sqrt, norm, log or a power at 0, or a 0 / 0 that a mask hides in the forward"
            )
        return Attribution(
            maps.detach().float().contiguous().to(pixels.device),
            chosen.to(pixels.device),
            logits.detach().float().to(pixels.device),
            details,
        )

    @abstractmethod
    def attribute(self, scores: "TargetScores", pixels: Tensor) -> tuple[Maps, Mapping[str, Any]]:
        """The maps of one batch, and details. ``pixels`` is a leaf that requires a gradient."""


class TargetScores:
    """pixels -> the target logit of each image; remembers the logits and targets of its first call.

    Only the forward runs under autocast: a backward inside it would cast every weight again.
    """

    def __init__(self, network: Network, target: Tensor | None, *, low: bool = False) -> None:
        self._network = network
        self._low = low
        self._target = target
        self._logits: Tensor | None = None

    def __call__(self, pixels: Tensor) -> Float[Tensor, "n"]:
        with bfloat16(pixels.device.type) if self._low else nullcontext():
            logits = self._network.logits(pixels)
        if self._target is None:
            self._target = logits.detach().argmax(dim=1)
        elif int(self._target.max()) >= logits.shape[1]:
            raise UsageError(
                f"target must be below the network's {logits.shape[1]} classes, got {int(self._target.max())}"
            )
        if self._logits is None:
            self._logits = logits
        self._target = self._target.to(logits.device)
        return logits.float().gather(1, self._target[:, None])[:, 0]

    @property
    def seen(self) -> tuple[Tensor, Tensor]:
        """The logits and targets of the first call."""
        assert self._logits is not None, "a method must call scores(pixels) at least once"
        assert self._target is not None
        return self._logits, self._target


def gradient(scores: Float[Tensor, "n"], pixels: Tensor) -> Maps:
    """d scores / d pixels, without touching any parameter's ``.grad``."""
    if scores.grad_fn is not None:
        try:
            (maps,) = torch.autograd.grad(scores.sum(), pixels, allow_unused=True)
        except torch.OutOfMemoryError:
            raise
        except Exception as error:
            raise NetworkError(f"the network's backward raised {type(error).__name__}: {error}") from error
        if maps is not None:
            return maps
    raise NotApplicable(
        "a gradient from the scores to the pixels is needed and there is none: look for .detach(), torch.no_grad() "
        "or a rounding operation in the network's forward"
    )


def _as_targets(target: Labels | int | None, pixels: Tensor) -> Tensor | None:
    if target is None:
        return None
    if isinstance(target, int):
        target = torch.full((len(pixels),), target)
    if not isinstance(target, Tensor) or target.is_floating_point() or target.shape != (len(pixels),):
        got = f"{target.dtype} of shape {tuple(target.shape)}" if isinstance(target, Tensor) else repr(target)
        raise UsageError(f"target must be an int or an integer tensor of shape ({len(pixels)},), got {got}")
    if len(target) and int(target.min()) < 0:
        raise UsageError(f"target must not be negative, got {int(target.min())}")
    return target.long().clone()
