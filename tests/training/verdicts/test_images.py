"""Images counted by class, and classes that cannot be judged."""

from pathlib import Path

import numpy as np

from lessons import archive, pictures, small_set
from snellen.findings.evidence import Table
from snellen.training.dataset import load_dataset
from snellen.training.verdicts.images import images


def test_counts_of_each_class(tmp_path: Path) -> None:
    found = images(small_set(tmp_path))
    (table,) = found.evidence
    assert isinstance(table, Table)
    assert table.rows == (("dark", 18, 2, 0), ("light", 18, 2, 0), ("striped", 18, 2, 0))
    assert found.severity == "info"
    assert "54 images of 3 classes at 16 x 16 pixels to train on, 6 to judge by, 0 for the end." in found.sentence
    assert "6 of 60 images, 10% of every class, were held back (seed 0)." in found.sentence
    assert "3 classes have fewer than 10 validation images." in found.sentence


def test_a_class_without_validation_images_is_a_warning(tmp_path: Path) -> None:
    _, labels = pictures(60)
    labels[:] = np.arange(60) % 2
    labels[7] = 2
    found = images(load_dataset(str(archive(tmp_path / "d.npz", labels=labels))))
    assert (found.severity, found.title) == ("warning", "Classes without validation images")
    assert "1 classes have no validation image, and nothing is known of them: striped." in found.sentence
    assert "--val" in found.remedy
