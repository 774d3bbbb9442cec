"""What an examination is made of where the generator was trained here: its samples, its data, its discriminator."""

import torch
import torch.nn.functional as F

from snellen.exam.gan_pictures import Labelled
from snellen.nets.sampling import classes_of, sample
from snellen.nets.saved import Saved
from snellen.subject.load.builtin import builtin_network
from snellen.subject.load.digits import CLASS_NAMES, TITLES, digit_pixels
from snellen.subject.network import Network
from snellen.training.gan_data import GanData

SAMPLES = 1000


def drawn(saved: Saved, seed: int) -> Labelled:
    """1,000 samples of a generator, of its classes as often as in training if it knows any."""
    classes = classes_of(saved, SAMPLES, seed=seed)
    return Labelled(sample(saved, SAMPLES, seed=seed, classes=classes), classes, saved.about.get("class_names"))


def judge(saved: Saved) -> Network:
    """A discriminator as it scores images in [0, 1]; with class names if it has to be told the class."""
    names = saved.about["class_names"] if saved.settings.get("classes") else None
    return Network(saved.module, mean=saved.mean[:1], std=saved.std[:1], class_names=names, name="The discriminator")


def learned_from(data: GanData) -> Labelled:
    """(n, c, side, side) in [0, 1]."""
    return Labelled(data.images.float() / 255, data.labels, data.class_names)


def known_to(data: GanData) -> tuple[Network | None, Labelled | None]:
    """The classifier that comes with Snellen and digits that were held out, where the data are its digits."""
    if data.source.name not in TITLES.values() or data.channels != 1:
        return None, None
    if data.source.name != TITLES["train"]:
        return builtin_network(), None
    pixels, labels = digit_pixels("test")
    size = (data.side, data.side)
    same = tuple(pixels.shape[2:]) == size
    held = pixels if same else F.interpolate(pixels, size, mode="bicubic", antialias=True).clamp(0, 1)
    return builtin_network(), Labelled(torch.round(held * 255) / 255, labels, CLASS_NAMES)
