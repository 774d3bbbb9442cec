"""The probe end to end: findings, head and notes of the page, and a page that can be written."""

from pathlib import Path

import pytest

from snellen import UsageError, load_images, load_network
from snellen.exam.probe import probe_features


def test_a_probe_of_the_built_in_network(tmp_path: Path) -> None:
    sets = [load_images(f"digits:{part}", limit=90) for part in ("train", "test")]
    found = probe_features(load_network("builtin"), *sets, seeds=1)
    assert [f.check.partition("/")[0] for f in found] == ["representation"] * 3
    assert found.measured["features_accuracy"] > 0.85
    assert found.measured["features_accuracy"] > found.measured["random_accuracy"]
    assert "With 90 queries the intervals are wide." in next(iter(found)).sentence
    assert found.subject["count"] == 90
    assert any(
        "BatchNorm statistics of every network were taken anew on 90 points" in n for n in found.subject["notes"]
    )
    assert found.save(tmp_path / "page").is_file()
    with pytest.raises(UsageError, match="seeds must be at least 1, got 0"):
        probe_features(load_network("builtin"), *sets, seeds=0)
