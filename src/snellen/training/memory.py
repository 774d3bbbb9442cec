"""A step that the memory is too small for, and how many images at once it would do for."""

import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch

from snellen._errors import InputError

WORDS = ("out of memory", "can't allocate memory", "not enough memory")


def is_shortage(error: BaseException) -> bool:
    """Whether an error says that the memory is full; on a CPU PyTorch says so with an ordinary RuntimeError.

    >>> is_shortage(MemoryError()), is_shortage(RuntimeError("shapes differ"))
    (True, False)
    """
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(word in str(error) for word in WORDS)


@contextmanager
def enough_memory(batch: int, step: Callable[[int], object]) -> Iterator[None]:
    """Where the memory does not do, say for how many images it would: the batch is halved until a step goes through.

    Args:
        batch: images of a step that is made inside.
        step: makes one step with fewer images and leaves nothing behind.

    Raises:
        InputError: the memory was full; the message names the largest batch found.

    >>> with enough_memory(64, lambda images: None):
    ...     pass
    """
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not is_shortage(error):
            raise
        traceback.clear_frames(error.__traceback__)  # or the step that failed would still hold its memory
        fits = _largest(batch, step)
        remedy = f"--batch-size {fits} fits (found by halving)" if fits else "not even 2 fit: take a smaller --side"
        raise InputError(
            f"the memory is too small for a step of {batch} images; {remedy}, or take a smaller network"
        ) from error


def _largest(batch: int, step: Callable[[int], object]) -> int:
    while batch >= 4:
        batch //= 2
        try:
            step(batch)
        except (RuntimeError, MemoryError) as error:
            if not is_shortage(error):
                raise
        else:
            return batch
    return 0
