"""The distance of a plane in each norm; projections against a search; more steps are no worse."""

import pytest
import torch

from instruments.attacks.half_planes import PIXELS, curved, half_plane, needed
from snellen._errors import UsageError
from snellen.instruments.attacks._norms import L0, L2, Linf, Norm
from snellen.instruments.attacks.fmn import FMN, projected


@pytest.mark.parametrize(("norm", "dual", "most"), [(L2(), 2, 1.03), (Linf(), 1, 1.1)], ids=["l2", "linf"])
def test_the_distance_of_a_plane(norm: Norm, dual: int, most: float) -> None:
    network, labels = half_plane(0.05)
    found = FMN(norm)(network, PIXELS, labels)
    ratio = found.float_distance / needed(network, dual)
    assert found.float_success.all()
    assert ratio.min() >= 1 - 1e-6
    assert ratio.median() <= most


def test_few_pixels_in_l0() -> None:
    """Of 36 pixels no more than twice as many as are needed, counted as in the test of Carlini and Wagner's."""
    network, labels = half_plane(0.05)
    found = FMN(L0())(network, PIXELS, labels)
    normal = (network.module[1].weight[1] - network.module[1].weight[0]).detach().view(3, 6, 6)
    assert found.success.all()
    for image, label, distance in zip(PIXELS, labels, found.distance, strict=True):
        way = normal if label == 0 else -normal
        gain = (way * ((way > 0).float() - image)).sum(dim=0).flatten().sort(descending=True).values.cumsum(dim=0)
        margin = float(-network.outputs(image[None]).detach().diff(dim=1)) * (1 if label == 0 else -1)
        fewest = int((gain < margin).sum()) + 1
        assert fewest <= float(distance) <= 2 * fewest + 1


@pytest.mark.parametrize("norm", [L2(), Linf(), L0()], ids=["l2", "linf", "l0"])
def test_projections_are_the_nearest_within_each_radius(norm: Norm) -> None:
    draw = torch.Generator().manual_seed(1)
    change = torch.randn(6, 1, 1, 2, generator=draw)
    radius = torch.tensor([0.2, 0.5, 1.0, 1.4, 3.0, 0.1]).double()
    if isinstance(norm, L0):
        radius = torch.tensor([0, 1, 2, 1, 1, 0]).double()
    found = projected(change, radius, norm)
    assert (norm.size(found) <= radius + 1e-6).all()
    side = torch.linspace(-3, 3, 601)
    grid = torch.stack(torch.meshgrid(side, side, indexing="ij"), dim=-1).view(-1, 1, 1, 2)
    size = norm.size(torch.where(grid.abs() < 1e-6, 0.0, grid))
    for one, wanted, most in zip(found, change, radius, strict=True):
        nearest = (grid[size <= most] - wanted).flatten(1).norm(dim=1).min()
        assert float((one - wanted).norm()) <= float(nearest) + 1e-5


def test_more_steps_come_nearer() -> None:
    network, labels = curved()
    few, many = (FMN(steps=steps)(network, PIXELS, labels) for steps in (10, 80))
    assert many.float_success.all()
    assert many.float_distance.median() < few.float_distance.median()


@pytest.mark.parametrize("wrong", [{"steps": 0}, {"gamma": 0.0}, {"step": 0.0}])
def test_wrong_settings(wrong: dict[str, float]) -> None:
    with pytest.raises(UsageError, match=next(iter(wrong))):
        FMN(**wrong)  # type: ignore[arg-type]
