"""Two processes are one: gradients, BatchNorm and what is decided from a loss."""

import socket
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from apart import shared, shared_by, start
from snellen._errors import UsageError
from snellen.training import fit as loop
from snellen.training.ranks import ALONE, Ranks, joined


def test_two_processes_are_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        where = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free.getsockname()[1])}
    both = [start(shared_by, tmp_path, where | {"RANK": str(rank)}) for rank in range(2)]
    for process in both:
        process.join(timeout=120)
    assert [process.exitcode for process in both] == [0, 0]
    monkeypatch.setattr(loop, "fast_bfloat16", loop.fast_bfloat16)
    alone = shared(ALONE)
    first, second = (load_file(tmp_path / f"rank{rank}") for rank in range(2))
    for name, want in alone.items():
        assert torch.equal(first[name], second[name]), name
        torch.testing.assert_close(first[name], want, rtol=1e-4, atol=1e-5)


def test_alone_nothing_is_shared() -> None:
    with joined({}) as ranks, ranks.together():
        assert ranks == ALONE
        assert ranks.first
    module = nn.Linear(2, 2)
    module(torch.ones(1, 2)).sum().backward()
    before = module.weight.grad
    assert before is not None
    kept = before.clone()
    ALONE.average(module)
    assert torch.equal(before, kept)


def test_shares_are_disjoint_and_whole() -> None:
    rows = torch.arange(12)
    shares = [Ranks(rank, 3).share(rows).tolist() for rank in range(3)]
    assert sorted(row for share in shares for row in share) == rows.tolist()
    assert {len(share) for share in shares} == {4}


def test_a_batch_that_cannot_be_shared_alike_is_refused() -> None:
    Ranks(1, 4).check(8)
    with pytest.raises(UsageError, match="multiple of 4"):
        Ranks(1, 4).check(10)
