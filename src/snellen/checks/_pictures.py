"""Tensors of a check, as the pictures of a finding."""

import numpy as np
from torch import Tensor

from snellen.checks._base import Subject
from snellen.findings.evidence import HeatMap, Picture
from snellen.subject.predictions import Predictions


def picture(name: str, pixels: Tensor, *, keep_raw: bool = False, as_png: bool = False) -> Picture:
    """(c, h, w) in [0, 1] as uint8 (h, w, 3); ``keep_raw`` keeps the float values for the array file."""
    values = pixels.detach().cpu().float().numpy()
    shown = (np.clip(values, 0, 1) * 255).round().astype(np.uint8).transpose(1, 2, 0)
    coloured = np.repeat(shown, 3, axis=2) if shown.shape[2] == 1 else shown
    return Picture(name, coloured, values if keep_raw else None, as_png)


def heat_map(name: str, maps: Tensor, *, unit: str) -> HeatMap:
    """(c, h, w) of signed values as one largest absolute value a pixel, from 0 to its 99.5th percentile."""
    values = maps.detach().cpu().float().abs().amax(dim=0).numpy()
    high = float(np.quantile(values, 0.995))
    return HeatMap(name, values, 0.0, high or float(values.max()), unit, raw=maps.detach().cpu().float().numpy())


def caption(subject: Subject, row: int) -> str:
    """What an image is: its true class where that is known, else what it was taken for."""
    p = subject.predictions
    label = int(p.labels[row])
    if label >= 0:
        return f"true: {subject.network.class_name(label)}"
    return f"answer: {subject.network.class_name(int(p.predicted[row]))}"


def mark(predictions: Predictions, row: int) -> str:
    """Whether a prediction was right, wrong, or cannot be judged."""
    if predictions.labels[row] < 0:
        return "none"
    return "right" if bool(predictions.correct[row]) else "wrong"
