"""Points from numbers on a command line and from files; what is no points is refused with the line."""

from pathlib import Path

import numpy as np
import pytest

from snellen._errors import InputError
from snellen.subject.load.points import load_points

POINTS = [[3.0, 1.0], [-2.0, 2.5], [1e-3, 4.0]]


@pytest.mark.parametrize(
    ("spec", "wanted"),
    [
        ("3,1", [[3, 1]]),
        ("-2,2", [[-2, 2]]),
        ("3,1; -2, 2.5 ;.5,-1e3", [[3, 1], [-2, 2.5], [0.5, -1000]]),
        ("7", [[7]]),
        ("1;2;3;", [[1], [2], [3]]),
    ],
)
def test_numbers(spec: str, wanted: list[list[float]]) -> None:
    assert load_points(spec).tolist() == wanted


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", "3,1\n-2,2.5\n1e-3,4\n"),
        ("a.csv", "\ufeffx,y\r\n3,1\r\n\r\n-2,2.5\r\n0.001,4.0"),
        ("a.tsv", "3\t1\n-2\t2.5\n.001\t4\n"),
        ("a.txt", "# two columns\n3  1\n-2 2.5  # the second\n1e-3 4\n"),
        ("a.csv", "3; 1\n-2; 2.5\n0.001; 4\n"),
    ],
)
def test_text(name: str, text: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    assert load_points(str(tmp_path / name)).tolist() == POINTS


def test_arrays(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array(POINTS, dtype=np.float32))
    assert load_points(str(tmp_path / "a.npy")) == pytest.approx(np.array(POINTS))
    np.savez(tmp_path / "a.npz", points=np.arange(24).reshape(2, 3, 2, 2))
    assert load_points(str(tmp_path / "a.npz")).tolist() == np.arange(24.0).reshape(2, 12).tolist()
    np.save(tmp_path / "line.npy", np.arange(3))
    assert load_points(str(tmp_path / "line.npy")).tolist() == [[0], [1], [2]]


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.csv", "1,2\n3,4,5\n", "the first has 2, and line with numbers 2 has 3"),
        ("a.csv", "1,2\n3,x\n", "line 2: expected the coordinates of a point, got '3,x'"),
        ("a.csv", "1,x\n3,4\n", "line 1: expected the coordinates"),
        ("a.csv", "x,y\nu,v\n", "line 2: expected the coordinates"),
        ("a.txt", "\n\n", "holds no points"),
        ("a.json", "[1]", "of a kind that is not read"),
        ("a.npy", "1,2", "one that cannot be read"),
    ],
)
def test_files_that_are_none(name: str, text: str, words: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=words):
        load_points(str(tmp_path / name))


def test_what_else_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no file at photos, and 'photos' is no list of numbers"):
        load_points("photos")
    with pytest.raises(InputError, match="the first has 2, and point 2 has 1"):
        load_points("1,2;3")
    np.savez(tmp_path / "two.npz", a=np.ones(2), b=np.ones(2))
    with pytest.raises(InputError, match="should hold one array, and it holds a, b"):
        load_points(str(tmp_path / "two.npz"))
    np.save(tmp_path / "words.npy", np.array(["a"]))
    np.save(tmp_path / "none.npy", np.ones((0, 2)))
    np.save(tmp_path / "objects.npy", np.array([{}]), allow_pickle=True)
    for name, words in (("words", "should hold points"), ("none", "holds no points"), ("objects", "cannot be read")):
        with pytest.raises(InputError, match=words):
            load_points(str(tmp_path / f"{name}.npy"))
