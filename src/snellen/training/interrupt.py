"""Ctrl-C at the end of a step and not in the middle of it, so that what is kept is whole."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def patient() -> Iterator[Callable[[], bool]]:
    """While it is entered the first Ctrl-C is only noted; the function given says whether there was one.

    A second one interrupts at once. Outside the main thread, and where somebody else handles interrupts, nothing is
    changed.

    >>> with patient() as asked:
    ...     asked()
    False
    """
    noted = False
    usual = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or usual is not signal.default_int_handler:
        yield lambda: False
        return

    def note(_number: int, _frame: FrameType | None) -> None:
        nonlocal noted
        noted = True
        signal.signal(signal.SIGINT, usual)

    signal.signal(signal.SIGINT, note)
    try:
        yield lambda: noted
    finally:
        signal.signal(signal.SIGINT, usual)
