"""The first layers of a classifier, cut where its cells grow too large."""

import pytest
import torch
from torch import nn

from snellen._errors import UsageError
from snellen.nets.resnet9 import ResNet9
from snellen.nets.small_vgg import SmallVGG
from snellen.nets.trunk import Trunk


@pytest.mark.parametrize(("cell", "layers"), [(None, 21), (8, 21), (4, 20), (2, 13), (3, 13)])
def test_it_is_the_classifiers_own_layers_up_to_the_cell(cell: int | None, layers: int) -> None:
    """A pooling that would make cells too large is the first layer that is left out, so the last is a ReLU."""
    settings = {"channels": 3, "widths": [4, 6, 8], "side": 16}
    whole, trunk = SmallVGG(**settings).eval(), Trunk("small_vgg", settings, cell=cell).eval()  # type: ignore[arg-type]
    assert len(trunk.features) == layers
    state = whole.features.state_dict()
    trunk.features.load_state_dict({name: state[name] for name in trunk.features.state_dict()})
    images = torch.rand(2, 3, 16, 16)
    assert torch.equal(trunk(images), whole.features[:layers](images))
    assert trunk(images).shape == (2, trunk.width, 16 // trunk.cell, 16 // trunk.cell)


def test_poolings_within_a_block_count_too() -> None:
    trunk = Trunk("resnet9", {"widths": [4, 8, 8, 16]}, cell=4)
    assert (trunk.cell, trunk.width) == (4, 8)
    assert len(trunk.features) < len(ResNet9().features)


def test_a_vgg_is_cut_without_its_head_ever_being_there() -> None:
    trunk = Trunk("vgg11_bn", {}, cell=8)
    assert (trunk.cell, trunk.width) == (8, 512)
    assert not any(p.is_meta for p in trunk.parameters())
    first = next(m for m in trunk.modules() if isinstance(m, nn.Conv2d))
    assert first.weight.std().item() == pytest.approx((2 / (9 * 64)) ** 0.5, rel=0.1)  # He, fan out
    assert all(
        torch.equal(m.running_var, torch.ones_like(m.running_var))
        for m in trunk.modules()  # type: ignore[arg-type]
        if isinstance(m, nn.BatchNorm2d)
    )


def test_unknown_kinds_and_cells_too_fine_are_refused() -> None:
    with pytest.raises(UsageError, match="no trunk named 'small_vg'; did you mean small_vgg"):
        Trunk("small_vg", {})
    with pytest.raises(UsageError, match=r"first stage of strided has cells of 2 pixels, got cell=1"):
        Trunk("strided", {}, cell=1)
