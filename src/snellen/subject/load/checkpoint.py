"""Weights from a file, never running what the file says: the state dict inside, and what was around it."""

import os
import re
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from pickle import UnpicklingError

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from snellen._errors import NetworkError
from snellen.subject.load.published import Progress, fetch, is_url

_NESTS = ("state_dict", "model_state_dict", "model_state", "model", "net")
_PREFIXES = {"module.": "DataParallel", "_orig_mod.": "torch.compile"}
_ZIP_FACTOR, _ZIP_ALLOWANCE = 4, 64 << 20


def load_state(
    source: str | os.PathLike[str], *, sha256: str = "", progress: Progress | None = None
) -> tuple[dict[str, Tensor], tuple[str, ...]]:
    """The tensors of a weights file by name, and one sentence for each wrapper that was taken off.

    The format is known by the content: safetensors, or what ``torch.save`` writes. The latter is read with
    ``weights_only=True``, so a file that asks to run code is refused. Understood and reported: a dict around
    the state dict (``state_dict``, ``model_state_dict``, ``model_state``, ``model``, ``net``), and the
    prefixes ``module.`` of DataParallel and ``_orig_mod.`` of torch.compile.

    Args:
        source: a path, or a URL (http, https, file), which is kept in the cache.
        sha256: for a URL, the digits with which the file's SHA-256 must begin.
        progress: for a URL, called with (bytes so far, bytes in all or None).

    Raises:
        NetworkError: no such file; empty, truncated or no checkpoint; it wants to run code; a zip bomb.

    >>> state, notes = load_state("resnet20.th")  # doctest: +SKIP
    >>> notes  # doctest: +SKIP
    ("resnet20.th: took the entry 'state_dict'", "resnet20.th: removed the prefix 'module.' (DataParallel)")
    """
    notes = []
    if is_url(source):
        path = fetch(str(source), sha256=sha256, progress=progress)
        notes.append(f"weights from {source}, kept at {path}")
    else:
        path = Path(source).expanduser()
    loaded = _read(path)
    state, unwrapped = _unwrap(loaded, path)
    return state, (*notes, *unwrapped)


def _read(path: Path) -> object:
    """Whatever the file holds, by its first bytes."""
    if not path.is_file():
        raise NetworkError(f"no weights file at {path}{' (it is a folder)' if path.is_dir() else ''}; check the path")
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(64)
    if size == 0:
        raise NetworkError(f"{path} is empty; was it saved or copied completely?")
    if head.startswith(b"version https://git-lfs"):
        raise NetworkError(f"{path} is a Git LFS pointer, not the weights; fetch them with `git lfs pull`")
    if head[8:9] == b"{":
        return _read_safetensors(path)
    if head.startswith(b"PK"):
        _check_zip(path, size)
        return _read_torch(path)
    if head.startswith(b"\x80"):
        return _read_torch(path)
    if path.suffix.lower() == ".onnx":
        raise NetworkError(
            f"{path} is ONNX: a graph, and not the weights of a PyTorch module. Save the module's own weights "
            "where it was exported: safetensors, or torch.save(module.state_dict(), path)."
        )
    raise NetworkError(
        f"{path} is no checkpoint: expected safetensors or a file written by torch.save, got one that begins "
        f"with {head[:16]!r}. A web page saved under this name? Get the file again."
    )


def _read_safetensors(path: Path) -> object:
    try:
        return safetensors.torch.load_file(path)
    except (safetensors.SafetensorError, OSError, ValueError) as error:
        raise NetworkError(
            f"{path} is no readable safetensors file (truncated?): {error}. Get the file again."
        ) from error


def _check_zip(path: Path, size: int) -> None:
    """Refuse an archive that declares far more than it can honestly hold: torch.save does not compress."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise NetworkError(
            f"{path} is truncated or damaged: a file written by torch.save is expected to be a whole zip, "
            f"got: {error}. Get the file again."
        ) from error
    declared, allowed = sum(member.file_size for member in members), _ZIP_FACTOR * size + _ZIP_ALLOWANCE
    if declared > allowed:
        raise NetworkError(
            f"{path} was refused as a zip bomb: {size:,} bytes declare {declared:,} bytes, more than "
            f"the {allowed:,} allowed. torch.save does not compress; save the weights again with it."
        )


def _read_torch(path: Path) -> object:
    try:
        # An open file, because torch would judge a path by its suffix and this format is known by its content.
        with path.open("rb") as file, warnings.catch_warnings():
            # Told below in our own words: such a file is refused or it loads.
            warnings.filterwarnings("ignore", message="Detected pickle protocol|.*TorchScript archive")
            return torch.load(file, map_location="cpu", weights_only=True)
    except UnpicklingError as error:
        raise NetworkError(_refusal(path, str(error))) from error
    except Exception as error:
        if "TorchScript" in str(error):
            raise NetworkError(
                f"{path} was refused: it is a TorchScript archive, which is a program. "
                "Expected weights alone: save module.state_dict(), best as safetensors."
            ) from error
        raise NetworkError(
            f"{path} is truncated, damaged or no checkpoint ({type(error).__name__}: {str(error)[:200]}). "
            "Get the file again."
        ) from error


def _refusal(path: Path, message: str) -> str:
    wanted = re.search(r"GLOBAL (\S+)", message)
    if wanted is None:
        detail = "it holds a pickle that is not made of tensors alone"
    elif wanted[1].startswith(("torch.nn.modules.", "__main__.")):
        detail = f"it needs {wanted[1]}: it holds a whole pickled module, or other objects, not weights alone"
    else:
        detail = f"it asks to call {wanted[1]}, and whatever a pickle calls runs on this machine"
    return (
        f"{path} was refused, and nothing in it was run: {detail}. Expected tensors alone. If you trust the "
        "file, take the weights out where it was made: torch.save(module.state_dict(), path), or safetensors."
    )


def _unwrap(loaded: object, path: Path) -> tuple[dict[str, Tensor], tuple[str, ...]]:
    notes = []
    while isinstance(loaded, Mapping) and not any(isinstance(v, Tensor) for v in loaded.values()):
        nests = [key for key in _NESTS if isinstance(loaded.get(key), Mapping)]
        if len(nests) > 1:
            raise NetworkError(
                f"{path} holds several state dicts ({', '.join(nests)}); "
                "expected one. Save the one you mean on its own."
            )
        if not nests:
            break
        notes.append(f"{path.name}: took the entry {nests[0]!r}")
        loaded = loaded[nests[0]]
    state = _tensors(loaded, path)
    while prefix := next((p for p in _PREFIXES if all(key.startswith(p) for key in state)), None):
        state = {key.removeprefix(prefix): tensor for key, tensor in state.items()}
        notes.append(f"{path.name}: removed the prefix {prefix!r} ({_PREFIXES[prefix]})")
    return state, tuple(notes)


def _tensors(loaded: object, path: Path) -> dict[str, Tensor]:
    if not isinstance(loaded, Mapping):
        raise NetworkError(f"{path} should hold a state dict (name -> tensor), got {type(loaded).__name__}")
    others = [str(key) for key, value in loaded.items() if not isinstance(value, Tensor)]
    if others or not loaded:
        got = f"entries that are no tensors: {', '.join(others[:10])}" if others else "nothing"
        raise NetworkError(
            f"{path} should hold a state dict (name -> tensor), possibly under one of {', '.join(_NESTS)}; "
            f"got {got}. Save module.state_dict() on its own."
        )
    return {str(key): tensor.detach() for key, tensor in loaded.items()}
