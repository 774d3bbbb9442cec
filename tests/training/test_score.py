"""Accuracy and loss against the definition, one image at a time."""

import math

import pytest
import torch
from torch import nn

from snellen.training.dataset import Part
from snellen.training.score import score
from untouched import untouched

MEAN, STD = (0.4, 0.5, 0.6), (0.2, 0.25, 0.3)


def made(n: int = 300) -> tuple[nn.Module, Part]:
    torch.manual_seed(1)
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(144, 3)).eval()
    generator = torch.Generator().manual_seed(2)
    images = torch.randint(256, (n, 3, 8, 8), dtype=torch.uint8, generator=generator)
    return module, Part(images, torch.randint(3, (n,), generator=generator))


def likely(module: nn.Module, image: torch.Tensor) -> torch.Tensor:
    pixels = (image.float() / 255 - torch.tensor(MEAN).view(3, 1, 1)) / torch.tensor(STD).view(3, 1, 1)
    with torch.no_grad():
        return module(pixels[None]).double().softmax(dim=1)[0]


def moved(image: torch.Tensor, down: int, right: int) -> torch.Tensor:
    """The pixel that comes to a place, by its number; beyond the edge they count backwards."""
    side = image.shape[1]
    rows = [side - 1 - abs(side - 1 - abs(i - down)) for i in range(side)]
    columns = [side - 1 - abs(side - 1 - abs(i - right)) for i in range(side)]
    return image[:, rows][:, :, columns]


@pytest.mark.parametrize(("mirror", "shift"), [(False, 0), (True, 0), (False, 2), (True, 1)])
def test_it_is_the_loop_over_the_images(mirror: bool, shift: int) -> None:
    module, part = made()
    losses, right = [], []
    for image, label in zip(part.images, part.labels.tolist(), strict=True):
        ways = [(0, 0), (-shift, 0), (shift, 0), (0, -shift), (0, shift)] if shift else [(0, 0)]
        views = [moved(image, *way) for way in ways]
        views += [view.flip(2) for view in views] if mirror else []
        found = torch.stack([likely(module, view) for view in views]).mean(dim=0)
        losses.append(-math.log(found[label]))
        right.append(int(found.argmax()) == label)
    with untouched(module):
        seen = score(module, part, mean=MEAN, std=STD, mirror=mirror, shift=shift, exact=True)
    assert (seen.right, seen.count, seen.accuracy) == (sum(right), 300, sum(right) / 300)
    assert seen.answers.tolist() == right
    loss = torch.tensor(losses, dtype=torch.float64)
    assert seen.loss == pytest.approx(loss.mean().item(), rel=1e-5)
    assert seen.error == pytest.approx((loss.std(correction=0) / math.sqrt(300)).item(), rel=1e-4)


def test_the_fast_way_is_close() -> None:
    module, part = made()
    exact, fast = (score(module, part, mean=MEAN, std=STD, exact=e) for e in (True, False))
    assert fast.loss == pytest.approx(exact.loss, rel=0.01)
