"""Networks that we trained, as one safetensors file: weights, how to build the module, what it was fed, its story."""

import json
from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as to_bytes
from torch import nn

from snellen._atomic import write_bytes
from snellen._errors import NetworkError, unknown
from snellen.nets.airbench import Airbench
from snellen.nets.deshuffler import Deshuffler
from snellen.nets.detector import GridDetector, SingleDetector
from snellen.nets.discriminator import Discriminator
from snellen.nets.generator import Generator
from snellen.nets.resnet9 import ResNet9
from snellen.nets.small_vgg import SmallVGG
from snellen.nets.staged_classifier import StagedClassifier
from snellen.nets.vgg import VGGS

KINDS: Mapping[str, Callable[..., nn.Module]] = MappingProxyType(
    {
        "airbench": Airbench,
        "deshuffler": Deshuffler,
        "grid_detector": GridDetector,
        "discriminator": Discriminator,
        "generator": Generator,
        "resnet9": ResNet9,
        "single_detector": SingleDetector,
        "small_vgg": SmallVGG,
        "staged_classifier": StagedClassifier,
        **VGGS,
    }
)
"""Kind -> what builds the module from its settings."""
ENTRY = "snellen"
"""The key of the file's metadata that holds all but the weights, as JSON."""
FORMAT = 1
"""Counts up when a file of before cannot be read any more."""


@dataclass(frozen=True, eq=False)
class Saved:
    """A trained network as it lies in a file.

    Args:
        module: with its weights.
        kind: one of :data:`KINDS`.
        settings: what the kind was built with.
        task: what it was trained for, such as ``deshuffle``; decides how it is used.
        mean: per channel, in units of [0, 1].
        std: likewise.
        about: what else its use needs (the grid of a de-shuffler, the names of classes), as JSON can hold it.
        story: how it came to be: recipe, seed, data, what was measured.
    """

    module: nn.Module
    _: KW_ONLY
    kind: str
    settings: Mapping[str, Any]
    task: str
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)
    about: Mapping[str, Any] = field(default_factory=dict)
    story: Mapping[str, Any] = field(default_factory=dict)


def write_saved(saved: Saved, path: str | Path) -> Path:
    """Write the file, whole or not at all."""
    entry = {
        "format": FORMAT,
        "kind": saved.kind,
        "settings": dict(saved.settings),
        "task": saved.task,
        "mean": list(saved.mean),
        "std": list(saved.std),
        "about": dict(saved.about),
        "story": dict(saved.story),
    }
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in saved.module.state_dict().items()}
    return write_bytes(path, to_bytes(tensors, {ENTRY: json.dumps(entry, allow_nan=False)}))


def is_saved(path: str | Path) -> bool:
    """Whether a file is one of ours: a safetensors file that says how to build its module."""
    return Path(path).suffix.lower() == ".safetensors" and Path(path).is_file() and _entry(Path(path)) is not None


def read_saved(path: str | Path) -> Saved:
    """Build the module a file speaks of and load its weights; the module comes in evaluation mode.

    Raises:
        NetworkError: no such file, not one of ours, an unknown kind, weights that do not fit.
    """
    path = Path(path)
    if not path.is_file():
        raise NetworkError(f"no file at {path}; expected a network that 'snellen train' wrote")
    entry = _entry(path)
    if entry is None:
        raise NetworkError(
            f"{path} does not say how to build its network; expected a file that 'snellen train' wrote. Name the "
            f"module and give this file as its weights: PATH.py:FACTORY --weights {path}"
        )
    if entry.get("format") != FORMAT:
        raise NetworkError(
            f"{path} is of another version of Snellen: expected format {FORMAT}, got "
            f"{entry.get('format')}; train it again"
        )
    try:
        kind, settings = str(entry["kind"]), dict(entry["settings"])
        if kind not in KINDS:
            raise NetworkError(f"{path} is of another version of Snellen: {unknown('kind of network', kind, KINDS)}")
        with torch.random.fork_rng(devices=[]):
            module = KINDS[kind](**settings)
        with safe_open(path, "pt") as file:
            module.load_state_dict({name: file.get_tensor(name) for name in file.keys()})  # noqa: SIM118
        return Saved(
            module.eval(),
            kind=kind,
            settings=settings,
            task=str(entry["task"]),
            mean=tuple(map(float, entry["mean"])),
            std=tuple(map(float, entry["std"])),
            about=dict(entry["about"]),
            story=dict(entry["story"]),
        )
    except (KeyError, TypeError, ValueError, RuntimeError, SafetensorError) as error:
        raise NetworkError(
            f"{path} cannot be used, it may be of another version or damaged; train it again: {error}"
        ) from error


def _entry(path: Path) -> dict[str, Any] | None:
    try:
        with safe_open(path, "pt") as file:
            text = (file.metadata() or {}).get(ENTRY)
        entry = None if text is None else json.loads(text)
    except (OSError, ValueError, SafetensorError) as error:
        raise NetworkError(
            f"{path} cannot be read as a safetensors file ({error}); it may be damaged: copy or train it again"
        ) from error
    return entry if isinstance(entry, dict) else None
