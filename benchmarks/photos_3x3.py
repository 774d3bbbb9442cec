"""3 x 3 puzzles of 96-pixel crops of photographs that the network never saw, ours against the edges alone.

    python benchmarks/photos_3x3.py [--steps 500] [--network FILE]

200 photographs, split by photograph: 160 to train on, 40 to ask about. Each of the 40 is asked five times at a random
place and scale (from its own resolution to the whole short side), and five times at its own resolution.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from side_by_side import versions
from snellen.findings.interval import wilson
from snellen.nets.saved import read_saved
from snellen.puzzles.arranger import NetworkScorer
from snellen.puzzles.edges import edge_scores
from snellen.puzzles.grid import Grid
from snellen.puzzles.measure import measure
from snellen.puzzles.restore import Scorer
from snellen.subject.images import Images
from snellen.subject.load.images import load_images
from snellen.training import course
from snellen.training.augment import Views
from snellen.training.deshuffle import Settings
from snellen.training.sources import from_images

PHOTOS = Path(__file__).resolve().parents[2] / "shared" / "data" / "imagenet-photos"
GRID, SIDE, CROPS, ASKED = Grid(3, 3), 96, 5, 40
GAPS = (0, 2, 4, 8)


def puzzles(photos: Images) -> dict[str, Tensor]:
    """Crops of photographs, uint8 (n, 3, 96, 96), by how they were taken."""
    generator = torch.Generator().manual_seed(0)
    rows = torch.arange(len(photos)).repeat(CROPS)
    whole = [photos.pixels(indices=[i])[0] for i in range(len(photos))]
    full = [(image * 255).round().to(torch.uint8) for image in whole]
    scaled = Views(full, (SIDE, SIDE)).augmented(rows, generator)
    native = []
    for row in rows.tolist():
        top, left = (int(torch.randint(n - SIDE + 1, (), generator=generator)) for n in full[row].shape[1:])
        native.append(full[row][:, top : top + SIDE, left : left + SIDE])
    scaled = (scaled * 255).round().clamp(0, 255).to(torch.uint8)
    return {"random scale": scaled, "own resolution": torch.stack(native)}


def report(name: str, scorer: Scorer, sets: dict[str, Tensor]) -> None:
    for how, images in sets.items():
        for gap in GAPS:
            found = measure(scorer, images, GRID, gap=gap)
            low, high = wilson(found.images, found.asked)
            print(
                f"{name:12} {how:15} gap {gap}: whole images {found.images} of {found.asked} = "
                f"{100 * found.images / found.asked:.1f} % ({100 * low:.1f} to {100 * high:.1f}), pieces "
                f"{100 * found.pieces / (9 * found.asked):.2f} %",
                flush=True,
            )


def main() -> int:
    parser = argparse.ArgumentParser(description=str(__doc__).split("\n", 1)[0])
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--network", type=Path, help="one that is there already")
    options = parser.parse_args()
    if not PHOTOS.is_dir():
        print(f"skipped: {PHOTOS} is not there")
        return 0
    print(versions("numpy", "scipy"))
    photos = load_images(PHOTOS)
    asked = np.sort(np.random.default_rng(0).permutation(len(photos))[:ASKED])
    sets = puzzles(photos.subset(asked))
    report("edges alone", edge_scores, sets)
    if options.network is None:
        others = photos.subset(np.setdiff1d(np.arange(len(photos)), asked))
        settings = Settings(grid=GRID, gap=(0, 4), steps=options.steps, batch=8)
        with tempfile.TemporaryDirectory() as fresh:
            path = Path(fresh) / "photos.safetensors"
            course.deshuffler(from_images(others, GRID, side=SIDE, seed=0), settings, path)
            saved = read_saved(path)
    else:
        saved = read_saved(options.network)
    print(f"trained for {saved.story['seconds'] / 60:.1f} min with {saved.story['threads']} threads")
    report("network", NetworkScorer(saved), sets)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
