"""Each broken generator is caught by the check that is meant for it, and real images in its place by none."""

from functools import cache

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from snellen._errors import ImagesError, UsageError
from snellen.exam.generate import examine_generator
from snellen.findings.findings import Findings
from snellen.subject.load.digits import digit_pixels
from snellen.subject.network import Network
from snellen.subject.preprocessing import Preprocessing

COUNT = 200


@cache
def digits() -> tuple[Tensor, Tensor]:
    """All digits at 16 x 16 pixels, in an order of their own, and their labels."""
    pixels, labels = digit_pixels("all")
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(0))
    return F.avg_pool2d(pixels, 2)[order], labels[order]


@cache
def classifier() -> Network:
    """Least squares on 8 x 8 pixels: no training, and nine of ten digits right."""
    pixels, labels = digits()
    flat = F.avg_pool2d(pixels, 2).flatten(1)
    inputs = torch.cat([flat, torch.ones(len(flat), 1)], dim=1)
    weights = torch.linalg.lstsq(inputs, F.one_hot(labels, 10).float(), driver="gelsd").solution.T
    linear = nn.Linear(64, 10)
    linear.weight.data, linear.bias.data = weights[:, :-1].contiguous(), weights[:, -1].contiguous()
    net = nn.Sequential(nn.AvgPool2d(2), nn.Flatten(), linear)
    return Network(net, preprocessing=Preprocessing(channels="L"), class_names=list("0123456789"), name="least squares")


def trained_on() -> Tensor:
    return digits()[0][:900]


def others() -> Tensor:
    return digits()[0][900 : 900 + COUNT]


def noise(seed: int) -> Tensor:
    return torch.randn(COUNT, 1, 16, 16, generator=torch.Generator().manual_seed(seed))


def constant() -> Tensor:
    return (digits()[0][1200:1201] + 0.01 * noise(0)).clamp(0, 1)


def three_classes() -> Tensor:
    pixels, labels = digits()
    return pixels[900:][labels[900:] < 3][:COUNT]


def by_heart() -> Tensor:
    rows = torch.randperm(900, generator=torch.Generator().manual_seed(1))[:COUNT]
    return (trained_on()[rows] + 0.01 * noise(2)).clamp(0, 1)


def few_pictures() -> Tensor:
    """60 new pictures, again and again."""
    rows = torch.randint(60, (COUNT,), generator=torch.Generator().manual_seed(3))
    return (others()[rows] + 0.01 * noise(4)).clamp(0, 1)


def only_noise() -> Tensor:
    return torch.rand(COUNT, 1, 16, 16, generator=torch.Generator().manual_seed(5))


def checkerboard() -> Tensor:
    board = torch.zeros(16, 16)
    board[::2, ::2] = 0.15
    return (0.8 * others() + board).clamp(0, 1)


def blurred() -> Tensor:
    return F.avg_pool2d(F.pad(others(), (2, 2, 2, 2), mode="reflect"), 5, 1)


BROKEN = {
    "constant": (constant, "Collapsed"),
    "three classes of ten": (three_classes, "Classes are missing"),
    "training images by heart": (by_heart, "Training images learned by heart"),
    "few pictures": (few_pictures, "The same pictures again and again"),
    "noise": (only_noise, "Samples unlike real images"),
    "checkerboard": (checkerboard, "A checkerboard"),
    "blurred": (blurred, "Blurred samples"),
}
"""What is broken -> the samples, and the title of the finding that must say so."""


@cache
def examined(name: str) -> Findings:
    return examine_generator(BROKEN[name][0](), trained_on(), classifier=classifier(), seed=1)


def alarms(found: Findings) -> list[str]:
    return [f.title for f in (*found.errors, *found.warnings)]


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_broken_is_caught_by_its_check(name: str) -> None:
    found = examined(name)
    assert BROKEN[name][1] in alarms(found)
    assert all(f.remedy for f in (*found.errors, *found.warnings))
    assert "The check crashed" not in [f.title for f in found]


def test_real_images_in_the_samples_place_raise_no_alarm() -> None:
    for seed in range(20):
        pixels = digits()[0][torch.randperm(1797, generator=torch.Generator().manual_seed(seed))]
        samples, real, held = pixels[:80], pixels[80:280], pixels[280:400]
        found = examine_generator(samples, real, held_out=held if seed % 2 else None, seed=seed)
        assert alarms(found) == [], (seed, [str(f) for f in found])


def test_real_images_with_a_classifier_raise_no_alarm() -> None:
    found = examine_generator(others(), trained_on(), classifier=classifier())
    assert alarms(found) == []
    assert found.measured["classes_made"] == 10


def test_the_numbers_of_the_broken_ones_are_as_made() -> None:
    assert examined("constant").measured["pair_distance_ratio"] < 0.1
    three = examined("three classes of ten").measured
    assert 4 <= three["classes_missing"] + three["classes_rare"] <= 7
    heart = examined("training images by heart").measured
    assert heart["copied_samples"] == COUNT
    few = examined("few pictures").measured
    assert few["support"] == pytest.approx(60, rel=0.15)
    assert examined("noise").measured["fine_power_ratio"] > 3
    assert examined("blurred").measured["fine_power_ratio"] < 0.5
    assert examined("checkerboard").measured["pattern_octaves"] > 5


def test_an_uneven_transposed_convolution_is_named() -> None:
    net = nn.Sequential(nn.ConvTranspose2d(4, 4, 4, 2, 1), nn.ConvTranspose2d(4, 1, 3, 2))
    found = examine_generator(others(), trained_on(), generator=net)
    (told,) = [f for f in found.warnings if f.check == "generation/uneven_upsampling"]
    assert "In 1 of 2 transposed convolutions, 1 first" in told.sentence
    assert "of 1 to 4 there" in told.sentence
    assert alarms(examine_generator(others(), trained_on(), generator=net[:1])) == []


def scorer(scale: float, offset: float) -> Network:
    """scale * (mean pixel) + offset."""
    linear = nn.Linear(256, 1)
    linear.weight.data, linear.bias.data = torch.full((1, 256), scale / 256.0), torch.tensor([float(offset)])
    return Network(nn.Sequential(nn.Flatten(), linear), preprocessing=Preprocessing(channels="L"), name="scorer")


def test_a_discriminator_that_has_won_is_saturated() -> None:
    dark = others() * 0.1
    won = examine_generator(dark, trained_on(), discriminator=scorer(300, -20), loss="saturating")
    (told,) = [f for f in won.warnings if f.check == "generation/saturated"]
    assert won.measured["discriminator_accuracy"] > 0.99
    assert won.measured["loss_slope"] < 0.02
    assert won.measured["input_slope"] == pytest.approx(300 / 16, rel=1e-5)
    assert "saturating" in told.sentence
    even = examine_generator(others(), trained_on(), discriminator=scorer(300, -60), loss="saturating")
    assert even.measured["discriminator_auc"] == pytest.approx(0.5, abs=0.1)
    assert [f.severity for f in even if f.check == "generation/saturated"] == ["info"]


def test_a_discriminator_that_knows_its_images_by_heart() -> None:
    """Trained images are marked by brightness here; the held-out ones are darker."""
    found = examine_generator(
        others(), trained_on(), held_out=others() * 0.7, discriminator=scorer(30, 0), loss="hinge"
    )
    assert "A discriminator that knows its images by heart" in alarms(found)


def test_nothing_of_the_networks_changes() -> None:
    net, judge = classifier(), scorer(3, 0)
    for module in (net.module, judge.module):
        module.train()
    before = [p.clone() for p in (*net.module.parameters(), *judge.module.parameters())]
    state = torch.random.get_rng_state()
    examine_generator(others(), trained_on(), classifier=net, discriminator=judge, generator=judge.module)
    assert torch.equal(state, torch.random.get_rng_state())
    after = [*net.module.parameters(), *judge.module.parameters()]
    assert all(torch.equal(a, b) and b.grad is None and b.requires_grad for a, b in zip(before, after, strict=True))
    assert net.module.training
    assert judge.module.training


@pytest.mark.parametrize(
    ("samples", "words"),
    [
        (torch.rand(5, 1, 16, 16), "at least 20 samples are needed to say anything, got 5"),
        (torch.rand(30, 1, 8, 16), "real images must have the size of the samples, 8 x 16, got 16 x 16"),
        (torch.rand(30, 2, 16, 16), r"must be floats \(n, 1 or 3 channels, h, w\)"),
        (
            torch.linspace(-1, 0.999, 30 * 256).view(30, 1, 16, 16),
            r"got -1 to 0.999; of values in \[-1, 1\] take \(x \+ 1\) / 2",
        ),
        (torch.full((30, 1, 16, 16), float("nan")), "30 of 30 samples hold NaN or infinity"),
    ],
)
def test_samples_that_cannot_be_used(samples: Tensor, words: str) -> None:
    with pytest.raises(ImagesError, match=words):
        examine_generator(samples, trained_on())


def test_coloured_real_images_are_made_grey_for_grey_samples() -> None:
    found = examine_generator(others(), trained_on().expand(-1, 3, -1, -1))
    assert alarms(found) == []
    with pytest.raises(UsageError, match="no loss named 'hing'"):
        examine_generator(others(), trained_on(), loss="hing")
