"""Least distances that are known: a plane's, a box's corner, and those of a small network by a dense grid."""

import pytest
import torch
from torch import nn

from instruments.attacks.half_planes import PIXELS, curved, half_plane, needed
from snellen._errors import UsageError
from snellen.instruments.attacks._goal import Untargeted
from snellen.instruments.attacks._norms import L0, L2, Linf, Norm
from snellen.instruments.attacks._victim import Victim, negative_margin
from snellen.instruments.attacks.carlini_wagner import CarliniWagner
from snellen.subject.network import Network


@pytest.mark.parametrize(("norm", "dual"), [(L2(), 2), (Linf(), 1)], ids=["l2", "linf"])
@pytest.mark.parametrize("precision", ["float32", "auto"])
def test_the_distance_of_a_plane(norm: Norm, dual: int, precision: str) -> None:
    network, labels = half_plane(0.05)
    found = CarliniWagner(norm, precision=precision)(network, PIXELS, labels)  # type: ignore[arg-type]
    least = needed(network, dual)
    assert found.float_success.all()
    assert found.success.all()
    ratio = found.float_distance / least
    assert ratio.min() >= 1 - 1e-6
    assert ratio.max() <= (1.03 if precision == "float32" else 1.3)


def bent() -> Network:
    """Two layers of ReLUs on two pixels; classes 0 and 1."""
    torch.manual_seed(5)
    return Network(nn.Sequential(nn.Flatten(), nn.Linear(2, 12), nn.ReLU(), nn.Linear(12, 2)), name="bent")


@pytest.mark.parametrize("norm", [L2(), Linf()], ids=["l2", "linf"])
def test_the_distance_of_a_small_network_by_a_dense_grid(norm: Norm) -> None:
    network = bent()
    side = torch.linspace(0, 1, 401)
    grid = torch.stack(torch.meshgrid(side, side, indexing="ij"), dim=-1).view(-1, 1, 1, 2)
    with torch.no_grad():
        margin = network.logits(grid).diff(dim=1)[:, 0]
        network.module[3].bias[1] -= margin.median()
        answers = network.logits(grid).argmax(dim=1)
    pixels = torch.rand(24, 1, 1, 2, generator=torch.Generator().manual_seed(3)).mul(255).round() / 255
    with torch.no_grad():
        labels = network.logits(pixels).argmax(dim=1)
    found = CarliniWagner(norm, patience=10, precision="float32")(network, pixels, labels)
    least = torch.stack([norm.size(grid[answers != y] - x).min() for x, y in zip(pixels, labels, strict=True)])
    step = 2**0.5 / 400
    assert found.float_success.all()
    assert (found.float_distance >= least - step).all()
    near = found.float_distance <= 1.1 * least + step
    # in Linf three of the 24 end at another, farther part of the boundary; no slope shows the way to the nearest
    assert near.float().mean() >= (0.95 if isinstance(norm, L2) else 0.87)
    assert (found.float_distance <= 1.35 * least + step).all()
    assert found.float_distance.median() <= (1.05 if isinstance(norm, L2) else 1.1) * least.median() + step


def test_the_fewest_pixels_of_a_plane() -> None:
    network, labels = half_plane(0.05)
    found = CarliniWagner(L0())(network, PIXELS, labels)
    normal = (network.module[1].weight[1] - network.module[1].weight[0]).detach().view(3, 6, 6)
    for image, label, distance in zip(PIXELS, labels, found.distance, strict=True):
        way = normal if label == 0 else -normal
        gain = (way * ((way > 0).float() - image)).sum(dim=0).flatten().sort(descending=True).values.cumsum(dim=0)
        margin = float(-network.outputs(image[None]).detach().diff(dim=1)) * (1 if label == 0 else -1)
        assert float(distance) == int((gain < margin).sum()) + 1


def test_a_confidence_is_kept() -> None:
    network, labels = half_plane(0.05)
    found = CarliniWagner(confidence=0.3, precision="float32")(network, PIXELS, labels)
    scores = network.outputs(found.float_images).detach()
    margin = scores.gather(1, labels[:, None]) - scores.gather(1, 1 - labels[:, None])
    assert (margin <= -0.3 + 1e-4).all()
    assert (margin >= -0.5).all()


def test_more_patience_is_no_farther_and_a_batch_is_the_loop() -> None:
    network, labels = curved()
    brief = CarliniWagner(patience=1, precision="float32")(network, PIXELS[:6], labels[:6])
    long = CarliniWagner(patience=5, precision="float32")(network, PIXELS[:6], labels[:6])
    assert brief.float_success.all()
    assert (long.float_distance <= brief.float_distance * (1 + 1e-3)).all()
    for i in (1, 3):
        one = CarliniWagner(patience=5, precision="float32")(network, PIXELS[i : i + 1], labels[i : i + 1])
        torch.testing.assert_close(one.float_distance, long.float_distance[i : i + 1], rtol=1e-3, atol=1e-6)
    assert long.details["gradients"] > brief.details["gradients"]


@pytest.mark.parametrize("offset", [0.0, -50.0], ids=["plain", "negative logits"])
def test_pixels_at_0_and_1_move_and_negative_logits_are_no_obstacle(offset: float) -> None:
    """torchattacks 3.5.1 has no success at all on either."""
    network, _ = curved()
    network.module[3].bias.data += offset
    ends = (PIXELS > 0.5).float()
    with torch.no_grad():
        labels = network.logits(ends).argmax(dim=1)
    found = CarliniWagner()(network, ends, labels)
    assert found.success.all()
    assert ((found.images != ends).flatten(1).any(dim=1)).all()


def test_a_forward_written_for_contiguous_memory_is_attacked_in_float32() -> None:
    class Viewing(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.last = nn.Conv2d(3, 4, 3), nn.Linear(64, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.last(self.conv(x).view(-1, 64))  # type: ignore[no-any-return]

    torch.manual_seed(1)
    network = Network(Viewing())
    with torch.no_grad():
        labels = network.logits(PIXELS).argmax(dim=1)
    with torch.no_grad():
        low, full = (Victim(network, Untargeted(labels), low=low) for low in (True, False))
        assert torch.equal(low.slope(PIXELS, negative_margin).gradient, full.slope(PIXELS, negative_margin).gradient)
    assert "float32" in low.counts.notes["precision"]
    assert CarliniWagner()(network, PIXELS, labels).success.all()


@pytest.mark.parametrize("wrong", [{"steps": 0}, {"patience": 0}, {"confidence": -1.0}, {"precision": "half"}])
def test_wrong_settings(wrong: dict[str, object]) -> None:
    with pytest.raises(UsageError, match=next(iter(wrong))):
        CarliniWagner(**wrong)  # type: ignore[arg-type]
