import torch

from snellen.instruments.attacks._nearest import Nearest
from snellen.instruments.attacks._norms import L2


def test_keeps_the_nearest_that_reached_its_goal() -> None:
    originals = torch.zeros(3, 1, 1, 2)
    nearest = Nearest(L2(), originals)
    nearest.take(originals + 0.5, torch.tensor([True, False, True]))
    nearest.take(originals[:2] + 0.2, torch.tensor([True, False]), torch.tensor([2, 1]))
    nearest.take(originals + 0.1, torch.tensor([False, False, False]))
    assert nearest.images[:, 0, 0, 0].tolist() == [0.5, 0.0, 0.20000000298023224]
    torch.testing.assert_close(nearest.size, torch.tensor([0.5, torch.inf, 0.2]).double() * 2**0.5)
    assert nearest.or_last(originals + 0.9)[:, 0, 0, 0].tolist()[1] == 0.8999999761581421
