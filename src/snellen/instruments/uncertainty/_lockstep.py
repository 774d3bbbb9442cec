"""Many samples from one tape, all at the same step, so that a large weight matrix is read from memory once."""

from functools import cache

import torch
from torch import Tensor

from snellen.instruments.uncertainty._tape import Slot, Step, Tape

aten = torch.ops.aten
CACHE = 1 << 20  # bytes of a weight block that stays in a core's cache while all samples pass over it
LARGE = 1 << 20  # bytes of a weight matrix from which blocks pay
MEMORY = 256 << 20  # bytes that the samples in flight may take


def fill_in_lockstep(tape: Tape, samples: Tensor, *, exact: bool) -> None:
    """Fill (T, n, k) with samples, in the order and with the values of ``tape.sample()`` called T times.

    A product of one row with a large matrix is bound by reading the matrix. Here all samples take each step
    together, and such a product goes block by block of the matrix over all samples, where blocks add up in the same
    order as the whole. The draws are made first, sample by sample, so the generator is read in the same order. Unless
    ``exact``, such a product is one product of all samples' rows, which adds up in another order.
    """
    if not any(_large_product(step, tape, exact) for step in tape.steps) or not _draws_ahead(tape):
        for sample in samples:
            sample.copy_(tape.sample())
        return
    together = max(1, MEMORY // max(1, _bytes_in_flight(tape)))
    for some in samples.split(together):
        for sample, scores in zip(some, _together(tape, len(some), exact), strict=True):
            sample.copy_(scores)


def _bytes_in_flight(tape: Tape) -> int:
    """At most what one sample takes: its draws, its copies of what is written into, and every step's results."""
    draws = sum(step.layout.nbytes for step in tape.steps if step.layout is not None)
    copies = sum(tape.constants[slot].nbytes for slot in tape.overwritten)
    return draws + copies + sum(step.nbytes for step in tape.steps)


def _together(tape: Tape, count: int, exact: bool) -> list[Tensor]:
    draws = [[_draw(step) for step in tape.steps if step.draws] for _ in range(count)]
    samples = [tape.start() for _ in range(count)]
    drawn = 0
    for step in tape.steps:
        if step.draws:
            for values, masks in zip(samples, draws, strict=True):
                target = values[step.arguments[0].index]
                tape.store(step, target.copy_(masks[drawn]), values)
            drawn += 1
        elif _large_product(step, tape, exact):
            for values, result in zip(samples, _products(step, samples, exact), strict=True):
                tape.store(step, result, values)
        else:
            for values in samples:
                tape.store(step, step.call(values), values)
    return [values[tape.output] for values in samples if tape.output is not None]


def _products(step: Step, samples: list[dict[int, Tensor]], exact: bool) -> list[Tensor]:
    """bias + row @ matrix for every sample's row."""
    bias, row, matrix = (a.index for a in step.arguments[:3])
    rows = torch.stack([values[row] for values in samples])
    offset, weights = samples[0][bias], samples[0][matrix]
    if exact:
        return list(_block_product(offset, rows, weights).unbind(0))
    return list(torch.addmm(offset, rows.flatten(0, 1), weights).unflatten(0, rows.shape[:2]).unbind(0))


def _block_product(bias: Tensor, rows: Tensor, matrix: Tensor) -> Tensor:
    count, height = rows.shape[:2]
    columns = max(16, CACHE // (matrix.shape[0] * matrix.element_size()))
    pairs = zip(matrix.split(columns, dim=1), bias.split(columns), strict=True)
    blocks = [torch.baddbmm(b.expand(count, height, -1), rows, m.expand(count, -1, -1)) for m, b in pairs]
    return torch.cat(blocks, dim=2)


@cache
def _blocks_agree(height: int, inputs: int, outputs: int, dtype: torch.dtype, threads: int) -> bool:
    """Whether blocks give the bits of the whole product: a matter of shapes and threads, tried once on noise."""
    noise = torch.Generator().manual_seed(threads)
    matrix = torch.rand(outputs, inputs, generator=noise, dtype=dtype).t()
    rows, bias = (torch.rand(s, generator=noise, dtype=dtype) for s in ((3, height, inputs), (outputs,)))
    found = _block_product(bias, rows, matrix)
    return all(torch.equal(f, torch.addmm(bias, r, matrix)) for f, r in zip(found, rows, strict=True))


def _large_product(step: Step, tape: Tape, exact: bool) -> bool:
    if step.func is not aten.addmm.default or len(step.arguments) != 3:
        return False
    slots = step.arguments
    if not all(isinstance(a, Slot) for a in slots):
        return False
    if tape.overwritten & {slots[0].index, slots[2].index}:
        return False
    bias, matrix = tape.constants.get(slots[0].index), tape.constants.get(slots[2].index)
    if bias is None or matrix is None or bias.ndim != 1 or matrix.device.type != "cpu":
        return False
    if matrix.numel() * matrix.element_size() < LARGE or matrix.stride(0) != 1:
        return False
    if not exact:
        return True
    height = step.nbytes // (matrix.shape[1] * matrix.element_size())
    return _blocks_agree(height, *matrix.shape, matrix.dtype, torch.get_num_threads())


def _draws_ahead(tape: Tape) -> bool:
    """Whether every draw fills memory whatever stood there, so that it can be made before its step comes."""
    draws = [step for step in tape.steps if step.draws]
    return all(step.func is aten.bernoulli_.float and step.plain and len(step.arguments) <= 2 for step in draws)


def _draw(step: Step) -> Tensor:
    layout = step.layout
    assert layout is not None
    empty = torch.empty_strided(layout.shape, layout.stride(), dtype=layout.dtype)
    return empty.bernoulli_(*step.arguments[1:])  # torch leaves out the p of 0.5 that is its default
