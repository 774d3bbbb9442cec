"""What other networks say of samples and of real images: a classifier, and the discriminator."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from snellen._errors import ImagesError, UsageError
from snellen.checks.generation._base import Generated, Judged, Scored, Space
from snellen.exam.gan_pictures import FEWEST, Labelled, in_channels
from snellen.instruments.losses.gradient_penalty import gradient_norms
from snellen.instruments.probes.default_taps import default_taps
from snellen.instruments.probes.taps import features
from snellen.subject.network import Network
from snellen.subject.quiet import quiet

MOST = 1000
"""Pictures of a kind that are compared."""
BATCH = 250


def classified(seen: Generated, network: Network, made: Labelled, real: Labelled, others: Labelled) -> Generated:
    """With the answers and the features of a classifier.

    Args:
        seen: what is compared.
        network: the classifier.
        made: all samples.
        real: those of which ``seen.reference`` are rows.
        others: those of which ``seen.null`` are rows.
    """
    sets = (seen.samples, seen.real[seen.reference], seen.others[seen.null])
    fitted = [_as_taken(network, pixels) for pixels in sets]
    tap = default_taps(network, fitted[0][:2])[-1]
    rows = [fitted[0][seen.fake], fitted[1], fitted[2]]
    taken = [features(network, some.split(BATCH), [tap])[tap] for some in rows]
    with torch.inference_mode(), quiet(network.module):
        answers = [_probabilities(network, some) for some in fitted]
    names = tuple(network.class_name(i) for i in range(answers[0].shape[1]))
    space = Space(f"features of {network.name}", taken[0], taken[1], taken[2])
    judged = Judged(
        network.name,
        names,
        answers[0].clone(),
        torch.cat(answers[1:]).clone(),
        asked=None if made.labels is None else made.among(names),
        truth=torch.cat([real.among(names)[seen.reference], others.among(names)[seen.null]]),
    )
    return replace(seen, spaces=(*seen.spaces, space), judged=judged)


def _as_taken(network: Network, pixels: Tensor) -> Tensor:
    """In the channels and of the size that the network takes."""
    fit = network.preprocessing
    pixels = in_channels(pixels, fit.count)
    if fit.size is None or tuple(pixels.shape[2:]) == fit.size:
        return pixels
    return F.interpolate(pixels, fit.size, mode="bilinear", antialias=True)


def _probabilities(network: Network, pixels: Tensor) -> Tensor:
    scores = [network.logits(part.to(network.device)).float().cpu() for part in pixels.split(BATCH)]
    return torch.cat(scores).softmax(dim=1)


def scored(network: Network, loss: str, fake: Labelled, real: Labelled, held: Labelled | None) -> Scored:
    """What a discriminator says; if it has class names it is told the class of each picture, and asked of no others.

    Args:
        network: it gives a score an image; with class names it is called with images and labels.
        loss: that it was trained with.
        fake: samples.
        real: images that it was trained on.
        held: images that it was not trained on.

    Raises:
        ImagesError: the class is not known of at least 20 pictures of a kind.
        UsageError: scores that are not finite.
    """
    names = network.class_names
    if names is not None:
        fake, real = _of_class(network, fake, "samples"), _of_class(network, real, "real images")
        held = None if held is None or not (held.among(names) >= 0).any() else held.at(held.among(names) >= 0)
    held = None if held is None else held.at(torch.arange(min(len(held), MOST)))
    with quiet(network.module):
        with torch.no_grad():
            given = [torch.cat([_score(judge, part).cpu() for judge, part in _told(network, p)]) for p in (real, fake)]
            unseen = None if held is None else torch.cat([_score(j, part).cpu() for j, part in _told(network, held)])
        slopes = torch.cat([gradient_norms(partial(_score, judge), part).cpu() for judge, part in _told(network, fake)])
    if not all(scores.isfinite().all() for scores in given):
        raise UsageError(f"{network.name} gives scores that are not finite; the discriminator has diverged")
    kinds = None if names is None else (tuple(names), real.among(names), fake.among(names))
    return Scored(network.name, loss, given[0], given[1], unseen, slopes, kinds)


def _of_class(network: Network, some: Labelled, what: str) -> Labelled:
    known = some.among(network.class_names or ()) >= 0
    if int(known.sum()) < FEWEST:
        raise ImagesError(
            f"{network.name} is told the class, and at least {FEWEST} {what} of its classes are needed; got "
            f"{int(known.sum())} of {len(some)}. Give {what} with labels and class names"
        )
    return some.at(known)


def _score(network: Network, pixels: Tensor) -> Tensor:
    return network.outputs(pixels)[:, 0].float()


class _Told(nn.Module):
    """A discriminator that knows the classes of a batch."""

    def __init__(self, module: nn.Module, classes: Tensor) -> None:
        super().__init__()
        self.module, self.classes = module, classes

    def forward(self, images: Tensor) -> object:
        return self.module(images, self.classes)


def _told(network: Network, some: Labelled) -> Iterator[tuple[Network, Tensor]]:
    """Batches, each with the discriminator, which is told their classes if it asks for them."""
    classes = some.among(network.class_names or ()).split(BATCH)
    for part, labels in zip(some.pixels.split(BATCH), classes, strict=True):
        told = network.module if network.class_names is None else _Told(network.module, labels.to(network.device))
        yield replace(network, module=told), part.to(network.device)
