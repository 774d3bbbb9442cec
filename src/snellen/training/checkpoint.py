"""Where a training stands, in one file: written aside, synced and renamed, so that a kill at any moment loses little.

Everything random in our recipes is a function of the seed and the number of the step, so that weights, the state
of the optimizer and the number of the step are all there is to keep.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as to_bytes
from torch import Tensor

from snellen._atomic import write_bytes
from snellen._errors import InputError, UsageError

ENTRY = "checkpoint"


def checkpoint_path(out: str | Path) -> Path:
    """Where the checkpoint of a training that will write ``out`` lies while it runs.

    >>> checkpoint_path("nets/deshuffler.safetensors").name
    'deshuffler.safetensors.checkpoint'
    """
    return Path(f"{out}.checkpoint")


def write_checkpoint(
    path: Path, tensors: Mapping[str, Tensor], *, step: int, command: Mapping[str, Any], notes: Mapping[str, Any]
) -> None:
    """Keep a moment of a training.

    Args:
        path: of the file.
        tensors: all that the rest of the training depends on.
        step: steps done.
        command: the settings and the data; another command refuses to go on from here.
        notes: numbers that belong to the record, such as the losses so far.

    Raises:
        InputError: the disk is full or refuses; an earlier checkpoint is still there.
    """
    entry = {"step": step, "command": dict(command), "notes": dict(notes)}
    whole = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    try:
        write_bytes(path, to_bytes(whole, {ENTRY: json.dumps(entry)}))
    except OSError as error:
        last = "the last one that was written is whole" if path.exists() else "there is none yet"
        raise InputError(
            f"the checkpoint of step {step} cannot be written to {path} ({error.strerror or error}); {last}. Make "
            "room, and give the same command to go on from there."
        ) from error


def read_checkpoint(path: Path, *, command: Mapping[str, Any]) -> tuple[dict[str, Tensor], int, dict[str, Any]] | None:
    """The tensors, the step and the notes of a training to go on with; None where there is none.

    Raises:
        UsageError: it was begun by another command.
        InputError: the file is no checkpoint or is damaged.
    """
    if not path.exists():
        return None
    try:
        with safe_open(path, "pt") as file:
            entry = json.loads((file.metadata() or {})[ENTRY])
            theirs, step, notes = dict(entry["command"]), int(entry["step"]), dict(entry["notes"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, KeyError, TypeError, ValueError, SafetensorError) as error:
        raise InputError(f"{path} is no checkpoint that can be read ({error}); delete it to begin anew") from error
    differ = sorted(k for k in {*theirs, *command} if theirs.get(k) != json.loads(json.dumps(command.get(k))))
    if differ:
        said = "; ".join(f"{name} was {theirs.get(name)!r} and is {command.get(name)!r}" for name in differ[:3])
        raise UsageError(
            f"{path} was left by a training with other settings ({said}). Give the same command to go on with it, "
            "or delete it to begin anew."
        )
    return tensors, step, notes


def optimizer_tensors(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """A copy of the state of an optimizer, flat: ``optimizer.PARAMETER.NAME``."""
    return {
        f"optimizer.{number}.{name}": torch.as_tensor(value).clone()
        for number, state in optimizer.state_dict()["state"].items()
        for name, value in state.items()
    }


def restore_optimizer(optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Put back what :func:`optimizer_tensors` gave, each in the memory format of its parameter.

    A file keeps no memory formats, and a fused optimizer takes for granted that state and parameter have the same.
    """
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    state: dict[int, dict[str, Tensor]] = {}
    for key, tensor in tensors.items():
        if key.startswith("optimizer."):
            _, number, name = key.split(".", 2)
            like = parameters[int(number)]
            kept = torch.empty_like(like).copy_(tensor) if tensor.shape == like.shape else tensor
            state.setdefault(int(number), {})[name] = kept
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})


def fingerprint(*tensors: Tensor) -> str:
    """16 hexadecimal digits that tell one set of data from another."""
    digest = hashlib.sha256()
    for tensor in tensors:
        digest.update(f"{tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()[:16]
