"""Time to 80 % and to 90 % test accuracy on CIFAR-10, beside a plain PyTorch loop; a recipe; and the speed of a step.

    python benchmarks/cifar10.py race          both sides, the same network and schedule, each in a process of its own
    python benchmarks/cifar10.py recipe        two commands and the mean of their networks: the aim is 92 %
    python benchmarks/cifar10.py step          images a second of one step of either side, in turn

The plain loop is what a tutorial shows: float32, a DataLoader over images that flip and crop themselves, AdamW under
OneCycleLR, the last weights. Snellen's side has the same network, first weights, optimizer, rates, batch and number of
steps; it augments whole batches, computes in bfloat16 where that is fast, and judges averaged weights. The clock
runs while a side trains and stands while it is tested. Killed and given again, both sides go on from their last epoch.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader
from torch.utils.data import Dataset as TorchDataset

from side_by_side import in_turn, ratio, versions
from snellen.findings.interval import wilson
from snellen.nets.saved import Saved, read_saved
from snellen.training.dataset import Part, load_dataset
from snellen.training.fit import fit
from snellen.training.lesson import Lesson, prepare
from snellen.training.metrics import read_metrics, write_metrics
from snellen.training.score import score
from snellen.training.settings import Settings
from snellen.training.watch import Row, Watch

DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "cifar10-jpeg"
SIDES = ("snellen", "plain")
MARKS = (0.8, 0.9)
COMMON = {
    "batch-size": 256,
    "optimizer": "sgd",
    "lr": 0.25,
    "weight-decay": 1.3e-3,
    "smoothing": 0.2,
    "shift": 4,
    "average": 0.995,
}
RECIPE = {
    "airbench_wide": COMMON | {"epochs": 20, "cutout": 12},
    "airbench": COMMON | {"epochs": 32, "cutout": 10},
}
"""By network: how each of the two is trained."""


def lesson_of(options: argparse.Namespace) -> Lesson:
    """Network, images and schedule: all that both sides share."""
    data = load_dataset(str(DATA / "train.parquet"), val=str(DATA / "test.parquet"), limit=options.limit)
    settings = Settings(network=options.network, epochs=options.epochs, batch=options.batch, shift=4, flip=True)
    if options.lr is not None:
        settings = replace(settings, learning_rate=options.lr)
    return prepare(data, settings)


class Pictures(TorchDataset[tuple[Tensor, int]]):
    """One image at a time: mirrored, moved by up to 4 pixels, normalised."""

    def __init__(self, lesson: Lesson) -> None:
        assert isinstance(lesson.data.views.images, Tensor)
        self.images, self.labels = lesson.data.views.images, lesson.data.labels
        self.mean, self.std = (torch.tensor(values).view(3, 1, 1) for values in (lesson.mean, lesson.std))

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        pixels = (self.images[index].float() / 255 - self.mean) / self.std
        if torch.rand(()) < 0.5:
            pixels = pixels.flip(2)
        padded = nn.functional.pad(pixels, (4, 4, 4, 4), mode="reflect")
        top, left = torch.randint(9, (2,)).tolist()
        return padded[:, top : top + 32, left : left + 32], int(self.labels[index])


class Plain:
    """The loop of a tutorial, with its state in one file."""

    def __init__(self, lesson: Lesson) -> None:
        self.lesson = lesson
        self.module = lesson.module.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
        self.loader = DataLoader(Pictures(lesson), batch_size=lesson.batch, shuffle=True, drop_last=True)
        schedule = lesson.schedule
        self.optimizer = torch.optim.AdamW(self.module.parameters(), lr=schedule.learning_rate, weight_decay=0.05)
        self.cycle = torch.optim.lr_scheduler.OneCycleLR(
            self.optimizer, schedule.learning_rate, total_steps=schedule.steps, pct_start=schedule.warm_up
        )

    def step(self, images: Tensor, labels: Tensor) -> None:
        loss = nn.functional.cross_entropy(self.module(images), labels)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        self.cycle.step()

    def run(self, metrics: Path) -> None:
        kept = metrics.with_suffix(".pt")
        rows: list[Row] = list(read_metrics(metrics)) if kept.exists() else []
        if rows:
            state = torch.load(kept, weights_only=True)
            rows = rows[: state["epochs"]]
            self.module.load_state_dict(state["module"])
            self.optimizer.load_state_dict(state["optimizer"])
            self.cycle.load_state_dict(state["cycle"])
        for epoch in range(len(rows), self.lesson.settings.epochs):
            torch.manual_seed(epoch)
            began = time.perf_counter()
            self.module.train()
            for images, labels in self.loader:
                self.step(images, labels)
            spent = time.perf_counter() - began
            rows.append(row(epoch + 1, tested(self.lesson, self.module), spent + (rows[-1]["trained"] if rows else 0)))
            parts = {"module": self.module, "optimizer": self.optimizer, "cycle": self.cycle}
            states: dict[str, Any] = {name: part.state_dict() for name, part in parts.items()}
            torch.save({**states, "epochs": len(rows)}, kept)
            write_metrics(metrics, rows)
            say("plain", rows)


def snellen(lesson: Lesson, metrics: Path) -> None:
    """The same steps through Snellen's loop."""
    looking: list[float] = []

    def look() -> Row:
        began = time.perf_counter()
        accuracy = tested(lesson, lesson.module)
        looking.append(time.perf_counter() - began)
        return {"test_accuracy": accuracy, "looked": looking[-1], "val_loss": 0.0}

    def told(rows: Sequence[Row]) -> None:
        watched, plain = 0.0, []
        for number, found in enumerate(rows, 1):
            plain.append(row(number, found["test_accuracy"], found["seconds"] - watched))
            watched += found["looked"]
        write_metrics(metrics, plain)
        say("snellen", plain)

    fit(
        lesson.module,
        lesson.losses(lesson.module),
        lesson.schedule,
        seed=0,
        checkpoint=metrics.with_suffix(".checkpoint"),
        command=lesson.command,
        watch=Watch(lesson.epoch, look, told),
    )


def tested(lesson: Lesson, module: nn.Module) -> float:
    """Test accuracy in evaluation mode, one image at a time as it is."""
    training = module.training
    found = score(module.eval(), lesson.data.val, mean=lesson.mean, std=lesson.std)
    module.train(training)
    return found.accuracy


def row(epoch: int, accuracy: float, trained: float) -> Row:
    return {"epoch": epoch, "test_accuracy": accuracy, "trained": round(trained, 2)}


def say(side: str, rows: Sequence[Row]) -> None:
    last = rows[-1]
    print(
        f"{side:8} epoch {last['epoch']:3}: {100 * last['test_accuracy']:.2f} % after {last['trained']:.0f} s",
        flush=True,
    )


def reached(rows: Sequence[Row], mark: float) -> float | None:
    """Seconds of training until the test accuracy was first at least so high."""
    return next((found["trained"] for found in rows if found["test_accuracy"] >= mark), None)


def race(options: argparse.Namespace, more: Sequence[str]) -> None:
    for side in SIDES:
        subprocess.run([sys.executable, __file__, side, *more], check=True)
    rows = {side: read_metrics(options.into / f"{side}.jsonl") for side in SIDES}
    for mark in MARKS:
        ours, plain = (reached(rows[side], mark) for side in SIDES)
        times = [
            f"{side} {'never' if t is None else f'{t:.0f} s'}" for side, t in zip(SIDES, (ours, plain), strict=True)
        ]
        many = f": {plain / ours:.2f} x" if plain is not None and ours is not None else ""
        print(f"to {100 * mark:.0f} %: {', '.join(times)}{many}")
    for side in SIDES:
        print(f"{side}: {100 * rows[side][-1]['test_accuracy']:.2f} % at the end, {rows[side][-1]['trained']:.0f} s")


def steps(options: argparse.Namespace) -> None:
    """Both sides' steps in turn, images included."""
    ours, plain = lesson_of(options), Plain(lesson_of(options))
    optimizer = ours.schedule.optimizer_of(ours.module)
    batches = iter(plain.loader)

    def one_plain() -> None:
        plain.step(*next(batches))

    number = iter(range(10_000))

    def one_ours() -> None:
        from snellen.instruments._precision import fast_bfloat16
        from snellen.training.small_maps import SmallMaps

        with torch.autocast("cpu", torch.bfloat16, enabled=fast_bfloat16(torch.device("cpu"))), SmallMaps():
            loss = ours.losses(ours.module)(next(number))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    plain.module.train()
    seconds = in_turn({"plain": one_plain, "snellen": one_ours}, rounds=options.rounds)
    for side, found in seconds.items():
        print(f"{side:8} {options.batch / statistics.median(found):7.0f} images/s, a step of {options.batch}")
    print(f"ratio {ratio(seconds, 'plain', 'snellen'):.2f} x, median of {options.rounds} rounds")


class Mean(nn.Module):
    """The mean of the probabilities of some networks, as logarithms."""

    def __init__(self, members: Sequence[nn.Module]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)

    def forward(self, images: Tensor) -> Tensor:
        """(n, 3, h, w) to (n, k); scores up to a constant."""
        return torch.stack([member(images).float().log_softmax(1) for member in self.members]).logsumexp(dim=0)


def recipe(options: argparse.Namespace) -> None:
    test = load_dataset(str(DATA / "train.parquet"), test=str(DATA / "test.parquet"), limit=1000).test
    assert test is not None
    members = []
    for network, settings in RECIPE.items():
        out = options.into / network
        data = ["--data", str(DATA / "train.parquet"), "--test", str(DATA / "test.parquet"), "--val-share", "0.02"]
        given = settings | ({} if options.limit is None else {"limit": options.limit, "epochs": options.epochs})
        words = ["snellen", "train", "classify", *data, "--out", str(out), "--network", network]
        words += [word for name, value in given.items() for word in (f"--{name}", str(value))]
        if not (out / "network.safetensors").exists():
            subprocess.run([Path(sys.executable).with_name(words[0]), *words[1:]], check=True)
        members.append(read_saved(out / "network.safetensors"))
        print(f"{network}: trained in {members[-1].story['seconds'] / 60:.0f} min")
        tell(members[-1].module, test, members[-1])
    print(f"mean of {' and '.join(RECIPE)}")
    tell(Mean([saved.module for saved in members]), test, members[0])


def tell(module: nn.Module, test: Part, saved: Saved) -> None:
    """Test accuracy: the images, then each with its mirror image, then moved by a pixel too."""
    for way, mirror, shift in (("as they are", False, 0), ("mirrored", True, 0), ("moved and mirrored", True, 1)):
        found = score(module, test, mean=saved.mean, std=saved.std, mirror=mirror, shift=shift)
        low, high = wilson(found.right, found.count)
        print(f"  {way}: {100 * found.accuracy:.2f} % ({100 * low:.2f} to {100 * high:.2f})", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=str(__doc__).split("\n", 1)[0])
    parser.add_argument("what", choices=["race", "recipe", "step", *SIDES])
    parser.add_argument("--network", default="resnet9_half")
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--lr", type=float)
    parser.add_argument("--limit", type=int, help="so many training images: to try the script")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--into", type=Path, default=Path(tempfile.gettempdir()) / "snellen-cifar10")
    options = parser.parse_args()
    if not DATA.is_dir():
        print(f"skipped: {DATA} is not there")
        return 0
    options.into.mkdir(parents=True, exist_ok=True)
    print(versions(), json.dumps({k: str(v) for k, v in vars(options).items() if k != "into"}), flush=True)
    if options.what == "race":
        race(options, sys.argv[2:])
    elif options.what == "plain":
        Plain(lesson_of(options)).run(options.into / "plain.jsonl")
    elif options.what == "snellen":
        snellen(lesson_of(options), options.into / "snellen.jsonl")
    elif options.what == "step":
        steps(options)
    else:
        recipe(options)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
