"""Digits for exercise 2b: every second training label is wrong, so that there is something to learn by heart.

python docs/exams/in5400_exercise_2b.py digits-2b.npz
"""

import sys
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

TRAIN, VAL = 300, 997


def write(path: Path) -> None:
    """300 digits to train on, 997 to judge by and 500 for the end, of 8 x 8 pixels; only the 300 have wrong labels."""
    digits = load_digits()
    order = np.random.default_rng(0).permutation(len(digits.target))
    images = (digits.images[order] * 15.9375).astype(np.uint8)
    labels = digits.target[order]
    parts = {"train": slice(TRAIN), "val": slice(TRAIN, TRAIN + VAL), "test": slice(TRAIN + VAL, None)}
    arrays = {f"{part}_images": images[rows] for part, rows in parts.items()}
    arrays |= {f"{part}_labels": labels[rows].copy() for part, rows in parts.items()}
    wrong = arrays["train_labels"][::2]
    wrong[:] = (wrong + np.random.default_rng(1).integers(1, 10, len(wrong))) % 10
    np.savez(path, **arrays)  # type: ignore[arg-type]


if __name__ == "__main__":
    write(Path(sys.argv[1]))
