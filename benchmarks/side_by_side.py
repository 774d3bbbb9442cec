"""Two or more ways to do one thing, timed in turn in one process; ratios are taken round by round."""

import platform
import statistics
import time
from collections.abc import Callable, Mapping
from importlib import metadata
from typing import Any

import torch


def versions(*packages: str) -> str:
    """One line: what ran, with how many threads."""
    names = [f"{p} {metadata.version(p)}" for p in ("torch", *packages)]
    return f"Python {platform.python_version()}, {', '.join(names)}, {torch.get_num_threads()} threads"


def in_turn(
    ways: Mapping[str, Callable[[], Any]], *, rounds: int, warm: Callable[[], object] | None = None
) -> dict[str, list[float]]:
    """Seconds of each way, round by round, after one warm-up of each, or what ``warm`` does in their place."""
    for begin in ways.values() if warm is None else [warm]:
        begin()
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            began = time.perf_counter()
            way()
            seconds[name].append(time.perf_counter() - began)
    return seconds


def ratio(seconds: Mapping[str, list[float]], slow: str, fast: str) -> float:
    """Median over the rounds of slow / fast."""
    return statistics.median(a / b for a, b in zip(seconds[slow], seconds[fast], strict=True))
