"""Weights into a module, strictly: every key fits, or all that do not are listed and nothing is changed."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from snellen._errors import NetworkError

_LISTED = 10
_WRAPPERS = ("module.", "_orig_mod.")


def apply_state(module: nn.Module, state: Mapping[str, Tensor], *, source: str) -> tuple[str, ...]:
    """Copy a state dict into the module; one sentence for each key that could be supplied without a guess.

    Two kinds of key may be absent: BatchNorm's ``num_batches_tracked``, which checkpoints from before torch
    0.4.1 lack (it only counts), and the other names of a tensor that several layers share.

    Args:
        module: what the weights are for; unchanged when they do not fit.
        state: name -> tensor.
        source: what the error message calls the weights, such as their path.

    Raises:
        NetworkError: missing, unexpected or wrongly shaped keys, all listed; NaN or infinite weights.

    >>> apply_state(nn.Linear(2, 3), {"weight": torch.zeros(3, 2), "bias": torch.zeros(3)}, source="zeros.pt")
    ()
    """
    expected = {k: v for k, v in module.state_dict(keep_vars=True).items() if isinstance(v, Tensor)}
    given = _rewrapped(state, expected)
    given, notes = _supplied(given, expected, source)
    problems = [
        *_section("missing", [_shape(k, expected[k]) for k in expected if k not in given]),
        *_section("unexpected", [_shape(k, given[k]) for k in given if k not in expected]),
        *_section("wrong shape or type", _misfits(given, expected)),
    ]
    if problems:
        raise NetworkError(
            f"{source} does not fit {type(module).__name__}: {'; '.join(problems)}. "
            f"{_prefix_hint(given, expected)}Give the weights of this architecture."
        )
    broken = [k for k, v in given.items() if v.is_floating_point() and not torch.isfinite(v).all()]
    if broken:
        raise NetworkError(
            f"{source} holds NaN or infinite weights in {len(broken)} of {len(given)} tensors: "
            f"{_listed(broken)}. Expected finite numbers; use an earlier checkpoint."
        )
    try:
        module.load_state_dict(given, strict=True)
    except RuntimeError as error:
        raise NetworkError(f"{source} cannot be loaded into {type(module).__name__}: {error}") from error
    return notes


def _rewrapped(state: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The keys with the wrapper's prefix that the module itself has, if its keys all have one."""
    given = dict(state)
    for prefix in _WRAPPERS:
        every_key = bool(expected) and all(k.startswith(prefix) for k in expected)
        if every_key and not any(k.startswith(prefix) for k in given):
            given = {prefix + k: v for k, v in given.items()}
    return given


def _supplied(
    given: dict[str, Tensor], expected: Mapping[str, Tensor], source: str
) -> tuple[dict[str, Tensor], tuple[str, ...]]:
    """The state with the keys added whose value is certain."""
    added, tied, counters = dict(given), [], []
    same = {id(expected[k]): v for k, v in given.items() if k in expected}
    for key, tensor in expected.items():
        if key in given:
            continue
        if id(tensor) in same:
            added[key] = same[id(tensor)]
            tied.append(key)
        elif key.rpartition(".")[2] == "num_batches_tracked":
            added[key] = torch.zeros_like(tensor, device="cpu")
            counters.append(key)
    notes = []
    if tied:
        notes.append(f"{source}: {len(tied)} keys share a tensor that is there under another name: {_listed(tied)}")
    if counters:
        notes.append(f"{source}: {len(counters)} BatchNorm counters (num_batches_tracked) are absent, set to 0")
    return added, tuple(notes)


def _misfits(given: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> list[str]:
    return [
        f"{_shape(key, expected[key])} got {_kind(given[key])}"
        for key in expected
        if key in given
        and (
            given[key].shape != expected[key].shape
            or given[key].is_floating_point() != expected[key].is_floating_point()
            or given[key].is_complex() != expected[key].is_complex()
        )
    ]


def _prefix_hint(given: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> str:
    """What would make the keys agree, said and not done: it may be another network's prefix."""
    for prefix in sorted({k.partition(".")[0] + "." for k in given if "." in k}):
        if {k.removeprefix(prefix) for k in given} == set(expected):
            return f"The keys would agree without the prefix {prefix!r}: save them without it. "
    return ""


def _section(title: str, entries: Sequence[str]) -> list[str]:
    return [f"{len(entries)} {title}: {_listed(entries)}"] if entries else []


def _listed(entries: Sequence[str]) -> str:
    return ", ".join(entries[:_LISTED]) + (" ..." if len(entries) > _LISTED else "")


def _shape(key: str, tensor: Tensor) -> str:
    return f"{key} {_kind(tensor)}"


def _kind(tensor: Tensor) -> str:
    sizes = " x ".join(map(str, tensor.shape)) or "scalar"
    return f"({sizes})" if tensor.is_floating_point() else f"({sizes}, {str(tensor.dtype).removeprefix('torch.')})"
