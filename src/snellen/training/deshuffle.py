"""Train a network to put shuffled pieces back in place, on images that are whole.

The images are cut anew at every step. A network that scores pairs needs no shuffling: all arrangements of the pieces
are weighed against each other at once. One that classifies the whole image sees one random arrangement a step.
"""

from collections.abc import Mapping
from dataclasses import KW_ONLY, asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from snellen._errors import ImagesError, UsageError, unknown
from snellen.nets.compact_vgg import compact, restored
from snellen.nets.deshuffler import ENCODERS, Deshuffler, Scores
from snellen.nets.saved import Saved
from snellen.nets.vgg import VGG, VGGS
from snellen.puzzles.arranger import Arranger, arrangement_scores
from snellen.puzzles.grid import Grid
from snellen.puzzles.pieces import cut, shuffled
from snellen.training.augment import Views
from snellen.training.checkpoint import fingerprint
from snellen.training.fit import Progress, fit, generator_of, rows_of, seed_of
from snellen.training.schedule import Schedule

MODELS = ("pairs", "classifier")
RATES: Mapping[str, float] = {"pairs": 2e-3, "classifier": 5e-4}
QUARTERS = Grid(2, 2)
SMALLEST = 32
"""Pixels of a side that the five poolings of a VGG leave something of."""
STD = 0.25
"""What pixels are divided by, after their mean is taken off: about the spread of natural images."""


@dataclass(frozen=True)
class Settings:
    """What is trained, and how.

    Args:
        grid: rows and columns of the puzzles.
        model: ``pairs`` scores pairs of pieces; ``classifier`` is VGG-11 with BatchNorm on the whole image, one
            output an arrangement.
        encoder: of ``pairs``: ``small``, ``large`` or ``vgg11_bn``.
        gap: fewest and most pixels missing between neighbours, even, drawn anew for every step. If not given, from 0
            to a quarter of a piece: a network that cannot rely on the last pixels does better on touching pieces too.
        normalise_pieces: take mean and standard deviation of its own from every piece.
        jitter: how far brightness, contrast and colours of an image are changed, as a part.
        grey: part of the images that lose their colours.
        steps: of the optimizer.
        batch: images a step.
        learning_rate: its peak; the model's usual one if not given.
        seed: of weights, order and augmentation.
    """

    _: KW_ONLY
    grid: Grid = QUARTERS
    model: str = "pairs"
    encoder: str = "small"
    gap: tuple[int, int] | None = None
    normalise_pieces: bool = False
    jitter: float = 0.2
    grey: float = 0.0
    steps: int = 5_000
    batch: int = 64
    learning_rate: float | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if self.model not in MODELS:
            raise unknown("model", self.model, MODELS)
        if self.encoder not in ENCODERS:
            raise unknown("encoder", self.encoder, ENCODERS)
        low, high = self.gap or (0, 0)
        if not 0 <= low <= high or low % 2 or high % 2:
            raise UsageError(f"gap must be even and at least 0, one number or low-high, got {low}-{high}")
        if self.model == "classifier" and not self.grid.countable:
            raise UsageError(f"a classifier has one output an arrangement, too many for a {self.grid} grid; use pairs")
        if self.model == "classifier" and high != low:
            raise UsageError("a classifier is trained at one gap, got a range; use pairs")
        if self.batch < 1:
            raise UsageError(f"batch must be at least 1, got {self.batch}")

    @property
    def rate(self) -> float:
        """The peak of the learning rate that is used."""
        return RATES[self.model] if self.learning_rate is None else self.learning_rate

    @property
    def command(self) -> dict[str, Any]:
        """The settings as JSON can hold them."""
        return {**asdict(self), "grid": str(self.grid), "gap": None if self.gap is None else list(self.gap)}

    def gaps(self, side: tuple[int, int]) -> tuple[int, int]:
        """Fewest and most pixels for images of this height and width.

        >>> Settings().gaps((32, 32))
        (0, 4)
        """
        if self.gap is not None:
            return self.gap
        piece = min(side[0] // self.grid.rows, side[1] // self.grid.columns)
        return (0, 0 if self.model == "classifier" else 2 * (piece // 8))


def train(
    views: Views,
    settings: Settings,
    *,
    start: Saved | None = None,
    checkpoint: Path | None = None,
    checkpoint_every: int = 50,
    progress: Progress = lambda _stage, _done, _total: None,
) -> Saved:
    """A network trained on puzzles made of these images; a function of its arguments.

    Args:
        views: whole images to cut, see :mod:`snellen.training.augment`.
        settings: what is trained, and how.
        start: go on from these weights and not from random ones.
        checkpoint: where the file of the checkpoint lies while the training runs.
        checkpoint_every: steps between two of them.
        progress: called with a stage, steps done and steps in all.

    Raises:
        ImagesError: fewer than 2 images, or images that the grid does not cut.
        UsageError: a checkpoint of another command.
    """
    if len(views) < 2:
        raise ImagesError(f"training needs at least 2 images, got {len(views)}")
    low, high = settings.gaps(views.side)
    seen = _seen(views.side, settings.grid, low)
    if settings.model == "classifier" and min(seen) < SMALLEST:
        raise ImagesError(
            f"the classifier sees images of at least {SMALLEST} x {SMALLEST} pixels, these leave {seen[0]} x {seen[1]} "
            f"at a gap of {low}; take larger images, a smaller gap, or the pairs model"
        )
    batch = min(settings.batch, len(views))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_of(settings.seed, 0))
        kind, built, module = _module(settings)
    if start is not None:
        module.load_state_dict(start.module.state_dict())
    if isinstance(module, VGG):
        module = compact(module, seen)
    module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stubs lack it
    arranger = Arranger(module, settings.grid, normalise_pieces=settings.normalise_pieces)
    mean = views.mean
    scale = torch.tensor(mean).view(-1, 1, 1)
    loss_of_pieces = _loss_of_pairs if arranger.in_pairs else _loss_of_whole

    def loss_of(step: int) -> Tensor:
        generator = generator_of(settings.seed, step)
        rows = rows_of(step, batch=batch, count=len(views), seed=settings.seed)
        images = (views.augmented(rows, generator, jitter=settings.jitter, grey=settings.grey) - scale) / STD
        gap = low + 2 * int(torch.randint((high - low) // 2 + 1, (), generator=generator))
        return loss_of_pieces(arranger, cut(images, settings.grid, gap=gap), generator)

    command = command_of(views, settings, start)
    schedule = Schedule(settings.steps, learning_rate=settings.rate)
    fitted = fit(
        module,
        loss_of,
        schedule,
        seed=settings.seed,
        checkpoint=checkpoint,
        command=command,
        checkpoint_every=checkpoint_every,
        progress=progress,
    )
    return Saved(
        restored(module, seen) if isinstance(module, VGG) else module,
        kind=kind,
        settings=built,
        task="deshuffle",
        mean=mean,
        std=(STD,) * len(mean),
        about={
            "grid": str(settings.grid),
            "gap": [low, high],
            "normalise_pieces": settings.normalise_pieces,
            "side": list(views.side),
        },
        story=fitted.story("snellen.training.deshuffle", command, len(views)),
    )


def command_of(views: Views, settings: Settings, start: Saved | None = None) -> dict[str, Any]:
    """All that the weights depend on, as JSON can hold it."""
    begun = None if start is None else fingerprint(*start.module.state_dict().values())
    return {"task": "deshuffle", **settings.command, "data": views.fingerprint, "start": begun}


def _seen(side: tuple[int, int], grid: Grid, gap: int) -> tuple[int, int]:
    """Height and width of an image whose pieces were cut and put together again."""
    return side[0] - grid.rows * gap, side[1] - grid.columns * gap


def _module(settings: Settings) -> tuple[str, dict[str, Any], nn.Module]:
    if settings.model == "classifier":
        built: dict[str, Any] = {"classes": len(settings.grid.arrangements)}
        return "vgg11_bn", built, VGGS["vgg11_bn"](**built)
    built = {"encoder": settings.encoder, "positions": settings.grid.pieces}
    return "deshuffler", built, Deshuffler(**built)


def _loss_of_pairs(arranger: Arranger, pieces: Tensor, _: torch.Generator) -> Tensor:
    scores = arranger.scores(pieces)
    assert isinstance(scores, Scores)
    return arrangement_loss(scores, arranger.grid) if arranger.grid.countable else pair_loss(scores, arranger.grid)


def _loss_of_whole(arranger: Arranger, pieces: Tensor, generator: torch.Generator) -> Tensor:
    arrangements = arranger.grid.arrangements
    target = torch.randint(len(arrangements), (len(pieces),), generator=generator)
    order = arrangements[target]  # the piece that belongs at each position ...
    scores = arranger.scores(shuffled(pieces, order.argsort(dim=1)))  # ... once they are mixed like this
    assert isinstance(scores, Tensor)
    return F.cross_entropy(scores, target)


def arrangement_loss(scores: Scores, grid: Grid) -> Tensor:
    """Pieces in place: minus the mean log probability of leaving them so, among all arrangements; exact."""
    truth = torch.zeros(len(scores.place), dtype=torch.long)
    return F.cross_entropy(arrangement_scores(scores, grid), truth)


def pair_loss(scores: Scores, grid: Grid) -> Tensor:
    """Pieces in place, too many to list their arrangements: every neighbour against all other pieces, both ways.

    Minus the mean log probability of the right partner among all partners, seen from either piece of every
    seam, plus that of the right position of every piece and the right piece of every position.
    """
    own = torch.eye(grid.pieces, dtype=torch.bool)
    parts = []
    for part, touching in ((scores.beside, grid.beside), (scores.above, grid.above)):
        if not touching:
            continue
        fit = part.masked_fill(own, -torch.inf)
        one, other = torch.tensor(touching).T
        parts.append(-fit.log_softmax(dim=2)[:, one, other].mean() - fit.log_softmax(dim=1)[:, one, other].mean())
    place = scores.place
    here = torch.arange(grid.pieces)
    parts.append(-place.log_softmax(dim=2)[:, here, here].mean() - place.log_softmax(dim=1)[:, here, here].mean())
    return torch.stack(parts).mean() / 2
