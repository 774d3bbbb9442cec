"""What is looked at while a training goes on: the averaged weights, every so many steps, and when to stop."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from torch import Tensor, nn

Row = Mapping[str, float]
"""The numbers of one look, by name."""


@dataclass(frozen=True)
class Watch:
    """Looks at a training, and what follows from them.

    Args:
        every: steps between two looks.
        look: numbers of the module as it would be kept: with the averaged weights, in evaluation mode.
        told: given all rows so far, after each look and once when a killed run goes on.
        patience: looks without a better one after which the training ends; the weights of the best look are kept then.
            0 goes through to the last step and keeps its weights.
        judged_by: the number by which a look is better: the lower, the better.
        kept: what the looks keep beside their numbers, by name; a checkpoint holds it too.
    """

    every: int
    look: Callable[[], Row]
    told: Callable[[Sequence[Row]], None] = lambda _rows: None
    patience: int = 0
    judged_by: str = "val_loss"
    kept: dict[str, Tensor] = field(default_factory=dict)

    def best(self, rows: Sequence[Row]) -> int:
        """The index of the best look, the first of equals; -1 without any."""
        return min(range(len(rows)), key=lambda i: rows[i][self.judged_by], default=-1)

    def over(self, rows: Sequence[Row]) -> bool:
        """Whether patience is at its end."""
        return bool(self.patience) and len(rows) - 1 - self.best(rows) >= self.patience


@contextmanager
def wearing(module: nn.Module, weights: Mapping[str, Tensor]) -> Iterator[None]:
    """The module with other weights and in evaluation mode, and then as it was, bit for bit.

    >>> import torch
    >>> layer = nn.Linear(1, 1)
    >>> with wearing(layer, {"weight": torch.ones(1, 1), "bias": torch.zeros(1)}):
    ...     layer(torch.full((1, 1), 3.0)).item()
    3.0
    """
    own = {name: tensor.detach().clone() for name, tensor in module.state_dict().items()}
    training = {inner: inner.training for inner in module.modules()}
    try:
        module.load_state_dict(dict(weights))
        module.eval()
        yield
    finally:
        module.load_state_dict(own)
        for inner, mode in training.items():
            inner.training = mode
