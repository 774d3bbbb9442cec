"""A student of a victim that only answers: it agrees on images it never saw, and nothing else was touched."""

import pytest
import torch
from torch import Tensor, nn

from snellen._errors import UsageError
from snellen.subject.network import Network
from snellen.training.imitate import imitate
from toys import small_network
from untouched import untouched

PIXELS = torch.rand(300, 3, 6, 6, generator=torch.Generator().manual_seed(2))
PIXELS *= torch.rand(300, 3, 1, 1, generator=torch.Generator().manual_seed(3))


def student(outputs: int = 3, seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Flatten(), nn.Linear(108, outputs), nn.Dropout(0.1))


def brightest(pixels: Tensor) -> Tensor:
    """The scores of a victim that names the brightest channel."""
    return 20 * pixels.mean(dim=(2, 3))


def test_it_learns_the_victims_decisions() -> None:
    found = imitate(brightest, PIXELS, student(), epochs=12, rate=3e-2)
    assert found.judged == 30
    assert found.agreement >= 0.8
    fresh = torch.rand(200, 3, 6, 6) * torch.rand(200, 3, 1, 1)
    same = found.network.outputs(fresh).argmax(dim=1) == brightest(fresh).argmax(dim=1)
    assert same.float().mean() >= 0.8
    untaught = Network(student()).outputs(fresh).argmax(dim=1) == brightest(fresh).argmax(dim=1)
    assert untaught.float().mean() < 0.6


def test_probabilities_and_decisions_are_taken_as_they_are() -> None:
    scores = imitate(brightest, PIXELS, student(), epochs=1)
    shares = imitate(lambda x: brightest(x).softmax(dim=1), PIXELS, student(), epochs=1)
    torch.testing.assert_close(shares.network.module[1].weight, scores.network.module[1].weight)
    hard = imitate(lambda x: torch.eye(3)[brightest(x).argmax(dim=1)], PIXELS, student(), epochs=12, rate=3e-2)
    assert hard.agreement >= 0.8


def test_every_image_is_asked_about_once() -> None:
    asked = []

    def victim(pixels: Tensor) -> Tensor:
        asked.append(len(pixels))
        return brightest(pixels)

    assert imitate(victim, PIXELS, student(), epochs=2).queries == sum(asked) == 300


def test_the_same_seed_teaches_the_same_and_the_victim_is_left_alone() -> None:
    victim = small_network()
    with untouched(victim.module):
        students = [student(4), student(4)]
        torch.manual_seed(3)
        for each in students:
            imitate(victim, PIXELS[:40], each, epochs=2, seed=7)
    assert torch.equal(students[0][1].weight, students[1][1].weight)
    assert not any(parameter.grad is not None for parameter in students[0].parameters())


def test_wrong_input() -> None:
    with pytest.raises(UsageError, match="at least 20 images to imitate on, got 5"):
        imitate(brightest, PIXELS[:5], student())
    with pytest.raises(UsageError, match="must have 3 outputs, it has 2"):
        imitate(brightest, PIXELS, student(2))
