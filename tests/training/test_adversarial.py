"""The images that an adversary makes: their closed form on a linear network, and a network that withstands them."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lessons import small_lesson
from snellen._errors import UsageError
from snellen.nets.saved import Saved
from snellen.training.adversarial import Adversary, robust_score, worst
from snellen.training.dataset import Part
from snellen.training.ranks import Ranks
from toys import small_network
from untouched import untouched

MEAN, STD = (0.4, 0.5, 0.6), (0.2, 0.3, 0.4)
SCALE = torch.tensor(STD).view(3, 1, 1)


def normalised(pixels: Tensor) -> Tensor:
    return (pixels - torch.tensor(MEAN).view(3, 1, 1)) / SCALE


def made(module: nn.Module, pixels: Tensor, targets: Tensor, *, eps: float, start: Tensor | None = None) -> Tensor:
    images = normalised(pixels)
    start = torch.zeros_like(images) if start is None else start
    found = worst(
        module, images, targets, F.cross_entropy, adversary=Adversary(eps=eps), start=start, mean=MEAN, std=STD
    )
    return found * SCALE + torch.tensor(MEAN).view(3, 1, 1)


def test_on_a_linear_network_it_is_the_corner_of_the_ball_and_of_the_range() -> None:
    """Wherever it starts; a pixel that an augmentation put outside [0, 1] may come back and goes no further out."""
    torch.manual_seed(0)
    module = nn.Sequential(nn.Flatten(), nn.Linear(48, 2))
    pixels, targets = torch.rand(6, 3, 4, 4), torch.tensor([0, 1, 0, 1, 0, 1])
    pixels[0, :, 0], pixels[1, :, 0], pixels[2, 0, 0, 0], pixels[2, 0, 0, 1] = 0.0, 1.0, -0.02, 1.3
    weight = (module[1].weight[1] - module[1].weight[0]).detach().view(3, 4, 4)
    way = weight.sign() * torch.where(targets == 0, 1.0, -1.0).view(-1, 1, 1, 1)
    low, high = pixels.clamp(max=0), pixels.clamp(min=1)
    expected = (pixels + 20 / 255 * way).clamp(low, high)
    start = 2 * torch.rand(pixels.shape) - 1
    found = made(module, pixels, targets, eps=20.9 / 255, start=start)
    torch.testing.assert_close(found, expected)


def test_it_is_made_in_evaluation_mode_and_leaves_no_trace() -> None:
    """BatchNorm and dropout would otherwise let an image's change depend on its batch mates, or on chance."""
    module = small_network().module
    pixels, targets = torch.rand(4, 3, 6, 6), torch.tensor([0, 1, 2, 3])
    with untouched(module):
        together = made(module, pixels, targets, eps=0.1)
    alone = torch.cat([made(module, pixels[i : i + 1], targets[i : i + 1], eps=0.1) for i in range(4)])
    torch.testing.assert_close(together, alone)
    assert not torch.equal(together, pixels)


def test_what_is_right_at_the_end_is_what_a_closed_form_says() -> None:
    """Linear: an image resists eps if its margin is at least eps times the sum of the weights' sizes."""
    torch.manual_seed(1)
    layer = nn.Linear(48, 2)
    images = torch.randint(60, 196, (80, 3, 4, 4), dtype=torch.uint8)
    mean = normalised(images / 255).flatten(1).mean(dim=0)
    layer.bias.data -= (layer(mean) - layer.bias).detach() + layer.bias.detach()
    module = nn.Sequential(nn.Flatten(), layer).train()
    gap = module(normalised(images / 255)).detach().diff(dim=1)[:, 0]
    labels = (torch.arange(80) % 3 == 0).long() ^ (gap > 0).long()
    margin = torch.where(labels == 1, gap, -gap)
    reach = float(((layer.weight[1] - layer.weight[0]).detach().view(3, 16).abs().sum(dim=1) / torch.tensor(STD)).sum())
    eps = 4 / 255
    saved = Saved(module, kind="small_vgg", settings={}, task="classify", mean=MEAN, std=STD)
    with untouched(module):
        found = robust_score(saved, Part(images, labels), Adversary(eps=eps), seed=0)
    assert (margin - eps * reach).abs().min() > 1e-3
    assert found.answers.tolist() == (margin > eps * reach).tolist()
    assert 5 < found.right < int((margin > 0).sum()) - 5


class Seen(nn.Module):
    """Keeps the images it is given in training mode."""

    def __init__(self) -> None:
        super().__init__()
        self.inner, self.images = nn.Sequential(nn.Flatten(), nn.Linear(768, 3)), torch.empty(0)

    def forward(self, images: Tensor) -> Tensor:
        if self.training:
            self.images = images.detach().clone()
        return self.inner(images)  # type: ignore[no-any-return]


def test_processes_that_share_a_batch_attack_the_same_images(tmp_path: Path) -> None:
    lesson, module = small_lesson(tmp_path, adversary=Adversary()), Seen()
    lesson.losses(module)(3)
    whole = module.images
    for rank in (0, 1):
        lesson.losses(module, ranks=Ranks(rank, 2))(3)
        torch.testing.assert_close(module.images, whole[rank::2])
    clean, _ = lesson.seen(3)
    moved = (whole - clean).abs().amax() * lesson.std[0] * 255
    assert float(moved) == pytest.approx(8, abs=1e-3)
    lesson.losses(module)(4)
    assert not torch.equal(module.images, whole)


def test_training_on_such_images_gives_up_what_does_not_last() -> None:
    """One pixel tells the class for 90 % of the images and eps cannot turn it; many faint ones tell it better, and can.

    The set-up of Tsipras et al. 2019, Robustness May Be at Odds with Accuracy, arXiv 1805.12152. The weights are those
    of a linear network, whose robust accuracy is known: the margin must exceed eps times the sum of their sizes.
    """
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(400) % 2
    sign = 2.0 * labels - 1
    pixels = 0.5 + 0.04 * sign.view(-1, 1, 1, 1) + 0.1 * torch.randn(400, 3, 4, 4, generator=generator)
    pixels[:, 0, 0, 0] = 0.5 + 0.4 * torch.where(torch.rand(400, generator=generator) < 0.9, sign, -sign)
    pixels, eps = pixels.clamp(0, 1), 25 / 255
    accuracy, robust = [], []
    for adversary in (None, Adversary(eps=eps, steps=3)):
        torch.manual_seed(0)
        module = nn.Sequential(nn.Flatten(), nn.Linear(48, 2))
        optimizer = torch.optim.Adam(module.parameters(), lr=0.05)
        for _ in range(60):
            seen = normalised(pixels if adversary is None else made(module, pixels, labels, eps=eps))
            optimizer.zero_grad()
            F.cross_entropy(module(seen), labels).backward()
            optimizer.step()
        weight = (module[1].weight[1] - module[1].weight[0]).detach().view(3, 4, 4) / SCALE
        margin = sign * module(normalised(pixels)).detach().diff(dim=1)[:, 0]
        accuracy.append(float((margin > 0).float().mean()))
        robust.append(float((margin > eps * weight.abs().sum()).float().mean()))
    assert accuracy[0] > 0.95 > accuracy[1] > 0.85
    assert robust[0] < 0.5
    assert robust[1] > 0.8


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"method": "fgsm"}, "by pgd, got 'fgsm'"),
        ({"steps": 0}, "at least 1, got 0"),
        ({"eps": 8.0}, "whole range of pixels, 1, got 8"),
        ({"eps": 0.001}, "less than one of 255 levels"),
    ],
)
def test_no_adversary(settings: dict[str, object], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        Adversary(**settings)  # type: ignore[arg-type]
