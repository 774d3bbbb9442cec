"""Which class a name means; a name that could be two means none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snellen.subject.class_names import find_class, unknown_classes
from snellen.subject.load.classes import imagenet_names, imagenet_wnids

CLASSES = ("tench, Tinca tinca", "great white shark", "10", "c++", "n01443537", "jack-in-the-box")


@pytest.mark.parametrize(
    ("name", "index"),
    [
        ("tench", 0),
        ("Great_White-Shark", 1),
        ("10", 2),
        ("1.0", None),
        ("-10", None),
        ("c", None),
        ("goldfish", 4),
        ("C++", 3),
        ("Jack in the box", 5),
        ("shark", None),
        ("", None),
        ("n01440764", 0),
    ],
)
def test_spellings(name: str, index: int | None) -> None:
    assert find_class(name, CLASSES) == index


def test_a_spelling_of_two_classes_is_neither_but_the_exact_text_is_one() -> None:
    assert find_class("CRANE", ("crane", "Crane")) is None
    assert find_class("Crane", ("crane", "Crane")) == 1


@given(st.integers(0, 999))
def test_every_imagenet_class_is_found_by_id_and_by_name(index: int) -> None:
    names, wnids = imagenet_names(), imagenet_wnids()
    assert find_class(wnids[index], names) == find_class(names[index], wnids) == index


def test_a_dog_is_no_garment() -> None:
    """Two classes of ImageNet differ in one capital letter."""
    names, wnids = imagenet_names(), imagenet_wnids()
    for index in (names.index("Cardigan"), names.index("cardigan")):
        assert find_class(wnids[index], names) == find_class(names[index], wnids) == index


def test_unknown_names_are_listed_with_what_comes_close() -> None:
    assert unknown_classes(["dgo", "emu"], ["dog", "cat"]) == "'dgo' (dog?), 'emu'"
    assert unknown_classes(["a"] * 6, []).endswith(", ...")
