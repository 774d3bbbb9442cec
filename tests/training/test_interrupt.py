"""Ctrl-C is noted once, obeyed the second time, and everything is put back."""

import os
import signal
import threading
from collections.abc import Iterator

import pytest

from snellen.training.interrupt import patient


@pytest.fixture(autouse=True)
def python_handles_interrupts() -> Iterator[None]:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_the_first_is_noted_and_the_second_interrupts() -> None:
    noted: list[bool] = []

    def work() -> None:
        with patient() as asked:
            for _ in range(2):
                noted.append(asked())
                os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        work()
    assert noted == [False, True]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_handler_of_somebody_else_stays() -> None:
    calls: list[int] = []

    def own(number: int, _frame: object) -> None:
        calls.append(number)

    signal.signal(signal.SIGINT, own)
    with patient() as asked:
        os.kill(os.getpid(), signal.SIGINT)
        assert not asked()
    assert calls == [signal.SIGINT]


def test_another_thread_is_left_alone() -> None:
    found: list[bool] = []

    def work() -> None:
        with patient() as asked:
            found.append(asked())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [False]
