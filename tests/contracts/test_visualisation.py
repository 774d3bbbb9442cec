"""What every visualisation method promises, whichever it is."""

import dataclasses
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from snellen._errors import NetworkError, UsageError
from snellen.instruments.visualisation import METHODS
from snellen.instruments.visualisation._base import VisualisationMethod
from snellen.subject.network import Network
from toys import Counting, RaisesBackward, small_network
from untouched import untouched


@pytest.fixture(params=list(METHODS))
def method(request: pytest.FixtureRequest) -> VisualisationMethod:
    made: VisualisationMethod = METHODS[request.param]()
    return made


def test_constructs_with_defaults_is_frozen_and_repr_gives_it_back(method: VisualisationMethod) -> None:
    assert eval(repr(method), {type(method).__name__: type(method)}) == method
    for field in dataclasses.fields(method):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(method, field.name, None)


def test_shape_dtype_and_finite(method: VisualisationMethod) -> None:
    made = method(small_network(), [3, 0, 3])
    assert made.pixels.shape == made.shown.shape == (3, 3, 6, 6)
    assert made.logits.shape == made.shown_logits.shape == (3, 4)
    assert made.history.shape[1:] == (3,)
    assert made.classes.tolist() == [3, 0, 3]
    for name in ("pixels", "shown", "logits", "shown_logits", "history"):
        value = getattr(made, name)
        assert value.dtype == torch.float32
        assert torch.isfinite(value).all()
        assert not value.requires_grad
    assert 0 <= made.shown.min() <= made.shown.max() <= 1
    torch.testing.assert_close(made.pixels[0], made.pixels[2], rtol=1e-4, atol=1e-4)


def test_the_class_scores_higher_than_where_it_began(method: VisualisationMethod) -> None:
    """What the family is for."""
    made = method(small_network(), [0, 1, 2, 3])
    assert (made.reached(made.logits)[0] > made.history[0] + 0.1).all()


def test_leaves_the_network_untouched(method: VisualisationMethod) -> None:
    network = small_network()
    with untouched(network.module):
        method(network, [0, 1])


@pytest.mark.parametrize("kind", [Counting, RaisesBackward])
def test_leaves_the_network_untouched_when_it_raises(method: VisualisationMethod, kind: type[nn.Module]) -> None:
    network = small_network(kind(raise_on=2) if kind is Counting else kind())
    with untouched(network.module), pytest.raises(NetworkError, match="on purpose"):
        method(network, [0, 1])


def test_the_same_seed_gives_the_same_images_whatever_the_global_generators(method: VisualisationMethod) -> None:
    found = []
    for outside in (1, 2):
        torch.manual_seed(outside)
        found.append(method(small_network(), [1, 2], seed=5).pixels)
    assert torch.equal(*found)


def test_a_batch_equals_the_loop_over_its_classes(method: VisualisationMethod) -> None:
    network = small_network()
    together = method(network, [0, 2]).pixels
    for row, index in enumerate([0, 2]):
        torch.testing.assert_close(together[[row]], method(network, [index]).pixels, rtol=1e-3, atol=1e-3)


def test_a_frozen_network_gives_the_same_images(method: VisualisationMethod) -> None:
    expected = method(small_network(), [1]).pixels
    frozen = small_network()
    frozen.module.requires_grad_(False)
    assert torch.equal(method(frozen, [1]).pixels, expected)


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_works_wherever_it_is_called(method: VisualisationMethod, mode: Any) -> None:
    network = small_network()
    expected = method(network, [1]).pixels
    with mode():
        found = method(network, [1]).pixels
    assert torch.equal(found, expected)
    assert not found.is_inference()


@pytest.mark.parametrize("classes", [(1, 2), range(1, 3), np.array([1, 2]), torch.tensor([1, 2])])
def test_any_sequence_of_integers_will_do(method: VisualisationMethod, classes: Any) -> None:
    assert method(small_network(), classes).classes.tolist() == [1, 2]


@pytest.mark.parametrize(
    ("classes", "size", "message"),
    [
        ([], None, r"classes must be class indices from 0 on, got \[\]"),
        ([1, -2], None, r"got \[1, -2\]"),
        ([4], None, r"class 4 was asked for, the network has 4"),
        (3, None, "a sequence of class indices, such as .*, got 3"),
        (["cat"], None, r"a sequence of class indices, such as .*, got \['cat'\]"),
        ([0.5], None, r"got \[0.5\]"),
        ([0], (0, 4), r"a height and a width of at least 1, got \(0, 4\)"),
        ([0], (4,), r"a height and a width of at least 1, got \(4,\)"),
    ],
)
def test_wrong_input_names_expected_and_got(method: VisualisationMethod, classes: Any, size: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        method(small_network(), classes, size=size)


def test_a_size_that_is_not_known(method: VisualisationMethod) -> None:
    with pytest.raises(UsageError, match=r"the network has no input size; give size=\(h, w\)"):
        method(Network(small_network().module), [0])


def test_the_docstring_has_a_sentence_an_example_and_a_reference(method: VisualisationMethod) -> None:
    text = type(method).__doc__ or ""
    first = text.strip().partition("\n\n")[0]
    assert first.endswith(".")
    assert "\n    >>> " in text
    assert "Reference: " in text


def test_a_bare_module_is_refused_with_how_to_wrap_it(method: VisualisationMethod) -> None:
    with pytest.raises(UsageError, match=r"expected a snellen.Network, got Flatten; wrap a module as Network\(module"):
        method(nn.Flatten(), [0])  # type: ignore[arg-type]  # the mistake under test
