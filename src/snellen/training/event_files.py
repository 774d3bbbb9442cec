"""The rows of ``metrics.jsonl`` as event files, which TensorBoard draws."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from snellen._errors import UsageError
from snellen.training.watch import Row

STEP = "step"


class EventFiles:
    """Writes one scalar a number and row, at the step of the row, under the names that ``metrics.jsonl`` has.

    A run that goes on after it was killed begins its folder anew with all rows that it knows, so that no row stands
    in it twice.

    Args:
        folder: for the files; ``tensorboard --logdir`` takes it, or any folder above it.

    Raises:
        UsageError: the package tensorboard is not installed.

    >>> EventFiles(Path("trained/tensorboard")).write([{"step": 9, "val_loss": 0.5}])  # doctest: +SKIP
    """

    def __init__(self, folder: Path) -> None:
        self._folder, self._writer, self._written = folder, _writer_class(), 0
        self._open: Any = None

    def write(self, rows: Sequence[Row]) -> None:
        """Bring the files to these rows."""
        if self._open is None:
            for left in self._folder.glob("events.out.tfevents.*"):
                left.unlink()
            self._open = self._writer(str(self._folder))
        for row in rows[self._written :]:
            for name, value in row.items():
                if name != STEP:
                    self._open.add_scalar(name, value, int(row[STEP]))
        self._written = len(rows)
        self._open.flush()

    def close(self) -> None:
        """End the files."""
        if self._open is not None:
            self._open.close()


def _writer_class() -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise UsageError(
            f"--tensorboard needs the package tensorboard, which cannot be imported ({error}): "
            "pip install 'snellen[tensorboard]'"
        ) from error
    return SummaryWriter
