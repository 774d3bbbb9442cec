"""Class model visualisation: the image that a class scores highest on."""

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from snellen._errors import NetworkError, NotApplicable, UsageError
from snellen.instruments._precision import bfloat16
from snellen.instruments.visualisation._base import Progress, VisualisationMethod, scores_of
from snellen.subject.network import Network


@dataclass(frozen=True)
class ClassModel(VisualisationMethod):
    """Gradient ascent on the image: argmax_I S_c(I) - l2 |I|^2, from the training mean.

    S_c is the unnormalised class score, I the image in the network's normalised space (so 0 is the mean of the
    training set, where the ascent starts). Each step goes along the gradient scaled to a root mean square of 1 per
    image, times ``step_size``; the scaling makes one step size fit all networks. With ``blur_every=k`` the image
    itself is convolved with a Gaussian after every k steps (Yosinski et al. 2015), which takes out the high
    frequencies that the ascent favours. The state is a float tensor from beginning to end; only what is shown is
    rounded. Where the gradient is exactly zero (a class whose last ReLU is shut for the mean image) the step goes along
    seeded noise instead, until the score moves; ``details["flat_steps"]`` counts those steps.

    >>> import torch
    >>> from snellen import Network
    >>> from snellen.subject.preprocessing import Preprocessing
    >>> module = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(48, 3))
    >>> net = Network(module, preprocessing=Preprocessing(size=(4, 4)))
    >>> made = ClassModel(steps=20)(net, [0, 2])
    >>> made.pixels.shape, bool((made.history[-1] > made.history[0]).all())
    (torch.Size([2, 3, 4, 4]), True)

    Args:
        steps: ascent steps.
        step_size: root mean square change of the normalised image in one step.
        l2: weight of the squared norm, per pixel value (the penalty is ``l2`` times the sum of squares).
        blur_every: blur after every this many steps; 0 never blurs.
        blur_sigma: standard deviation of the Gaussian, in pixels.
        precision: ``bfloat16`` evaluates the network in bfloat16; the image stays float32.

    Raises:
        UsageError: a setting out of range, a class the network has not.
        NotApplicable: no gradient reaches the pixels.

    Reference: Simonyan, Vedaldi, Zisserman 2013, section 2 (arXiv:1312.6034); Yosinski et al. 2015, section 3
    (arXiv:1506.06579).
    """

    steps: int = 150
    step_size: float = 0.1
    l2: float = 1e-4
    blur_every: int = 0
    blur_sigma: float = 1.0
    precision: str = "float32"

    def __post_init__(self) -> None:
        if self.steps < 1 or self.step_size <= 0 or self.l2 < 0 or self.blur_every < 0 or self.blur_sigma <= 0:
            raise UsageError(
                f"steps >= 1, step_size > 0, l2 >= 0, blur_every >= 0 and blur_sigma > 0 are needed, got {self}"
            )
        if self.precision not in ("float32", "bfloat16"):
            raise UsageError(f"precision must be float32 or bfloat16, got {self.precision!r}")

    def ascend(
        self, network: Network, classes: Tensor, shape: tuple[int, ...], *, seed: int, progress: Progress
    ) -> tuple[Tensor, Tensor, Mapping[str, Any]]:
        low = self.precision == "bfloat16"
        image = torch.zeros(shape, device=network.device)
        if low:
            image = image.contiguous(memory_format=torch.channels_last)
        noise = [torch.Generator().manual_seed(seed * 1_000_003 + int(c)) for c in classes]
        history, flat = [], torch.zeros(len(classes), dtype=torch.long)
        for step in range(1, self.steps + 1):
            leaf = image.detach().requires_grad_()
            with bfloat16(leaf.device.type) if low else nullcontext():
                scores = scores_of(network.logits(network.denormalise(leaf)), classes)
            gradient = _gradient(network, scores, leaf)
            history.append(scores.detach())
            direction = gradient - 2 * self.l2 * image
            size = direction.square().mean(dim=(1, 2, 3), keepdim=True).sqrt()
            for i in (gradient.flatten(1) == 0).all(dim=1).nonzero()[:, 0].tolist():
                direction[i] = torch.randn(direction[i].shape, generator=noise[i]).to(direction)
                size[i] = 1
                flat[i] += 1
            image = image + self.step_size * direction / size.clamp(min=1e-12)
            if self.blur_every and step % self.blur_every == 0:
                image = gaussian_blur(image, self.blur_sigma)
            progress(step, self.steps)
        if int(flat.min()) == self.steps:
            raise NotApplicable(
                f"gradient ascent needs a slope and the scores of {network.name} had none in {self.steps} steps: every "
                "path from the pixels is cut by a dead ReLU or a saturated unit"
            )
        return network.denormalise(image), torch.stack(history), {"flat_steps": flat.tolist()}


def _gradient(network: Network, scores: Tensor, leaf: Tensor) -> Tensor:
    try:
        found = torch.autograd.grad(scores.sum(), leaf, allow_unused=True)[0] if scores.requires_grad else None
    except torch.OutOfMemoryError:
        raise
    except Exception as error:
        raise NetworkError(f"{network.name}'s backward raised {type(error).__name__}: {error}") from error
    if found is None:
        raise NotApplicable(
            f"gradient ascent needs a gradient from the scores of {network.name} to the pixels and there is none: look "
            "for .detach(), torch.no_grad() or a rounding operation in its forward"
        )
    return found


def gaussian_blur(images: Tensor, sigma: float) -> Tensor:
    """Convolve every channel with a Gaussian cut at 4 sigma; the edge is repeated outwards."""
    radius = max(1, int(4 * sigma + 0.5))
    offsets = torch.arange(-radius, radius + 1, dtype=images.dtype, device=images.device)
    kernel = torch.exp(-0.5 * (offsets / sigma) ** 2)
    kernel = kernel / kernel.sum()
    channels = images.shape[1]
    rows = kernel.view(1, 1, -1, 1).expand(channels, 1, -1, 1)
    padded = F.pad(images, (0, 0, radius, radius), mode="replicate")
    images = F.conv2d(padded, rows, groups=channels)
    padded = F.pad(images, (radius, radius, 0, 0), mode="replicate")
    return F.conv2d(padded, rows.transpose(2, 3), groups=channels)
