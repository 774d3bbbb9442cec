"""Leave one out on images whose neighbours are known."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from checks.hand_made import gallery, linear, subject, table
from snellen import UsageError
from snellen.checks.representation.nearest_neighbours import NearestNeighbours

LABELS = [i % 3 for i in range(60)]


def patterns(noise: float = 0.05) -> Tensor:
    """Three patterns of 6 x 6 under a little noise."""
    rng = np.random.default_rng(0)
    bases = rng.random((3, 3, 6, 6))
    values = bases[LABELS] + rng.normal(size=(60, 3, 6, 6)) * noise
    return torch.from_numpy(np.clip(values, 0, 1).astype(np.float32))


def logits(count: int = 60) -> Tensor:
    return torch.zeros(count, 3)


def test_images_beside_their_like() -> None:
    (finding,) = NearestNeighbours()(subject(logits(), LABELS, pixels=patterns()))
    assert finding.measured["neighbours_accuracy"] == 1.0
    assert finding.measured["neighbours_accuracy_pixels"] == 1.0
    assert finding.severity != "warning"
    assert len(table(finding, "Leave one out, cosine").rows) == 3
    shown = gallery(finding, "Most similar images")
    assert len(shown.tiles) == 16
    assert {tile.mark for tile in shown.tiles} == {"right"}
    assert all(len(tile.pictures) == 4 for tile in shown.tiles)


def test_features_that_have_lost_the_class_are_a_warning() -> None:
    net = nn.Sequential(nn.Flatten(), nn.Linear(108, 8), nn.ReLU(), nn.Linear(8, 3))
    nn.init.zeros_(net[1].weight)
    nn.init.ones_(net[1].bias)
    (finding,) = NearestNeighbours()(subject(logits(), LABELS, pixels=patterns(), module=net))
    assert finding.severity == "warning"
    assert finding.measured["neighbours_accuracy"] < 0.7 < finding.measured["neighbours_accuracy_random"]
    assert "snellen probe" in finding.remedy


def test_without_labels_there_are_pictures_and_no_verdict() -> None:
    (finding,) = NearestNeighbours()(subject(logits(), None, pixels=patterns()))
    assert finding.severity == "info"
    assert not finding.measured
    assert "have no labels" in finding.sentence
    assert {tile.mark for tile in gallery(finding, "Most similar images").tiles} == {"none"}


def test_the_only_image_of_a_class_cannot_be_found_and_is_left_out() -> None:
    labels = [0] * 30 + [1] * 29 + [2]
    (finding,) = NearestNeighbours()(subject(logits(), labels, pixels=patterns()))
    assert table(finding, "Leave one out, cosine").rows[0][3] == 59
    (finding,) = NearestNeighbours()(subject(logits(3), [0, 1, 2], module=linear(3)))
    assert "0 images are too few" in finding.sentence


def test_at_most_so_many_images() -> None:
    (finding,) = NearestNeighbours(images=30)(subject(logits(), LABELS, pixels=patterns()))
    assert table(finding, "Leave one out, cosine").rows[0][3] <= 30
    with pytest.raises(UsageError, match="must be at least 1"):
        NearestNeighbours(k=0)
