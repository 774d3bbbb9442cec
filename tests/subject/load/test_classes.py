"""Names of classes, from the table that comes along and from files."""

import json
from pathlib import Path

import pytest

from shared import SHARED, needs_shared
from snellen._errors import NetworkError
from snellen.subject.load.classes import imagenet_names, imagenet_wnids, read_class_list


def test_the_thousand_names_are_all_different_and_readable() -> None:
    names = imagenet_names()
    assert len(set(names)) == len(names) == 1000
    assert not any("_" in name or name != name.strip() or not name for name in names)


def test_known_places_in_the_table() -> None:
    names = imagenet_names()
    assert (names[0], names[1], names[207], names[999]) == (
        "tench",
        "goldfish",
        "golden retriever",
        "toilet tissue",
    )
    assert names[134] == "crane (n02012849)"
    assert names[517] == "crane (n03126707)"


def test_the_ids_are_in_alphabetical_order() -> None:
    wnids = imagenet_wnids()
    assert list(wnids) == sorted(set(wnids))
    assert len(wnids) == 1000


@needs_shared
def test_the_table_agrees_with_its_source() -> None:
    source = json.loads((SHARED / "data/imagenet-classes.json").read_text())
    assert [entry["wnid"] for entry in source] == list(imagenet_wnids())
    pairs = zip(source, imagenet_names(), strict=True)
    assert all(name in (entry["name"], f"{entry['name']} ({entry['wnid']})") for entry, name in pairs)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("c.txt", "ant\nbig cat\ndog\n\n"),
        ("c.txt", "\ufeffant\r\nbig cat\r\ndog"),
        ("c.json", '["ant", "big cat", "dog"]'),
        ("c.json", '{"2": "dog", "0": "ant", "1": "big cat"}'),
        ("c.json", '{"dog": 2, "ant": 0, "big cat": 1}'),
        ("c.json", '{"0": ["n1", "ant"], "1": ["n2", "big cat"], "2": ["n3", "dog"]}'),
    ],
)
def test_each_form_gives_the_names_in_order(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text, "utf-8")
    assert read_class_list(tmp_path / name) == ("ant", "big cat", "dog")


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("c.txt", "ant\n\ndog\n", "class 1 is empty"),
        ("c.txt", "", "expected a list"),
        ("c.json", "{", "is not JSON"),
        ("c.json", '{"0": "ant", "2": "dog"}', "indices 0 to 1"),
        ("c.json", '{"ant": 0, "dog": 0}', "indices 0 to 1"),
        ("c.json", '{"first": "ant"}', "index -> name or name -> index"),
        ("c.json", "7", "expected a list"),
        ("c.json", "[1, 2]", "as text, got 1"),
    ],
)
def test_what_is_no_list_of_names_is_refused(tmp_path: Path, name: str, text: str, expected: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(NetworkError, match=expected):
        read_class_list(tmp_path / name)


def test_an_absent_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(NetworkError, match=r"absent\.txt"):
        read_class_list(tmp_path / "absent.txt")
