"""A network that arranges pieces, from its file to its answers: for pieces, and for whole images as any network."""

from collections.abc import Mapping
from contextlib import nullcontext
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from snellen._errors import NetworkError, UsageError
from snellen.instruments._precision import bfloat16, fast_bfloat16
from snellen.nets.deshuffler import Deshuffler, Scores
from snellen.nets.saved import Saved
from snellen.puzzles.folded import folded
from snellen.puzzles.grid import Grid
from snellen.puzzles.pieces import cut, join

SURE = 0.99
"""An arrangement less probable than this is looked at a second time, mirrored."""
BLOCK = 128
"""Puzzles scored at once: their maps stay in the cache, and each of two threads has enough to do."""
FLAT = 1e-3
"""The least standard deviation that a piece is divided by, in units of the normalised pixels."""


class Arranger(nn.Module):
    """A de-shuffler together with how its pieces are cut.

    Args:
        solver: a :class:`~snellen.nets.deshuffler.Deshuffler`, or a classifier of whole images with one output an
            arrangement.
        grid: rows and columns.
        gap: pixels missing between neighbours when a whole image is cut.
        normalise_pieces: give every piece mean 0 and standard deviation 1 of its own, so that brightness and colour
            no longer say what belongs together (Noroozi & Favaro 2016).

    >>> Arranger(Deshuffler(), Grid(2, 2))(torch.rand(3, 3, 32, 32)).shape
    torch.Size([3, 24])
    """

    def __init__(self, solver: nn.Module, grid: Grid, *, gap: int = 0, normalise_pieces: bool = False) -> None:
        super().__init__()
        self.solver = solver
        self.grid = grid
        self.gap = gap
        self.normalise_pieces = normalise_pieces

    @property
    def in_pairs(self) -> bool:
        """Whether pairs of pieces are scored, or whole images."""
        return isinstance(self.solver, Deshuffler)

    def forward(self, images: Tensor) -> Float[Tensor, "n k"]:
        """Normalised images (n, 3, h, w), their pieces in any order -> the score of every arrangement.

        The arrangements are those of :attr:`Grid.arrangements`; where these are too many, what comes out is
        the score of every piece at every position, (n, m * m).
        """
        scores = self.scores(cut(images, self.grid, gap=self.gap))
        if isinstance(scores, Scores):
            return arrangement_scores(scores, self.grid) if self.grid.countable else scores.place.flatten(1)
        return scores

    def scores(self, pieces: Float[Tensor, "n m c h w"]) -> Scores | Float[Tensor, "n a"]:
        """Scores of normalised pieces: of pairs and places, or of every arrangement from a classifier."""
        if self.normalise_pieces:
            std, mean = torch.std_mean(pieces, dim=(3, 4), keepdim=True)
            pieces = (pieces - mean) / std.clamp_min(FLAT)
        if self.in_pairs:
            found: Scores = self.solver(pieces.to(next(self.solver.parameters()).dtype))
            return found
        whole: Tensor = self.solver(join(pieces, self.grid).contiguous(memory_format=torch.channels_last))
        return whole.float()

    def views(self) -> dict[str, nn.Module]:
        """Ways to send an image through: as its puzzle, and uncut through the convolutions."""
        if not self.in_pairs:
            return {"": self}
        return {"pieces": self, "whole image": _Uncut(self.solver.get_submodule("encoder"))}


class _Uncut(nn.Module):
    """The encoder of pieces, given whole images."""

    def __init__(self, encoder: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, images: Tensor) -> Tensor:
        last: Tensor = self.encoder(images)[-1]
        return last.mean(dim=(2, 3))


def arrangement_scores(scores: Scores, grid: Grid) -> Float[Tensor, "n a"]:
    """The sum of the scores that each of :attr:`Grid.arrangements` collects."""
    flat = torch.cat([part.float().flatten(1) for part in scores], dim=1)
    return flat @ grid.design.to(flat.device)


def against_rivals(scores: Scores) -> Scores:
    """Each score as log probabilities: of its partner among all partners, seen from either piece, added.

    For grids whose arrangements are too many to be rivals of each other, the pairs are. The diagonal is 0.
    """
    own = torch.eye(scores.place.shape[1], dtype=torch.bool, device=scores.place.device)
    pairs = [part.float().masked_fill(own, -torch.inf) for part in scores[:2]]
    beside, above = ((part.log_softmax(dim=1) + part.log_softmax(dim=2)).masked_fill(own, 0.0) for part in pairs)
    place = scores.place.float()
    return Scores(beside, above, place.log_softmax(dim=1) + place.log_softmax(dim=2))


def arranger_of(saved: Saved) -> Arranger:
    """The arranger in a file of ``snellen train deshuffle``.

    Raises:
        NetworkError: the network in it was trained for something else, or the file does not say how it cut.
    """
    if saved.task != "deshuffle":
        raise NetworkError(f"expected a network trained to de-shuffle, got one trained to {saved.task}")
    about: Mapping[str, Any] = saved.about
    try:
        grid, gap = Grid.parse(str(about["grid"])), int(about["gap"][0])
        normalise_pieces = bool(about["normalise_pieces"])
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise NetworkError(f"the network's file does not say how it cuts images ({error!r}); train it again") from error
    return Arranger(saved.module, grid, gap=gap, normalise_pieces=normalise_pieces).eval()


class NetworkScorer:
    """Scores of pieces with pixels in [0, 1], as the solver takes them.

    Arrangements that the first look leaves in doubt are looked at again mirrored, and both looks averaged. Pieces are
    taken as they are: a network trained at a gap does better on pieces that touch than on the same ones trimmed.
    """

    def __init__(self, saved: Saved) -> None:
        self.arranger = arranger_of(saved)
        self.arranger.solver = folded(self.arranger.solver)
        self.fast = fast_bfloat16(torch.device("cpu"))
        if self.fast and self.arranger.in_pairs:
            self.arranger.solver.bfloat16()  # once, and not the weights anew for every block
        self.mean = torch.tensor(saved.mean).view(-1, 1, 1)
        self.std = torch.tensor(saved.std).view(-1, 1, 1)

    def __call__(self, pieces: Float[Tensor, "n m c h w"]) -> Scores | Float[Tensor, "n a"]:
        """Higher is better; for a grid whose arrangements are countable, their softmax is a probability."""
        grid = self.arranger.grid
        if pieces.shape[1] != grid.pieces:
            raise UsageError(f"the network was trained on a {grid} grid, got puzzles of {pieces.shape[1]} pieces")
        with torch.inference_mode():
            pieces = (pieces - self.mean) / self.std
            scores = self._look(pieces)
            doubtful = self._doubtful(scores)
            if len(doubtful):
                again = self._mirrored(pieces[doubtful])
                for part, other in zip(_parts(scores), _parts(again), strict=True):
                    part[doubtful] = (part[doubtful] + other) / 2
            if isinstance(scores, Scores) and not grid.countable:
                return against_rivals(scores)
        return scores

    def _look(self, pieces: Tensor) -> Scores | Tensor:
        parts = [self._block(block) for block in pieces.split(BLOCK)]
        joined = [torch.cat(part) for part in zip(*map(_parts, parts), strict=True)]
        return Scores(*joined) if isinstance(parts[0], Scores) else joined[0]

    def _block(self, pieces: Tensor) -> Scores | Tensor:
        with bfloat16(pieces.device.type) if self.fast and not self.arranger.in_pairs else nullcontext():
            return self.arranger.scores(pieces)

    def _doubtful(self, scores: Scores | Tensor) -> Tensor:
        grid = self.arranger.grid
        if not grid.countable:
            return torch.arange(len(scores[0]))
        totals = arrangement_scores(scores, grid) if isinstance(scores, Scores) else scores
        return (totals.softmax(dim=1).amax(dim=1) < SURE).nonzero()[:, 0]

    def _mirrored(self, pieces: Tensor) -> Scores | Tensor:
        """The scores of the same pieces in the same order, each of them flipped and left and right exchanged."""
        grid = self.arranger.grid
        across = torch.arange(grid.pieces).view(grid.rows, grid.columns).flip(1).flatten()
        if self.arranger.in_pairs:
            seen = self._look(pieces.flip(-1))
            assert isinstance(seen, Scores)
            return Scores(seen.beside.transpose(1, 2), seen.above, seen.place[:, :, across])
        seen = self._look(pieces.flip(-1)[:, across])
        assert isinstance(seen, Tensor)
        return seen[:, self._mirrored_arrangements(across)]

    def _mirrored_arrangements(self, across: Tensor) -> Tensor:
        """For each arrangement the number of its mirror image: piece and position exchange left and right."""
        arrangements = self.arranger.grid.arrangements
        mirrored = across[arrangements[:, across]]
        return (mirrored[:, None] == arrangements[None]).all(dim=2).int().argmax(dim=1)


def _parts(scores: Scores | Tensor) -> tuple[Tensor, ...]:
    return scores if isinstance(scores, Scores) else (scores,)
