"""Subjects whose predictions are written down by hand, so that every answer of a check is known."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from snellen.checks._base import Subject
from snellen.findings.evidence import Curve, Evidence, Gallery, Matrix, Table
from snellen.findings.finding import Finding
from snellen.subject.batches import BadImage
from snellen.subject.images import Images
from snellen.subject.load.arrays import array_images
from snellen.subject.network import Network
from snellen.subject.predictions import Predictions
from snellen.subject.preprocessing import Preprocessing

SIDE = 6


def silent(_stage: str, _done: int, _total: int) -> None:
    """No progress."""


def noise(count: int, *, side: int = SIDE, seed: int = 0) -> Tensor:
    """(n, 3, side, side) uniform pixels."""
    return torch.rand(count, 3, side, side, generator=torch.Generator().manual_seed(seed))


def linear(classes: int, *, side: int = SIDE) -> nn.Module:
    torch.manual_seed(1)
    return nn.Sequential(nn.Flatten(), nn.Linear(3 * side * side, classes))


def network(
    module: nn.Module, *, names: Sequence[str] | None = None, side: int = SIDE, notes: Sequence[str] = ()
) -> Network:
    fit = Preprocessing(size=(side, side))
    return Network(module, preprocessing=fit, class_names=names, notes=notes, name="net")


def scores(predicted: Sequence[int], classes: int, *, sure: float = 4.0) -> Tensor:
    """Logits whose largest is that of ``predicted``, slightly different from image to image."""
    logits = torch.zeros(len(predicted), classes)
    for row, answer in enumerate(predicted):
        logits[row, answer] = sure + 0.001 * row
    return logits


def subject(
    logits: Tensor,
    labels: Sequence[int] | None = None,
    *,
    module: nn.Module | None = None,
    names: Sequence[str] | None = None,
    bad: Sequence[BadImage] = (),
    notes: Sequence[str] = (),
    image_notes: Sequence[str] = (),
    pixels: Tensor | None = None,
    seed: int = 0,
) -> Subject:
    """A subject that says ``logits`` of its images, whatever its network would say."""
    count, classes = logits.shape
    pixels = noise(count) if pixels is None else pixels
    images: Images = array_images(pixels.numpy(), labels=None if labels is None else np.array(labels, dtype=np.int64))
    images = Images(images.source, labels=images.labels, name="hand made", notes=tuple(image_notes))
    known = torch.full((count,), -1) if labels is None else torch.tensor(labels)
    rows = torch.arange(count)
    seen = Predictions(logits, rows, known.long(), tuple(f"image {i}" for i in range(count)), tuple(bad))
    net = network(module or linear(classes), names=names, side=pixels.shape[2], notes=notes)
    return Subject(net, images, seen, seed, silent)


def evidence(finding: Finding, title: str) -> Evidence:
    """The piece of evidence of this title."""
    return next(e for e in finding.evidence if e.title == title)


def table(finding: Finding, title: str) -> Table:
    found = evidence(finding, title)
    assert isinstance(found, Table)
    return found


def gallery(finding: Finding, title: str) -> Gallery:
    found = evidence(finding, title)
    assert isinstance(found, Gallery)
    return found


def matrix(finding: Finding, title: str) -> Matrix:
    found = evidence(finding, title)
    assert isinstance(found, Matrix)
    return found


def curve(finding: Finding, title: str) -> Curve:
    found = evidence(finding, title)
    assert isinstance(found, Curve)
    return found
