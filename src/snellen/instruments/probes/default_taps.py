"""Where features are taken when nobody says: the end of every stage, and what the last linear layer is given."""

from contextlib import ExitStack
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from snellen._errors import UsageError
from snellen._shapes import Pixels
from snellen.instruments.probes.taps import INPUT, MOST, run_view
from snellen.instruments.probes.views import views_of
from snellen.subject.network import Network
from snellen.subject.quiet import quiet


@dataclass(frozen=True)
class _Seen:
    """A module that has finished: its name, the shape of its output, its kind, whether others are inside it."""

    name: str
    shape: tuple[int, ...]
    kind: str
    leaf: bool


def default_taps(network: Network, pixels: Pixels) -> tuple[str, ...]:
    """At most six places from the front of a network to its end, in the order of execution.

    They are the last output before the size of the maps changes (every few blocks of a network of tokens, every hidden
    layer of one of vectors), and what goes into the last linear layer, the penultimate features. Several views share
    the six places. A module that is called more than once is not among them.

    Args:
        network: left exactly as it was.
        pixels: (n, c, h, w) a few images; they are run once.

    Raises:
        NetworkError: the network raised.
        UsageError: no place was found.

    >>> default_taps(Network(nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(36, 2))),
    ...              torch.rand(1, 3, 5, 5))
    ('1', '3:input')
    """
    found: list[str] = []
    views = views_of(network.module)
    with torch.inference_mode(), quiet(network.module):
        inputs = network.normalise(pixels.to(network.device))
        for view, module in views.items():
            names = _of_one(_finished(network, module, inputs), max(2, MOST // len(views)))
            found += [f"{view}/{name}" if view else name for name in names]
    if not found:
        raise UsageError(f"no place to take features was found in {network.name}; name one (taps=, --tap)")
    return tuple(found[:MOST]) if len(views) == 1 else tuple(found)


def _finished(network: Network, module: nn.Module, inputs: Tensor) -> list[_Seen]:
    """The submodules that were called once, in the order in which they finished."""
    seen: list[_Seen] = []
    with ExitStack() as stack:
        for name, submodule in module.named_modules():
            leaf = not any(True for _ in submodule.children())

            def note(m: nn.Module, _: Any, output: Any, name: str = name, leaf: bool = leaf) -> None:
                shape = tuple(output.shape) if isinstance(output, Tensor) else ()
                seen.append(_Seen(name, shape, type(m).__name__, leaf))

            stack.callback(submodule.register_forward_hook(note).remove)
        run_view(network, module, inputs)
    names = [s.name for s in seen]
    return [s for s in seen if s.name and names.count(s.name) == 1]


def _of_one(seen: list[_Seen], most: int) -> list[str]:
    linear = [i for i, s in enumerate(seen) if s.kind == "Linear"]
    last = seen[linear[-1]].name + INPUT if linear else None
    before = seen[: linear[-1]] if linear else seen
    stages = _ends_of_stages([s for s in before if len(s.shape) == 4])
    if last is not None:
        stages = [s for s in stages if s.shape[2:] != (1, 1)]
    names = [s.name for s in stages] or _blocks(before)
    if not names and len(linear) > 1:
        names = [seen[i].name + INPUT for i in linear[1:-1]]
    room = most - (last is not None)
    names = names[-room:] if room else []
    return names if last is None else [*names, last]


def _ends_of_stages(maps: list[_Seen]) -> list[_Seen]:
    ends = [here for here, there in pairwise(maps) if here.shape[2:] != there.shape[2:]]
    return ends + maps[-1:]


def _blocks(seen: list[_Seen]) -> list[str]:
    """Up to four of the modules of tokens that are built alike and have others inside, evenly spaced, the last one."""
    inside = [s for s in seen if len(s.shape) == 3 and not s.leaf]
    kinds = [s.kind for s in inside]
    commonest = max(kinds, key=kinds.count, default="")
    alike = [s.name for s in inside if s.kind == commonest]
    count = min(4, len(alike))
    return [alike[(i + 1) * len(alike) // count - 1] for i in range(count)]
