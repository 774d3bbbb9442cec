"""A network: normalisation by hand, what it refuses and how, classes by name."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from snellen._errors import NetworkError, UsageError
from snellen.subject.network import Network, class_index
from snellen.subject.preprocessing import Preprocessing
from toys import Toy

MEAN, STD = (0.1, 0.2, 0.3), (0.5, 0.25, 0.125)
PIXELS = torch.rand(2, 3, 4, 5, generator=torch.Generator().manual_seed(0))


def sums(_: Any, x: Tensor) -> Tensor:
    """Each channel's sum: shows what the module was given."""
    return x.sum(dim=(2, 3))


def test_logits_are_the_modules_scores_of_the_normalised_pixels() -> None:
    network = Network(Toy(sums), mean=MEAN, std=STD)
    by_hand = [[(float(c.sum()) - 20 * m) / s for c, m, s in zip(image, MEAN, STD, strict=True)] for image in PIXELS]
    torch.testing.assert_close(network.logits(PIXELS), torch.tensor(by_hand), rtol=1e-4, atol=1e-4)


def test_bgr_flips_the_channels_before_a_mean_in_the_modules_order() -> None:
    network = Network(Toy(sums), mean=MEAN, std=STD, preprocessing=Preprocessing(channels="BGR"))
    expected = Network(Toy(sums), mean=MEAN, std=STD).logits(PIXELS.flip(1))
    torch.testing.assert_close(network.logits(PIXELS), expected)


@pytest.mark.parametrize("channels", ["RGB", "BGR"])
def test_denormalise_undoes_normalise(channels: Any) -> None:
    network = Network(Toy(sums), mean=MEAN, std=STD, preprocessing=Preprocessing(channels=channels))
    torch.testing.assert_close(network.denormalise(network.normalise(PIXELS)), PIXELS)
    assert not torch.allclose(network.normalise(PIXELS), PIXELS)


def test_one_mean_serves_all_channels() -> None:
    found = Network(Toy(sums), mean=(0.5,), std=(0.25,)).normalise(PIXELS)
    torch.testing.assert_close(found, (PIXELS - 0.5) / 0.25)


def test_logits_are_differentiable_and_the_module_is_not_changed() -> None:
    module = nn.Sequential(nn.Flatten(), nn.Dropout(), nn.Linear(60, 2))
    leaf = PIXELS.clone().requires_grad_()
    Network(module).logits(leaf).sum().backward()
    assert leaf.grad is not None
    assert module.training


def test_names() -> None:
    network = Network(nn.Flatten(), class_names=["cat", 7])
    assert (network.name, network.class_names) == ("Flatten", ("cat", "7"))
    assert [network.class_name(i) for i in (0, 1, 2, -1)] == ["cat", "7", "class 2", "class -1"]
    assert Network(nn.Flatten(), name="mine").class_name(3) == "class 3"
    assert Network(nn.Flatten()).device == torch.device("cpu")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"module": lambda x: x}, "wraps a torch.nn.Module, got function"),
        ({"mean": (0.5, 0.5)}, r"mean must have 1 or 3 values for RGB input, got \(0.5, 0.5\)"),
        ({"mean": (123.675, 116.28, 103.53)}, "mean of pixels in .* divide mean and std by 255"),
        ({"std": (1, 1, 1, 1)}, "std must have 1 or 3 values for RGB input"),
        ({"std": (0.5, 0.0, 0.5)}, r"std must be positive in every channel, got \(0.5, 0.0, 0.5\)"),
        ({"mean": MEAN, "preprocessing": Preprocessing(channels="L")}, "mean must have 1 value for L input"),
    ],
)
def test_what_cannot_be_a_network(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Network(settings.pop("module", nn.Flatten()), **settings)


@pytest.mark.parametrize(
    ("run", "message"),
    [
        (lambda _, x: {"logits": x}, r"must return one tensor of scores \(n, k\), got dict\. Wrap it"),
        (lambda _, x: x, r"scores of shape \(2, k\) with k >= 2, got \(2, 3, 4, 5\)\. .*as of a segmentation"),
        (lambda _, x: x.flatten(1)[:1], r"scores of shape \(2, k\) with k >= 2, got \(1, 60\)"),
        (
            lambda _, x: x.flatten(1)[:, :1],
            r"shape \(2, k\) with k >= 2, got \(2, 1\)\. .*two scores \(0, x\)",
        ),
        (lambda _, x: x[:, :, 0, 0] / torch.tensor([[0.0], [1.0]]), "NaN or infinite scores for 1 of 2 images"),
        (lambda _, x: x @ x, r"raised on a batch of shape \(2, 3, 4, 5\): RuntimeError: .*--input-size"),
    ],
)
def test_a_module_that_is_no_classifier(run: Any, message: str) -> None:
    with pytest.raises(NetworkError, match=message) as caught:
        Network(Toy(run), name="theirs").logits(PIXELS)
    assert "theirs" in str(caught.value)


def test_nan_scores_are_traced_to_the_weights_or_not() -> None:
    module = nn.Sequential(nn.Flatten(), nn.Linear(60, 2))
    with pytest.raises(NetworkError, match="Its weights are finite: look for an overflow"):
        Network(module).logits(PIXELS * torch.nan)
    module[1].bias.data[0] = torch.inf
    with pytest.raises(NetworkError, match=r"Its weights hold NaN or inf: 1\.bias\.$"):
        Network(module).logits(PIXELS)


def test_errors_of_our_own_pass_through() -> None:
    def run(*_: Any) -> Tensor:
        raise NetworkError("said already")

    with pytest.raises(NetworkError, match=r"^said already$"):
        Network(Toy(run)).logits(PIXELS)


NAMED = Network(nn.Flatten(), class_names=("Great White", "tench", "crane", "crane", "7"))


@pytest.mark.parametrize(
    ("wanted", "index"), [(1, 1), ("1", 1), (" 3 ", 3), ("great_white", 0), ("GREAT white", 0), ("Tench", 1)]
)
def test_a_class_by_index_or_name(wanted: str | int, index: int) -> None:
    assert class_index(NAMED, wanted, 5) == index


@pytest.mark.parametrize(
    ("network", "wanted", "message"),
    [
        (NAMED, 5, "classes go from 0 to 4, got 5"),
        (NAMED, -1, "classes go from 0 to 4, got -1"),
        (NAMED, "crane", r"'crane' names the classes \[2, 3\]; give the index"),
        (NAMED, "tensh", r"no class named 'tensh'; did you mean tench\?"),
        (Network(nn.Flatten()), "tench", "by name, but the network has no class names; give an index"),
    ],
)
def test_a_class_that_is_none(network: Network, wanted: str | int, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        class_index(network, wanted, 5)
