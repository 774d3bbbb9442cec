"""Fresh numbers are recognised, and numbers that were ever changed are not."""

import pytest
import torch
from torch import Tensor, nn

from healthy import classifier, trained
from snellen.training.health.fresh import confirmed, fresh_parameters, untouched_statistics

LAYERS = [
    lambda: nn.Linear(10, 7),
    lambda: nn.Linear(512, 33),
    lambda: nn.Conv2d(3, 8, 5),
    lambda: nn.Conv1d(8, 8, 3),
    lambda: nn.LSTM(8, 16),
    lambda: nn.Bilinear(6, 6, 10),
]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("make", LAYERS)
def test_the_default_initialisation_is_exact(make: object, seed: int) -> None:
    torch.manual_seed(seed)
    verdicts = {f.verdict for n, f in fresh_parameters(make()).items() if "weight" in n}  # type: ignore[operator]
    assert verdicts == {"exact"}


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("make", LAYERS)
def test_one_small_step_destroys_the_signature(make: object, seed: int) -> None:
    torch.manual_seed(seed)
    layer = make()  # type: ignore[operator]
    with torch.no_grad():
        for p in layer.parameters():
            p.sub_(1e-5 * torch.randn_like(p))
    assert "exact" not in {f.verdict for f in fresh_parameters(layer).values()}


SCHEMES = [
    lambda w: nn.init.kaiming_normal_(w),
    lambda w: nn.init.kaiming_normal_(w, mode="fan_out"),
    lambda w: nn.init.xavier_normal_(w),
    lambda w: nn.init.xavier_uniform_(w),
    lambda w: nn.init.kaiming_uniform_(w),
    lambda w: nn.init.trunc_normal_(w, std=0.02),
    lambda w: nn.init.orthogonal_(w),
]


@pytest.mark.parametrize("fill", SCHEMES)
def test_other_schemes_are_recognised(fill: object) -> None:
    torch.manual_seed(1)
    layer = nn.Conv2d(32, 64, 3)
    fill(layer.weight)  # type: ignore[operator]
    assert fresh_parameters(layer)["weight"].random


def test_a_gaussian_of_another_variance_says_nothing() -> None:
    layer = nn.Linear(64, 64)
    nn.init.normal_(layer.weight, std=0.3)
    assert fresh_parameters(layer)["weight"].verdict == "no"


def test_few_numbers_are_unknown() -> None:
    layer = nn.Linear(2, 2)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[0.3, -0.2], [0.9, 0.4]]))
    assert fresh_parameters(layer)["weight"].verdict == "unknown"


def test_a_bias_goes_with_its_weight() -> None:
    """Before BatchNorm a bias has no gradient: it is never changed although the layer is trained."""
    torch.manual_seed(0)
    layer = nn.Conv2d(3, 64, 3)
    nn.init.normal_(layer.weight, std=0.4)
    assert {n: f.verdict for n, f in fresh_parameters(layer).items()} == {"weight": "no", "bias": "no"}


@pytest.mark.parametrize("steps", [5, 20])
def test_trained_layers_are_not_taken_for_fresh(steps: int) -> None:
    for seed in range(3):
        torch.manual_seed(seed)
        network = trained(classifier(norm=False), steps=steps, lr=0.01)
        named = dict(network.named_parameters())
        found = {f"{owner}.{n}": f for owner, m in network.named_modules() for n, f in fresh_parameters(m).items()}
        judged = confirmed(found, {n: p.numel() for n, p in named.items()})
        assert "exact" not in {f.verdict for f in judged.values()}
        assert sum(f.random and "normal" in f.scheme for f in judged.values()) == 0


def test_one_normal_layer_proves_nothing_and_three_do() -> None:
    torch.manual_seed(0)
    layers: dict[str, Tensor] = {}
    found = {}
    for number in range(3):
        layer = nn.Conv2d(16, 16, 3, bias=False)
        nn.init.kaiming_normal_(layer.weight)
        layers[f"{number}.weight"] = layer.weight
        found[f"{number}.weight"] = fresh_parameters(layer)["weight"]
    counts = {n: p.numel() for n, p in layers.items()}
    assert {f.verdict for f in confirmed(found, counts).values()} == {"like"}
    alone = {"0.weight": found["0.weight"]}
    assert confirmed(alone, counts)["0.weight"].verdict == "unknown"


def test_statistics_that_no_batch_has_touched() -> None:
    norm = nn.BatchNorm2d(3)
    assert untouched_statistics(norm)
    norm(torch.randn(4, 3, 2, 2))
    assert not untouched_statistics(norm)
    assert not untouched_statistics(nn.BatchNorm2d(3, track_running_stats=False))
    assert not untouched_statistics(nn.Linear(2, 2))
