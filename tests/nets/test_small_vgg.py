"""A VGG small enough to ship."""

import pytest
import torch
from safetensors.torch import save
from torch import nn

from snellen._errors import UsageError
from snellen.nets.small_vgg import SmallVGG


def test_scores_for_every_image() -> None:
    assert SmallVGG()(torch.rand(3, 1, 32, 32)).shape == (3, 10)


def test_other_sizes_fit_too() -> None:
    net = SmallVGG(channels=3, classes=4, side=16, widths=(8, 16), hidden=12)
    assert net(torch.rand(2, 3, 16, 16)).shape == (2, 4)


def test_parameters_by_hand() -> None:
    convolutions = 9 * (1 * 16 + 16 * 16 + 16 * 32 + 32 * 32 + 32 * 64 + 64 * 64)
    batch_norms = 2 * 2 * (16 + 32 + 64)
    classifier = (64 * 4 * 4 + 1) * 64 + (64 + 1) * 10
    assert sum(p.numel() for p in SmallVGG().parameters()) == convolutions + batch_norms + classifier == 138_266


def test_the_file_stays_below_two_megabytes() -> None:
    assert len(save(SmallVGG().state_dict())) < 2_000_000


def test_dropout_is_in_the_classifier_only() -> None:
    net = SmallVGG().eval()
    assert not any(isinstance(m, nn.Dropout) for m in net.features.modules())
    assert sum(isinstance(m, nn.Dropout) for m in net.classifier.modules()) == 1
    images = torch.rand(2, 1, 32, 32)
    trunk = net.features(images)
    net.classifier.train()
    assert torch.equal(net.features(images), trunk)


def test_no_relu_works_in_place() -> None:
    assert not any(m.inplace for m in SmallVGG().modules() if isinstance(m, nn.ReLU))


@pytest.mark.parametrize("arguments", [{"side": 20}, {"widths": ()}, {"hidden": 0}, {"classes": 0}])
def test_sizes_that_cannot_be_built_are_refused(arguments: dict[str, int]) -> None:
    with pytest.raises(UsageError, match="got"):
        SmallVGG(**arguments)  # type: ignore[arg-type]
