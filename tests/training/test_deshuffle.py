"""A de-shuffler learns from whole images: on digits far better than chance, and its losses are what they say."""

from itertools import permutations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from snellen._errors import ImagesError, UsageError
from snellen.nets.deshuffler import Scores
from snellen.nets.vgg import VGG, vgg
from snellen.puzzles.arranger import NetworkScorer
from snellen.puzzles.grid import Grid
from snellen.puzzles.measure import measure
from snellen.subject.load.digits import digit_pixels
from snellen.training import deshuffle
from snellen.training.augment import Views
from snellen.training.deshuffle import Settings, arrangement_loss, command_of, pair_loss, train


def digits(part: str, side: int = 32) -> Tensor:
    pixels, _ = digit_pixels(part)  # type: ignore[arg-type]
    return (F.avg_pool2d(pixels, 32 // side).expand(-1, 3, -1, -1) * 255).round().to(torch.uint8)


def test_on_digits_it_beats_chance_by_far() -> None:
    """Chance is 1 in 24; the held-out digits are other digits than those trained on."""
    saved = train(Views(digits("train", 16), (16, 16)), Settings(steps=45, batch=24))
    found = measure(NetworkScorer(saved), digits("test", 16)[:200], Grid(2, 2))
    assert found.images / found.asked > 0.8
    assert found.pieces / (found.asked * 4) >= found.images / found.asked
    assert saved.story["losses"][-1] < 0.5 * saved.story["losses"][0]


def scores(n: int, m: int, seed: int = 0) -> Scores:
    generator = torch.Generator().manual_seed(seed)
    return Scores(*torch.randn(3, n, m, m, generator=generator))


@pytest.mark.parametrize(("rows", "columns"), [(2, 2), (1, 3), (2, 3)])
def test_the_exact_loss_by_counting(rows: int, columns: int) -> None:
    grid, n = Grid(rows, columns), 3
    m = grid.pieces
    given = scores(n, m)
    expected = 0.0
    for image in range(n):
        totals = []
        for order in permutations(range(m)):
            total = sum(given.place[image, piece, k].item() for k, piece in enumerate(order))
            for r in range(rows):
                for c in range(columns):
                    k = r * columns + c
                    if c + 1 < columns:
                        total += given.beside[image, order[k], order[k + 1]].item()
                    if r + 1 < rows:
                        total += given.above[image, order[k], order[k + columns]].item()
            totals.append(total)
        expected += torch.tensor(totals).logsumexp(0).item() - totals[0]
    assert arrangement_loss(given, grid).item() == pytest.approx(expected / n, rel=1e-5)


def test_the_pair_loss_by_counting() -> None:
    grid, given = Grid(2, 2), scores(1, 4, seed=3)

    def lost(row: list[float], right: float) -> float:
        return torch.tensor(row).logsumexp(0).item() - right

    parts = []
    for part, seams in ((given.beside[0], [(0, 1), (2, 3)]), (given.above[0], [(0, 2), (1, 3)])):
        values = part.tolist()
        ways = [lost([values[i][j] for j in range(4) if j != i], values[i][k]) for i, k in seams]
        back = [lost([values[i][k] for i in range(4) if i != k], values[j][k]) for j, k in seams]
        parts.append(sum(ways) / 2 + sum(back) / 2)
    place = given.place[0].tolist()
    ways = [lost(place[i], place[i][i]) for i in range(4)]
    back = [lost([place[j][i] for j in range(4)], place[i][i]) for i in range(4)]
    parts.append(sum(ways) / 4 + sum(back) / 4)
    assert pair_loss(given, grid).item() == pytest.approx(sum(parts) / 6, rel=1e-5)


@pytest.mark.parametrize(
    "settings",
    [
        Settings(steps=2, batch=4, encoder="vgg11_bn"),
        Settings(steps=2, batch=4, grid=Grid(3, 3)),
        Settings(steps=2, batch=4, grid=Grid(1, 2), gap=(0, 4), normalise_pieces=True, grey=0.3),
    ],
    ids=["vgg11_bn", "3x3", "gaps"],
)
def test_every_way_of_training_runs_and_says_what_it_did(settings: Settings) -> None:
    side = (33, 33) if settings.grid == Grid(3, 3) else (32, 32)
    images = torch.randint(256, (8, 3, *side), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    views = Views(images, side)
    saved = train(views, settings)
    assert saved.story["command"] == command_of(views, settings)
    assert saved.about["grid"] == str(settings.grid)
    assert measure(NetworkScorer(saved), images, settings.grid).asked == 8


def test_training_is_a_function_of_its_arguments() -> None:
    views = Views(digits("train", 16)[:64], (16, 16))
    one, again, other = (train(views, Settings(steps=4, batch=16, seed=seed)) for seed in (0, 0, 1))
    weights = [saved.module.get_parameter("place.weight") for saved in (one, again, other)]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"model": "pair"}, "did you mean pairs"),
        ({"encoder": "vgg"}, "no encoder named"),
        ({"gap": (1, 1)}, "gap must be even"),
        ({"gap": (4, 2)}, "gap must be even"),
        ({"model": "classifier", "grid": Grid(3, 3)}, "one output an arrangement"),
        ({"model": "classifier", "gap": (0, 4)}, "one gap"),
        ({"batch": 0}, "batch must be at least 1, got 0"),
    ],
)
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, object], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        Settings(**wrong)  # type: ignore[arg-type]


def test_a_learning_rate_of_nothing_is_not_the_usual_one() -> None:
    views = Views(digits("train")[:8], (32, 32))
    with pytest.raises(UsageError, match="learning_rate > 0"):
        train(views, Settings(steps=1, batch=4, learning_rate=0.0))
    assert [Settings(model=model).rate for model in ("pairs", "classifier")] == [2e-3, 5e-4]


def slim(classes: int) -> VGG:
    """VGG-11 with BatchNorm but for its sizes: 8 channels of 1/32 of the sides, 16 hidden units."""
    with torch.device("meta"):
        net = vgg(11, batch_norm=True)
    net.features = nn.Sequential(nn.MaxPool2d(32), nn.Conv2d(3, 8, 1), nn.BatchNorm2d(8), nn.ReLU())
    net.classifier = nn.Sequential(nn.Linear(8 * 49, 16), nn.ReLU(), nn.Linear(16, classes))
    return net


def test_a_classifier_is_a_whole_vgg_that_training_can_go_on_from(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deshuffle, "VGGS", {"vgg11_bn": slim})
    views, settings = Views(digits("train")[:8], (32, 32)), Settings(steps=1, batch=4, model="classifier")
    first = train(views, settings)
    assert (first.kind, first.settings) == ("vgg11_bn", {"classes": 24})
    assert measure(NetworkScorer(first), digits("test")[:8], settings.grid).asked == 8
    again = train(views, settings, start=first)
    for saved in (first, again):
        assert saved.module.get_parameter("classifier.0.weight").shape == (16, 8 * 49)
    assert not torch.equal(*(saved.module.get_parameter("classifier.0.weight") for saved in (first, again)))


def test_a_classifier_of_too_few_pixels_is_refused() -> None:
    with pytest.raises(ImagesError, match="at least 32 x 32 pixels, these leave 24 x 24 at a gap of 4"):
        train(Views(digits("train")[:16], (32, 32)), Settings(steps=1, model="classifier", gap=(4, 4)))


def test_to_go_on_from_weights_is_another_command() -> None:
    views, settings = Views(digits("train", 16)[:16], (16, 16)), Settings(steps=1, batch=4)
    start = train(views, settings)
    again = train(views, settings, start=start)
    assert again.story["command"] == command_of(views, settings, start) != command_of(views, settings)
    rate = Settings(steps=1, batch=4, learning_rate=1e-12)
    same = train(views, rate, start=start).module.get_parameter("place.weight")
    assert torch.allclose(same, start.module.get_parameter("place.weight"), atol=1e-6)


def test_one_image_is_not_enough() -> None:
    with pytest.raises(ImagesError, match="at least 2 images, got 1"):
        train(Views(torch.zeros(1, 3, 32, 32, dtype=torch.uint8), (32, 32)), Settings(steps=1))
