"""What an examination is made of where the generator was trained here: its samples, its data, its discriminator."""

import torch
import torch.nn.functional as F
from torch import Tensor

from snellen.nets.sampling import classes_of, sample
from snellen.nets.saved import Saved
from snellen.subject.load.builtin import builtin_network
from snellen.subject.load.digits import TITLES, digit_pixels
from snellen.subject.network import Network
from snellen.training.gan_data import GanData

SAMPLES = 1000


def drawn(saved: Saved, seed: int) -> Tensor:
    """1,000 samples of a generator, of its classes as often as in training if it knows any."""
    return sample(saved, SAMPLES, seed=seed, classes=classes_of(saved, SAMPLES, seed=seed))


def judge(saved: Saved) -> Network | None:
    """A discriminator as it scores images in [0, 1]; None if it has to be told the class."""
    if saved.settings.get("classes"):
        return None
    return Network(saved.module, mean=saved.mean[:1], std=saved.std[:1], name="The discriminator")


def learned_from(data: GanData) -> Tensor:
    """(n, c, side, side) in [0, 1]."""
    return data.images.float() / 255


def known_to(data: GanData) -> tuple[Network | None, Tensor | None]:
    """The classifier that comes with Snellen and digits that were held out, where the data are its digits."""
    if data.source.name not in TITLES.values() or data.channels != 1:
        return None, None
    if data.source.name != TITLES["train"]:
        return builtin_network(), None
    pixels, _ = digit_pixels("test")
    size = (data.side, data.side)
    same = tuple(pixels.shape[2:]) == size
    held = pixels if same else F.interpolate(pixels, size, mode="bicubic", antialias=True).clamp(0, 1)
    return builtin_network(), torch.round(held * 255) / 255
