"""The loop: a rate that rises and falls, weights that are averaged, a run that survives being killed."""

import math
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from apart import killed_once_there, puzzled
from snellen._errors import UsageError
from snellen.training.fit import DivergedError, Fitted, fit, generator_of, rows_of
from snellen.training.schedule import Schedule


def small() -> nn.Module:
    torch.manual_seed(3)
    return nn.Sequential(nn.Linear(4, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.2), nn.Linear(16, 2))


def run(
    module: nn.Module, *, steps: int = 20, stop_at: int | None = None, checkpoint: Path | None = None, seed: int = 0
) -> Fitted:
    def loss_of(step: int) -> Tensor:
        if step == stop_at:
            raise KeyboardInterrupt
        inputs = torch.randn(16, 4, generator=generator_of(seed, step))
        loss: Tensor = nn.functional.cross_entropy(module(inputs).float(), (inputs[:, 0] > 0).long())
        return loss

    command = {"steps": steps, "seed": seed}
    return fit(
        module,
        loss_of,
        Schedule(steps),
        seed=seed,
        checkpoint=checkpoint,
        command=command,
        checkpoint_every=3,
    )


def test_a_run_that_was_stopped_ends_with_the_same_bits(tmp_path: Path) -> None:
    whole, parts, path = small(), small(), tmp_path / "x.checkpoint"
    expected = run(whole)
    with pytest.raises(KeyboardInterrupt):
        run(parts, stop_at=8, checkpoint=path)
    parts = small()
    with pytest.raises(KeyboardInterrupt):
        run(parts, stop_at=17, checkpoint=path)
    parts = small()
    found = run(parts, checkpoint=path)
    assert (expected.resumed_at, found.resumed_at) == (0, 15)
    assert found.losses == expected.losses
    assert all(torch.equal(a, b) for a, b in zip(whole.state_dict().values(), parts.state_dict().values(), strict=True))


def test_a_run_in_channels_last_that_was_stopped_ends_with_the_same_bits(tmp_path: Path) -> None:
    """A file keeps no memory formats, and a fused optimizer reads the memory as it lies."""

    def train(stop_at: int | None = None) -> dict[str, Tensor]:
        torch.manual_seed(3)
        module = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.Linear(128, 2))
        module.to(memory_format=torch.channels_last)

        def loss_of(step: int) -> Tensor:
            if step == stop_at:
                raise KeyboardInterrupt
            images = torch.randn(8, 3, 6, 6, generator=generator_of(0, step))
            return nn.functional.cross_entropy(module(images).float(), (images.mean(dim=(1, 2, 3)) > 0).long())

        path = None if stop_at is None and not (tmp_path / "x").exists() else tmp_path / "x"
        fit(module, loss_of, Schedule(12), seed=0, checkpoint=path, checkpoint_every=2)
        return module.state_dict()

    whole = train()
    with pytest.raises(KeyboardInterrupt):
        train(stop_at=7)
    assert (tmp_path / "x").exists()
    parts = train()
    assert all(torch.equal(whole[name], parts[name]) for name in whole)


@pytest.mark.parametrize("seed", [-1, 2**40])
def test_seeds_that_torch_could_not_count_on_are_refused(seed: int) -> None:
    with pytest.raises(UsageError, match=f"a seed must be from 0 to 1099511627775, got {seed}"):
        generator_of(seed, 0)
    assert generator_of(2**40 - 1, 1_000_000).initial_seed() > 0


def test_another_seed_is_another_network() -> None:
    one, other = small(), small()
    run(one, seed=0)
    run(other, seed=1)
    assert not torch.equal(one[0].weight, other[0].weight)


def test_torchs_generator_is_left_alone() -> None:
    module = small()
    before = torch.get_rng_state()
    run(module)
    assert torch.equal(before, torch.get_rng_state())


def test_the_result_is_the_average_of_the_weights() -> None:
    module = nn.Linear(1, 1, bias=False)
    seen: list[float] = []

    def loss_of(_: int) -> Tensor:
        seen.append(module.weight.item())
        return module(torch.ones(1, 1)).float().sum()

    start = module.weight.item()
    fit(module, loss_of, Schedule(30, average=0.5), seed=0)
    after = seen[1:]
    average = start
    for step, weight in enumerate(after):
        decay = min(0.5, (step + 1) / (step + 10))
        average = decay * average + (1 - decay) * weight
    last = (module.weight.item() - 0.5 * average) / 0.5  # undoes the last averaging: the weight of the last step
    assert last < min(after)  # the loss falls with the weight at every step
    assert module.weight.item() > last


def test_a_loss_that_is_no_number_stops_the_run() -> None:
    module = nn.Linear(1, 1)
    with pytest.raises(DivergedError, match=r"nan at step 2 of 9.*learning rate below 0.002"):
        fit(module, lambda step: module(torch.ones(1, 1)).sum() * (math.nan if step == 2 else 1), Schedule(9), seed=0)


def test_every_epoch_goes_through_all_rows_in_an_order_of_its_own() -> None:
    epochs = [torch.cat([rows_of(e * 5 + s, batch=4, count=20, seed=1) for s in range(5)]) for e in range(3)]
    assert all(torch.equal(rows.sort().values, torch.arange(20)) for rows in epochs)
    assert not torch.equal(epochs[0], epochs[1])
    assert not torch.equal(epochs[0], torch.cat([rows_of(s, batch=4, count=20, seed=2) for s in range(5)]))


def test_killed_at_any_moment_it_ends_with_the_same_bits(tmp_path: Path) -> None:
    """SIGKILL at a moment that the test does not choose well; then to the end by another process."""
    checkpoint = tmp_path / "net.checkpoint"
    killed_once_there(checkpoint, puzzled, checkpoint)
    one, other = puzzled(), puzzled(checkpoint)
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)
