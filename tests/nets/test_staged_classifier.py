"""The trunk of a de-shuffler under a classifier."""

import pytest
import torch

from snellen._errors import UsageError
from snellen.nets.deshuffler import ENCODERS, Deshuffler
from snellen.nets.staged_classifier import StagedClassifier


@pytest.mark.parametrize("encoder", sorted(ENCODERS))
def test_the_trunk_is_that_of_the_deshuffler(encoder: str) -> None:
    one, other = StagedClassifier(encoder=encoder, hidden=8), Deshuffler(encoder=encoder, hidden=8)
    shapes = {n: t.shape for n, t in one.encoder.state_dict().items()}
    assert shapes == {n: t.shape for n, t in other.encoder.state_dict().items()}
    assert one.vector[0].weight.shape == other.vector[0].weight.shape


@pytest.mark.parametrize("size", [(32, 32), (12, 20), (2, 3)])
def test_scores_for_every_image(size: tuple[int, int]) -> None:
    net = StagedClassifier(classes=5, hidden=8).eval()
    images = torch.randn(3, 3, *size)
    with torch.inference_mode():
        scores = net(images)
        assert scores.shape == (3, 5)
        assert scores.dtype == torch.float32
        assert torch.allclose(scores, torch.cat([net(image[None]) for image in images]), atol=1e-5)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [({"encoder": "tiny"}, "no encoder named"), ({"classes": 1}, "got 1 and 256"), ({"hidden": 0}, "got 4 and 0")],
)
def test_bad_arguments_are_refused(wrong: dict[str, object], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        StagedClassifier(**wrong)  # type: ignore[arg-type]
