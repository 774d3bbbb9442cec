"""A printed square, the same for all images, that works wherever it lies."""

from dataclasses import dataclass, field
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from snellen._errors import UsageError
from snellen._shapes import Pixels
from snellen.instruments.attacks._base import Attack
from snellen.instruments.attacks._draws import Draws
from snellen.instruments.attacks._joint import batches, chosen, note, smooth_count, typical_margin
from snellen.instruments.attacks._lattice import LEVELS
from snellen.instruments.attacks._norms import Norm
from snellen.instruments.attacks._victim import Victim
from snellen.instruments.attacks._window import Window

LAST = 2**31
"""The stream of the places where the finished patch is printed; no step of learning draws from it."""


@dataclass(frozen=True)
class Patch(Attack):
    """One square picture, printed over a random place of every image at a random size; the rest stays as it is.

    Learned from some of the images by ``p <- clip(p + step * sign(slope of sum over a batch of prints of
    sigmoid(-margin / mean margin)))``, a smooth count of the images that reach their goals, each print at a place and a
    size of its own. Judged on one print an image, at places drawn afresh, on images it was learned from and
    on others: :func:`..._joint.held_out` tells them apart. ``details`` hold ``patch`` (1, c, s, s) on levels, for a
    regression one for each way, and ``learned``, the places of the images it was learned from.

    Args:
        norm: :class:`Window`, with a budget: the part of the image that the largest print covers.
        steps: batches in all.
        smallest: side of the smallest print, as a part of the largest.
        share: part of the images that it is learned from, above 0; at least one.

    Raises:
        UsageError: fewer than one step, a part outside (0, 1].

    Reference: Brown et al. 2017, Adversarial Patch, arXiv 1712.09665.

    >>> from snellen.subject.network import Network
    >>> module = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(192, 2))
    >>> found = Patch(Window(0.1), steps=4)(Network(module), torch.rand(8, 3, 8, 8), torch.arange(8) % 2)
    >>> found.details["patch"].shape, bool((found.distance[found.success] <= 0.1).all())
    (torch.Size([1, 3, 2, 2]), True)
    """

    norm: Norm = field(default_factory=lambda: Window(0.1))
    norms: ClassVar[tuple[type[Norm], ...]] = (Window,)
    joint: ClassVar[bool] = True
    steps: int = 200
    smallest: float = 0.7
    share: float = 0.5

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.steps < 1 or not (0 < self.share <= 1 and 0 < self.smallest <= 1):
            raise UsageError(
                "steps must be at least 1, smallest and share in (0, 1], got "
                f"steps={self.steps}, smallest={self.smallest}, share={self.share}"
            )

    def perturb(self, victim: Victim, originals: Pixels, draws: Draws) -> Pixels:
        learned = chosen(draws, self.share)
        patch = self._learn(victim[learned], originals[learned.to(originals.device)], draws[learned])
        note(victim, learned, "patch", patch)
        rows, columns = self._places(originals, draws.split(LAST), patch.shape[2])
        return printed(patch, originals, rows, columns)

    def _learn(self, victim: Victim, originals: Pixels, draws: Draws) -> Pixels:
        assert isinstance(self.norm, Window)
        side = self.norm.side(*originals.shape[2:])
        patch = draws[torch.zeros(1, dtype=torch.long)].uniform((1, originals.shape[1], side, side))
        patch = patch.to(originals.device)
        loss = smooth_count(typical_margin(victim, originals))
        for number, batch in enumerate(batches(draws, victim.batch_size, self.steps)):
            images = originals[batch.to(originals.device)]
            rows, columns = self._places(images, draws[batch].split(LAST + 1 + number), side)
            slope = victim[batch].slope(printed(patch, images, rows, columns), loss)
            gradient = torch.einsum("nyi,ncyx,nxj->cij", rows, slope.gradient, columns)
            patch = (patch + 0.1 * (1 - number / self.steps) * gradient.sign()).clamp(0, 1)
        return (patch * LEVELS).round() / LEVELS

    def _places(self, images: Pixels, draws: Draws, side: int) -> tuple[Tensor, Tensor]:
        """A size and a place for each image's print, as (n, h, s) and (n, w, s): which pixel shows which of the patch.

        The nearest is shown, so that a print of a patch on levels is on levels too.
        """
        lot = draws.uniform((len(images), 3)).double().to(images.device)
        sizes = (side * (self.smallest + (1 - self.smallest) * lot[:, 0])).round().clamp(1, side)
        shown = []
        for length, chance in zip(images.shape[2:], (lot[:, 1], lot[:, 2]), strict=True):
            start = (chance * (length - sizes + 1)).floor()
            place = torch.arange(length, device=images.device) - start[:, None]
            pixel = ((place + 0.5) * side / sizes[:, None]).floor()
            inner = (place >= 0) & (place < sizes[:, None])
            shown.append((inner[..., None] & (pixel[..., None] == torch.arange(side, device=images.device))).float())
        return shown[0], shown[1]


def printed(
    patch: Float[Tensor, "1 c s s"], images: Pixels, rows: Float[Tensor, "n h s"], columns: Float[Tensor, "n w s"]
) -> Pixels:
    """The images with the patch over the pixels where ``rows`` and ``columns`` show one of its own."""
    print_ = torch.einsum("nyi,cij,nxj->ncyx", rows, patch[0], columns)
    covered = (rows.sum(dim=2)[:, :, None] * columns.sum(dim=2)[:, None, :])[:, None]
    return torch.where(covered > 0, print_, images)
