"""What every visualisation shares: the classes, the shape, the quiet network, the score of the image it made."""

import operator
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, final

import torch
from jaxtyping import Float
from torch import Tensor

from snellen._errors import UsageError
from snellen._shapes import Labels, Logits
from snellen.subject.network import Network, check_network
from snellen.subject.quiet import quiet

Progress = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class ClassImages:
    """One image a class.

    Attributes:
        pixels: (n, c, h, w) float32, RGB, in units where [0, 1] is black to white; may go beyond.
        classes: (n,) the classes asked for.
        logits: (n, k) the scores of ``pixels``.
        shown: (n, c, h, w) the same clipped to [0, 1] and rounded to 8 bits: what a screen shows.
        shown_logits: (n, k) the scores of ``shown``.
        history: (steps, n) the target logit before every step.
        details: what the method has to say of itself.
    """

    pixels: Float[Tensor, "n c h w"]
    classes: Labels
    logits: Logits
    shown: Float[Tensor, "n c h w"]
    shown_logits: Logits
    history: Float[Tensor, "steps n"]
    details: Mapping[str, Any] = field(default_factory=dict)

    def reached(self, logits: Logits) -> tuple[Tensor, Tensor]:
        """(logit, probability) of each image's own class in ``logits``."""
        index = self.classes[:, None]
        return logits.gather(1, index)[:, 0], logits.softmax(dim=1).gather(1, index)[:, 0]


@dataclass(frozen=True)
class VisualisationMethod(ABC):
    """Makes one image a class on a quiet network. A method writes :meth:`ascend`."""

    @final
    def __call__(
        self,
        network: Network,
        classes: Sequence[int],
        *,
        size: tuple[int, int] | None = None,
        seed: int = 0,
        progress: Progress | None = None,
    ) -> ClassImages:
        """Visualise classes, all in one batch.

        Args:
            network: left exactly as it was.
            classes: class indices; any number, repeats allowed.
            size: height and width of the images; the network's own input size if not given.
            seed: the same seed gives the same images.
            progress: called with (steps done, steps in all).

        Raises:
            UsageError: no class, a class out of range, or no size known.
        """
        check_network(network)
        wanted = _as_classes(classes)
        height_width = size or network.preprocessing.size
        if height_width is None:
            raise UsageError("the size of the images is not known: the network has no input size; give size=(h, w)")
        if len(height_width) != 2 or min(height_width) < 1:
            raise UsageError(f"size must be a height and a width of at least 1, got {tuple(height_width)}")
        shape = (len(wanted), network.preprocessing.count, *height_width)
        with torch.inference_mode(False), torch.enable_grad(), quiet(network.module, seed=seed):
            index = torch.tensor(wanted, device=network.device)
            report = progress or (lambda _done, _steps: None)
            pixels, history, details = self.ascend(network, index, shape, seed=seed, progress=report)
            shown = (pixels.clamp(0, 1) * 255).round() / 255
            with torch.no_grad():
                logits = [network.logits(p).float().cpu() for p in (pixels, shown)]
        pixels, shown, history = pixels.float().cpu(), shown.float().cpu(), history.float().cpu()
        return ClassImages(pixels, index.cpu(), logits[0], shown, logits[1], history, details)

    @abstractmethod
    def ascend(
        self, network: Network, classes: Tensor, shape: tuple[int, ...], *, seed: int, progress: Progress
    ) -> tuple[Tensor, Tensor, Mapping[str, Any]]:
        """(pixels, history, details) for a batch of classes, on the network's device."""


def _as_classes(classes: Sequence[int]) -> list[int]:
    try:
        wanted = [operator.index(c) for c in classes]
    except TypeError:
        raise UsageError(f"classes must be a sequence of class indices, such as [0, 2], got {classes!r}") from None
    if not wanted or min(wanted) < 0:
        raise UsageError(f"classes must be class indices from 0 on, got {wanted}")
    return wanted


def scores_of(logits: Logits, classes: Labels) -> Float[Tensor, "n"]:
    """Each image's own class's logit; a class the network has not is a UsageError."""
    if int(classes.max()) >= logits.shape[1]:
        raise UsageError(f"class {int(classes.max())} was asked for, the network has {logits.shape[1]} (from 0)")
    return logits.float().gather(1, classes[:, None])[:, 0]
