"""How well and how fast the de-shuffler puts 4,000 images together whose permutations it was never given.

    python benchmarks/deshuffle.py train           the commands a user would give, timed; then everything below
    python benchmarks/deshuffle.py judge FILE ...  networks that are there already

The truth comes from beside the archive: its images are the first 16,000 of cifar10-jpeg/train.parquet, and the
permutations of the last 4,000 are not in it. What the network is fed is the archive alone.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from side_by_side import versions
from snellen.findings.interval import wilson
from snellen.nets.saved import Saved, read_saved
from snellen.puzzles.arranger import NetworkScorer
from snellen.puzzles.edges import edge_scores
from snellen.puzzles.grid import Grid
from snellen.puzzles.load import Puzzles, load_puzzles
from snellen.puzzles.measure import measure
from snellen.puzzles.restore import Scorer, put_together, solve_images
from snellen.subject.load.images import load_images

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
ARCHIVE = DATA / "home-exam" / "DataShuffled.npz"
KNOWN, ALL = 12_000, 16_000
GAPS = (0, 2, 4, 6, 8)
COURSES = {
    "pairs.safetensors": [],
    "touching.safetensors": ["--gap", "0", "--steps", "2400"],
    "classifier.safetensors": ["--model", "classifier", "--batch-size", "128", "--steps", "3000"],
}


def truth() -> Tensor:
    """(4000, 3, 32, 32) uint8, the images whose permutations are lost, before they were shuffled."""
    images = load_images(DATA / "cifar10-jpeg" / "train.parquet")
    return (images.pixels(indices=range(KNOWN, ALL)) * 255).round().to(torch.uint8)


def said(right: int, asked: int) -> str:
    low, high = wilson(right, asked)
    return f"{right} of {asked} = {100 * right / asked:.2f} % ({100 * low:.2f} to {100 * high:.2f})"


def at_gaps(name: str, scorer: Scorer, whole: Tensor, gaps: Sequence[int]) -> None:
    for gap in gaps:
        found = measure(scorer, whole, Grid(2, 2), gap=gap)
        print(
            f"{name:24} gap {gap} px: images {said(found.images, found.asked)}, quarters "
            f"{said(found.pieces, 4 * found.asked)}",
            flush=True,
        )


def as_lost(name: str, puzzles: Puzzles, scorer: Scorer, whole: Tensor) -> None:
    """The archive as it is: are the restored pixels those of the original?"""
    lost = puzzles.unknown
    solve_images(puzzles, scorer, lost[:512])
    seconds = []
    for _ in range(5):
        began = time.perf_counter()
        found = solve_images(puzzles, scorer, lost)
        seconds.append(time.perf_counter() - began)
    restored = put_together(puzzles.images[lost], found.permutations.numpy(), puzzles.grid)
    right = int((restored == whole.permute(0, 2, 3, 1).numpy()).all(axis=(1, 2, 3)).sum())
    rate = len(lost) / statistics.median(seconds)
    print(f"{name:24} the lost {len(lost)}: pixels of the original {said(right, len(lost))}; {rate:,.0f} images/s")


def judge(path: Path, puzzles: Puzzles, whole: Tensor) -> None:
    saved: Saved = read_saved(path)
    scorer = NetworkScorer(saved)
    story = saved.story
    print(
        f"\n{path.name}: {sum(p.numel() for p in saved.module.parameters()):,} parameters, trained in "
        f"{story['seconds'] / 60:.1f} min with {story['threads']} threads, {story['command']['steps']} steps of "
        f"{story['command']['batch']}; held back {story.get('held_back')}"
    )
    if saved.about["gap"][0] == 0:
        as_lost(path.name, puzzles, scorer, whole)
    at_gaps(path.name, scorer, whole, GAPS if scorer.arranger.in_pairs else GAPS[:1])


def main() -> int:
    parser = argparse.ArgumentParser(description=str(__doc__).split("\n", 1)[0])
    parser.add_argument("what", choices=["train", "judge", "edges"])
    parser.add_argument("networks", nargs="*", type=Path)
    parser.add_argument("--only", choices=list(COURSES), help="train: this one alone")
    parser.add_argument("--into", type=Path, default=Path(tempfile.gettempdir()) / "snellen-deshuffle")
    options = parser.parse_args()
    if not ARCHIVE.is_file():
        print(f"skipped: {ARCHIVE} is not there")
        return 0
    print(versions("numpy", "scipy"), f"threads {torch.get_num_threads()}")
    networks = list(options.networks)
    if options.what == "train":
        for name, settings in COURSES.items():
            if options.only in (None, name):
                command = ["snellen", "train", "deshuffle", "--data", str(ARCHIVE), "--out", str(options.into / name)]
                print(" ".join([*command[:3], "--data DataShuffled.npz --out", name, *settings]), flush=True)
                subprocess.run([Path(sys.executable).with_name(command[0]), *command[1:], *settings], check=True)
                networks.append(options.into / name)
    whole, puzzles = truth(), load_puzzles(ARCHIVE)
    assert np.array_equal(puzzles.unknown, np.arange(KNOWN, ALL))
    as_lost("edges alone", puzzles, edge_scores, whole)
    at_gaps("edges alone", edge_scores, whole, GAPS)
    for path in networks:
        judge(path, puzzles, whole)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
