"""A patch: where it is printed, what it covers, and its closed form where the network weighs all places alike."""

import pytest
import torch
from torch import Tensor, nn

from snellen._errors import UsageError
from snellen.instruments.attacks._draws import Draws
from snellen.instruments.attacks._joint import held_out
from snellen.instruments.attacks._norms import Linf
from snellen.instruments.attacks._window import Window
from snellen.instruments.attacks.patch import Patch, printed
from snellen.subject.network import Network

GENERATOR = torch.Generator().manual_seed(3)
IMAGES = torch.randint(0, 256, (40, 3, 8, 10), generator=GENERATOR) / 255
PATCH = torch.randint(0, 256, (1, 3, 4, 4), generator=GENERATOR) / 255


def places(**settings: float) -> tuple[Tensor, Tensor]:
    attack = Patch(Window(0.2), **settings)  # type: ignore[arg-type]
    return attack._places(IMAGES, Draws.of((IMAGES * 255).byte(), 0), 4)


def test_a_print_is_the_patch_at_some_place_and_nothing_else() -> None:
    made = printed(PATCH, IMAGES, *places(smallest=1.0))
    corners = []
    for image, whole in zip(made, IMAGES, strict=True):
        fits = [(y, x) for y in range(5) for x in range(7) if torch.equal(image[:, y : y + 4, x : x + 4], PATCH[0])]
        (y, x) = fits[0]
        rest = image.clone()
        rest[:, y : y + 4, x : x + 4] = whole[:, y : y + 4, x : x + 4]
        assert torch.equal(rest, whole)
        corners.append((y, x))
    assert {y for y, _ in corners} == set(range(5))
    assert {x for _, x in corners} == set(range(7))


def test_prints_have_many_sizes_and_show_pixels_of_the_patch() -> None:
    made = printed(PATCH, IMAGES, *places(smallest=0.5))
    sizes = (Window().size(made - IMAGES) * 80).round().tolist()
    assert set(sizes) == {4, 9, 16}
    changed = (made != IMAGES).any(dim=1)
    colours = {tuple(c) for c in PATCH[0].flatten(1).T.tolist()}
    assert {tuple(c) for c in made.permute(0, 2, 3, 1)[changed].tolist()} <= colours


def test_the_slope_goes_back_through_the_print() -> None:
    rows, columns = places(smallest=0.5)
    slope = torch.randn(IMAGES.shape, generator=GENERATOR)
    patch = PATCH.clone().requires_grad_()
    (expected,) = torch.autograd.grad(printed(patch, IMAGES, rows, columns), patch, slope)
    found = torch.einsum("nyi,ncyx,nxj->cij", rows, slope, columns)
    torch.testing.assert_close(found, expected[0])


def test_where_all_places_weigh_alike_the_patch_is_black_and_white() -> None:
    """Scores are the means of the channels, weighed: the best patch is 1 where the target's weight is larger."""
    weight = torch.tensor([[1.0, -0.5, 0.2], [-0.3, 0.8, 0.9]])
    module = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 2))
    module[2].weight.data, module[2].bias.data = weight, torch.tensor([0.5, 0.0])
    network = Network(module)
    scores = network.outputs(IMAGES).detach()
    assert (scores.argmax(dim=1) == 0).float().mean() > 0.5
    images = IMAGES[scores.argmax(dim=1) == 0]
    found = Patch(Window(0.2), steps=30)(network, images, torch.zeros(len(images), dtype=torch.long), target=1)
    best = (weight[1] > weight[0]).float().view(1, 3, 1, 1).expand(1, 3, 4, 4)
    assert torch.equal(found.details["patch"], best)
    assert (found.distance[found.success] <= 0.2).all()
    held = held_out(found)
    assert int(held.sum()) == len(images) - len(found.details["learned"])
    assert 0 < int(found.success[held].sum()) < int(held.sum())


def test_settings_out_of_range() -> None:
    with pytest.raises(UsageError, match=r"smallest=1\.5"):
        Patch(smallest=1.5)
    with pytest.raises(UsageError, match="knows the norms Window"):
        Patch(Linf(0.1))
    network = Network(nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 2)))
    labels = network.outputs(IMAGES).argmax(dim=1)
    with pytest.raises(UsageError, match="holds no pixel"):
        Patch(Window(0.01))(network, IMAGES, labels)
