"""Archives: which arrays are read, by names and shapes; what is refused; folders."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from puzzles.scenes import orders, scenes, shuffle
from snellen._errors import ImagesError, UsageError
from snellen.puzzles.grid import Grid
from snellen.puzzles.load import load_puzzles

GRID = Grid(2, 2)
ROWS = orders(40, GRID)
WHOLE = scenes(40, 16, 16)
MIXED = shuffle(WHOLE, ROWS, GRID)


def saved(path: Path, **arrays: Any) -> Path:
    np.savez(path, **arrays)
    return path


@pytest.mark.parametrize(
    ("images", "permutations"),
    [
        ("images", "permutations"),
        ("x", "perm"),
        ("X", "perms"),
        ("data", "permutation"),
        ("X_shuffled", "order"),
        ("arr_0", "arr_1"),
        ("pictures", "whither"),  # by shape
    ],
)
def test_which_arrays_are_read(images: str, permutations: str, tmp_path: Path) -> None:
    path = saved(tmp_path / "a.npz", **{images: MIXED, permutations: ROWS[:30], "other": np.arange(3)})
    found = load_puzzles(path)
    assert np.array_equal(found.images, MIXED)
    assert np.array_equal(found.permutations[:30], ROWS[:30])
    assert (found.permutations[30:] == -1).all()
    assert found.known.tolist() == list(range(30))
    assert found.unknown.tolist() == list(range(30, 40))
    assert found.keys == (images, permutations)
    assert found.name == "a.npz"
    assert found.convention.how == "detected"


def test_named_arrays_before_usual_names(tmp_path: Path) -> None:
    other = (ROWS[:, ::-1]).copy()
    path = saved(tmp_path / "a.npz", images=WHOLE, mixed=MIXED, permutations=other, mine=ROWS)
    found = load_puzzles(path, images_key="mixed", permutations_key="mine")
    assert np.array_equal(found.images, MIXED)
    assert np.array_equal(found.permutations, ROWS)
    with pytest.raises(UsageError, match=r"no array in a\.npz named 'mixt'; did you mean mixed"):
        load_puzzles(path, images_key="mixt")
    with pytest.raises(UsageError, match=r"no array in a\.npz named 'mien'"):
        load_puzzles(path, permutations_key="mien")


@pytest.mark.parametrize("kind", ["absent", "minus one", "nan", "classes", "from one"])
def test_forms_of_the_same_permutations(kind: str, tmp_path: Path) -> None:
    table = {row: number for number, row in enumerate(map(tuple, GRID.arrangements.tolist()))}
    some = np.concatenate([ROWS[:30], np.full((10, 4), -1)])
    stored = {
        "absent": ROWS[:30],
        "minus one": some,
        "nan": np.where(some < 0, np.nan, some),
        "classes": np.array([table.get(tuple(row), -1) for row in some.tolist()]),
        "from one": ROWS[:30] + 1,
    }[kind]
    found = load_puzzles(saved(tmp_path / "a.npz", images=MIXED, permutations=stored))
    assert np.array_equal(found.permutations, some)


def test_another_convention_is_converted(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.npz", images=MIXED, permutations=ROWS.argsort(axis=1))
    found = load_puzzles(path)
    assert found.convention.name == "comes-from"
    assert np.array_equal(found.permutations, ROWS)
    given = load_puzzles(path, convention="comes-from")
    assert given.convention.how == "given"
    assert np.array_equal(given.permutations, ROWS)
    assert np.array_equal(load_puzzles(path, convention="belongs-at").permutations, ROWS.argsort(axis=1))


def test_a_single_known_permutation_and_none(tmp_path: Path) -> None:
    one = load_puzzles(saved(tmp_path / "one.npz", images=MIXED, permutations=ROWS[:1]))
    assert len(one.known) == 1
    assert one.convention.how == "undecided"
    none = load_puzzles(saved(tmp_path / "none.npz", images=MIXED))
    assert (len(none.known), none.convention.how, none.keys) == (0, "none", ("images",))


def test_a_folder(tmp_path: Path) -> None:
    for i in range(3):
        Image.fromarray(MIXED[i]).save(tmp_path / f"{i}.png")
    found = load_puzzles(tmp_path)
    assert np.array_equal(found.images, MIXED[:3])
    assert len(found.known) == 0
    with pytest.raises(UsageError, match=r"named in an \.npz only"):
        load_puzzles(tmp_path, images_key="x")


def test_images_of_several_sizes_in_a_folder(tmp_path: Path) -> None:
    Image.fromarray(MIXED[0]).save(tmp_path / "0.png")
    Image.fromarray(MIXED[1][:8]).save(tmp_path / "1.png")
    with pytest.raises(ImagesError, match="size"):
        load_puzzles(tmp_path)


@pytest.mark.parametrize(
    ("arrays", "options", "words"),
    [
        ({"images": MIXED[:, :15], "permutations": ROWS}, {}, ("got 15 x 16", "Crop them to 14 x 16")),
        ({"images": MIXED[:5], "permutations": ROWS}, {}, ("40 permutations for 5 images",)),
        ({"images": MIXED, "permutations": np.zeros((40, 4))}, {}, ("40 of 40 rows", "row 0 is 0 0 0 0")),
        ({"images": MIXED + 0.5, "permutations": ROWS}, {}, ("not whole",)),
        ({"images": MIXED.astype(object), "permutations": ROWS}, {}, ("pickled objects", "refused")),
        ({"images": MIXED, "permutations": ROWS.astype(object)}, {}, ("pickled objects", "refused")),
        ({"images": MIXED[0, 0], "permutations": ROWS}, {}, ("shape (16, 3)",)),
    ],
    ids=["odd", "too many", "no permutation", "floats", "pickled images", "pickled permutations", "no images"],
)
def test_bad_archives(arrays: dict[str, Any], options: dict[str, Any], words: tuple[str, ...], tmp_path: Path) -> None:
    with pytest.raises(ImagesError) as error:
        load_puzzles(saved(tmp_path / "a.npz", **arrays), **options)
    assert all(word in str(error.value) for word in words), error.value


def test_questions_that_only_the_user_can_answer(tmp_path: Path) -> None:
    two = saved(tmp_path / "two.npz", images=MIXED, one=ROWS, other=ROWS)
    with pytest.raises(UsageError, match=r"one, other in two\.npz could all be permutations"):
        load_puzzles(two)
    assert load_puzzles(two, permutations_key="other").keys == ("images", "other")
    with pytest.raises(UsageError, match=r"shape \(40, 4\); expected \(k, 9\) for a 3x3 grid"):
        load_puzzles(saved(tmp_path / "a.npz", images=scenes(40, 18, 18), permutations=ROWS), grid="3x3")
    with pytest.raises(UsageError, match="Say which: --images-key"):
        load_puzzles(saved(tmp_path / "b.npz", a=MIXED, b=MIXED))
    with pytest.raises(UsageError, match="no convention named 'inverse'"):
        load_puzzles(two, convention="inverse")
    with pytest.raises(ImagesError, match="nothing is at"):
        load_puzzles(tmp_path / "absent.npz")
    (tmp_path / "text.npz").write_text("no zip")
    with pytest.raises(ImagesError, match="cannot be read"):
        load_puzzles(tmp_path / "text.npz")
