"""Train SmallVGG on scikit-learn's digits; the network that Snellen ships came out of this file.

    python -m snellen.training.digits --out digits.safetensors    45 s on 2 CPU cores
    python -m snellen.training.digits --cross-validate            to choose settings, test part unseen

Held out, 500 digits measured once a seed: seed 0 498 right, seed 1 496, seed 2 495; mean accuracy 99.27 %, from
99.00 % to 99.60 %. Seed 0 ships (95 % Wilson interval 98.55 % to 99.89 %); it was named before it was measured,
and that it came out best of the three is luck. Writers are on both sides of the split, see ``digits_images``.

Chosen by 4-fold cross-validation inside the training part, seed 0: 1,289 of 1,297 right with these settings, and
1,289 with 15 degrees, 15 % and 3 pixels of augmentation. A prototype with 2.2 times the arithmetic (24, 48, 96;
hidden 96; other folds) had 1,292 right, with label smoothing 0.05 1,293 but a log loss of 0.051 instead of 0.011:
within the noise, and not worth a slower exam or dull confidence.
"""

import argparse
import hashlib
import math
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import save as to_bytes
from torch import Tensor
from torch.nn import functional as F

from snellen._errors import UsageError
from snellen._shapes import Labels, Pixels
from snellen.findings.interval import wilson
from snellen.nets.small_vgg import SmallVGG
from snellen.subject.load.digits import digit_pixels
from snellen.subject.network import Network
from snellen.subject.preprocessing import Preprocessing
from snellen.subject.quiet import quiet

# ------------------------------------------------------------------------------------------ the settings
EPOCHS = 20
BATCH = 64
LEARNING_RATE = 3e-3  # the peak of one cycle of AdamW
WEIGHT_DECAY = 0.05
ROTATION = 10.0  # degrees, either way
SCALE = 0.1  # part of the size, either way
SHIFT = 2.0  # pixels of the enlarged digit, either way
FOLDS = 4


# ------------------------------------------------------------------------------------------ the training
@dataclass(frozen=True, eq=False)
class Trained:
    """A network after its training, and the mean loss of every epoch."""

    network: Network
    losses: tuple[float, ...]


def train(
    pixels: Pixels,
    labels: Labels,
    *,
    epochs: int = EPOCHS,
    seed: int = 0,
    say: Callable[[str], object] = lambda _: None,
) -> Trained:
    """A new SmallVGG, trained on these digits; a function of its arguments alone.

    Weights, dropout, order and augmentation come from ``seed``; torch's global generator is left as it was.
    Same seed, machine and number of threads: the same weights, bit for bit.

    Raises:
        UsageError: less than one epoch, or no digits.

    >>> pixels, labels = digit_pixels("train")
    >>> len(train(pixels[:64], labels[:64], epochs=2).losses)
    2
    """
    if epochs < 1 or len(pixels) == 0:
        raise UsageError(f"training needs at least one epoch and one digit, got {epochs} and {len(pixels)}")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        generator = torch.Generator().manual_seed(seed)
        module = SmallVGG()
        network = _network(module, mean=pixels.mean().item(), std=pixels.std().item())
        optimizer = torch.optim.AdamW(module.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
        steps = math.ceil(len(pixels) / BATCH)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, total_steps=epochs * steps)
        losses = []

        for epoch in range(1, epochs + 1):
            total = 0.0
            for batch in torch.randperm(len(pixels), generator=generator).tensor_split(steps):
                scores = network.logits(augment(pixels[batch], generator))
                loss = F.cross_entropy(scores, labels[batch])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                schedule.step()
                total += loss.item() * len(batch)
            losses.append(total / len(pixels))
            say(f"epoch {epoch:2d} of {epochs}: loss {losses[-1]:.4f}")

    module.eval()
    return Trained(network, tuple(losses))


def augment(pixels: Pixels, generator: torch.Generator) -> Pixels:
    """Each digit turned, scaled and shifted a little, with paper where nothing was."""
    turn, scale, right, down = torch.rand(4, len(pixels), generator=generator) * 2 - 1
    angle, scale = turn * math.radians(ROTATION), 1 + scale * SCALE
    cos, sin = angle.cos() * scale, angle.sin() * scale
    right, down = (shift * 2 * SHIFT / pixels.shape[-1] for shift in (right, down))
    affine = torch.stack([cos, -sin, right, sin, cos, down], dim=1).view(-1, 2, 3)
    grid = F.affine_grid(affine, list(pixels.shape), align_corners=False)
    return F.grid_sample(pixels, grid, align_corners=False)


# --------------------------------------------------------------------------------------- the measurement
def count_right(network: Network, pixels: Pixels, labels: Labels) -> int:
    """How many of the digits get their own label."""
    with quiet(network.module):
        return int((network.logits(pixels).argmax(dim=1) == labels).sum())


def cross_validate(*, epochs: int = EPOCHS, seed: int = 0) -> tuple[int, int]:
    """Right answers and digits asked, each digit of the training part by a network that did not see it."""
    pixels, labels = digit_pixels("train")
    right = 0
    for fold in range(FOLDS):
        out = torch.arange(len(pixels)) % FOLDS == fold
        trained = train(pixels[~out], labels[~out], epochs=epochs, seed=seed)
        right += count_right(trained.network, pixels[out], labels[out])
    return right, len(pixels)


# -------------------------------------------------------------------------------------------- the result
def save(trained: Trained, path: Path, *, seed: int) -> dict[str, str]:
    """Measure on the held-out part and write weights and their story, which is returned.

    The file is written aside, synced and renamed: whoever is interrupted keeps the old one.
    """
    pixels, labels = digit_pixels("test")
    right = count_right(trained.network, pixels, labels)
    low, high = wilson(right, len(labels))
    story = {
        "recipe": "snellen.training.digits",
        "recipe_sha256": hashlib.sha256(_code().encode()).hexdigest(),
        "seed": str(seed),
        "epochs": str(len(trained.losses)),
        "torch": torch.__version__,
        "threads": str(torch.get_num_threads()),
        "mean": repr(trained.network.mean[0]),
        "std": repr(trained.network.std[0]),
        "held_out": str(len(labels)),
        "held_out_right": str(right),
        "held_out_accuracy": repr(right / len(labels)),
        "held_out_wilson_95": f"{low:.4f} to {high:.4f}",
    }
    tensors: dict[str, Tensor] = {k: v.contiguous() for k, v in trained.network.module.state_dict().items()}
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with aside.open("wb") as file:
            file.write(to_bytes(tensors, story))
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)
    return story


def _code() -> str:
    """This file behind its docstring, which tells results and so is written after them."""
    return Path(__file__).read_text(encoding="utf-8").split('"""', 2)[2]


def _network(module: SmallVGG, *, mean: float, std: float) -> Network:
    preprocessing = Preprocessing(size=(32, 32), interpolation="bicubic", channels="L")
    return Network(module, mean=(mean,), std=(std,), preprocessing=preprocessing)


def _line(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command line; train, measure, write."""
    summary = "Train SmallVGG on scikit-learn's digits, measure it on the held-out part, write the weights."
    parser = argparse.ArgumentParser(prog="python -m snellen.training.digits", description=summary)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--out", type=Path, help="the safetensors file to write")
    what.add_argument("--cross-validate", action="store_true", help="measure the settings inside the training part")
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    if options.cross_validate:
        right, count = cross_validate(epochs=options.epochs, seed=options.seed)
        _line(f"cross-validated: {right} of {count} right")
        return 0
    options.out.parent.mkdir(parents=True, exist_ok=True)
    trained = train(*digit_pixels("train"), epochs=options.epochs, seed=options.seed, say=_line)
    story = save(trained, options.out, seed=options.seed)
    _line(
        f"held out: {story['held_out_right']} of {story['held_out']} right, accuracy "
        f"{float(story['held_out_accuracy']):.4f} (95 % Wilson interval {story['held_out_wilson_95']}); "
        f"wrote {options.out}"
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
