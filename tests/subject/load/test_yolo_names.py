"""Class names in the forms in which YOLO's tools write them."""

from pathlib import Path

import pytest

from snellen._errors import ImagesError
from snellen.subject.load.yolo_names import names_in_yaml, yolo_names

WANTED = ("cat", "hot dog", "no. 3")


@pytest.mark.parametrize(
    "text",
    [
        "path: x\nnames: ['cat', \"hot dog\", no. 3]\nnc: 3\n",
        "names:\n  - cat\n  - hot dog  # with mustard\n  - 'no. 3'\nnc: 3",
        "names:\n- cat\n- hot dog\n- no. 3\ntrain: images",
        "nc: 3  # classes\nnames:\n  0: cat\n\n  1: hot dog\n  2: no. 3\n# end\ndownload: |\n  import x",
        "names: {0: cat, 1: hot dog, 2: 'no. 3'}",
        "names: [cat,\n  hot dog,\n  no. 3,\n]\nnc: 3",
        "names:\n  2: no. 3\n  0: cat\n  1: hot dog",
        "names:\n  [cat, hot dog, no. 3]\n",
    ],
)
def test_every_usual_form_is_read(text: str) -> None:
    assert names_in_yaml(text, "data.yaml") == WANTED


def test_marks_within_quotes_are_text() -> None:
    assert names_in_yaml("""names: ["a, b", 'c#d', e#f]""", "data.yaml") == ("a, b", "c#d", "e#f")
    assert names_in_yaml("names:\n  0: 'no # comment' # comment", "data.yaml") == ("no # comment",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nc: 3", "has no entry 'names'"),
        ("names:\nnc: 3", "expected a name for each class"),
        ("names:\n  0: cat\n  2: dog", "from 0 on, each once"),
        ("names:\n  0: cat\n  0: dog", "from 0 on, each once"),
        ("names: cat", "got 'cat'"),
        ("names: &anchor\n  0: cat", "got '&anchor'"),
    ],
)
def test_other_forms_are_refused(text: str, message: str) -> None:
    with pytest.raises(ImagesError, match=message):
        names_in_yaml(text, "data.yaml")


def test_the_nearest_file_counts(tmp_path: Path) -> None:
    inner = tmp_path / "train"
    inner.mkdir()
    assert yolo_names((inner, tmp_path)) is None
    (tmp_path / "data.yaml").write_text("names: [far]")
    assert yolo_names((inner, tmp_path)) == (("far",), tmp_path / "data.yaml")
    (inner / "classes.txt").write_text("near\n\n")
    assert yolo_names((inner, tmp_path)) == (("near",), inner / "classes.txt")
