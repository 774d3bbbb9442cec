"""One of two processes is killed in the middle of a course of training; the others begin again, to the same bits."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch.distributed.launcher.api import LaunchConfig, elastic_launch

from apart import METHOD, whole_and_killed
from snellen.training.metrics import read_metrics


def test_a_rank_that_is_killed_changes_no_bit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """12 steps; the second process is killed at the seventh, after the checkpoint of the fourth.

    What starts them again is what ``torchrun`` is made of.
    """
    for rank in range(2):
        (tmp_path / f"data{rank}").mkdir()
    monkeypatch.setenv("TORCHELASTIC_SIGNALS_TO_HANDLE", "")
    config = LaunchConfig(
        1,
        1,
        2,
        rdzv_backend="c10d",
        rdzv_endpoint="localhost:0",
        max_restarts=1,
        start_method=METHOD,
        signals_to_handle="SIGQUIT",
    )
    elastic_launch(config, whole_and_killed)(tmp_path)
    assert sorted(path.name for path in tmp_path.glob("* from *")) == [
        "killed from 4 at attempt 1",
        "whole from 0 at attempt 0",
    ]
    whole, killed = (load_file(tmp_path / name / "network.safetensors") for name in ("whole", "killed"))
    assert whole.keys() == killed.keys()
    assert all(torch.equal(whole[name], killed[name]) for name in whole)
    rows = [
        [{k: v for k, v in row.items() if k != "seconds"} for row in read_metrics(tmp_path / name / "metrics.jsonl")]
        for name in ("whole", "killed")
    ]
    assert rows[0] == rows[1]
    assert len(rows[0]) == 2
