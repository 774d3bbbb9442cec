"""ResNet9 against a count by hand and against the same function written out."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from snellen._errors import UsageError
from snellen.nets.resnet9 import ResNet9


def test_parameters_by_hand() -> None:
    pairs = [(3, 64), (64, 128), (128, 128), (128, 128), (128, 256), (256, 512), (512, 512), (512, 512)]
    expected = sum(9 * a * b + 2 * b for a, b in pairs) + 512 * 10 + 10
    assert sum(p.numel() for p in ResNet9().parameters()) == expected == 6_573_130


def test_it_is_the_function_of_its_source() -> None:
    torch.manual_seed(0)
    net, images = ResNet9(widths=(4, 6, 6, 8), classes=5).eval(), torch.rand(3, 3, 16, 16)
    state = net.state_dict()

    def block(maps: Tensor, name: str, *, pool: bool = False) -> Tensor:
        maps = F.conv2d(maps, state[f"{name}.0.weight"], padding=1)
        maps = F.max_pool2d(maps, 2) if pool else maps
        norm = f"{name}.{2 if pool else 1}"
        mean, var, weight, bias = (state[f"{norm}.{k}"] for k in ("running_mean", "running_var", "weight", "bias"))
        return F.batch_norm(maps, mean, var, weight, bias).relu()

    maps = block(images, "features.0")
    maps = block(maps, "features.1", pool=True)
    maps = maps + block(block(maps, "features.2.branch.0"), "features.2.branch.1")
    maps = block(block(maps, "features.3", pool=True), "features.4", pool=True)
    maps = maps + block(block(maps, "features.5.branch.0"), "features.5.branch.1")
    expected = 0.125 * F.linear(maps.amax(dim=(2, 3)), state["head.weight"], state["head.bias"])
    assert torch.allclose(net(images), expected, atol=1e-6)


@pytest.mark.parametrize(
    "wrong", [{"widths": (8, 8, 8)}, {"widths": (8, 8, 8, 0)}, {"classes": 0}, {"dropout": 1.0}, {"dropout": -0.1}]
)
def test_what_is_no_network_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(UsageError, match="ResNet9 needs four widths"):
        ResNet9(**wrong)  # type: ignore[arg-type]
