"""The gallery of answers: who is shown, in which order, with which words."""

import numpy as np
import pytest
import torch

from checks.hand_made import gallery, subject
from snellen._errors import UsageError
from snellen.checks.accuracy.answers import Answers

NAMES = ("ant", "bee", "cat")


def logits(*probabilities: tuple[float, float, float]) -> torch.Tensor:
    return torch.tensor(probabilities).log()


def test_confident_mistakes_come_first_with_their_words() -> None:
    said = logits((0.6, 0.3, 0.1), (0.95, 0.04, 0.01), (0.2, 0.7, 0.1), (0.1, 0.1, 0.8))
    seen = subject(said, [0, 1, 0, 2], names=NAMES)
    (finding,) = Answers(top=2)(seen)
    tiles = gallery(finding, "Answers").tiles
    assert [tile.image for tile in tiles] == [1, 2, 3, 0]
    assert [tile.mark for tile in tiles] == ["wrong", "wrong", "right", "right"]
    assert tiles[0].caption == "true: bee"
    assert [line.replace(" · ", " ") for line in tiles[0].lines] == ["ant 95.0%", "bee 4.0%", "image 1"]
    assert "Of 2 mistakes 1 are made with more than 90 % probability" in finding.sentence
    shown = tiles[0].pictures[0].pixels
    expected = (seen.pixels(torch.tensor([1]))[0] * 255).round().to(torch.uint8).permute(1, 2, 0).numpy()
    assert np.array_equal(shown, expected)


def test_without_labels_nothing_is_marked() -> None:
    (finding,) = Answers()(subject(logits((0.6, 0.3, 0.1), (0.1, 0.8, 0.1)), names=NAMES))
    tiles = gallery(finding, "Answers").tiles
    assert [tile.mark for tile in tiles] == ["none", "none"]
    assert tiles[0].caption == "answer: bee"
    assert "mistakes" not in finding.sentence
    assert finding.sentence.startswith("The top 3 classes of 2 of 2 images")


def test_more_images_than_tiles_is_said() -> None:
    generator = torch.Generator().manual_seed(0)
    (finding,) = Answers(images=8)(subject(torch.randn(30, 3, generator=generator), [0] * 30))
    assert len(gallery(finding, "Answers").tiles) == 8
    assert "8 of 30 images" in finding.sentence
    assert "drawn by chance" in gallery(finding, "Answers").note


@pytest.mark.parametrize("settings", [{"images": 0}, {"top": 0}])
def test_settings_out_of_range(settings: dict[str, int]) -> None:
    with pytest.raises(UsageError, match="at least 1, got"):
        Answers(**settings)
