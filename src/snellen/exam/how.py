"""How was it run? What a page says of it, so that it can be run again."""

import platform
from datetime import UTC, datetime
from typing import Any

import torch

import snellen
from snellen.instruments.detection.detector import Detector
from snellen.subject.network import Network


def how(preset: str, seed: int, seconds: float, network: Network | Detector) -> dict[str, Any]:
    """How it was run: enough to run it again."""
    return {
        "preset": preset,
        "seed": seed,
        "seconds": round(seconds, 2),
        "device": str(network.device),
        "threads": torch.get_num_threads(),
        "snellen": snellen.__version__,
        "torch": torch.__version__,
        "python": platform.python_version(),
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
    }
