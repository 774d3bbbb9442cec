"""Which images are searched and which are asked about."""

from pathlib import Path

import numpy as np
import pytest

from snellen import ImagesError, UsageError
from snellen.subject.load.splits import load_splits


def arrays(count: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, 8, 8, 3), dtype=np.uint8)


def test_the_two_parts_of_an_npz(tmp_path: Path) -> None:
    labels = {"train_labels": np.arange(6) % 2, "test_labels": np.array([1, 0, 1])}
    np.savez(tmp_path / "d.npz", train_images=arrays(6, 0), test_images=arrays(3, 1), **labels)
    points, queries = load_splits(str(tmp_path / "d.npz"))
    assert (len(points), len(queries)) == (6, 3)
    assert queries.labels is not None
    assert queries.labels.tolist() == [1, 0, 1]
    assert np.array_equal((queries.pixels() * 255).round().byte().permute(0, 2, 3, 1), arrays(3, 1))


@pytest.mark.parametrize("missing", ["train_labels", "test_labels"])
def test_a_part_without_labels_is_named(missing: str, tmp_path: Path) -> None:
    members = {
        "train_images": arrays(6, 0),
        "test_images": arrays(3, 1),
        "train_labels": [0] * 6,
        "test_labels": [0] * 3,
    }
    del members[missing]
    np.savez(tmp_path / "d.npz", **members)  # type: ignore[arg-type]
    with pytest.raises(ImagesError, match=f"d.npz has no {missing}, the labels of its {missing.split('_')[0]}_images"):
        load_splits(str(tmp_path / "d.npz"))


def test_a_fifth_of_every_class_is_held_out_by_the_seed(tmp_path: Path) -> None:
    np.savez(tmp_path / "d.npz", images=arrays(60, 0), labels=np.repeat([0, 1], [40, 20]))
    points, queries = load_splits(str(tmp_path / "d.npz"))
    assert queries.labels is not None
    assert np.bincount(queries.labels).tolist() == [8, 4]
    assert len(points) == 48
    assert any("12 of 60 images, 20% of every class, were held out as queries (seed 0)" in n for n in points.notes)
    both = {row.tobytes() for images in (points, queries) for row in images.pixels().numpy()}
    assert len(both) == 60, "an image on both sides, or lost"
    again, other = (load_splits(str(tmp_path / "d.npz"), seed=s)[1].pixels() for s in (0, 1))
    assert bool((again == queries.pixels()).all())
    assert not bool((other == queries.pixels()).all())


def test_other_queries_and_folders(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", images=arrays(6, 0), labels=np.arange(6))
    np.savez(tmp_path / "b.npz", images=arrays(2, 1), labels=np.arange(2))
    points, queries = load_splits(str(tmp_path / "a.npz"), queries=str(tmp_path / "b.npz"))
    assert (len(points), len(queries)) == (6, 2)
    assert [len(images) for images in load_splits("digits")] == [1297, 500]


def test_sets_that_cannot_be_split(tmp_path: Path) -> None:
    np.savez(tmp_path / "d.npz", images=arrays(4, 0))
    with pytest.raises(ImagesError, match=r"d\.npz has no labels, and neighbours vote with theirs"):
        load_splits(str(tmp_path / "d.npz"))
    np.savez(tmp_path / "e.npz", images=arrays(4, 0), labels=np.arange(4))
    with pytest.raises(ImagesError, match="too few images of each class"):
        load_splits(str(tmp_path / "e.npz"))
    with pytest.raises(UsageError, match="share must lie between 0 and 1, got 1"):
        load_splits("digits", share=1)
