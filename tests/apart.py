"""Short trainings in processes of their own, that are killed or train together.

Each process is a fork of one that has imported torch once, so that it begins at once. What it runs is found by its
name, and so stands here and not in the tests.
"""

import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional as F

from lessons import quick, small_lesson, small_set
from snellen.exam import train as exam
from snellen.training import fit as loop
from snellen.training.augment import Views
from snellen.training.classify import Trained, train
from snellen.training.deshuffle import Settings
from snellen.training.deshuffle import train as train_deshuffler
from snellen.training.fit import generator_of
from snellen.training.ranks import Ranks, joined
from snellen.training.schedule import Schedule

METHOD = "forkserver"
_FORKS = multiprocessing.get_context(METHOD)
_FORKS.set_forkserver_preload(["snellen.exam.train", "snellen.studies._improve_task"])
ALL = {"mixup": 0.5, "cutmix": 0.5, "cutout": 4, "jitter": 0.2, "smoothing": 0.1, "flip": True, "dropout": 0.2}


def start(run: Callable[..., object], *arguments: Any) -> multiprocessing.process.BaseProcess:
    """A process that runs a function of a module that it can import."""
    process = _FORKS.Process(target=_alone, args=(run, *arguments))
    process.start()
    return process


def _alone(run: Callable[..., object], *arguments: Any) -> None:
    torch.set_num_threads(1)
    run(*arguments)


def killed_once_there(path: Path, run: Callable[..., object], *arguments: Any) -> None:
    """Kills the process that runs a function as soon as a file is there."""
    process = start(run, *arguments)
    while process.is_alive() and not path.exists():
        time.sleep(0.002)
    process.kill()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert path.exists()


def puzzled(checkpoint: Path | None = None) -> dict[str, Tensor]:
    """The weights of a de-shuffler after 14 steps."""
    images = torch.randint(256, (40, 3, 16, 16), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    settings = Settings(steps=14, batch=8)
    saved = train_deshuffler(Views(images, (16, 16)), settings, checkpoint=checkpoint, checkpoint_every=2)
    return dict(saved.module.state_dict())


def classified(folder: Path) -> Trained:
    """A classifier trained with everything that is drawn at random, and a checkpoint after each step."""
    return train(small_lesson(folder, **ALL), checkpoint=folder / "c", checkpoint_every=1)


def shared(ranks: Ranks) -> dict[str, Tensor]:
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


def shared_by(folder: Path, environment: Mapping[str, str]) -> None:
    """One process of such a course; leaves what it has under its rank."""
    with joined(environment) as ranks:
        save_file(shared(ranks), folder / f"rank{ranks.rank}")


def whole_and_killed(out: Path) -> None:
    """One of two processes that train twice; at the first attempt the second of them kills itself in the second."""
    torch.set_num_threads(1)
    attempt = os.environ["TORCHELASTIC_RESTART_COUNT"]

    def noted(lesson: Any, **options: Any) -> Trained:
        done = train(lesson, checkpoint_every=4, **options)
        if ranks.first:
            (out / f"{folder} from {done.fitted.resumed_at} at attempt {attempt}").touch()
        return done

    exam.train = noted  # type: ignore[attr-defined]
    with joined() as ranks:
        for folder in ("whole", "killed"):
            if folder == "killed" and ranks.rank == 1 and attempt == "0":
                _dies_at(6)
            data = small_set(out / f"data{ranks.rank}")
            exam.train_classifier(data, quick(), out / folder, save=_blank, ranks=ranks)


def _dies_at(step: int) -> None:
    average, calls = Ranks.average, iter(range(10_000))

    def dying(ranks: Ranks, module: nn.Module) -> None:
        if next(calls) == step:
            os.kill(os.getpid(), signal.SIGKILL)
        average(ranks, module)

    Ranks.average = dying  # type: ignore[method-assign]


def _blank(_findings: object, folder: Path) -> None:
    (folder / "index.html").write_text("")
