"""One of two processes is killed in the middle of a course of training; the others begin again, to the same bits."""

import os
import subprocess
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file

from snellen.training.metrics import read_metrics

RANK = """
import itertools, os, signal, sys
from pathlib import Path

import torch

out = Path(sys.argv[1])
sys.path[:0] = sys.argv[2:]
from lessons import quick, small_set
from snellen.exam import train as course
from snellen.training.classify import train
from snellen.training.ranks import Ranks, joined

torch.set_num_threads(1)
attempt = os.environ["TORCHELASTIC_RESTART_COUNT"]


def page(findings, folder):
    (folder / "index.html").write_text("")


def noted(lesson, **options):
    done = train(lesson, checkpoint_every=4, **options)
    if ranks.first:
        (out / f"{folder} from {done.fitted.resumed_at} at attempt {attempt}").touch()
    return done


def die_at(step):
    average, calls = Ranks.average, itertools.count()

    def dying(self, module):
        if next(calls) == step:
            os.kill(os.getpid(), signal.SIGKILL)
        average(self, module)

    Ranks.average = dying


course.train = noted
with joined() as ranks:
    for folder in ("whole", "killed"):
        if folder == "killed" and ranks.rank == 1 and attempt == "0":
            die_at(6)
        course.train_classifier(small_set(out / f"data{ranks.rank}"), quick(), out / folder, save=page, ranks=ranks)
"""


def test_a_rank_that_is_killed_changes_no_bit(tmp_path: Path) -> None:
    """12 steps; the second process is killed at the seventh, after the checkpoint of the fourth."""
    (tmp_path / "rank.py").write_text(RANK)
    for rank in range(2):
        (tmp_path / f"data{rank}").mkdir()
    run = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--standalone",
        "--nproc-per-node",
        "2",
        "--max-restarts",
        "1",
    ]
    words = [*run, str(tmp_path / "rank.py"), str(tmp_path), str(Path(__file__).parents[1])]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr
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
