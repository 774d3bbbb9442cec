"""The largest batch that fits is found by halving, and only where memory is what is short."""

import pytest
import torch

from snellen._errors import InputError
from snellen.training.memory import enough_memory, is_shortage

CPU = "[enforce fail at alloc_cpu.cpp:124] . DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes"


@pytest.mark.parametrize(
    ("error", "short"),
    [
        (MemoryError(), True),
        (torch.OutOfMemoryError("CUDA out of memory."), True),
        (RuntimeError(CPU), True),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
        (ValueError("out of memory"), False),
    ],
)
def test_what_a_shortage_is(error: Exception, short: bool) -> None:
    assert is_shortage(error) is short


def test_what_this_torch_says_is_understood() -> None:
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**60)
    assert is_shortage(caught.value)


@pytest.mark.parametrize(
    ("room", "said"),
    [(100, "--batch-size 100 fits"), (99, "--batch-size 50 fits"), (12, "--batch-size 12 fits"), (2, "not even 2 fit")],
)
def test_the_batch_is_halved_until_it_fits(room: int, said: str) -> None:
    tried: list[int] = []

    def step(images: int) -> None:
        tried.append(images)
        if images > room:
            raise RuntimeError(CPU)

    with pytest.raises(InputError, match=f"too small for a step of 200 images; {said}"), enough_memory(200, step):
        raise RuntimeError(CPU)
    assert tried == [n for n in (100, 50, 25, 12, 6, 3) if n >= min(tried)]


def test_other_errors_pass() -> None:
    with pytest.raises(RuntimeError, match="shapes"), enough_memory(8, lambda _: None):
        raise RuntimeError("shapes")

    def other(_: int) -> None:
        raise RuntimeError("shapes")

    with pytest.raises(RuntimeError, match="shapes"), enough_memory(8, other):
        raise MemoryError


def test_what_the_failed_step_held_is_let_go_before_another_is_tried() -> None:
    import weakref

    held: list[weakref.ref[torch.Tensor]] = []

    def fails() -> None:
        large = torch.zeros(10)
        held.append(weakref.ref(large))
        raise MemoryError

    def step(_: int) -> None:
        assert held[0]() is None

    with pytest.raises(InputError, match="--batch-size 4 fits"), enough_memory(8, step):
        fails()
