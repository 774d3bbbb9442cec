"""Two processes are one: gradients, BatchNorm and what is decided from a loss."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F

from snellen._errors import UsageError
from snellen.training import fit as loop
from snellen.training.fit import generator_of
from snellen.training.ranks import ALONE, Ranks, joined
from snellen.training.schedule import Schedule

RANK = """
import sys, torch
from safetensors.torch import save_file
sys.path.insert(0, sys.argv[1])
from test_ranks import course
from snellen.training.ranks import joined
torch.set_num_threads(1)
with joined() as ranks:
    save_file(course(ranks), sys.argv[2] + str(ranks.rank))
"""


def course(ranks: Ranks) -> dict[str, Tensor]:
    """A few steps of SGD on batches of 12 images, and what became of everything."""
    torch.manual_seed(4)
    module = nn.Sequential(
        nn.Conv2d(3, 4, 3),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(144, 5),
        nn.BatchNorm1d(5, affine=False),
    )

    def loss_of(step: int) -> Tensor:
        images = torch.randn(12, 3, 8, 8, generator=generator_of(0, step)) * 2 + 1
        return F.cross_entropy(module(ranks.share(images)), ranks.share(torch.arange(12) % 5))

    loop.fast_bfloat16 = lambda _: False  # type: ignore[assignment]  # rounding would hide a mistake
    fitted = loop.fit(module, loss_of, Schedule(4, optimizer="sgd", learning_rate=0.1), seed=0, ranks=ranks)
    return {**module.state_dict(), "losses": torch.tensor(fitted.losses)}


def start(folder: Path, rank: int, port: int) -> subprocess.Popen[bytes]:
    environment = {"WORLD_SIZE": "2", "RANK": str(rank), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    command = [sys.executable, "-c", RANK, str(Path(__file__).parent), str(folder / "rank")]
    return subprocess.Popen(command, env={**os.environ, **environment})


def test_two_processes_are_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    both = [start(tmp_path, rank, port) for rank in range(2)]
    assert [process.wait(timeout=120) for process in both] == [0, 0]
    monkeypatch.setattr(loop, "fast_bfloat16", loop.fast_bfloat16)
    alone = course(ALONE)
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
