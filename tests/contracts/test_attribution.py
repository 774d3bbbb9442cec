"""What every attribution method promises, whichever it is."""

import dataclasses
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from snellen._errors import NetworkError, UsageError
from snellen.instruments.attribution import METHODS
from snellen.instruments.attribution._base import AttributionMethod
from snellen.subject.network import Network
from toys import Counting, RaisesBackward, Toy, linear_network, small_network
from untouched import untouched

PIXELS = torch.rand(5, 3, 6, 6, generator=torch.Generator().manual_seed(1))
LABELS = torch.tensor([0, 3, 1, 2, 3])


@pytest.fixture(params=list(METHODS))
def method(request: pytest.FixtureRequest) -> AttributionMethod:
    made: AttributionMethod = METHODS[request.param]()
    return made


def test_constructs_with_defaults_is_frozen_and_repr_gives_it_back(method: AttributionMethod) -> None:
    assert eval(repr(method), {type(method).__name__: type(method)}) == method
    for field in dataclasses.fields(method):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(method, field.name, None)


def test_shape_dtype_and_finite(method: AttributionMethod) -> None:
    result = method(small_network(), PIXELS, target=LABELS, batch_size=2)
    assert result.maps.shape == PIXELS.shape
    assert result.heat.shape == (5, 6, 6)
    assert (result.maps.dtype, result.logits.dtype, result.target.dtype) == (*2 * (torch.float32,), torch.int64)
    assert result.logits.shape == (5, 4)
    assert torch.equal(result.target, LABELS)
    assert torch.isfinite(result.maps).all()
    assert result.maps.abs().sum() > 0
    assert {t.device for t in (result.maps, result.logits, result.target)} == {PIXELS.device}
    assert not result.maps.requires_grad


@pytest.mark.parametrize("labels", [None, LABELS, 2])
def test_leaves_the_network_untouched(method: AttributionMethod, labels: Any) -> None:
    network, before = small_network(), PIXELS.clone()
    with untouched(network.module):
        method(network, PIXELS, target=labels, batch_size=2)
    assert torch.equal(PIXELS, before)
    assert PIXELS.grad is None


@pytest.mark.parametrize("extra", [Counting(raise_on=2), RaisesBackward()], ids=["2nd forward", "backward"])
def test_leaves_the_network_untouched_when_it_raises(method: AttributionMethod, extra: nn.Module) -> None:
    if isinstance(extra, Counting):
        extra.calls = 0
    network = small_network(extra)
    with untouched(network.module), pytest.raises(NetworkError, match="on purpose"):
        method(network, PIXELS, target=LABELS, batch_size=2)


def test_neither_reads_nor_moves_the_global_generators(method: AttributionMethod) -> None:
    """Not even where the network draws in evaluation mode, as one with a forgotten ``training=`` does."""
    noisy = small_network(Toy(lambda _, x: nn.functional.dropout(x, 0.2)))
    maps = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        state = torch.get_rng_state()
        maps.append(method(noisy, PIXELS, target=LABELS).maps)
        assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(*maps)


def test_a_batch_equals_the_loop_over_its_images(method: AttributionMethod) -> None:
    network = small_network()
    together = method(network, PIXELS, target=LABELS)
    alone = [method(network, image[None], target=label[None]) for image, label in zip(PIXELS, LABELS, strict=True)]
    torch.testing.assert_close(together.maps, torch.cat([a.maps for a in alone]), rtol=1e-4, atol=1e-6)
    in_parts = method(network, PIXELS, target=LABELS, batch_size=2)
    torch.testing.assert_close(together.maps, in_parts.maps, rtol=1e-4, atol=1e-6)


def test_a_frozen_network_has_the_same_maps(method: AttributionMethod) -> None:
    expected = method(small_network(), PIXELS, target=LABELS).maps
    frozen = small_network()
    frozen.module.requires_grad_(False)
    assert torch.equal(method(frozen, PIXELS, target=LABELS).maps, expected)


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_works_wherever_it_is_called(method: AttributionMethod, mode: Any) -> None:
    expected = method(small_network(), PIXELS, target=LABELS).maps
    network = small_network()
    with mode():
        found = method(network, PIXELS.clone(), target=LABELS.clone()).maps
        assert method(network, PIXELS.clone(), target=2).target.tolist() == [2] * 5
        assert not method(network, PIXELS.clone()).logits.is_inference()
    assert torch.equal(found, expected)
    assert not found.is_inference()


def test_the_maps_of_a_linear_score_are_its_weights(method: AttributionMethod) -> None:
    """Behind a ReLU that is open everywhere with weights that are positive, so that every rule passes all."""
    linear = linear_network()
    linear.module[1].weight.data.abs_()
    module = Toy(lambda m, x: m.inner((x + 100).relu()), inner=linear.module)
    network = Network(module, mean=linear.mean, std=linear.std)
    maps = method(network, torch.rand(3, 3, 4, 4), target=torch.tensor([0, 1, 2])).maps
    weights = linear.module[1].weight.detach().view(3, 3, 4, 4) / torch.tensor(linear.std).view(1, 3, 1, 1)
    torch.testing.assert_close(maps, weights)


def test_an_image_that_changes_nothing_has_no_map(method: AttributionMethod) -> None:
    network = small_network()
    network.module[0].weight.data.zero_()
    assert not method(network, PIXELS, target=0).maps.any()


@pytest.mark.parametrize(
    ("pixels", "target", "message"),
    [
        (PIXELS[0], 0, r"float tensor \(n, c, h, w\) in \[0, 1\].* got torch.float32 of shape \(3, 6, 6\)"),
        ((PIXELS * 255).byte(), 0, r"float tensor .* got torch.uint8 of shape \(5, 3, 6, 6\)"),
        (PIXELS[:0], 0, r"with n >= 1, got .* \(0, 3, 6, 6\)"),
        (PIXELS.numpy(), 0, "got ndarray"),
        (PIXELS, 4, "below the network's 4 classes, got 4"),
        (PIXELS, -1, "must not be negative, got -1"),
        (PIXELS, torch.zeros(5), r"integer tensor of shape \(5,\), got torch.float32 of shape \(5,\)"),
        (PIXELS, torch.zeros(4, dtype=torch.long), r"shape \(5,\), got torch.int64 of shape \(4,\)"),
        (PIXELS, "cat", "an int or an integer tensor .* got 'cat'"),
    ],
)
def test_wrong_input_names_expected_and_got(method: AttributionMethod, pixels: Any, target: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        method(small_network(), pixels, target=target)


def wrong_output(how: Any) -> Network:
    return Network(Toy(lambda m, x: how(m.inner(x)), inner=small_network().module), name="the network")


@pytest.mark.parametrize(
    ("how", "message"),
    [
        (lambda y: (y, y), r"one tensor of scores \(n, k\), got tuple"),
        (lambda y: y[:, 0], r"scores of shape \(5, k\) with k >= 2, got \(5,\)"),
        (lambda y: y * torch.nan, "NaN or infinite scores for 5 of 5 images"),
    ],
)
def test_a_network_that_is_no_classifier(method: AttributionMethod, how: Any, message: str) -> None:
    with pytest.raises(NetworkError, match=message):
        method(wrong_output(how), PIXELS)


def test_the_docstring_has_a_sentence_an_example_and_a_reference(method: AttributionMethod) -> None:
    check_docstring(type(method))


def check_docstring(cls: type) -> None:
    text = cls.__doc__ or ""
    first = text.strip().partition("\n\n")[0]
    assert first.endswith("."), first
    assert len(first) < 200
    assert not first.startswith(cls.__name__ + "("), "the dataclass wrote it"
    assert "\n    >>> " in text, "no runnable example"
    assert "Reference: " in text
    assert any(str(year) in text for year in range(1900, 2030)), "a reference has a year"


def test_maps_on_the_device_of_the_pixels_after_float64(method: AttributionMethod) -> None:
    network = small_network()
    network.module.double()
    maps: Tensor = method(network, PIXELS.double(), target=LABELS).maps
    assert maps.dtype == torch.float32
    torch.testing.assert_close(maps, method(small_network(), PIXELS, target=LABELS).maps, rtol=1e-3, atol=1e-5)


def test_a_bare_module_is_refused_with_how_to_wrap_it(method: AttributionMethod) -> None:
    with pytest.raises(UsageError, match=r"expected a snellen.Network, got Flatten; wrap a module as Network\(module"):
        method(nn.Flatten(), PIXELS)  # type: ignore[arg-type]  # the mistake under test
