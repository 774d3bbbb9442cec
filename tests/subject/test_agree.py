"""Labels and outputs brought together by name, by number, or not at all."""

import numpy as np
import pytest
from torch import nn

from snellen._errors import ImagesError
from snellen.subject.agree import agree
from snellen.subject.images import Images
from snellen.subject.load.arrays import array_images
from snellen.subject.load.classes import imagenet_names, imagenet_wnids
from snellen.subject.network import Network


def network(*names: str) -> Network:
    return Network(nn.Identity(), class_names=names or None)


def images(labels: list[int] | None, *names: str) -> Images:
    count = 3 if labels is None else len(labels)
    return array_images(np.zeros((count, 4, 4), np.uint8) + 9, labels=labels, class_names=names or None)


def labels_of(result: Images) -> list[int]:
    assert result.labels is not None
    return [int(label) for label in result.labels]


def test_the_same_names_stay_without_a_note() -> None:
    result = agree(network("cat", "dog"), images([0, 1, -1], "cat", "dog"), 2)
    assert (labels_of(result), result.notes) == ([0, 1, -1], ())


def test_another_order_or_spelling_is_mapped_and_noted() -> None:
    result = agree(network("dog", "polar_bear", "cat"), images([0, 1, 2, -1], "cat", "dog", "Polar Bear"), 3)
    assert (labels_of(result), result.class_names) == ([2, 0, 1, -1], ("dog", "polar_bear", "cat"))
    assert "by name" in result.notes[0]


def test_a_subset_is_mapped_and_unused_strangers_do_not_matter() -> None:
    result = agree(network("ant", "bee", "cat"), images([1, 1, 0], "cat", "bee", "unicorn"), 3)
    assert labels_of(result) == [1, 1, 2]


def test_without_names_numbers_must_fit() -> None:
    assert agree(network("a", "b"), images([0, 1]), 2).class_names == ("a", "b")
    with pytest.raises(
        ImagesError, match=r"0 to 1 for a network of 2 outputs; 1 are not: array image 1 has 2|image 1 has 2"
    ):
        agree(network(), images([0, 2]), 2)


def test_no_labels_take_the_networks_names() -> None:
    result = agree(network("a", "b"), images(None, "x"), 2)
    assert (result.labels, result.class_names) == (None, ("a", "b"))


def test_a_nameless_network_is_assumed_to_have_the_images_order() -> None:
    result = agree(network(), images([1, 0], "cat", "dog"), 2)
    assert result.class_names == ("cat", "dog")
    assert "taken to be in the order" in result.notes[0]
    with pytest.raises(ImagesError, match=r"expected images of 5 classes, .* got 2 \(cat, dog\).*--classes"):
        agree(network(), images([1, 0], "cat", "dog"), 5)


def test_strange_names_of_equal_count_keep_their_order_with_a_note() -> None:
    result = agree(network("airplane", "car"), images([1, 0], "airplane", "automobile"), 2)
    assert labels_of(result) == [1, 0]
    assert "'automobile'" in result.notes[0]
    assert "assumed" in result.notes[0]


def test_strange_names_in_another_order_are_an_error() -> None:
    with pytest.raises(ImagesError, match=r"1 of 2 are not: 'automobile'.*--classes"):
        agree(network("car", "airplane"), images([1, 0], "airplane", "automobile"), 2)


def test_names_that_do_not_count_the_outputs_are_not_used() -> None:
    result = agree(network("a", "b", "c"), images([1, 0], "cat", "dog"), 2)
    assert "3 class names for 2 outputs" in result.notes[0]
    assert result.class_names == ("cat", "dog")


def test_wordnet_ids_beside_readable_names() -> None:
    wnids, names = imagenet_wnids(), imagenet_names()
    assert labels_of(agree(network(*names), images([0, 1], wnids[7], wnids[3]), 1000)) == [7, 3]
    assert labels_of(agree(network(*wnids), images([0, 1], names[7], names[3]), 1000)) == [7, 3]


def test_a_nameless_network_of_1000_outputs_is_imagenets_if_the_images_are() -> None:
    result = agree(network(), images([0, 1], "goldfish", "tench"), 1000)
    assert labels_of(result) == [1, 0]
    assert "ImageNet" in result.notes[0]


def test_ten_of_imagenets_classes_and_a_nameless_network_of_ten() -> None:
    result = agree(network(), images([900, 5, 5, 70], *imagenet_names()), 3)
    assert labels_of(result) == [2, 0, 0, 1]
    assert result.class_names == tuple(imagenet_names()[i] for i in (5, 70, 900))
