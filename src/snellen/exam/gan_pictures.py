"""Pictures for the examination of a generator: pixels of one size, and the classes they are of or were asked for."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from snellen._errors import ImagesError
from snellen.subject.class_names import find_class
from snellen.subject.fitting import GREY
from snellen.subject.images import Images
from snellen.subject.preprocessing import Preprocessing

FEWEST = 20


@dataclass(frozen=True, eq=False)
class Labelled:
    """Pixels with their classes: of samples, those that the generator was asked for.

    Args:
        pixels: (n, c, h, w) in [0, 1].
        labels: (n,), -1 where a class is unknown.
        names: what the labels index.
    """

    pixels: Tensor
    labels: Tensor | None = None
    names: Sequence[str] | None = None

    def __len__(self) -> int:
        return len(self.pixels)

    def among(self, names: Sequence[str]) -> Tensor:
        """(n,) labels that index these names; -1 for unknown ones. Without names of their own they do so already.

        >>> Labelled(torch.rand(3, 1, 8, 8), torch.tensor([0, 1, 2]), ("cat", "dog", "owl")).among(("Owl", "cat"))
        tensor([ 1, -1,  0])
        """
        if self.labels is None:
            return torch.full((len(self),), -1)
        if self.names is None:
            return self.labels.where(self.labels < len(names), -1)
        places = [find_class(name, names) for name in self.names]
        table = torch.tensor([-1 if place is None else place for place in places] + [-1])  # the last is for -1
        return table[self.labels]

    def at(self, rows: Tensor) -> "Labelled":
        """Some of them."""
        return Labelled(self.pixels[rows], None if self.labels is None else self.labels[rows], self.names)


def pictures(given: Tensor | Images | Labelled, what: str, like: Labelled | None) -> Labelled:
    """What was given, as float32 in [0, 1]; of the size and the channels of ``like``.

    Raises:
        ImagesError: too few, of another size, values outside [0, 1] or no numbers.
    """
    size = None if like is None else (int(like.pixels.shape[2]), int(like.pixels.shape[3]))
    if isinstance(given, Images):
        pixels = given.pixels(Preprocessing(size=size))
        grey = bool((pixels[:, :1] == pixels).all()) if like is None else like.pixels.shape[1] == 1
        labels = None if given.labels is None else torch.from_numpy(given.labels)
        given = Labelled(in_channels(pixels, 1) if grey else pixels, labels, given.class_names)
    elif isinstance(given, Tensor):
        given = Labelled(given)
    pixels = given.pixels
    if pixels.ndim != 4 or pixels.shape[1] not in (1, 3) or not pixels.is_floating_point():
        raise ImagesError(
            f"{what} must be floats (n, 1 or 3 channels, h, w) in [0, 1], got {pixels.dtype} {tuple(pixels.shape)}"
        )
    pixels = pixels.detach().cpu().float()
    wanted = FEWEST if like is None else 2 * FEWEST if what == "real images" else FEWEST
    if len(pixels) < wanted:
        raise ImagesError(f"at least {wanted} {what} are needed to say anything, got {len(pixels)}; give more")
    if not pixels.isfinite().all():
        bad = int((~pixels.isfinite()).flatten(1).any(dim=1).sum())
        raise ImagesError(f"{bad} of {len(pixels)} {what} hold NaN or infinity; the generator may have diverged")
    low, high = float(pixels.min()), float(pixels.max())
    if low < -1e-3 or high > 1 + 1e-3:
        hint = "; of values in [-1, 1] take (x + 1) / 2" if -1.001 <= low < 0 and high <= 1.001 else "; scale them"
        raise ImagesError(f"{what} must lie in [0, 1], got {low:.3g} to {high:.3g}{hint}")
    if size is not None and pixels.shape[2:] != size:
        raise ImagesError(
            f"{what} must have the size of the samples, {size[0]} x {size[1]}, got {pixels.shape[2]} x "
            f"{pixels.shape[3]}; resize them, as for the training"
        )
    channels = pixels.shape[1] if like is None else like.pixels.shape[1]
    return Labelled(in_channels(pixels, channels).clamp(0, 1), given.labels, given.names)


def in_channels(pixels: Tensor, channels: int) -> Tensor:
    """The same pictures in grey or in colour."""
    if pixels.shape[1] == channels:
        return pixels
    if channels == 3:
        return pixels.expand(-1, 3, -1, -1)
    return (pixels * torch.from_numpy(GREY).view(1, 3, 1, 1)).sum(dim=1, keepdim=True)
