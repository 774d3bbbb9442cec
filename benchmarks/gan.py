"""Generators side by side: a probability and a critic for several seeds, and one collapsed on purpose, all examined.

    python benchmarks/gan.py --into gans [--data digits] [--steps 2000] [--seeds 3] [--upsample nearest]

Each run has a folder of its own under --into, with the networks, the page of the training and ``numbers.json``; a run
that is there is not made again, and one that was killed goes on. The collapsed one is the first probability generator,
trained on against a discriminator that stands still. The last lines are the table.
"""

import argparse
import json
import time
from pathlib import Path
from typing import Any

from side_by_side import versions
from snellen._atomic import write_file
from snellen.exam.generate import examine_generator
from snellen.exam.train_gan import DISCRIMINATOR, GENERATOR, train_generator
from snellen.nets.saved import Saved, read_saved, write_saved
from snellen.report.save import save_beside
from snellen.training.gan import generator_step
from snellen.training.gan_data import GanData, load_gan_data
from snellen.training.gan_lesson import prepare
from snellen.training.gan_settings import Settings
from snellen.training.gan_state import GanState

NUMBERS = "numbers.json"
APPROACHES = ("probability", "critic")
SHOWN = (
    *("seconds", "pair_distance_ratio", "classes_made", "rarest_share", "precision", "recall", "copied_samples"),
    *("twin_samples", "frechet_distance", "frechet_distance_real", "frechet_fake", "frechet_real", "fine_power_ratio"),
)


def trained(data: GanData, settings: Settings, folder: Path) -> tuple[Saved, Saved, float]:
    """Both networks, and the seconds of the training; what is there already is taken."""
    train_generator(data, settings, folder, save=save_beside)
    generator, judge = read_saved(folder / GENERATOR), read_saved(folder / DISCRIMINATOR)
    return generator, judge, float(generator.story["seconds"])


def collapsed(data: GanData, settings: Settings, first: Path, folder: Path, steps: int) -> tuple[Saved, Saved, float]:
    """The generator of another run after so many more steps, its discriminator as it was."""
    generator, judge = read_saved(first / GENERATOR), read_saved(first / DISCRIMINATOR)
    lesson = prepare(data, settings)
    lesson.generator.load_state_dict(generator.module.state_dict())
    lesson.discriminator.load_state_dict(judge.module.state_dict())
    state, began = GanState(lesson.generator, lesson.discriminator, settings), time.perf_counter()
    for step in range(steps):
        generator_step(lesson, state, lesson.draw(step, settings.each))
    generator.module.load_state_dict(lesson.generator.state_dict())
    folder.mkdir(parents=True, exist_ok=True)
    write_saved(generator, folder / GENERATOR)
    return generator, judge, time.perf_counter() - began


def numbers(data: GanData, generator: Saved, judge: Saved, seconds: float, folder: Path) -> dict[str, Any]:
    """What the examination says, whose page lies in the folder."""
    began = time.perf_counter()
    found = examine_generator(generator, data, discriminator=judge)
    spent = time.perf_counter() - began
    found.save(folder / "examined")
    tables = [e for f in found.to_dict()["findings"] for e in f["evidence"] if e.get("title") == "Classes"]
    return {
        **{name: float(value) for name, value in found.measured.items()},
        "seconds": seconds,
        "examined_in": spent,
        "classes": [line[1] for line in tables[0]["rows"]] if tables else [],
        "alarms": [f"{f.severity}: {f.title}" for f in (*found.errors, *found.warnings)],
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=str(__doc__).split("\n", 1)[0])
    parser.add_argument("--into", type=Path, required=True)
    parser.add_argument("--data", default="digits")
    parser.add_argument("--side", type=int, default=None)
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--width", type=int, default=16)
    parser.add_argument("--upsample", default="nearest")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--fall", type=int, default=300, help="steps of the generator alone, for the collapsed one")
    options = parser.parse_args()
    print(versions(), {name: str(value) for name, value in vars(options).items()})
    data = load_gan_data(options.data, side=options.side)
    rows: dict[str, dict[str, Any]] = {}
    runs = [(approach, seed) for seed in range(options.seeds) for approach in APPROACHES]
    for approach, seed in [*runs, ("collapsed", 0)]:
        name = f"{approach}-{seed}"
        folder = options.into / name
        kept = json.loads((folder / NUMBERS).read_text("utf-8")) if (folder / NUMBERS).exists() else {}
        if kept and kept["steps"] != options.steps:
            parser.error(f"{folder} holds a run of {kept['steps']} steps; give another --into, or delete it")
        if kept:
            rows[name] = kept
        else:
            chosen = "probability" if approach == "collapsed" else approach
            settings = Settings(
                discriminator=chosen, steps=options.steps, width=options.width, upsample=options.upsample, seed=seed
            )
            if approach == "collapsed":
                made = collapsed(data, settings, options.into / "probability-0", folder, options.fall)
            else:
                made = trained(data, settings, folder)
            rows[name] = {**numbers(data, *made, folder), "steps": options.steps}
            write_file(folder / NUMBERS, json.dumps(rows[name], indent=1) + "\n")
        row = rows[name]
        print(f"{name}: classes {row['classes']}; {'; '.join(row['alarms']) or 'no alarm'}", flush=True)
    print(f"| run | {' | '.join(SHOWN)} |")
    for name, row in rows.items():
        print(f"| {name} | {' | '.join(format(row[key], '.4g') if key in row else '' for key in SHOWN)} |")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
