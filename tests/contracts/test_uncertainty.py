"""What every uncertainty method promises, whichever it is."""

import dataclasses
import math
from typing import Any

import pytest
import torch
from torch import nn

from snellen._errors import NetworkError, UsageError
from snellen.instruments.uncertainty import METHODS
from snellen.instruments.uncertainty._base import UncertaintyMethod
from snellen.subject.network import Network
from toys import Counting, Toy, small_network
from untouched import untouched

PIXELS = torch.rand(5, 3, 6, 6, generator=torch.Generator().manual_seed(1))
VECTORS = ("entropy", "expected_entropy", "mutual_information", "variation_ratio")
ERRORS = ("entropy_error", "mutual_information_error", "variation_ratio_error")


@pytest.fixture(params=list(METHODS))
def method(request: pytest.FixtureRequest) -> UncertaintyMethod:
    made: UncertaintyMethod = METHODS[request.param]()
    return made


def test_constructs_with_defaults_is_frozen_and_repr_gives_it_back(method: UncertaintyMethod) -> None:
    assert eval(repr(method), {type(method).__name__: type(method)}) == method
    for field in dataclasses.fields(method):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(method, field.name, None)


def test_shape_dtype_and_finite(method: UncertaintyMethod) -> None:
    result = method(small_network(), PIXELS, batch_size=2, keep_samples=True)
    assert result.probabilities.shape == result.probabilities_error.shape == (5, 4)
    assert result.samples is not None
    assert result.samples.shape[1:] == (5, 4)
    for name in (*VECTORS, *ERRORS, "probabilities", "probabilities_error", "samples"):
        value = getattr(result, name)
        assert value.dtype == torch.float32
        assert value.device == PIXELS.device
        assert torch.isfinite(value).all(), name
        assert name in ("probabilities", "probabilities_error", "samples") or value.shape == (5,)
    assert not torch.equal(result.samples[0], result.samples[1])


def test_the_numbers_keep_their_laws(method: UncertaintyMethod) -> None:
    result = method(small_network(), PIXELS)
    torch.testing.assert_close(result.probabilities.sum(dim=1), torch.ones(5))
    torch.testing.assert_close(result.entropy - result.expected_entropy, result.mutual_information, atol=1e-5, rtol=0)
    assert (result.entropy <= math.log(4) + 1e-6).all()
    assert (result.mutual_information >= 0).all()
    assert ((result.variation_ratio >= 0) & (result.variation_ratio <= 1 - 1 / 4)).all()
    assert torch.equal(result.predicted, result.probabilities.argmax(dim=1))


def test_leaves_the_network_untouched(method: UncertaintyMethod) -> None:
    network, before = small_network(), PIXELS.clone()
    with untouched(network.module):
        method(network, PIXELS, batch_size=2)
    assert torch.equal(PIXELS, before)


def test_leaves_the_network_untouched_when_it_raises(method: UncertaintyMethod) -> None:
    network = small_network(Counting(raise_on=2))
    with untouched(network.module), pytest.raises(NetworkError, match="on purpose"):
        method(network, PIXELS, batch_size=2)


def test_the_same_seed_gives_the_same_answer_whatever_the_global_generators(method: UncertaintyMethod) -> None:
    found = []
    for outside, seed in ((1, 7), (2, 7), (2, 8)):
        torch.manual_seed(outside)
        found.append(method(small_network(), PIXELS, seed=seed, keep_samples=True).samples)
    first, second, other = (samples for samples in found if samples is not None)
    assert torch.equal(first, second)
    assert not torch.equal(first, other)


def test_a_batch_equals_the_loop_over_its_images(method: UncertaintyMethod) -> None:
    network = small_network()
    together = method(network, PIXELS, seed=3, keep_samples=True)
    alone = [method(network, image[None], seed=3, keep_samples=True) for image in PIXELS]
    in_parts = method(network, PIXELS, seed=3, keep_samples=True, batch_size=2)
    assert together.samples is not None
    assert in_parts.samples is not None
    joined = torch.cat([a.samples for a in alone if a.samples is not None], dim=1)
    torch.testing.assert_close(together.samples, joined, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(together.samples, in_parts.samples, rtol=1e-5, atol=1e-5)
    for name in VECTORS:
        torch.testing.assert_close(
            getattr(together, name), torch.cat([getattr(a, name) for a in alone]), rtol=1e-4, atol=1e-5
        )


def test_a_frozen_network_gives_the_same_samples(method: UncertaintyMethod) -> None:
    expected = method(small_network(), PIXELS).probabilities
    frozen = small_network()
    frozen.module.requires_grad_(False)
    assert torch.equal(method(frozen, PIXELS).probabilities, expected)


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode, torch.enable_grad])
def test_works_wherever_it_is_called(method: UncertaintyMethod, mode: Any) -> None:
    network = small_network()
    expected = method(network, PIXELS).probabilities
    with mode():
        found = method(network, PIXELS.clone()).probabilities
    assert torch.equal(found, expected)
    assert not found.is_inference()
    assert not found.requires_grad


def test_entropy_is_higher_on_noise_than_on_the_images_it_was_fitted_to(method: UncertaintyMethod) -> None:
    torch.manual_seed(0)
    labels = torch.arange(120) % 4
    images = 0.1 * torch.rand(120, 3, 6, 6)
    for image, label in zip(images, labels, strict=True):
        image[:, 3 * (label // 2) : 3 * (label // 2) + 3, 3 * (label % 2) : 3 * (label % 2) + 3] += 0.8
    layers = nn.Flatten(), nn.Linear(108, 32), nn.ReLU(), nn.Dropout(0.5), nn.Linear(32, 4)
    network = Network(nn.Sequential(*layers), mean=(0.3,), std=(0.3,))
    optimizer = torch.optim.Adam(network.module.parameters(), lr=0.01)
    for _ in range(60):
        optimizer.zero_grad()
        nn.functional.cross_entropy(network.logits(images), labels).backward()
        optimizer.step()
    network.module.eval()
    seen, noise = method(network, images), method(network, torch.rand(120, 3, 6, 6))
    assert (seen.predicted == labels).float().mean() > 0.98, "the toy is not fitted"
    for name in VECTORS:
        assert getattr(noise, name).mean() > 2 * getattr(seen, name).mean(), name


@pytest.mark.parametrize(
    ("pixels", "message"),
    [
        (PIXELS[0], r"float tensor \(n, c, h, w\) in \[0, 1\].* got torch.float32 of shape \(3, 6, 6\)"),
        ((PIXELS * 255).byte(), r"float tensor .* got torch.uint8 of shape \(5, 3, 6, 6\)"),
        (PIXELS[:0], r"with n >= 1, got .* \(0, 3, 6, 6\)"),
        (PIXELS.numpy(), "got ndarray"),
    ],
)
def test_wrong_input_names_expected_and_got(method: UncertaintyMethod, pixels: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        method(small_network(), pixels)


def test_a_batch_size_below_one(method: UncertaintyMethod) -> None:
    with pytest.raises(UsageError, match="batch_size must be at least 1, got 0"):
        method(small_network(), PIXELS, batch_size=0)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        (lambda y: (y, y), r"one tensor of scores \(n, k\), got tuple"),
        (lambda y: y[:, 0], r"scores of shape \(5, k\) with k >= 2, got \(5,\)"),
        (lambda y: y[:, :1], r"scores of shape \(5, k\) with k >= 2, got \(5, 1\)"),
        (lambda y: y[:2], r"scores of shape \(5, k\) with k >= 2, got \(2, 4\)"),
        (lambda y: y * torch.nan, "NaN or infinite scores for 5 of 5 images"),
    ],
)
def test_a_network_that_is_no_classifier(method: UncertaintyMethod, how: Any, message: str) -> None:
    network = Network(Toy(lambda m, x: how(m.inner(x)), inner=small_network().module))
    with pytest.raises(NetworkError, match=message):
        method(network, PIXELS)


def test_the_docstring_has_a_sentence_an_example_and_a_reference(method: UncertaintyMethod) -> None:
    text = type(method).__doc__ or ""
    first = text.strip().partition("\n\n")[0]
    assert first.endswith(".")
    assert "\n    >>> " in text
    assert "Reference: " in text


def test_a_bare_module_is_refused_with_how_to_wrap_it(method: UncertaintyMethod) -> None:
    with pytest.raises(UsageError, match=r"expected a snellen.Network, got Flatten; wrap a module as Network\(module"):
        method(nn.Flatten(), PIXELS)  # type: ignore[arg-type]  # the mistake under test
