"""Accuracy on corrupted images, where what a corruption does to a grey image is known in closed form."""

import pytest
import torch
from torch import Tensor, nn

from checks.hand_made import curve, gallery, network, silent, table
from snellen._errors import ImagesError, UsageError
from snellen.checks._base import Subject
from snellen.checks.robustness.corruptions import CommonCorruptions
from snellen.findings.interval import paired, wilson
from snellen.instruments.corruptions import METHODS
from snellen.subject.load.arrays import array_images
from snellen.subject.network import Network
from snellen.subject.predictions import predict
from untouched import untouched

GREYS = torch.tensor([0.2, 0.38, 0.42, 0.46, 0.485, 0.49, 0.495, 0.6, 0.8, 0.9])
CONTRAST_AND_BRIGHTNESS = ("contrast", "brightness")
SHARES = "Share of right answers, the costliest first"


def bright() -> Network:
    """Class 1 where the mean of the image is above one half."""
    layer = nn.Linear(108, 2)
    layer.weight.data = torch.tensor([[-1.0], [1.0]]).repeat(1, 108) / 108
    layer.bias.data = torch.tensor([0.5, -0.5])
    return network(nn.Sequential(nn.Flatten(), layer))


def subject(greys: Tensor = GREYS, *, labelled: bool = True) -> Subject:
    net = bright()
    pixels = (greys * 255).round().view(-1, 1, 1, 1).expand(-1, 3, 6, 6) / 255
    labels = (greys > 0.5).long()
    labels[-1] = 0
    images = array_images(pixels.contiguous(), labels=labels.numpy() if labelled else None)
    return Subject(net, images, predict(net, images), 0, silent)


def test_contrast_leaves_grey_images_alone_and_brightness_moves_them_by_its_table() -> None:
    """The last image is labelled wrongly; brightness of severity 2 and 3 adds 0.1 and 0.15 to small images."""
    found, _ = CommonCorruptions(CONTRAST_AND_BRIGHTNESS, severities=(3, 2))(subject())
    assert table(found, SHARES).columns == ("corruption", "severity 2", "severity 3", "mean", "lower", "upper")
    worst, harmless = table(found, SHARES).rows
    assert worst[:3] == ("brightness", pytest.approx(0.4), pytest.approx(0.3))
    assert harmless[:3] == ("contrast", pytest.approx(0.9), pytest.approx(0.9))
    assert found.measured["worst_corruption_accuracy"] == pytest.approx(0.35)
    assert found.measured["corruption_accuracy"] == pytest.approx((0.4 + 0.3 + 0.9 + 0.9) / 4)
    ends = found.measured["corruption_accuracy_low"], found.measured["corruption_accuracy_high"]
    assert ends == pytest.approx(wilson(6.25, 10))
    x, y = curve(found, "Accuracy by severity").series["mean over corruptions"]
    assert (x, y) == ((0.0, 2.0, 3.0), pytest.approx((0.9, 0.65, 0.6)))
    assert "Of 10 images 9 are answered rightly (90.0%)" in found.sentence
    assert "35.0% under brightness, which costs most" in found.sentence


def test_the_gallery_shows_an_image_whose_answer_is_lost() -> None:
    found, _ = CommonCorruptions(CONTRAST_AND_BRIGHTNESS)(subject())
    contrast, brightness = gallery(found, "Each corruption").tiles
    assert (contrast.mark, brightness.mark) == ("right", "wrong")
    assert brightness.image == 1
    assert [int(shown.pixels[0, 0, 0]) for shown in brightness.pictures] == [97, 97 + 38]  # type: ignore[union-attr]


def test_noise_of_the_same_size_is_harmless_where_the_attack_is_not() -> None:
    """Eight levels, 0.031, all one way reach 0.5 from 0.485 on; as coins fall, the mean hardly moves."""
    check = CommonCorruptions(("contrast",), steps=2)
    seen = subject()
    with untouched(seen.network.module):
        _, found = check(seen)
    assert found.measured["noise_accuracy"] == pytest.approx(0.9)
    low, high = paired(3, 0, 10)
    assert "9 of 10 images are answered rightly under random noise and 6 under PGD, 30 points less" in found.sentence
    assert f"({100 * low:.0f} to {100 * high:.0f})" in found.sentence
    assert ("cannot be told" in found.sentence) == (low <= 0)
    _, many = check(subject(torch.cat([GREYS[4:7]] * 6)))
    assert "the attack is worse than noise of its size" in many.sentence


def test_all_corruptions_and_all_numbers() -> None:
    findings = CommonCorruptions(images=2)(subject())
    assert {row[0] for row in table(findings[0], SHARES).rows} == {name.replace("_", " ") for name in METHODS}
    assert {key for finding in findings for key in finding.measured} == set(CommonCorruptions.metrics)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"images": 0}, "at least 1"),
        ({"severities": ()}, "at least one severity"),
        ({"severities": (6,)}, "1, 2, 3, 4 or 5"),
        ({"corruptions": ("rain",)}, "rain"),
        ({"eps": "no"}, "no"),
    ],
)
def test_wrong_settings(wrong: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        CommonCorruptions(**wrong)  # type: ignore[arg-type]


def test_images_without_labels() -> None:
    with pytest.raises(ImagesError, match="needs labels"):
        CommonCorruptions()(subject(labelled=False))
