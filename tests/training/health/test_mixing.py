"""The outputs beside other mates: by an independent computation, with noise taken off, and without a trace."""

import torch
from torch import Tensor, nn

from snellen.training.health.calls import Calls
from snellen.training.health.kept import Dice
from snellen.training.health.mixing import Mixing, mixing
from snellen.training.health.registered import modules_of
from snellen.training.health.setup import TrainingSetup
from toys import Toy
from untouched import untouched


def measured(network: nn.Module, images: Tensor) -> Mixing | None:
    setup = TrainingSetup(network, (), (images, None), nn.MSELoss(), False)
    names = {id(m): n for n, m in modules_of(network).items()}
    calls = Calls(names)
    with torch.no_grad(), calls.watched():
        network(images)
    with untouched(network):
        return mixing(setup, calls.given, names, Dice())


def test_the_change_is_what_the_exchanged_images_make_of_the_mean() -> None:
    images = torch.arange(32.0).view(16, 2)
    found = measured(Toy(lambda _, x: x - x.mean(0)), images)
    first, second = images[:8], images[[8, 1, 9, 3, 10, 5, 11, 7]]
    one, other = first - first.mean(0), second - second.mean(0)
    assert found is not None
    assert (found.rows, found.kept, found.moved) == (16, 4, 4)
    assert abs(found.change - float((one - other)[[1, 3, 5, 7]].abs().max() / one.abs().max())) < 1e-6


def test_only_the_images_that_moved_are_counted() -> None:
    found = measured(Toy(lambda _, x: x + (torch.arange(len(x)) == 1)[:, None] * x[:1]), torch.randn(12, 3))
    assert found is not None
    assert found.moved == 1


def test_noise_that_no_seed_holds_is_no_mixing() -> None:
    own = torch.Generator().manual_seed(0)
    found = measured(Toy(lambda _, x: x + 1e-2 * torch.randn(x.shape, generator=own)), torch.ones(12, 3))
    assert found is not None
    assert found.moved == 0


def test_what_keeps_its_batch_is_put_back() -> None:
    """A state of the size of the batch, and a buffer, are those of the whole batch afterwards."""

    def run(m: nn.Module, x: Tensor) -> Tensor:
        m.state = x.sum(1)
        m.count += 1
        return x

    network = Toy(run)
    network.register_buffer("count", torch.zeros(()))
    assert measured(network, torch.randn(12, 3)) is not None
    assert network.state.shape == (12,)  # type: ignore[union-attr]
    assert float(network.count) == 1  # type: ignore[arg-type]


def test_it_does_not_apply_to_similarities_to_one_row_or_to_a_fixed_batch() -> None:
    assert measured(Toy(lambda _, x: x @ x.T), torch.randn(12, 3)) is None
    assert measured(Toy(lambda _, x: x), torch.randn(1, 3)) is None
    assert measured(Toy(lambda _, x: x.view(12, 3)), torch.randn(12, 3)) is None
    assert measured(Toy(lambda _, x: x.mean(0)), torch.randn(12, 3)) is None


def test_images_may_stand_behind_time() -> None:
    """(n, t) to (t, n, 1): the change of the mean over the batch is that of the images in front."""
    images = torch.arange(48.0).view(16, 3).cos()
    front, behind = (
        measured(Toy(how), images)
        for how in (lambda _, x: (x - x.mean(0))[..., None], lambda _, x: (x - x.mean(0)).T[..., None])
    )
    assert front is not None
    assert behind is not None
    assert (front.axis, behind.axis) == (0, 1)
    assert (behind.moved, behind.change) == (front.moved, front.change) == (4, behind.change)
    alone = measured(Toy(lambda _, x: x.T[..., None]), images)
    assert alone is not None
    assert alone.moved == 0
