"""Quiet: everything is put back, whatever the forward does and however it ends."""

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from snellen._errors import NetworkError
from snellen.subject.quiet import quiet
from toys import small_network
from untouched import untouched


class Stop(Exception):  # noqa: N818  it stands for any exception
    pass


def stop_after(act: Callable[..., None], *arguments: Any) -> None:
    act(*arguments)
    raise Stop


def draw(_: nn.Module) -> None:
    random.random()
    np.random.rand()
    torch.rand(3)


def train(module: nn.Module) -> None:
    module.train()
    module(torch.rand(8, 3, 6, 6))


def thaw(module: nn.Module) -> None:
    module.requires_grad_(True)


def rebind(module: Any) -> None:
    module[1].running_mean = module[1].running_mean + 1
    module[1].num_batches_tracked = None


def register(module: nn.Module) -> None:
    module.register_buffer("late", torch.zeros(2))


def write_nan(module: Any) -> None:
    module[1].running_var.fill_(torch.nan)


def renorm(module: Any) -> None:
    """As EEGNet's constrained convolution does in its forward."""
    module[0].weight.data = torch.renorm(module[0].weight.data, 2, 0, 0.1)


def nothing(_: nn.Module) -> None:
    pass


@pytest.mark.parametrize("ends", ["returns", "raises"])
@pytest.mark.parametrize("seed", [None, 4])
@pytest.mark.parametrize("act", [nothing, draw, train, thaw, rebind, register, write_nan, renorm])
def test_everything_is_put_back(act: Callable[[nn.Module], None], seed: int | None, ends: str) -> None:
    module = small_network().module
    with untouched(module):
        if ends == "raises":
            with pytest.raises(Stop), quiet(module, seed=seed):
                stop_after(act, module)
        else:
            with quiet(module, seed=seed):
                act(module)


def test_inside_all_is_evaluation_and_frozen() -> None:
    module = small_network().module
    with quiet(module):
        assert not any(m.training for m in module.modules())
        assert not any(p.requires_grad for p in module.parameters())
        first = module(torch.ones(2, 3, 6, 6))
        assert torch.equal(first, module(torch.ones(2, 3, 6, 6)))


def test_inside_a_seed_decides_every_generator() -> None:
    module, drawn = small_network().module, []
    for outside, seed in ((1, 9), (2, 9), (2, 10)):
        random.seed(outside)
        np.random.seed(outside)
        torch.manual_seed(outside)
        with quiet(module, seed=seed):
            drawn.append((random.random(), float(np.random.rand()), float(torch.rand(()))))
    assert drawn[0] == drawn[1]
    assert all(a != b for a, b in zip(drawn[1], drawn[2], strict=True))


def test_inside_a_seed_is_torchs_own() -> None:
    """So that a loop after ``torch.manual_seed`` draws the same."""
    with quiet(nn.Linear(1, 1), seed=5):
        found = torch.rand(4)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        assert torch.equal(found, torch.rand(4))


def test_without_a_seed_the_generator_goes_on_from_where_it_stands() -> None:
    torch.manual_seed(8)
    expected = torch.rand(3)
    module = nn.Linear(1, 1)
    torch.manual_seed(8)
    with quiet(module):
        assert torch.equal(torch.rand(3), expected)


def test_devices_that_are_not_in_use_are_not_seeded(monkeypatch: pytest.MonkeyPatch) -> None:
    """``torch.manual_seed`` would seed them all, and nobody would put them back."""
    seeded: list[object] = []
    monkeypatch.setattr(torch.cuda, "manual_seed_all", seeded.append)
    monkeypatch.setattr(torch.cuda, "manual_seed", seeded.append)
    with quiet(nn.Linear(1, 1), seed=5):
        pass
    assert seeded == []


def scale(p: Tensor) -> None:
    with torch.no_grad():
        p.mul_(0.5)


def test_a_write_into_a_parameter_is_an_error_that_names_it() -> None:
    module = small_network().module
    with pytest.raises(NetworkError, match=r"wrote into its own parameters \(0\.weight\)"), quiet(module):
        scale(module[0].weight)


def test_an_error_inside_is_not_hidden_by_a_write() -> None:
    module = small_network().module
    with pytest.raises(Stop), quiet(module):
        stop_after(scale, module[0].weight)


def test_a_network_made_in_inference_mode() -> None:
    with torch.inference_mode():
        module = small_network_layers()
    modes = [m.training for m in module.modules()]
    with torch.inference_mode(), quiet(module):
        assert not module.training
    with quiet(module, seed=1), torch.no_grad():
        assert not module.training
        module(torch.rand(2, 3, 6, 6))
    assert [m.training for m in module.modules()] == modes
    assert all(p.requires_grad for p in module.parameters())


def small_network_layers() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(64, 3))


def test_a_lazy_network_may_be_looked_at() -> None:
    module = nn.Sequential(nn.LazyConv2d(4, 3), nn.LazyBatchNorm2d(), nn.Flatten())
    with quiet(module):
        assert not module.training
    assert module.training


def test_a_network_on_the_meta_device() -> None:
    module = small_network_layers().to("meta")
    with quiet(module, seed=1):
        assert module(torch.rand(1, 3, 6, 6, device="meta")).shape == (1, 3)
    assert module.training


def test_scripted_modules() -> None:
    with pytest.warns(DeprecationWarning, match="deprecated"):
        module = torch.jit.trace(small_network_layers().eval(), torch.rand(1, 3, 6, 6), check_trace=False)
    module.train()
    state = {key: value.clone() for key, value in module.state_dict().items()}
    with quiet(module):
        module(torch.rand(4, 3, 6, 6))
    assert module.training
    assert all(torch.equal(value, state[key]) for key, value in module.state_dict().items())


def test_tied_parameters_and_nested_quiet() -> None:
    module = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    module[1].weight = module[0].weight
    module[1].bias.requires_grad_(False)
    with untouched(module), quiet(module), quiet(module):
        module(torch.rand(1, 3))
